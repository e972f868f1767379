//! Signals by name and number.

use std::fmt;

use super::suggest;

/// A signal of Linux or macOS: 1 to 64, where 34 to 64 are the realtime ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

/// The first realtime signal as glibc, Docker and kill(1) count them: musl's own is 35, but a service under
/// `docker kill --signal RTMIN+3` expects what the rest of the world means, 37.
const FIRST_REALTIME: i32 = 34;

/// The last one.
const LAST: i32 = 64;

/// The names of signal(7), without `SIG` and in lower case; the numbers are this system's own.
const NAMES: [(&str, i32); 29] = [
    ("hup", libc::SIGHUP),
    ("int", libc::SIGINT),
    ("quit", libc::SIGQUIT),
    ("ill", libc::SIGILL),
    ("trap", libc::SIGTRAP),
    ("abrt", libc::SIGABRT),
    ("bus", libc::SIGBUS),
    ("fpe", libc::SIGFPE),
    ("kill", libc::SIGKILL),
    ("usr1", libc::SIGUSR1),
    ("segv", libc::SIGSEGV),
    ("usr2", libc::SIGUSR2),
    ("pipe", libc::SIGPIPE),
    ("alrm", libc::SIGALRM),
    ("term", libc::SIGTERM),
    ("chld", libc::SIGCHLD),
    ("cont", libc::SIGCONT),
    ("stop", libc::SIGSTOP),
    ("tstp", libc::SIGTSTP),
    ("ttin", libc::SIGTTIN),
    ("ttou", libc::SIGTTOU),
    ("urg", libc::SIGURG),
    ("xcpu", libc::SIGXCPU),
    ("xfsz", libc::SIGXFSZ),
    ("vtalrm", libc::SIGVTALRM),
    ("prof", libc::SIGPROF),
    ("winch", libc::SIGWINCH),
    ("io", libc::SIGIO),
    ("sys", libc::SIGSYS),
];

/// Two that only Linux has: their numbers are something else on macOS.
const ONLY_LINUX: [(&str, i32); 2] = [("stkflt", 16), ("pwr", 30)];

fn names() -> impl Iterator<Item = (&'static str, i32)> {
    let free = |number: i32| NAMES.iter().all(|&(_, taken)| taken != number);
    NAMES.into_iter().chain(ONLY_LINUX.into_iter().filter(move |&(_, number)| free(number)))
}

impl Signal {
    /// The signal with this number, if there is one.
    #[must_use]
    pub fn new(number: i32) -> Option<Self> {
        (1..=LAST).contains(&number).then_some(Self(number))
    }

    /// Its number in signal(7).
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    /// Reads `15`, `TERM`, `SIGTERM`, `RTMIN+3` or `SIGRTMAX-1`, in either case.
    ///
    /// # Errors
    /// Says in one sentence what is wrong, with the nearest name.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse::<i32>() {
            return Self::new(number).ok_or_else(|| format!("expected a signal from 1 to {LAST} but found `{number}`"));
        }
        let lower = text.to_ascii_lowercase();
        let short = lower.strip_prefix("sig").unwrap_or(&lower);
        let named = names().find(|&(name, _)| name == short).map(|(_, number)| number);
        named.or_else(|| realtime(short)).and_then(Self::new).ok_or_else(|| {
            format!("unknown signal `{}`{}", text.escape_debug(), suggest::hint(short, names().map(|(name, _)| name)))
        })
    }
}

/// The number of `RTMIN+N` or `RTMAX-N`.
fn realtime(short: &str) -> Option<i32> {
    let offset = |text: &str| if text.is_empty() { Some(0) } else { text.get(1..)?.parse::<u8>().ok().map(i32::from) };
    let number = if let Some(rest) = short.strip_prefix("rtmin").filter(|rest| rest.is_empty() || rest.starts_with('+'))
    {
        FIRST_REALTIME + offset(rest)?
    } else if let Some(rest) = short.strip_prefix("rtmax").filter(|rest| rest.is_empty() || rest.starts_with('-')) {
        LAST - offset(rest)?
    } else {
        return None;
    };
    (FIRST_REALTIME..=LAST).contains(&number).then_some(number)
}

impl fmt::Display for Signal {
    /// `SIGTERM`, `SIGRTMIN+3`; 32 and 33, which the C libraries keep for themselves, as `signal 32`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match names().find(|&(_, number)| number == self.0) {
            Some((name, _)) => write!(f, "SIG{}", name.to_ascii_uppercase()),
            None if self.0 == FIRST_REALTIME => f.write_str("SIGRTMIN"),
            None if self.0 > FIRST_REALTIME => write!(f, "SIGRTMIN+{}", self.0 - FIRST_REALTIME),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read_in_every_usual_spelling() {
        for (text, number) in [
            ("15", 15),
            ("TERM", 15),
            ("SIGTERM", 15),
            ("sigterm", 15),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("rtmax", 64),
            ("RTMAX-30", 34),
        ] {
            assert_eq!(Signal::parse(text).map(Signal::number), Ok(number), "{text}");
        }
    }

    #[test]
    fn every_signal_is_read_back_from_what_it_is_shown_as() {
        for number in (1..=31).chain(34..=64) {
            let signal = Signal::new(number).unwrap();
            assert_eq!(Signal::parse(&signal.to_string()), Ok(signal));
        }
    }

    #[test]
    fn what_is_no_signal_is_refused_with_a_reason() {
        for (text, message) in [
            ("0", "expected a signal from 1 to 64 but found `0`"),
            ("65", "expected a signal from 1 to 64 but found `65`"),
            ("-9", "expected a signal from 1 to 64 but found `-9`"),
            ("SIGTERN", "unknown signal `SIGTERN`, did you mean `term`?"),
            ("RTMIN+31", "unknown signal `RTMIN+31`"),
            ("RTMIN3", "unknown signal `RTMIN3`"),
            ("", "unknown signal ``"),
        ] {
            assert_eq!(Signal::parse(text).unwrap_err(), message);
        }
    }
}
