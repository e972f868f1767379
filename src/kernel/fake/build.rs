//! Builders of the kernel in memory: each changes one thing.

use std::path::Path;

use nix::errno::Errno;

use super::{Behaviour, Fake, FakeKey, FakeProcess, MountMode};
use crate::model::limit::{Limits, Resource};
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::Key;

impl Fake {
    /// Adds a key, or replaces it.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str, behaviour: Behaviour) -> Self {
        if let Some(key) = key(name) {
            let text = format!("{text}\n");
            let entry = FakeKey { text, behaviour, mode: 0o644, owner: 0, mount: MountMode::Writable, zeroes: None };
            self.keys.insert(key, entry);
        }
        self
    }

    /// Gives a key this value, whether or not it could be written.
    #[must_use]
    pub fn holding(self, name: &str, text: &str) -> Self {
        self.changed(name, |entry| entry.text = format!("{text}\n"))
    }

    /// Removes a key: `ENOENT`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        if let Some(key) = key(name) {
            self.keys.remove(&key);
        }
        self
    }

    /// Gives a key these permission bits: `0o444` for `EACCES` to anyone who would write, `0o200` for a key
    /// that can only be written.
    #[must_use]
    pub fn mode(self, name: &str, mode: u32) -> Self {
        self.changed(name, |entry| entry.mode = mode)
    }

    /// Gives a key this owner; 65534 for one outside of the user namespace.
    #[must_use]
    pub fn owner(self, name: &str, owner: u32) -> Self {
        self.changed(name, |entry| entry.owner = owner)
    }

    /// Makes a write to one key set another to zero.
    #[must_use]
    pub fn zeroing(self, name: &str, other: &str) -> Self {
        let other = key(other);
        self.changed(name, |entry| entry.zeroes = other)
    }

    /// Mounts all keys below a directory (`""` for all of `/proc/sys`, `net/ipv4`, `/sys`) read-only or writable.
    #[must_use]
    pub fn mounted(mut self, directory: &str, mount: MountMode) -> Self {
        let directory =
            if directory.starts_with("/sys") { directory.to_owned() } else { format!("/proc/sys/{directory}") };
        for (key, entry) in &mut self.keys {
            if Path::new(&absolute(key)).starts_with(&directory) {
                entry.mount = mount;
            }
        }
        self
    }

    /// Makes listing the names that match a pattern fail, as where there are no descriptors left.
    #[must_use]
    pub fn unlistable(mut self, errno: Errno) -> Self {
        self.unlistable = Some(errno);
        self
    }

    /// Unmounts `/proc` and `/sys`.
    #[must_use]
    pub fn without_trees(mut self) -> Self {
        self.mounted = false;
        self
    }

    /// Runs us as this user. Only root may raise hard limits.
    #[must_use]
    pub fn as_user(mut self, uid: u32) -> Self {
        self.uid = uid;
        self.may_raise = uid == 0;
        self
    }

    /// Runs us without `CAP_SYS_RESOURCE`, as container runtimes do.
    #[must_use]
    pub fn without_cap_sys_resource(mut self) -> Self {
        self.may_raise = false;
        self
    }

    /// Adds a process of the user `owner`, with the limits that ours has now.
    #[must_use]
    pub fn with_process(mut self, pid: i32, owner: u32) -> Self {
        self.others.insert(pid, FakeProcess { owner, limits: self.own.clone() });
        self
    }

    /// Gives our process these limits, whether or not it could set them.
    #[must_use]
    pub fn limited(mut self, resource: Resource, limits: Limits) -> Self {
        self.own.insert(resource, limits);
        self
    }

    fn changed(mut self, name: &str, change: impl FnOnce(&mut FakeKey)) -> Self {
        if let Some(entry) = key(name).and_then(|key| self.keys.get_mut(&key)) {
            change(entry);
        }
        self
    }
}

/// The key of this name, in the form that [`Fake`] describes.
pub(super) fn key(name: &str) -> Option<Key> {
    match name.strip_prefix("/sys/") {
        Some(path) => SysfsName::parse(path).ok().map(Key::Sysfs),
        None => SysctlName::parse(name).ok().map(Key::Sysctl),
    }
}

/// The path of a key's file.
fn absolute(key: &Key) -> String {
    match key {
        Key::Sysctl(name) => format!("/proc/sys/{}", name.path()),
        Key::Sysfs(name) => format!("/sys/{}", name.path()),
    }
}
