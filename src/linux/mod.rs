//! What Linux tells in files and on sockets: `/proc`, namespaces, control groups, mounts, listening sockets.
//!
//! Parsers take text or bytes and are pure; beside each is a function that reads the file. Those functions take the
//! directory that they read below, so that a test gives them a tree of its own. They tell what is not there (`None`)
//! from what could not be read (an errno). All of it compiles on macOS too, where nothing of it is found.

pub mod cgroup;
pub mod listeners;
pub mod mountinfo;
pub mod namespaces;
pub mod netlink;
pub mod process;
pub mod qdisc;
pub mod sock_diag;

use std::io;

use nix::errno::Errno;

pub use system::is_procfs;

/// The number of an error of the system; `EIO` for one that has none.
#[must_use]
pub fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(target_os = "linux")]
mod system {
    use std::os::fd::BorrowedFd;
    use std::path::Path;

    use nix::sched::{CloneFlags, setns};
    use nix::sys::statfs::{PROC_SUPER_MAGIC, statfs};

    /// Whether `path` is on a file system of proc(5), and not on something that is mounted over it. `None` where
    /// statfs(2) fails.
    #[must_use]
    pub fn is_procfs(path: &Path) -> Option<bool> {
        statfs(path).ok().map(|system| system.filesystem_type() == PROC_SUPER_MAGIC)
    }

    /// Enters the namespace behind a file of `/proc/PID/ns`, whatever its kind, setns(2).
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN` in the user namespace that owns it and in our own; `EINVAL` for the user
    /// namespace that we are in.
    pub(super) fn enter_namespace(namespace: BorrowedFd<'_>) -> nix::Result<()> {
        setns(namespace, CloneFlags::empty())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::os::fd::BorrowedFd;
    use std::path::Path;

    use nix::errno::Errno;

    /// Whether `path` is on a file system of proc(5): not known, since there is none.
    #[must_use]
    pub fn is_procfs(_path: &Path) -> Option<bool> {
        None
    }

    pub(super) fn enter_namespace(_namespace: BorrowedFd<'_>) -> nix::Result<()> {
        Err(Errno::ENOSYS)
    }
}
