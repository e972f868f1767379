//! Where there is no Linux: signal sets of 32, and `ENOSYS` for what only Linux has. The twin of `linux/`.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::time::Duration;
use std::{io, mem};

use libc::{c_int, pid_t};

use super::check;

#[path = "other/events.rs"]
mod events;
#[path = "other/waiting.rs"]
mod waiting;

pub use events::{FileNotices, Interest, LinkNotices, WriterNotices, signal_bell, socket_address, wait_for_any};

/// A set of signals, as the system has it.
#[derive(Clone, Copy, Debug)]
pub struct Mask(libc::sigset_t);

impl Mask {
    /// Whether `signal` is in the set.
    #[must_use]
    pub fn contains(self, signal: c_int) -> bool {
        // SAFETY: the set is whole; a wrong number gives -1.
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }
}

/// Blocks every signal, and returns what was blocked before.
#[must_use]
pub fn block_every_signal() -> Mask {
    // SAFETY: a set of zeros is the empty set.
    let mut every: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: the set is ours to write.
    unsafe { libc::sigfillset(&raw mut every) };
    set_mask(Mask(every))
}

/// Sets the mask. What is pending and no longer blocked arrives before this returns.
pub fn restore_mask(mask: Mask) {
    set_mask(mask);
}

fn set_mask(mask: Mask) -> Mask {
    // SAFETY: a set of zeros is the empty set.
    let mut before: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: both sets are ours and outlive the call.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask.0, &raw mut before) };
    Mask(before)
}

/// Signals that have come and wait to be taken.
pub type Pending = Mask;

/// The signals that wait to be taken or unblocked.
#[must_use]
pub fn pending() -> Pending {
    // SAFETY: a set of zeros is the empty set.
    let mut set: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: the set is ours to write.
    unsafe { libc::sigpending(&raw mut set) };
    Mask(set)
}

/// A signal that was taken.
#[derive(Clone, Copy)]
pub struct Info(libc::siginfo_t);

impl Info {
    /// Its number.
    #[must_use]
    pub fn signal(&self) -> c_int {
        self.0.si_signo
    }

    /// Who sent it.
    #[must_use]
    pub fn sender(&self) -> pid_t {
        self.0.si_pid
    }

    /// Whether the kernel itself sent it: unknown here.
    #[must_use]
    pub fn from_kernel(&self) -> bool {
        false
    }

    /// The number that came with it: unknown here.
    #[must_use]
    pub fn value(&self) -> c_int {
        0
    }

    /// Whether it carries a value: unknown here.
    #[must_use]
    pub fn has_value(&self) -> bool {
        false
    }
}

/// Waits for any signal at all, for ever or for at most `timeout`; all of them must be blocked. `None`: the time is over.
#[must_use]
pub fn take_signal(timeout: Option<Duration>) -> Option<Info> {
    if timeout != Some(Duration::ZERO) && !waiting::wait(timeout) {
        return None;
    }
    let signal = waiting::take()?;
    // SAFETY: a `siginfo_t` of zeros is a valid value of that plain C structure.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    info.si_signo = signal;
    Some(Info(info))
}

/// As [`take_signal`].
#[must_use]
pub fn take_signal_but(_signal: c_int, _timeout: Option<Duration>) -> Option<Info> {
    None
}

/// Nothing here.
pub fn discard_signal(_signal: c_int) {}

/// Stops us as a `SIGTSTP` would; returns when we are resumed.
pub fn suspend() {
    drop(super::process::kill(super::process::own_pid(), libc::SIGSTOP));
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn queue(_pid: pid_t, _signal: c_int, _info: &Info) -> io::Result<()> {
    missing()
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn queue_to_group(_leader: pid_t, _signal: c_int, _info: &Info) -> io::Result<()> {
    missing()
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn netlink_socket(_protocol: super::Netlink) -> io::Result<OwnedFd> {
    missing()
}

fn missing<T>() -> io::Result<T> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Whether we were started as a set-uid program, issetugid(2).
#[must_use]
pub(super) fn is_secure_mode() -> bool {
    unsafe extern "C" {
        safe fn issetugid() -> c_int;
    }
    issetugid() != 0
}

/// Whether the file system that holds `path` is mounted `noexec`: not asked here.
#[must_use]
pub fn is_noexec(_path: &CStr) -> bool {
    false
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

pub(super) fn set_all_gids(gid: u32) -> io::Result<()> {
    // SAFETY: setgid(2) takes a number and checks it; for root it sets the real and saved group too.
    check(unsafe { libc::setgid(gid) }).map(drop)
}

pub(super) fn set_all_uids(uid: u32) -> io::Result<()> {
    // SAFETY: setuid(2) takes a number and checks it; for root it sets the real and saved user too.
    check(unsafe { libc::setuid(uid) }).map(drop)
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn set_subreaper() -> io::Result<()> {
    missing()
}

/// Never here.
#[must_use]
pub fn is_subreaper() -> bool {
    false
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn die_with_parent(_signal: c_int) -> io::Result<()> {
    missing()
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn set_no_new_privileges() -> io::Result<()> {
    missing()
}

/// Never here.
#[must_use]
pub fn no_new_privileges() -> bool {
    false
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn keep_capabilities(_keep: bool) -> io::Result<()> {
    missing()
}

/// There are none here.
#[must_use]
pub fn in_bounding(_number: u32) -> Option<bool> {
    None
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn drop_from_bounding(_number: u32) -> io::Result<()> {
    missing()
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn raise_ambient(_number: u32) -> io::Result<()> {
    missing()
}

/// There are none here.
#[must_use]
pub fn in_ambient(_number: u32) -> bool {
    false
}

/// Three of a process's capability sets, bit N for capability N.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// In force.
    pub effective: u64,
    /// May be put in force.
    pub permitted: u64,
    /// Kept across an exec, by files that say so too.
    pub inheritable: u64,
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn capabilities() -> io::Result<Capabilities> {
    missing()
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn set_capabilities(_sets: Capabilities) -> io::Result<()> {
    missing()
}

/// Makes the terminal on `fd` that of our session, which we lead and which has none yet.
///
/// # Errors
/// `EPERM`: it is another session's.
pub fn acquire_terminal(fd: c_int) -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes a number that is not looked at here.
    check(unsafe { libc::ioctl(fd, libc::TIOCSCTTY.into(), 0) }).map(drop)
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn release_terminal(_fd: c_int) -> io::Result<()> {
    missing()
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    missing()
}

/// Nothing here.
pub fn close_range(_first: u32, _last: u32) {}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn hold(_pid: pid_t) -> io::Result<OwnedFd> {
    missing()
}

/// Not here.
///
/// # Errors
/// `ENOSYS`.
pub fn kill_held(_process: &OwnedFd, _signal: c_int, _value: Option<&Info>) -> io::Result<()> {
    missing()
}

/// Nothing here.
pub fn set_name(_name: &CStr) {}

/// umask(2): the permission bits that new files don't get. Returns those that were in force before.
#[must_use]
pub fn set_umask(bits: u32) -> u32 {
    let bits = libc::mode_t::try_from(bits & 0o777).unwrap_or(0o777);
    // SAFETY: umask(2) takes a number and always succeeds.
    unsafe { libc::umask(bits) }.into()
}

/// Nothing here.
pub fn forget_program() {}

/// A number of our network namespace: there are none.
///
/// # Errors
/// None.
pub fn network_cookie() -> io::Result<Option<u64>> {
    Ok(None)
}

/// Nothing here.
pub fn await_signal(_timeout: Duration) {}
