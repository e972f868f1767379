//! Signals, with what POSIX has. The twin of `linux/signals.rs`.

use std::time::Duration;
use std::{io, mem};

use libc::{c_int, pid_t};

use super::{missing, waiting};
use crate::sys::process;

/// A set of signals, as the system has it.
#[derive(Clone, Copy, Debug)]
pub struct SignalMask(libc::sigset_t);

impl SignalMask {
    /// Whether `signal` is in the set.
    #[must_use]
    pub fn contains(self, signal: c_int) -> bool {
        // SAFETY: the set is whole; a wrong number gives -1.
        unsafe { libc::sigismember(&raw const self.0, signal) == 1 }
    }
}

/// Blocks every signal, and returns what was blocked before.
#[must_use]
pub fn block_every_signal() -> SignalMask {
    // SAFETY: a set of zeros is the empty set.
    let mut every: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: the set is ours to write.
    unsafe { libc::sigfillset(&raw mut every) };
    set_mask(SignalMask(every))
}

/// Sets the mask. What is pending and no longer blocked arrives before this returns.
pub fn restore_mask(mask: SignalMask) {
    set_mask(mask);
}

fn set_mask(mask: SignalMask) -> SignalMask {
    // SAFETY: a set of zeros is the empty set.
    let mut before: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: both sets are ours and outlive the call.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask.0, &raw mut before) };
    SignalMask(before)
}

/// Signals that are pending, sigpending(2).
pub type PendingSignals = SignalMask;

/// The signals that are pending: blocked, and neither taken nor delivered.
#[must_use]
pub fn pending() -> PendingSignals {
    // SAFETY: a set of zeros is the empty set.
    let mut set: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: the set is ours to write.
    unsafe { libc::sigpending(&raw mut set) };
    SignalMask(set)
}

/// A signal that was taken.
#[derive(Clone, Copy)]
pub struct SignalInfo(libc::siginfo_t);

impl SignalInfo {
    /// Its number in signal(7).
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

/// Waits for any signal at all, without a bound or for at most `timeout`, and takes it; all of them must be blocked.
/// `None`: the time is over.
#[must_use]
pub fn wait_signal(timeout: Option<Duration>) -> Option<SignalInfo> {
    if timeout != Some(Duration::ZERO) && !waiting::wait(timeout) {
        return None;
    }
    let signal = waiting::take()?;
    // SAFETY: a `siginfo_t` of zeros is a valid value of that plain C structure.
    let mut info: libc::siginfo_t = unsafe { mem::zeroed() };
    info.si_signo = signal;
    Some(SignalInfo(info))
}

/// As [`wait_signal`]: never called.
#[must_use]
pub fn wait_signal_except(_signal: c_int, _timeout: Option<Duration>) -> Option<SignalInfo> {
    None
}

/// Does nothing on this system.
pub fn discard_signal(_signal: c_int) {}

/// Stops us as a `SIGTSTP` would; returns when we are resumed.
pub fn suspend() {
    drop(process::kill(process::own_pid(), libc::SIGSTOP));
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn queue(_pid: pid_t, _signal: c_int, _info: &SignalInfo) -> io::Result<()> {
    missing()
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn queue_to_group(_leader: pid_t, _signal: c_int, _info: &SignalInfo) -> io::Result<()> {
    missing()
}

/// Does nothing on this system.
pub fn poll_signal(_timeout: Duration) {}
