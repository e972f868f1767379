//! What bounds a limit, and what to do about it: as data. Words for people are made elsewhere.

use std::fmt;

use super::observation::Side;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Resource, Side as LimitSide};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;

/// What bounds a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// A setting that tunectl knows.
    Setting(Setting),
    /// The queue that the service itself asks for: the argument of listen(2).
    Backlog,
    /// Something else of the kernel's, by the name of its file, option or command: `cpu.max`, `SO_RCVBUF`.
    Other(&'static str),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// Bring a setting to this, on this side.
    Set(Setting, Expectation<Value>, Side),
    /// Have the service ask for a queue of at least this length, and restart it; a restart alone where it asks for that
    /// already, since the length is taken at listen(2).
    RaiseBacklog(u64),
    /// Raise the bound of a control group, or take it away: its folder, and the name of the file.
    RaiseCgroup {
        /// The folder of the group.
        path: String,
        /// The file in it.
        file: &'static str,
    },
    /// Lengthen the queue of this network interface, which drops.
    RaiseInterfaceQueue(String),
    /// Have the program ask for a larger receive buffer, `SO_RCVBUF`, of at least so many bytes.
    RaiseReceiveBuffer(u64),
}

impl Bound {
    /// A sysctl by its name; one that is no name bounds nothing and is shown as it is.
    #[must_use]
    pub fn sysctl(name: &'static str) -> Self {
        sysctl(name).map_or(Self::Other(name), Self::Setting)
    }

    /// The soft limit on descriptors.
    #[must_use]
    pub fn descriptors() -> Self {
        Self::Setting(DESCRIPTORS)
    }
}

impl fmt::Display for Bound {
    /// As `findings[].setting` of `check`; `backlog` for what the service asks for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Setting(setting) => setting.fmt(f),
            Self::Backlog => f.pad("backlog"),
            Self::Other(name) => f.pad(name),
        }
    }
}

const DESCRIPTORS: Setting = Setting::Limit(Resource::Nofile, LimitSide::Soft);

impl Fix {
    /// Raise a sysctl that is one number to at least this.
    #[must_use]
    pub fn raise(name: &str, to: u64, side: Side) -> Option<Self> {
        let wanted = Expectation::Bounds { at_least: Some(Value::Number(to.into())), at_most: None };
        sysctl(name).map(|setting| Self::Set(setting, wanted, side))
    }

    /// Bring a sysctl to this.
    #[must_use]
    pub fn set(name: &str, wanted: Expectation<Value>, side: Side) -> Option<Self> {
        sysctl(name).map(|setting| Self::Set(setting, wanted, side))
    }

    /// Raise the soft limit on descriptors to at least this.
    #[must_use]
    pub fn raise_descriptors(to: u64, side: Side) -> Self {
        let wanted = Expectation::Bounds { at_least: Some(Value::Limit(Limit::Value(to))), at_most: None };
        Self::Set(DESCRIPTORS, wanted, side)
    }
}

fn sysctl(name: &str) -> Option<Setting> {
    SysctlName::parse(name).ok().map(|name| Setting::Key(Key::Sysctl(name)))
}

/// The next power of two from twice a number on, and at least `least`: room to grow without guessing closely.
#[must_use]
pub(super) fn generous(number: u64, least: u64) -> u64 {
    number.saturating_mul(2).max(least).checked_next_power_of_two().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_spelt_as_settings_are() {
        assert_eq!(Bound::sysctl("net.core.somaxconn").to_string(), "net.core.somaxconn");
        assert_eq!(Bound::descriptors().to_string(), "nofile (soft)");
        assert_eq!(Bound::Backlog.to_string(), "backlog");
    }

    #[test]
    fn twice_what_was_needed_and_never_little() {
        for (number, least, expected) in [(0, 4096, 4096), (4000, 4096, 8192), (4096, 1, 8192), (u64::MAX, 1, u64::MAX)]
        {
            assert_eq!(generous(number, least), expected);
        }
    }
}
