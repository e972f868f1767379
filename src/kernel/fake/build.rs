//! What a test may change of the kernel in memory, one thing at a time.

use std::path::Path;

use super::{Behaviour, Entry, Fake, Mount, Other, Trees};
use crate::model::limit::{Limits, Resource};
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::Key;

impl Fake {
    /// Adds a key, or replaces it.
    #[must_use]
    pub fn with(mut self, name: &str, text: &str, behaviour: Behaviour) -> Self {
        if let Some(key) = key(name) {
            let text = format!("{text}\n");
            let entry = Entry { text, behaviour, mode: 0o644, owner: 0, mount: Mount::Writable, zeroes: None };
            self.keys.insert(key, entry);
        }
        self
    }

    /// Puts another text in a key's place, whatever it would itself take.
    #[must_use]
    pub fn holding(self, name: &str, text: &str) -> Self {
        self.changed(name, |entry| entry.text = format!("{text}\n"))
    }

    /// Takes a key away: `ENOENT`.
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

    /// Lets writes to one key set another to zero.
    #[must_use]
    pub fn zeroing(self, name: &str, other: &str) -> Self {
        let other = key(other);
        self.changed(name, |entry| entry.zeroes = other)
    }

    /// Mounts all keys beneath a directory (`""` for all of `/proc/sys`, `net/ipv4`, `/sys`) read-only or writable.
    #[must_use]
    pub fn mounted(mut self, directory: &str, mount: Mount) -> Self {
        let directory =
            if directory.starts_with("/sys") { directory.to_owned() } else { format!("/proc/sys/{directory}") };
        for (key, entry) in &mut self.keys {
            if Path::new(&absolute(key)).starts_with(&directory) {
                entry.mount = mount;
            }
        }
        self
    }

    /// Unmounts `/proc` and `/sys`.
    #[must_use]
    pub fn without_trees(mut self) -> Self {
        self.trees = Trees::Missing;
        self
    }

    /// Makes us this user, who may not raise hard limits if not root.
    #[must_use]
    pub fn as_user(mut self, uid: u32) -> Self {
        self.uid = uid;
        self.may_raise = uid == 0;
        self
    }

    /// Takes `CAP_SYS_RESOURCE` from us, as container runtimes do.
    #[must_use]
    pub fn without_cap_sys_resource(mut self) -> Self {
        self.may_raise = false;
        self
    }

    /// Adds a process of `owner` with the limits that we have now.
    #[must_use]
    pub fn with_process(mut self, pid: i32, owner: u32) -> Self {
        self.others.insert(pid, Other { owner, limits: self.own.clone() });
        self
    }

    /// Puts a limit of ours in place, whatever the rules say.
    #[must_use]
    pub fn limited(mut self, resource: Resource, limits: Limits) -> Self {
        self.own.insert(resource, limits);
        self
    }

    fn changed(mut self, name: &str, change: impl FnOnce(&mut Entry)) -> Self {
        if let Some(entry) = key(name).and_then(|key| self.keys.get_mut(&key)) {
            change(entry);
        }
        self
    }
}

/// The key that a name of the builders stands for.
pub(super) fn key(name: &str) -> Option<Key> {
    match name.strip_prefix("/sys/") {
        Some(path) => SysfsName::parse(path).ok().map(Key::Sysfs),
        None => SysctlName::parse(name).ok().map(Key::Sysctl),
    }
}

/// Where the file of a key is.
fn absolute(key: &Key) -> String {
    match key {
        Key::Sysctl(name) => format!("/proc/sys/{}", name.path()),
        Key::Sysfs(name) => format!("/sys/{}", name.path()),
    }
}
