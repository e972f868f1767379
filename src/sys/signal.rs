//! What a signal does: its disposition, its default action, its name.

use std::{mem, ptr};

use libc::c_int;

/// The highest signal number of Linux, `SIGRTMAX`. macOS ends at 31, and refuses what is above.
pub const HIGHEST: c_int = 64;

/// What the process does with a signal. A handler of its own does not outlive an exec, so there is no third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The signal's default action.
    Default,
    /// Nothing, in the service too: as `nohup` does it.
    Ignored,
}

/// The current disposition of `signal`; a handler counts as the default, which it becomes on exec.
#[must_use]
pub fn disposition(signal: c_int) -> Disposition {
    if action(signal) == libc::SIG_IGN { Disposition::Ignored } else { Disposition::Default }
}

/// The handler of `signal`, or `SIG_DFL`, `SIG_IGN`.
pub(super) fn action(signal: c_int) -> libc::sighandler_t {
    // SAFETY: a `sigaction` of zeros is a valid value of that plain C structure.
    let mut now: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: the new action is absent and `now` is ours to write; a wrong number gives EINVAL and leaves zeros.
    unsafe { libc::sigaction(signal, ptr::null(), &raw mut now) };
    now.sa_sigaction
}

/// Sets the disposition of `signal`. The kernel refuses only `SIGKILL`, `SIGSTOP` and numbers that are no signals.
pub fn set_disposition(signal: c_int, disposition: Disposition) {
    let action = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignored => libc::SIG_IGN,
    };
    // SAFETY: neither value is a handler.
    unsafe { libc::signal(signal, action) };
}

/// Whether the default action of `signal` ends the process, signal(7).
#[must_use]
pub fn ends_by_default(signal: c_int) -> bool {
    ![
        libc::SIGCHLD,
        libc::SIGCONT,
        libc::SIGURG,
        libc::SIGWINCH,
        libc::SIGSTOP,
        libc::SIGTSTP,
        libc::SIGTTIN,
        libc::SIGTTOU,
    ]
    .contains(&signal)
}
