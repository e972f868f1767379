//! Privileges: users and groups, capabilities, `no_new_privs`.

use std::io;

use libc::c_ulong;
use nix::sys::prctl::{get_no_new_privs, set_keepcaps, set_no_new_privs};
use nix::unistd::{Gid, Uid, setresgid, setresuid};

use super::{check, check_long, prctl};

/// Whether the kernel started us in the mode for set-uid programs and those with file capabilities (getauxval(3)).
#[must_use]
pub(in crate::sys) fn is_secure_mode() -> bool {
    // SAFETY: getauxval(3) takes a number; what it doesn't know is 0.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Replaces the supplementary groups.
///
/// # Errors
/// `EPERM` without `CAP_SETGID`, or where `/proc/self/setgroups` says `deny` (`user_namespaces(7)`).
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: `groups` holds that many numbers and outlives the call.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) }).map(drop)
}

pub(in crate::sys) fn set_all_gids(gid: u32) -> io::Result<()> {
    let gid = Gid::from_raw(gid);
    Ok(setresgid(gid, gid, gid)?)
}

pub(in crate::sys) fn set_all_uids(uid: u32) -> io::Result<()> {
    let uid = Uid::from_raw(uid);
    Ok(setresuid(uid, uid, uid)?)
}

/// Makes sure that no exec ever gives more rights (`PR_SET_NO_NEW_PRIVS`); there is no way back.
///
/// # Errors
/// `EINVAL` before Linux 3.5.
pub fn set_no_new_privileges() -> io::Result<()> {
    Ok(set_no_new_privs()?)
}

/// Whether no exec may give more rights.
#[must_use]
pub fn no_new_privileges() -> bool {
    get_no_new_privs() == Ok(true)
}

/// Whether a change from root to another user keeps the permitted capabilities (`PR_SET_KEEPCAPS`).
///
/// # Errors
/// `EPERM`: locked by securebits.
pub fn keep_capabilities(keep: bool) -> io::Result<()> {
    Ok(set_keepcaps(keep)?)
}

/// Whether capability `number` is in the bounding set; `None` if the kernel doesn't know it.
#[must_use]
pub fn in_bounding(number: u32) -> Option<bool> {
    prctl(libc::PR_CAPBSET_READ, number.into(), 0).ok().map(|set| set == 1)
}

/// Takes capability `number` out of the bounding set, for ever.
///
/// # Errors
/// `EPERM` without `CAP_SETPCAP`.
pub fn drop_from_bounding(number: u32) -> io::Result<()> {
    prctl(libc::PR_CAPBSET_DROP, number.into(), 0).map(drop)
}

/// Puts capability `number` into the ambient set, so that it outlives an exec by an ordinary user.
///
/// # Errors
/// `EPERM`: not both permitted and inheritable; `EINVAL` before Linux 4.3.
pub fn raise_ambient(number: u32) -> io::Result<()> {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE as c_ulong, number.into()).map(drop)
}

/// Whether capability `number` is in the ambient set.
#[must_use]
pub fn in_ambient(number: u32) -> bool {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_IS_SET as c_ulong, number.into()).is_ok_and(|set| set == 1)
}

/// Three of a process's capability sets, bit N for capability N (capabilities(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The capabilities in force.
    pub effective: u64,
    /// May be put in force.
    pub permitted: u64,
    /// Kept across an exec, by files that say so too.
    pub inheritable: u64,
}

/// `_LINUX_CAPABILITY_VERSION_3` and the caller itself: `struct __user_cap_header_struct`, linux/capability.h.
const HEADER: [u32; 2] = [0x2008_0522, 0];

/// Our capabilities.
///
/// # Errors
/// `EINVAL` before Linux 2.6.26.
pub fn capabilities() -> io::Result<Capabilities> {
    let mut header = HEADER;
    let mut words = [0_u32; 6];
    // SAFETY: version 3 reads a header of two words and writes six; both are ours and outlive the call.
    check_long(unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), words.as_mut_ptr()) })?;
    let [effective, permitted, inheritable, effective_high, permitted_high, inheritable_high] = words;
    let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    Ok(Capabilities {
        effective: join(effective_high, effective),
        permitted: join(permitted_high, permitted),
        inheritable: join(inheritable_high, inheritable),
    })
}

/// Sets our capabilities.
///
/// # Errors
/// `EPERM`: one that is not permitted now.
pub fn set_capabilities(sets: Capabilities) -> io::Result<()> {
    let header = HEADER;
    // The kernel's own layout: the lower words of all three sets, then the upper ones.
    let sets = [sets.effective, sets.permitted, sets.inheritable];
    let mut words = [0_u32; 6];
    for (index, word) in words.iter_mut().enumerate() {
        let half = sets[index % 3] >> (32 * (index / 3));
        *word = u32::try_from(half & u64::from(u32::MAX)).unwrap_or(0);
    }
    // SAFETY: version 3 reads a header of two words and six more; both are ours and outlive the call.
    check_long(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), words.as_ptr()) })
}
