//! What Linux has: signal sets of 64, waiting for a signal with its value, prctl(2), capabilities.

use std::ffi::CStr;
use std::time::Duration;
use std::{io, mem, ptr};

use libc::{c_int, c_long, c_ulong, pid_t};

use super::check;

/// A set of signals as the kernel has it: bit N-1 for signal N, 32 to 34 included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask(pub u64);

impl Mask {
    /// Whether `signal` is in the set.
    #[must_use]
    pub fn contains(self, signal: c_int) -> bool {
        (1..=64).contains(&signal) && self.0 & (1 << (signal - 1)) != 0
    }
}

/// Size in bytes of the kernel's signal set, which the raw calls want to be told.
const SET: usize = 8;

/// Blocks every signal, and returns what was blocked before.
///
/// Also those of faults: one that the processor raises ends us all the same, blocked or not, and one that someone
/// sends with kill(2) is for the service.
#[must_use]
pub fn block_every_signal() -> Mask {
    set_mask(Mask(u64::MAX))
}

/// Sets the mask. What is pending and no longer blocked arrives before this returns.
pub fn restore_mask(mask: Mask) {
    set_mask(mask);
}

fn set_mask(mask: Mask) -> Mask {
    let mut before = 0_u64;
    // SAFETY: both sets are eight bytes, ours, and outlive the call.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const mask.0, &raw mut before, SET) };
    Mask(before)
}

/// Signals that have come and wait to be taken.
pub type Pending = Mask;

/// The signals that wait to be taken or unblocked.
#[must_use]
pub fn pending() -> Pending {
    let mut set = 0_u64;
    // SAFETY: the set is eight bytes, ours, and outlives the call.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, SET) };
    Mask(set)
}

/// A signal that was taken, with all that the kernel tells of it.
#[derive(Clone, Copy)]
pub struct Info(libc::siginfo_t);

impl std::fmt::Debug for Info {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Info").field("signal", &self.signal()).field("code", &self.0.si_code).finish()
    }
}

impl Info {
    /// Its number.
    #[must_use]
    pub fn signal(&self) -> c_int {
        self.0.si_signo
    }

    /// Whether the kernel itself sent it, for example the terminal's driver.
    #[must_use]
    pub fn from_kernel(&self) -> bool {
        self.0.si_code == libc::SI_KERNEL
    }

    /// Whether it carries a value (sigqueue(3) and relatives), so that it can be handed on with it.
    ///
    /// The kernel lets nobody pass on what claims to come from kill(2), tkill(2) or itself (`rt_sigqueueinfo(2)`).
    #[must_use]
    pub fn has_value(&self) -> bool {
        self.0.si_code < 0 && self.0.si_code != libc::SI_TKILL
    }
}

/// Waits for any signal at all, for ever or for at most `timeout`; all of them must be blocked.
///
/// `None`: the time is over, or the process was stopped and resumed meanwhile.
#[must_use]
pub fn take_signal(timeout: Option<Duration>) -> Option<Info> {
    let every = u64::MAX;
    let limit = timeout.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: a `siginfo_t` of zeros is a valid value of that plain C structure.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    // SAFETY: the set is eight bytes, `info` ours to write, `limit` null or a timespec; all outlive the call.
    let taken = unsafe { libc::syscall(libc::SYS_rt_sigtimedwait, &raw const every, &raw mut info, limit, SET) };
    (taken > 0).then_some(Info(info))
}

/// Hands a signal that has a value on to `pid`, with its value and its first sender (`rt_sigqueueinfo(2)`).
///
/// # Errors
/// `ESRCH`, `EPERM`; `EAGAIN`: over `RLIMIT_SIGPENDING`.
pub fn queue(pid: pid_t, info: &Info) -> io::Result<()> {
    let siginfo = ptr::from_ref(&info.0);
    // SAFETY: `siginfo` is a whole siginfo_t and outlives the call.
    check_long(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, info.signal(), siginfo) })
}

/// The same for the process group that `leader` leads; Linux 6.9 on (`pidfd_send_signal(2)`).
///
/// # Errors
/// As [`queue`]; `EINVAL` before Linux 6.9, `ENOSYS` before 5.1, `EMFILE`.
pub fn queue_to_group(leader: pid_t, info: &Info) -> io::Result<()> {
    const PIDFD_SIGNAL_PROCESS_GROUP: c_long = 4;
    // SAFETY: pidfd_open(2) takes two numbers and checks both.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, leader, 0) };
    check_long(fd)?;
    let siginfo = ptr::from_ref(&info.0);
    let flags = PIDFD_SIGNAL_PROCESS_GROUP;
    // SAFETY: `siginfo` is a whole siginfo_t and outlives the call.
    let sent = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, info.signal(), siginfo, flags) };
    let sent = check_long(sent);
    super::process::close(c_int::try_from(fd).unwrap_or(-1));
    sent
}

