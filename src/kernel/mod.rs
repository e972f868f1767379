//! The interface to the kernel: one small trait with three implementations, Linux, macOS and one in memory for tests.

pub mod fake;
#[cfg(target_os = "linux")]
pub mod linux;
#[cfg(target_os = "macos")]
pub mod macos;
mod rlimits;

/// The implementation for the system that we run on, `Host::here(access)`.
#[cfg(target_os = "linux")]
pub type Host = linux::Linux;
/// The implementation for the system that we run on, `Host::here(access)`.
#[cfg(target_os = "macos")]
pub type Host = macos::Macos;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
compile_error!("tunectl knows the kernels of Linux and macOS only");

use std::fmt;

use nix::errno::Errno;

use crate::model::limit::{Limit, Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys;

/// All that tunectl asks of a kernel.
pub trait Kernel {
    /// The operating system whose rules apply.
    fn system(&self) -> System;

    /// The text of `key` as the kernel prints it, to its end.
    ///
    /// # Errors
    /// The operation that failed and its errno; a key that can only be written is [`Operation::Read`] with `EACCES`.
    fn read(&mut self, key: &Key) -> Result<String, KernelError>;

    /// Calls `use_text` with the text of `key`, which an implementation that reads it into a buffer need not copy.
    ///
    /// # Errors
    /// As [`Kernel::read`]; then `use_text` is not called.
    fn with_text(&mut self, key: &Key, use_text: &mut dyn FnMut(&str)) -> Result<(), KernelError> {
        self.read(key).map(|text| use_text(&text))
    }

    /// Writes `text` to `key`, in one call of write(2).
    ///
    /// Success does not tell what the value is then: read it back. Only with [`WriteMode::Lists`] what the kernel did
    /// not take of a long list is written at the next offset; of anything else a second write on the same descriptor
    /// reports success and does nothing (`kernel.sysctl_writes_strict`), so a short write is an error.
    ///
    /// # Errors
    /// The operation that failed and its errno, or [`Operation::ShortWrite`].
    fn write(&mut self, key: &Key, text: &str, mode: WriteMode) -> Result<(), KernelError>;

    /// The names that exist now and match `pattern`, sorted.
    ///
    /// # Errors
    /// A directory could not be opened or read, or it is not known what an entry is: then some names may be missing.
    /// What does not exist is no error.
    fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError>;

    /// A signal that asks us to end and is held back ([`sys::ending_signal`]): nothing more is to be written then.
    fn ending_signal(&mut self) -> Option<i32> {
        None
    }

    /// Closes the descriptor of `key`, where one is kept open.
    fn close(&mut self, _key: &Key) {}

    /// What the file system tells of `key`, to explain why it falls short.
    fn inspect(&mut self, key: &Key) -> Evidence;

    /// The limits of a process, getrlimit(2) or prlimit(2).
    ///
    /// # Errors
    /// `ESRCH` for a process that is gone, `EPERM` for one of another user ([`KernelError::shown`] where they can be
    /// seen), `EINVAL` for a limit that this system does not have, `ENOSYS` for another process where the system has no
    /// such call (macOS).
    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError>;

    /// Sets both sides of a limit.
    ///
    /// # Errors
    /// As [`Kernel::limits`]; also `EPERM` where a hard limit may not be raised, `EINVAL` for soft above hard.
    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError>;
}

/// The order in which many keys are read in the least time, as indices: those of one directory after each other. Of a few
/// it is their own, since their directories stay open.
pub fn reading_order<'a>(keys: impl Iterator<Item = &'a Key>) -> Vec<usize> {
    /// Above it, reading in order takes half the time where each key of a pattern is in a directory of its own.
    const FEW: usize = 32;
    let mut keys: Vec<(usize, &Key)> = keys.enumerate().collect();
    if keys.len() > FEW {
        keys.sort_by_key(|(_, key)| *key);
    }
    keys.into_iter().map(|(at, _)| at).collect()
}

/// What settings are opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessMode {
    /// Reading. Nothing is opened for writing, so that neither audit nor inotify(7) sees a writer.
    Read,
    /// Reading again and again: keys stay open.
    Watch,
    /// Reading and writing.
    Write,
}

/// Whose limits are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// Ours, which the service inherits.
    Own,
    /// Those of the process with this PID.
    Pid(i32),
}

/// Whether a value may be handed over in several writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// Never: one write, and a short one is an error.
    One,
    /// For lists that the kernel cuts at a page and joins again (`proc_do_large_bitmap`, kernel/sysctl.c).
    Lists,
}

/// An operation that the kernel refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelError {
    /// What was attempted.
    pub operation: Operation,
    /// Its errno; `EIO` for [`Operation::ShortWrite`].
    pub errno: Errno,
}

/// The call that failed: `ENOENT` from open(2) means no such key, from write(2) no such value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// open(2) for reading.
    OpenToRead,
    /// open(2) for writing.
    OpenToWrite,
    /// read(2) of the open file.
    Read,
    /// write(2) to the open file.
    Write,
    /// write(2), which took only so many bytes of the value.
    ShortWrite {
        /// Bytes that the kernel took.
        taken: usize,
        /// Bytes that were to be written.
        of: usize,
    },
    /// getrlimit(2) or prlimit(2).
    GetLimits,
    /// prlimit(2), which refused what `/proc/PID/limits` shows to everybody: these.
    ShowLimits(Limits),
    /// setrlimit(2) or prlimit(2).
    SetLimits,
}

impl KernelError {
    /// The limits that `/proc` shows of a process whose limits may not be read with prlimit(2), and so not set either.
    #[must_use]
    pub fn shown(self) -> Option<Limits> {
        match self.operation {
            Operation::ShowLimits(limits) => Some(limits),
            _ => None,
        }
    }
}

impl fmt::Display for KernelError {
    /// `write: EINVAL (invalid argument)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.operation {
            Operation::ShortWrite { taken, of } => return write!(f, "write: only {taken} of {of} bytes were taken"),
            Operation::OpenToRead | Operation::OpenToWrite => "open",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::GetLimits | Operation::ShowLimits(_) => "getrlimit",
            Operation::SetLimits => "setrlimit",
        };
        write!(f, "{step}: {}", sys::describe_errno(self.errno as i32))
    }
}

/// What the file system tells of a setting. `None` stands for what could not be found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Whether its file exists.
    pub exists: Option<bool>,
    /// The permission bits.
    pub mode: Option<u32>,
    /// The owner in this user namespace; 65534 for one that it does not map (`user_namespaces(7)`).
    pub owner: Option<u32>,
    /// Whether the mount that the file is on is read-only, statvfs(3).
    pub read_only_mount: Option<bool>,
    /// Whether faccessat(2) says that we may not write it. It knows of mode, owner and security modules that look at
    /// files (`SELinux`), not of those that look at paths (`AppArmor`, Landlock).
    pub denied: Option<bool>,
    /// Whether the file is on another file system than its tree: something is mounted over it.
    pub foreign: Option<bool>,
    /// Where that is mounted, as a length in bytes of the key's path.
    pub mask: Option<usize>,
    /// Whether `/proc/sys` (or `/sys`) is there and is the kernel's.
    pub tree_present: Option<bool>,
    /// For a limit: the hard limit before anything was set.
    pub hard_limit: Option<Limit>,
    /// For `nofile`: the highest hard limit that the kernel allows, `fs.nr_open`.
    pub ceiling: Option<u64>,
}
