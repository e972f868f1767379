//! Privileges: users and groups. The twin of `linux/rights.rs`.

use std::ffi::c_int;
use std::io;

use nix::unistd::{Gid, Uid, setgid, setuid};

use super::missing;
use crate::sys::check;

/// Whether we were started as a set-uid program, issetugid(2).
#[must_use]
pub(in crate::sys) fn is_secure_mode() -> bool {
    unsafe extern "C" {
        safe fn issetugid() -> c_int;
    }
    issetugid() != 0
}

/// Replaces the supplementary groups.
///
/// # Errors
/// `EPERM` without `CAP_SETGID`, or where `/proc/self/setgroups` says `deny` (`user_namespaces(7)`).
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    let count = groups.len().try_into().map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: `groups` holds `count` numbers and outlives the call.
    check(unsafe { libc::setgroups(count, groups.as_ptr()) }).map(drop)
}

pub(in crate::sys) fn set_all_gids(gid: u32) -> io::Result<()> {
    // For root it sets the real and saved group too.
    Ok(setgid(Gid::from_raw(gid))?)
}

pub(in crate::sys) fn set_all_uids(uid: u32) -> io::Result<()> {
    // For root it sets the real and saved user too.
    Ok(setuid(Uid::from_raw(uid))?)
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn set_no_new_privileges() -> io::Result<()> {
    missing()
}

/// Never on this system.
#[must_use]
pub fn no_new_privileges() -> bool {
    false
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn keep_capabilities(_keep: bool) -> io::Result<()> {
    missing()
}

/// There are none on this system.
#[must_use]
pub fn in_bounding(_number: u32) -> Option<bool> {
    None
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn drop_from_bounding(_number: u32) -> io::Result<()> {
    missing()
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn raise_ambient(_number: u32) -> io::Result<()> {
    missing()
}

/// There are none on this system.
#[must_use]
pub fn in_ambient(_number: u32) -> bool {
    false
}

/// Three of a process's capability sets, bit N for capability N.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The capabilities in force.
    pub effective: u64,
    /// May be put in force.
    pub permitted: u64,
    /// Kept across an exec, by files that say so too.
    pub inheritable: u64,
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn capabilities() -> io::Result<Capabilities> {
    missing()
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn set_capabilities(_sets: Capabilities) -> io::Result<()> {
    missing()
}
