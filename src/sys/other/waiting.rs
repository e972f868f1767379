//! Waiting for signals without signalfd(2) and sigtimedwait(2), which macOS lacks: with nothing but what POSIX has, so
//! that it can be tried on Linux too. All signals must be blocked.

use std::mem;
use std::ptr;
use std::time::Duration;

use libc::c_int;

/// Waits until a signal waits to be taken, for ever or for at most `timeout`, and takes none but `SIGALRM`. Says
/// whether one does.
pub(crate) fn wait(timeout: Option<Duration>) -> bool {
    if pending() {
        return true;
    }
    // A timer of zero would never ring.
    let timeout = timeout.map(|time| time.max(Duration::from_micros(1)));
    alarm(timeout.unwrap_or(Duration::ZERO));
    let signal = next();
    alarm(Duration::ZERO);
    let Some(signal) = signal.filter(|signal| *signal != libc::SIGALRM) else { return false };
    // Back to those that wait.
    let own = std::process::id().try_into().unwrap_or(0);
    // SAFETY: kill(2) takes numbers only.
    unsafe { libc::kill(own, signal) };
    true
}

/// Takes a signal that waits, if one does.
pub(crate) fn take() -> Option<c_int> {
    while pending() {
        match next() {
            Some(libc::SIGALRM) => {}
            other => return other,
        }
    }
    None
}

/// Whether any signal waits.
fn pending() -> bool {
    // SAFETY: a set of zeros is a valid value of that plain C structure.
    let mut set: libc::sigset_t = unsafe { mem::zeroed() };
    // SAFETY: the set is ours to write.
    unsafe { libc::sigpending(&raw mut set) };
    // SAFETY: the set is whole; a wrong number gives -1.
    (1..32).any(|signal| unsafe { libc::sigismember(&raw const set, signal) } == 1)
}

/// Waits for a signal and takes it.
fn next() -> Option<c_int> {
    // SAFETY: a set of zeros is a valid value of that plain C structure.
    let mut every: libc::sigset_t = unsafe { mem::zeroed() };
    let mut signal = 0;
    // SAFETY: the set is ours to write.
    unsafe { libc::sigfillset(&raw mut every) };
    // SAFETY: the set is whole, and both are ours and outlive the call.
    let failed = unsafe { libc::sigwait(&raw const every, &raw mut signal) };
    (failed == 0).then_some(signal)
}

/// Has `SIGALRM` come after this time; never, if it is zero.
#[allow(clippy::unnecessary_fallible_conversions, reason = "macOS's `suseconds_t` is narrower than Linux's")]
fn alarm(after: Duration) {
    let zero = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let mut timer = libc::itimerval { it_interval: zero, it_value: zero };
    timer.it_value.tv_sec = after.as_secs().try_into().unwrap_or(i32::MAX.into());
    timer.it_value.tv_usec = after.subsec_micros().try_into().unwrap_or(0);
    // SAFETY: the timer is ours and outlives the call; the old one is not asked for.
    unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) };
}
