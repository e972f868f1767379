//! Signals as the kernel has them: raw calls, for sets that leave none out.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;
use std::{io, mem, ptr};

use libc::{c_int, c_long, pid_t};

use super::{check_long, pidfd_open, signalfd, wait_for_any};
use crate::sys::process;

/// A set of signals as the kernel has it: bit N-1 for signal N, 32 to 34 included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalMask(pub u64);

impl SignalMask {
    /// Whether `signal` is in the set.
    #[must_use]
    pub fn contains(self, signal: c_int) -> bool {
        self.0 & bit(signal) != 0
    }
}

/// The set of just `signal`; empty for what is no signal.
const fn bit(signal: c_int) -> u64 {
    if 0 < signal && signal <= 64 { 1 << (signal - 1) } else { 0 }
}

/// Size in bytes of the kernel's signal set, which the raw calls want to be told.
const SET: usize = 8;

/// Blocks every signal, and returns what was blocked before.
///
/// Also those of faults: one that the processor raises ends us nevertheless, blocked or not, and one that someone
/// sends with kill(2) is for the service.
#[must_use]
pub fn block_every_signal() -> SignalMask {
    set_mask(SignalMask(u64::MAX))
}

/// Sets the mask. What is pending and no longer blocked arrives before this returns.
pub fn restore_mask(mask: SignalMask) {
    set_mask(mask);
}

fn set_mask(mask: SignalMask) -> SignalMask {
    let mut before = 0_u64;
    // SAFETY: both sets are eight bytes, ours, and outlive the call.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const mask.0, &raw mut before, SET) };
    SignalMask(before)
}

/// Signals that are pending, sigpending(2).
pub type PendingSignals = SignalMask;

/// The signals that are pending: blocked, and neither taken nor delivered.
#[must_use]
pub fn pending() -> PendingSignals {
    let mut set = 0_u64;
    // SAFETY: the set is eight bytes, ours, and outlives the call.
    unsafe { libc::syscall(libc::SYS_rt_sigpending, &raw mut set, SET) };
    SignalMask(set)
}

/// A signal that was taken, with all that the kernel tells of it.
#[derive(Clone, Copy)]
pub struct SignalInfo(libc::siginfo_t);

impl std::fmt::Debug for SignalInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignalInfo").field("signal", &self.signal()).field("code", &self.0.si_code).finish()
    }
}

impl SignalInfo {
    /// Its number in signal(7).
    #[must_use]
    pub fn signal(&self) -> c_int {
        self.0.si_signo
    }

    /// Who sent it; 0 for the kernel and for processes outside our PID namespace.
    #[must_use]
    pub fn sender(&self) -> pid_t {
        // SAFETY: the kernel fills this field of the signals that processes send; of others it holds something else.
        unsafe { self.0.si_pid() }
    }

    /// Whether the kernel itself sent it, for example the terminal's driver.
    #[must_use]
    pub fn from_kernel(&self) -> bool {
        self.0.si_code == libc::SI_KERNEL
    }

    /// The number that came with it, where one did.
    #[must_use]
    pub fn value(&self) -> c_int {
        // SAFETY: the kernel fills this field of the signals that carry a value; of others it holds something else.
        let value = unsafe { self.0.si_value() };
        // The same bytes are a number or a pointer (`union sigval`); the number is in the lower ones.
        c_int::try_from(value.sival_ptr.addr() & 0x7fff_ffff).unwrap_or(0)
    }

    /// Whether it carries a value (sigqueue(3) and relatives), so that it can be forwarded with it.
    ///
    /// The kernel lets nobody pass on what claims to come from kill(2), tkill(2) or itself (`rt_sigqueueinfo(2)`).
    #[must_use]
    pub fn has_value(&self) -> bool {
        self.0.si_code < 0 && self.0.si_code != libc::SI_TKILL
    }
}

