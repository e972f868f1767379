//! Who we are, and becoming someone else.

use std::io;

/// The user and group numbers of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub effective_uid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub effective_gid: u32,
}

/// Our user and group numbers.
#[must_use]
pub fn effective_ids() -> Ids {
    Ids {
        // SAFETY: getuid(2) takes nothing and always succeeds.
        uid: unsafe { libc::getuid() },
        // SAFETY: geteuid(2) takes nothing and always succeeds.
        effective_uid: unsafe { libc::geteuid() },
        // SAFETY: getgid(2) takes nothing and always succeeds.
        gid: unsafe { libc::getgid() },
        // SAFETY: getegid(2) takes nothing and always succeeds.
        effective_gid: unsafe { libc::getegid() },
    }
}

/// Sets the real, effective and saved group. As root there is no way back, which is what makes it safe.
///
/// # Errors
/// `EPERM` without `CAP_SETGID`; `EINVAL`: a number that the user namespace does not map.
pub fn set_gid(gid: u32) -> io::Result<()> {
    super::system::set_all_gids(gid)
}

/// Sets the real, effective and saved user.
///
/// # Errors
/// `EPERM` without `CAP_SETUID`; `EINVAL`: not mapped; `EAGAIN`: over `RLIMIT_NPROC` on old kernels.
pub fn set_uid(uid: u32) -> io::Result<()> {
    super::system::set_all_uids(uid)
}
