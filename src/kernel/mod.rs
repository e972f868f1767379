//! The door to the kernel: one small trait, and three implementations that have the same shape.

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

/// What tunectl asks of a kernel. Everything else in the program is arithmetic.
pub trait Kernel {
    /// Which system's rules this kernel plays by.
    fn system(&self) -> System;

    /// The text that stands in `key` now, to its end, as the kernel printed it.
    ///
    /// # Errors
    /// The operation that failed and its errno; a key that may only be written is [`Operation::Read`] with `EACCES`.
    fn read(&mut self, key: &Key) -> Result<String, KernelError>;

    /// The same for who only looks at it: a kernel that has the text in a buffer shows it there.
    ///
    /// # Errors
    /// As [`Kernel::read`]; then nothing is shown.
    fn show(&mut self, key: &Key, look: &mut dyn FnMut(&str)) -> Result<(), KernelError> {
        self.read(key).map(|text| look(&text))
    }

    /// Writes `text` to `key`, in one call of write(2).
    ///
    /// Says nothing of what then stands there: read it back. Only with [`WriteMode::Lists`] what the kernel did
    /// not take of a long list is written on at the next offset; anywhere else a second write on the same
    /// descriptor reports success and does nothing (`kernel.sysctl_writes_strict`), so a short write is an error.
    ///
    /// # Errors
    /// The operation that failed and its errno, or [`Operation::ShortWrite`].
    fn write(&mut self, key: &Key, text: &str, pieces: WriteMode) -> Result<(), KernelError>;

    /// The names that exist now and match `pattern`, sorted.
    fn names(&mut self, pattern: &SysctlName) -> Vec<SysctlName>;

    /// Closes what is kept open of `key`, which won't be asked for again soon. Nothing where nothing is kept.
    fn let_go(&mut self, _key: &Key) {}

    /// What stands around `key`: asked only to explain why something fell short. Tells nothing of limits.
    fn inspect(&mut self, key: &Key) -> Evidence;

    /// The limits of a process, getrlimit(2) or prlimit(2).
    ///
    /// # Errors
    /// `ESRCH` for a process that is gone, `EPERM` for one that is someone else's ([`KernelError::shown`] where they can be
    /// seen), `EINVAL` for a limit that this system does not have, `ENOSYS` for another process where the system has no
    /// such call (macOS).
    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError>;

    /// Sets both sides of a limit.
    ///
    /// # Errors
    /// As [`Kernel::limits`]; also `EPERM` where a hard limit may not be raised, `EINVAL` for soft above hard.
    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError>;
}

/// Whether settings may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Only read: nothing is ever opened for writing, so neither audit nor inotify sees a writer.
    Read,
    /// Only read, again and again: what was read stays open.
    Watch,
    /// Read and write.
    Write,
}

/// Whose limits are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Process {
    /// Our own, which the service inherits.
    Own,
    /// Those of the process with this number.
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

/// A thing that the kernel would not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelError {
    /// What was attempted.
    pub operation: Operation,
    /// Why not. `EIO` goes with [`Operation::ShortWrite`].
    pub errno: Errno,
}

/// The step at which the kernel refused: `ENOENT` from open(2) means no such key, from write(2) no such value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// open(2) for reading.
    OpenToRead,
    /// open(2) for writing.
    OpenToWrite,
    /// read(2).
    Read,
    /// write(2).
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
    /// The limits that could be seen all the same, though whoever may not get them may not set them either.
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
        write!(f, "{step}: {}", sys::described(self.errno as i32))
    }
}

/// What stands around a setting. What could not be found out is `None`, never a guess.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Whether the file is there.
    pub exists: Option<bool>,
    /// Its permission bits.
    pub mode: Option<u32>,
    /// Its owner as this user namespace sees it: 65534 stands for one that it does not map (`user_namespaces(7)`).
    pub owner: Option<u32>,
    /// Whether the mount that its own path is on is read-only, statvfs(3).
    pub read_only_mount: Option<bool>,
    /// Whether access(2) says that we may not write it: by mode and owner, and by security modules that look at files.
    /// Those that look at paths (`AppArmor`, Landlock) don't show there.
    pub denied: Option<bool>,
    /// Whether the file is on another file system than its tree's: something is mounted over it.
    pub foreign: Option<bool>,
    /// Where that is mounted: as many bytes of the key's path lead there.
    pub mask: Option<usize>,
    /// Whether `/proc/sys` (or `/sys`) is there and is what it should be.
    pub tree_present: Option<bool>,
    /// Of a limit: the hard one as it was before anything was set.
    pub hard_limit: Option<Limit>,
    /// Of `nofile`: the highest hard limit that the kernel gives, `fs.nr_open`.
    pub ceiling: Option<u64>,
}
