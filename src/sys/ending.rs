//! The signals that ask a command to end: at once, or where it changes something, between two changes.

use std::{mem, ptr};

use libc::c_int;

use super::process::exit_now;
use super::signal::{Disposition, action, disposition};
use super::system::{SignalMask, pending};

/// The signals by which a person, a terminal or a service manager asks a command to end.
const ENDING: [c_int; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

/// Lets the signals that ask us to end do so at once, with exit code 128+N, as PID 1 too: the kernel ignores signals of a
/// PID 1 that has no handler for them (`pid_namespaces(7)`). Those that were blocked or ignored when we were started stay
/// as they are. All other signals stay blocked.
pub fn end_on_signals(inherited: SignalMask) {
    for signal in ENDING {
        if !inherited.contains(signal) && disposition(signal) == Disposition::Default {
            let handler: extern "C" fn(c_int) = end_with;
            // SAFETY: the handler calls nothing but _exit(2), which is safe in one (signal-safety(7)).
            unsafe { libc::signal(signal, handler as libc::sighandler_t) };
        }
    }
    release_signals();
}

/// Ends the process as [`end_on_signals`] says.
extern "C" fn end_with(signal: c_int) {
    exit_now(128 + signal)
}

/// Holds back the signals of [`end_on_signals`]: from here on [`ending_signal`] tells of one that has come.
pub fn hold_signals() {
    change_mask(libc::SIG_BLOCK);
}

/// Lets them end us at once again; where one has come meanwhile, this does not return.
pub fn release_signals() {
    change_mask(libc::SIG_UNBLOCK);
}

fn change_mask(how: c_int) {
    // SAFETY: a set of zeros is a valid value of that plain C structure.
    let mut set: libc::sigset_t = unsafe { mem::zeroed() };
    for signal in ENDING.into_iter().filter(|&signal| ends_us(signal)) {
        // SAFETY: the set is ours and the signal a standard one.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    // SAFETY: the set is ours and outlives the call; the mask of before is not asked for.
    unsafe { libc::pthread_sigmask(how, &raw const set, ptr::null_mut()) };
}

/// A signal that asks us to end and is held back.
#[must_use]
pub fn ending_signal() -> Option<c_int> {
    let pending = pending();
    ENDING.into_iter().find(|&signal| pending.contains(signal) && ends_us(signal))
}

/// Whether [`end_on_signals`] has set its handler.
fn ends_us(signal: c_int) -> bool {
    let handler: extern "C" fn(c_int) = end_with;
    action(signal) == handler as libc::sighandler_t
}
