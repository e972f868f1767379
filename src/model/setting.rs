//! Settings, and what is known of the values of one.

use std::fmt;

use super::limit::{Resource, Side};
use super::name::{SysctlName, SysfsName};
use super::value::Kind;

/// The name of a setting of the kernel: a sysctl or an attribute of sysfs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A file below `/proc/sys`, or on macOS a node of sysctl(3).
    Sysctl(SysctlName),
    /// An attribute below `/sys`; Linux only.
    Sysfs(SysfsName),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sysctl(name) => name.fmt(f),
            Self::Sysfs(name) => f.pad(&format!("/sys/{name}")),
        }
    }
}

/// Something that can be read and perhaps written: a key of the kernel, or one side of a resource limit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// A value that the kernel keeps.
    Key(Key),
    /// One side of a resource limit of a process.
    Limit(Resource, Side),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Limit(resource, side) => f.pad(&format!("{resource} ({})", side.name())),
        }
    }
}

/// What can be known of a key's values without asking the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueSpec {
    /// The shape of its values.
    pub kind: Kind,
    /// The lowest number that is known to be taken, of each number in a list. A hint: ranges move inside
    /// stable kernel series, so what is outside of it on every kernel is refused early, no more.
    pub min: Option<i128>,
    /// The highest, likewise.
    pub max: Option<i128>,
    /// In which order the numbers of a list come.
    pub order: NumberOrder,
}

/// In which order the numbers of a list come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumberOrder {
    /// Each is independent of the others.
    #[default]
    Any,
    /// None is below the one before it. The kernel takes others, and what it does then is not what they say.
    Ascending,
    /// Likewise, but for this pair, which stands for an empty range.
    AscendingOrEmpty([i128; 2]),
}

impl NumberOrder {
    /// Whether the numbers are in this order.
    #[must_use]
    pub fn accepts(self, numbers: &[i128]) -> bool {
        match self {
            Self::Any => true,
            Self::Ascending => numbers.is_sorted(),
            Self::AscendingOrEmpty(empty) => numbers.is_sorted() || numbers == empty,
        }
    }
}

impl ValueSpec {
    /// The numbers that are taken, for messages: "expected …".
    #[must_use]
    pub fn range(&self) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, max) => format!("at most {}", max.unwrap_or(i128::MAX)),
        }
    }
}

/// The operating systems that tunectl knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum System {
    /// Linux, from 5.10 on.
    Linux,
    /// macOS, whose kernel is XNU.
    MacOs,
}

impl System {
    /// Its name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::MacOs => "macOS",
        }
    }

    /// The name of the table that holds what is of this system only.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::MacOs => "macos",
        }
    }
}
