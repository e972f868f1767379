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

/// Whether our supplementary groups are these, in any order.
#[must_use]
pub fn has_groups(groups: &[u32]) -> bool {
    // No allocation: limits may be in force already. Longer lists (getgroups(2) fails then) are taken on trust.
    let mut found = [0_u32; 256];
    // SAFETY: the kernel writes at most 256 numbers, for which there is room.
    let count = unsafe { libc::getgroups(256, found.as_mut_ptr()) };
    let Some(found) = usize::try_from(count).ok().and_then(|count| found.get(..count)) else {
        return groups.len() > 256;
    };
    found.iter().all(|group| groups.contains(group)) && groups.iter().all(|group| found.contains(group))
}
