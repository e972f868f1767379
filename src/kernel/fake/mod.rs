//! A kernel in memory for tests. It has state and follows the rules of Linux or macOS, refusals included, so that all
//! that uses a kernel can be tested without changing a machine.

mod behaviour;
mod build;
mod limits;
mod machines;

pub use behaviour::{Behaviour, OutOfRange, StoredAs};

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::{Evidence, Kernel, KernelError, Operation, Process, WriteMode};
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use behaviour::PortKeys;
use build::key;
use limits::{LimitRules, LimitTable};

/// A kernel in memory. [`Fake::linux`] and [`Fake::macos`] are whole machines, on which we are root; the other
/// methods change one thing each.
///
/// Keys are named as a profile names them, sysfs attributes by their path (`/sys/kernel/mm/ksm/run`). Invalid names
/// count as missing.
#[derive(Clone, Debug)]
pub struct Fake {
    system: System,
    keys: BTreeMap<Key, FakeKey>,
    uid: u32,
    may_raise: bool,
    /// Whether `/proc/sys` and `/sys` are mounted.
    mounted: bool,
    /// What listing names fails with.
    unlistable: Option<Errno>,
    own: LimitTable,
    others: BTreeMap<i32, FakeProcess>,
}

/// One key, with its value and how it behaves.
#[derive(Clone, Debug)]
struct FakeKey {
    text: String,
    behaviour: Behaviour,
    mode: u32,
    owner: u32,
    mount: MountMode,
    /// The key that a write to this one sets to zero, as `vm.dirty_bytes` does to `vm.dirty_ratio`.
    zeroes: Option<Key>,
}

/// Whether the mount that a key is on can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountMode {
    /// It can't: `EROFS`.
    ReadOnly,
    /// It can be written.
    Writable,
}

/// Another process, with limits of its own.
#[derive(Clone, Debug)]
struct FakeProcess {
    owner: u32,
    limits: LimitTable,
}

impl Fake {
    fn new(system: System, own: LimitTable) -> Self {
        let keys = BTreeMap::new();
        Self { system, keys, uid: 0, may_raise: true, mounted: true, unlistable: None, own, others: BTreeMap::new() }
    }

    /// The value of a key, without the newline, whether or not we may read it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.keys.get(&key(name)?).map(|entry| entry.text.trim_end())
    }

    /// The files that this process can really open: on macOS the lower of its soft limit, which getrlimit(2)
    /// shows, and `kern.maxfilesperproc` (`proc_limitgetcur_nofile`, XNU).
    #[must_use]
    pub fn enforced_nofile(&self) -> Limit {
        let soft = limits::get(&self.own, self.system, Resource::Nofile).map_or(Limit::Value(0), |limits| limits.soft);
        match self.system {
            System::Linux => soft,
            System::MacOs => {
                let most = self.number("kern.maxfilesperproc").unwrap_or(0);
                soft.min(Limit::Value(u64::try_from(most).unwrap_or(0)))
            }
        }
    }

    /// The backlog that listen(2) really gives for a very large one: macOS keeps it in a signed 16-bit field,
    /// in which `kern.ipc.somaxconn` above 32767 is negative (`so_qlimit`, XNU).
    #[must_use]
    pub fn enforced_backlog(&self) -> Option<i128> {
        match self.system {
            System::Linux => self.number("net.core.somaxconn"),
            System::MacOs => self.number("kern.ipc.somaxconn").map(|set| (set + 32768).rem_euclid(65536) - 32768),
        }
    }

    fn number(&self, name: &str) -> Option<i128> {
        behaviour::numbers_of(self.value(name)?).first().copied()
    }

    fn entry(&self, key: &Key) -> Result<&FakeKey, Errno> {
        self.keys.get(key).filter(|_| self.mounted).ok_or(Errno::ENOENT)
    }

    /// The permission bits that apply to us, as the lowest three. No capability helps: `test_perm`, `fs/proc/proc_sysctl.c`.
    fn permitted(&self, entry: &FakeKey) -> u32 {
        if entry.owner == self.uid { entry.mode >> 6 } else { entry.mode }
    }

    fn rules(&self) -> LimitRules {
        let most = |name| self.number(name).and_then(|number| u64::try_from(number).ok());
        let most_processes = most(if self.uid == 0 { "kern.maxproc" } else { "kern.maxprocperuid" });
        LimitRules { system: self.system, may_raise: self.may_raise, most_files: most("fs.nr_open"), most_processes }
    }

    fn table(&mut self, process: Process) -> Result<&mut LimitTable, Errno> {
        match process {
            Process::Own => Ok(&mut self.own),
            Process::Pid(_) if self.system == System::MacOs => Err(Errno::ENOSYS),
            Process::Pid(pid) => {
                let (uid, may_raise) = (self.uid, self.may_raise);
                let other = self.others.get_mut(&pid).ok_or(Errno::ESRCH)?;
                if other.owner == uid || may_raise { Ok(&mut other.limits) } else { Err(Errno::EPERM) }
            }
        }
    }
}

