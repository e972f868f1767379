//! Resource limits, by the names of setrlimit(2).

use std::fmt;

use super::suggest;

/// The sixteen limits of Linux, in the order of their numbers in `asm-generic/resource.h`, which is also that of
/// `/proc/PID/limits`. macOS has nine of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// CPU time, in seconds.
    Cpu,
    /// Size of a file, in bytes.
    Fsize,
    /// Data segment and private mappings, in bytes.
    Data,
    /// Stack of the main thread, in bytes; also caps arguments and environment at a quarter of it.
    Stack,
    /// Size of a core file, in bytes.
    Core,
    /// Resident set, in bytes; without effect since Linux 2.4.30.
    Rss,
    /// Processes and threads of the real user.
    Nproc,
    /// One more than the highest file descriptor.
    Nofile,
    /// Locked memory, in bytes.
    Memlock,
    /// Address space, in bytes.
    As,
    /// File locks; without effect since Linux 2.4.25.
    Locks,
    /// Queued signals of the real user.
    Sigpending,
    /// POSIX message queues of the real user, in bytes.
    Msgqueue,
    /// Ceiling of the nice value, as 20 - nice.
    Nice,
    /// Ceiling of the real-time priority.
    Rtprio,
    /// CPU time under a real-time policy without a blocking call, in microseconds.
    Rttime,
}

impl Resource {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 16] = [
        Self::Cpu,
        Self::Fsize,
        Self::Data,
        Self::Stack,
        Self::Core,
        Self::Rss,
        Self::Nproc,
        Self::Nofile,
        Self::Memlock,
        Self::As,
        Self::Locks,
        Self::Sigpending,
        Self::Msgqueue,
        Self::Nice,
        Self::Rtprio,
        Self::Rttime,
    ];

    /// The name of setrlimit(2) in lower case, without `RLIMIT_`, as in `docker run --ulimit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Fsize => "fsize",
            Self::Data => "data",
            Self::Stack => "stack",
            Self::Core => "core",
            Self::Rss => "rss",
            Self::Nproc => "nproc",
            Self::Nofile => "nofile",
            Self::Memlock => "memlock",
            Self::As => "as",
            Self::Locks => "locks",
            Self::Sigpending => "sigpending",
            Self::Msgqueue => "msgqueue",
            Self::Nice => "nice",
            Self::Rtprio => "rtprio",
            Self::Rttime => "rttime",
        }
    }

    /// Finds a limit by its name.
    ///
    /// # Errors
    /// Names the nearest limit, where one is near.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|resource| resource.name() == text).ok_or_else(|| {
            let plain = text.to_ascii_lowercase().replace("rlimit_", "");
            format!("unknown limit `{}`{}", text.escape_debug(), suggest::hint(&plain, Self::ALL.map(Self::name)))
        })
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The value of one side of a limit. Ordered: no limit is above every number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// A number, in the unit of its resource.
    Value(u64),
    /// No limit, `RLIM_INFINITY`.
    Unlimited,
}

impl Limit {
    /// Parses `unlimited` or a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "unlimited" { Some(Self::Unlimited) } else { text.parse().ok().map(Self::Value) }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => value.fmt(f),
            Self::Unlimited => f.pad("unlimited"),
        }
    }
}

/// Both sides of a limit, as getrlimit(2) gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// What the kernel enforces.
    pub soft: Limit,
    /// How far the process itself may raise the soft limit.
    pub hard: Limit,
}

impl Limits {
    /// The value of one side.
    #[must_use]
    pub fn side(self, side: Side) -> Limit {
        match side {
            Side::Soft => self.soft,
            Side::Hard => self.hard,
        }
    }
}

/// Which of the two values of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The limit in force, `rlim_cur`.
    Soft,
    /// The ceiling of the soft one, `rlim_max`.
    Hard,
}

impl Side {
    /// `soft` or `hard`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_found_by_its_own_name() {
        for resource in Resource::ALL {
            assert_eq!(Resource::parse(resource.name()), Ok(resource));
        }
        assert_eq!(
            Resource::parse("RLIMIT_NOFILE").unwrap_err(),
            "unknown limit `RLIMIT_NOFILE`, did you mean `nofile`?"
        );
        assert_eq!(Resource::parse("speed").unwrap_err(), "unknown limit `speed`");
    }

    #[test]
    fn no_limit_is_above_every_number() {
        assert!(Limit::Unlimited > Limit::Value(u64::MAX));
        assert!(Limit::Value(2) > Limit::Value(1));
    }
}