/// Waits for any signal at all, without a bound or for at most `timeout`, and takes it (`rt_sigtimedwait(2)`); all of
/// them must be blocked.
///
/// `None`: the time is over, or the process was stopped and resumed meanwhile.
#[must_use]
pub fn wait_signal(timeout: Option<Duration>) -> Option<SignalInfo> {
    take_one_of(u64::MAX, timeout)
}

/// The same for any but `signal`, which stays pending.
#[must_use]
pub fn wait_signal_except(signal: c_int, timeout: Option<Duration>) -> Option<SignalInfo> {
    take_one_of(!bit(signal), timeout)
}

/// Waits until some signal is pending, for at most `timeout`, and takes none.
pub fn poll_signal(timeout: Duration) {
    let Ok(pending) = signalfd() else { return };
    drop(wait_for_any(&[pending.as_fd()], Some(timeout)));
}

/// Takes `signal` if it is pending, and drops it.
pub fn discard_signal(signal: c_int) {
    let _ = take_one_of(bit(signal), Some(Duration::ZERO));
}

/// How long a wait takes that is refused.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

fn take_one_of(set: u64, timeout: Option<Duration>) -> Option<SignalInfo> {
    let limit = timeout.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: a `siginfo_t` of zeros is a valid value of that plain C structure.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    // SAFETY: the set is eight bytes, `info` ours to write, `limit` null or a timespec; all outlive the call.
    let taken = unsafe { libc::syscall(libc::SYS_rt_sigtimedwait, &raw const set, &raw mut info, limit, SET) };
    if taken == -1 && ![Some(libc::EAGAIN), Some(libc::EINTR)].contains(&io::Error::last_os_error().raw_os_error()) {
        // A filter of system calls. Whoever waits in a loop must not keep a processor busy.
        std::thread::sleep(timeout.unwrap_or(REFUSED_PAUSE).min(REFUSED_PAUSE));
    }
    (taken > 0).then_some(SignalInfo(info))
}

/// Lets a pending `SIGTSTP`, or the one that this sends, stop us; returns when we are resumed.
///
/// The kernel ignores it where nobody could resume us: in an orphaned process group (setpgid(2)) and as PID 1.
pub fn suspend() {
    drop(process::kill(process::own_pid(), libc::SIGTSTP));
    let every = set_mask(SignalMask(!bit(libc::SIGTSTP)));
    restore_mask(every);
}

/// Forwards a signal that has a value to `pid`, as `signal`, with its value and its first sender
/// (`rt_sigqueueinfo(2)`).
///
/// # Errors
/// `ESRCH`, `EPERM`; `EAGAIN`: over `RLIMIT_SIGPENDING`.
pub fn queue(pid: pid_t, signal: c_int, info: &SignalInfo) -> io::Result<()> {
    let siginfo = ptr::from_ref(&info.0);
    // SAFETY: `siginfo` is a whole siginfo_t and outlives the call; the kernel puts `signal` into its copy.
    check_long(unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, pid, signal, siginfo) })
}

/// The same for the process group that `leader` leads; Linux 6.9 on (`pidfd_send_signal(2)`).
///
/// # Errors
/// As [`queue`]; `EINVAL` before Linux 6.9, `ENOSYS` before 5.1, `EMFILE`.
pub fn queue_to_group(leader: pid_t, signal: c_int, info: &SignalInfo) -> io::Result<()> {
    const PIDFD_SIGNAL_PROCESS_GROUP: c_long = 4;
    send_to_pidfd(&pidfd_open(leader)?, signal, Some(info), PIDFD_SIGNAL_PROCESS_GROUP)
}

/// `pidfd_send_signal(2)`: as kill(2) does, or with a value and its first sender.
pub(super) fn send_to_pidfd(
    process: &OwnedFd,
    signal: c_int,
    value: Option<&SignalInfo>,
    flags: c_long,
) -> io::Result<()> {
    let info = value.map(|info| {
        let mut info = info.0;
        // Unlike its older sister this call wants both numbers to agree.
        info.si_signo = signal;
        info
    });
    let siginfo = info.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: `siginfo` is null or a whole siginfo_t, and outlives the call.
    check_long(unsafe { libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), signal, siginfo, flags) })
}
