//! Versions of the Linux kernel, as far as settings depend on them.

use std::fmt;

/// The first two numbers of a kernel's release. Defaults, ranges and namespaces change with these; what
/// changes inside a stable series can't be told by a version at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KernelVersion(
    /// The first number.
    pub u16,
    /// The second number of the release.
    pub u16,
);

impl KernelVersion {
    /// The oldest kernel that the catalog speaks of.
    pub const OLDEST: Self = Self(5, 10);

    /// Later than every kernel: for where the version is not known, and what holds today is the best guess.
    pub const NEWEST: Self = Self(u16::MAX, u16::MAX);

    /// Reads the release that uname(2) tells, such as `6.18.44-fc-v769`.
    #[must_use]
    pub fn parse(release: &str) -> Option<Self> {
        let (major, rest) = release.trim().split_once('.')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = |digits: &str| digits.parse::<u16>().ok().filter(|_| !digits.starts_with('+'));
        Some(Self(number(major)?, number(&rest[..end])?))
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{}", self.0, self.1))
    }
}

/// Something that changed from one kernel to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByVersion<T: 'static> {
    /// What held on the oldest supported kernel.
    pub first: T,
    /// What holds since a version, oldest first. The version is that of the change where a source names it,
    /// else the first on which it was measured (of 5.10, 6.1, 6.12, 6.18 and 7.2).
    pub then: &'static [(KernelVersion, T)],
}

impl<T: Copy> ByVersion<T> {
    /// What holds on that kernel.
    #[must_use]
    pub fn at(&self, version: KernelVersion) -> T {
        self.then.iter().rev().find(|(since, _)| *since <= version).map_or(self.first, |(_, then)| *then)
    }
}

/// Something that changed once at most. Of the same use as [`ByVersion`], and without a pointer, each of
/// which costs every start of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed<T> {
    /// What holds on the newest kernel.
    pub now: T,
    /// The version of the change, as in [`ByVersion::then`], and what held before.
    pub before: Option<(KernelVersion, T)>,
}

impl<T: Copy> Changed<T> {
    /// What holds on that kernel.
    #[must_use]
    pub fn at(&self, version: KernelVersion) -> T {
        self.before.filter(|(since, _)| version < *since).map_or(self.now, |(_, before)| before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_and_ordered() {
        for (release, version) in [
            ("6.18.44-fc-v769", Some(KernelVersion(6, 18))),
            ("5.10.0-30-amd64\n", Some(KernelVersion(5, 10))),
            ("7.2", Some(KernelVersion(7, 2))),
            ("6.1-rc3+", Some(KernelVersion(6, 1))),
            ("", None),
            ("6", None),
            ("+6.1", None),
            ("6.", None),
            ("x.y", None),
            ("70000.1", None),
        ] {
            assert_eq!(KernelVersion::parse(release), version, "{release:?}");
        }
        assert!(KernelVersion(6, 2) < KernelVersion(6, 12));
        assert_eq!(KernelVersion(6, 18).to_string(), "6.18");
    }

    #[test]
    fn the_last_change_that_has_happened_counts() {
        let default = ByVersion { first: "a", then: &[(KernelVersion(6, 1), "b"), (KernelVersion(6, 12), "c")] };
        let at = |major, minor| default.at(KernelVersion(major, minor));
        assert_eq!((at(5, 15), at(6, 1), at(6, 11), at(6, 12)), ("a", "b", "b", "c"));
        assert_eq!(default.at(KernelVersion::NEWEST), "c");
        let scope = Changed { now: "b", before: Some((KernelVersion(6, 1), "a")) };
        assert_eq!((scope.at(KernelVersion(5, 15)), scope.at(KernelVersion(6, 1))), ("a", "b"));
    }
}