fn check_long(result: c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether the kernel started us in the mode for set-uid programs and those with file capabilities (getauxval(3)).
#[must_use]
pub(super) fn is_secure_mode() -> bool {
    // SAFETY: getauxval(3) takes a number; what it doesn't know is 0.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

/// Whether the file system that holds `path` is mounted `noexec`.
#[must_use]
pub fn is_noexec(path: &CStr) -> bool {
    // SAFETY: a `statvfs` of zeros is a valid value of that plain C structure.
    let mut found: libc::statvfs = unsafe { mem::zeroed() };
    // SAFETY: `path` ends in NUL, `found` is ours to write, and both outlive the call.
    let result = unsafe { libc::statvfs(path.as_ptr(), &raw mut found) };
    result == 0 && found.f_flag & libc::ST_NOEXEC != 0
}

/// Replaces the supplementary groups.
///
/// # Errors
/// `EPERM` without `CAP_SETGID`, or where `/proc/self/setgroups` says `deny` (`user_namespaces(7)`).
pub fn set_groups(groups: &[u32]) -> io::Result<()> {
    // SAFETY: `groups` holds that many numbers and outlives the call.
    check(unsafe { libc::setgroups(groups.len(), groups.as_ptr()) }).map(drop)
}

pub(super) fn set_all_gids(gid: u32) -> io::Result<()> {
    // SAFETY: setresgid(2) takes three numbers and checks them.
    check(unsafe { libc::setresgid(gid, gid, gid) }).map(drop)
}

pub(super) fn set_all_uids(uid: u32) -> io::Result<()> {
    // SAFETY: setresuid(2) takes three numbers and checks them.
    check(unsafe { libc::setresuid(uid, uid, uid) }).map(drop)
}

fn prctl(option: c_int, second: c_ulong, third: c_ulong) -> io::Result<c_int> {
    const NONE: c_ulong = 0;
    // SAFETY: only operations of prctl(2) are used that take numbers; the kernel checks them.
    check(unsafe { libc::prctl(option, second, third, NONE, NONE) })
}

/// Makes orphans among our descendants our children (`PR_SET_CHILD_SUBREAPER`), also across an exec.
///
/// # Errors
/// `EINVAL` before Linux 3.4.
pub fn set_subreaper() -> io::Result<()> {
    prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0).map(drop)
}

/// Whether orphans among our descendants become our children though we are not PID 1.
#[must_use]
pub fn is_subreaper() -> bool {
    let mut set: c_int = 0;
    // SAFETY: the kernel writes one int to the address given, which is ours.
    let result = unsafe { libc::prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut set) };
    result == 0 && set != 0
}

/// Has the kernel send `signal` to us when our parent dies; 0 undoes it. A change of user undoes it too.
///
/// # Errors
/// `EINVAL`: no such signal.
pub fn die_with_parent(signal: c_int) -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, c_ulong::try_from(signal).unwrap_or(0), 0).map(drop)
}

/// Makes sure that no exec ever gives more rights (`PR_SET_NO_NEW_PRIVS`); there is no way back.
///
/// # Errors
/// `EINVAL` before Linux 3.5.
pub fn set_no_new_privileges() -> io::Result<()> {
    prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0).map(drop)
}

/// Whether no exec may give more rights.
#[must_use]
pub fn no_new_privileges() -> bool {
    prctl(libc::PR_GET_NO_NEW_PRIVS, 0, 0).is_ok_and(|set| set == 1)
}

/// Whether a change from root to another user keeps the permitted capabilities (`PR_SET_KEEPCAPS`).
///
/// # Errors
/// `EPERM`: locked by securebits.
pub fn keep_capabilities(keep: bool) -> io::Result<()> {
    prctl(libc::PR_SET_KEEPCAPS, keep.into(), 0).map(drop)
}

/// The number of the last capability that this kernel has.
#[must_use]
pub fn last_capability() -> u32 {
    (0..64).rev().find(|&number| in_bounding(number).is_some()).unwrap_or(0)
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

/// Empties the ambient set.
///
/// # Errors
/// `EINVAL` before Linux 4.3, where there is none.
pub fn clear_ambient() -> io::Result<()> {
    prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as c_ulong, 0).map(drop)
}

/// Three of a process's capability sets, bit N for capability N (capabilities(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// In force.
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

/// Makes the terminal on `fd` that of our session, which we lead and which has none yet.
///
/// # Errors
/// `EPERM`: it is another session's.
pub fn acquire_terminal(fd: c_int) -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes a number; 0 means that the terminal is not to be taken from another session.
    check(unsafe { libc::ioctl(fd, libc::TIOCSCTTY, 0) }).map(drop)
}

/// Gives up our controlling terminal; if we lead the session, its foreground gets `SIGHUP` and `SIGCONT`.
///
/// # Errors
/// `ENOTTY`: the one on `fd` is not ours.
pub fn release_terminal(fd: c_int) -> io::Result<()> {
    // SAFETY: TIOCNOTTY takes no argument.
    check(unsafe { libc::ioctl(fd, libc::TIOCNOTTY) }).map(drop)
}