impl Kernel for Fake {
    fn system(&self) -> System {
        self.system
    }

    fn read(&mut self, key: &Key) -> Result<String, KernelError> {
        let refused = |operation, errno| Err(KernelError { operation, errno });
        match self.entry(key) {
            Err(errno) => refused(Operation::OpenToRead, errno),
            Ok(entry) if entry.mode & 0o444 == 0 => refused(Operation::Read, Errno::EACCES),
            Ok(entry) if self.permitted(entry) & 0o4 == 0 => refused(Operation::OpenToRead, Errno::EACCES),
            Ok(entry) => Ok(entry.text.clone()),
        }
    }

    fn write(&mut self, key: &Key, text: &str, mode: WriteMode) -> Result<(), KernelError> {
        let entry = self.entry(key).and_then(|entry| match entry {
            // The mode is looked at before the mount is: a key with both is EACCES.
            _ if self.permitted(entry) & 0o2 == 0 => Err(Errno::EACCES),
            FakeKey { mount: MountMode::ReadOnly, .. } => Err(Errno::EROFS),
            _ => Ok(entry),
        });
        let entry = entry.map_err(|errno| match (self.system, errno) {
            // There is nothing to open: sysctl(3) says EPERM to whoever isn't root.
            (System::MacOs, Errno::EACCES) => KernelError { operation: Operation::Write, errno: Errno::EPERM },
            _ => KernelError { operation: Operation::OpenToWrite, errno },
        })?;
        if text.is_empty() {
            return Ok(());
        }
        let port_keys = PortKeys {
            unprivileged_start: self.number("net.ipv4.ip_unprivileged_port_start"),
            range_start: self.number("net.ipv4.ip_local_port_range"),
        };
        let written = behaviour::write(entry.behaviour, self.system, &entry.text, text, mode, &port_keys)
            .map_err(|errno| KernelError { operation: Operation::Write, errno })?;
        if let Some(other) = entry.zeroes.clone().and_then(|other| self.keys.get_mut(&other)) {
            "0\n".clone_into(&mut other.text);
        }
        if let Some(entry) = self.keys.get_mut(key) {
            entry.text = written.text;
        }
        if written.taken < text.len() {
            let operation = Operation::ShortWrite { taken: written.taken, of: text.len() };
            return Err(KernelError { operation, errno: Errno::EIO });
        }
        Ok(())
    }

    fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError> {
        if let Some(errno) = self.unlistable {
            return Err(KernelError { operation: Operation::OpenToRead, errno });
        }
        let names = self.keys.keys().filter_map(|key| match key {
            Key::Sysctl(name) if self.mounted && pattern.matches(name) => Some(name.clone()),
            _ => None,
        });
        Ok(names.collect())
    }

    fn inspect(&mut self, key: &Key) -> Evidence {
        let exists = Some(self.entry(key).is_ok());
        if self.system == System::MacOs {
            return Evidence { exists, ..Evidence::default() };
        }
        let tree_present = Some(self.mounted);
        match self.entry(key) {
            Ok(entry) => Evidence {
                exists,
                mode: Some(entry.mode),
                owner: Some(entry.owner),
                read_only_mount: Some(entry.mount == MountMode::ReadOnly),
                denied: Some(self.permitted(entry) & 0o2 == 0),
                tree_present,
                ..Evidence::default()
            },
            Err(_) => Evidence { exists, tree_present, ..Evidence::default() },
        }
    }

    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError> {
        let system = self.system;
        let found = self.table(process).and_then(|table| limits::get(table, system, resource));
        found.map_err(|errno| KernelError { operation: Operation::GetLimits, errno })
    }

    fn set_limits(&mut self, process: Process, resource: Resource, new: Limits) -> Result<(), KernelError> {
        let rules = self.rules();
        let set = self.table(process).and_then(|table| limits::set(table, rules, resource, new));
        set.map_err(|errno| KernelError { operation: Operation::SetLimits, errno })
    }
}

#[cfg(test)]
mod tests;
