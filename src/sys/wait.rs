//! Waiting for children, with the status as the kernel gives it.

use std::io;

use libc::{c_int, pid_t};

use super::check;

/// How a child changed, as waitpid(2) reports it: the raw number, so that no signal is unknown to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitStatus(c_int);

/// How a process came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It exited with this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Ended {
    /// The code by which a shell would know it: 128 + N for a signal.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl WaitStatus {
    /// How it ended, if it did.
    #[must_use]
    pub fn ended(self) -> Option<Ended> {
        if libc::WIFEXITED(self.0) {
            Some(Ended::Code(libc::WEXITSTATUS(self.0)))
        } else if libc::WIFSIGNALED(self.0) {
            Some(Ended::Signal(libc::WTERMSIG(self.0)))
        } else {
            None
        }
    }

    /// The signal that stopped it, if it is stopped.
    #[must_use]
    pub fn stopped(self) -> Option<i32> {
        libc::WIFSTOPPED(self.0).then(|| libc::WSTOPSIG(self.0))
    }

    /// Whether it was resumed.
    #[must_use]
    pub fn continued(self) -> bool {
        libc::WIFCONTINUED(self.0)
    }
}

/// The next child that ended, stopped or was resumed, without waiting; `None` when there is none now.
///
/// # Errors
/// `ECHILD`: no children are left; anything else where a filter of system calls refuses wait4(2).
pub fn wait_any() -> io::Result<Option<(pid_t, WaitStatus)>> {
    wait(-1, libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED)
}

/// Waits until child `pid` ends.
///
/// # Errors
/// `ECHILD`: it is not our child, or `SIGCHLD` is ignored.
pub fn wait_for(pid: pid_t) -> io::Result<Ended> {
    loop {
        if let Some((_, status)) = wait(pid, 0)? {
            if let Some(ended) = status.ended() {
                return Ok(ended);
            }
        }
    }
}

/// Whether child `pid` has ended; leaves it to be waited for. `None` where that can't be told: it is no child of ours, or
/// a filter of system calls refuses waitid(2).
#[must_use]
pub fn has_ended(pid: pid_t) -> Option<bool> {
    waitid_nowait(pid).ok()
}

/// Whether `pid` may be a child of ours that has not been waited for: waitid(2) does not say that it is none.
#[must_use]
pub fn may_be_child(pid: pid_t) -> bool {
    waitid_nowait(pid).map_or_else(|error| error.raw_os_error() != Some(libc::ECHILD), |_| true)
}

/// Whether child `pid` has ended, without waiting for it: waitid(2) with `WNOHANG` and `WNOWAIT`.
fn waitid_nowait(pid: pid_t) -> io::Result<bool> {
    let id = libc::id_t::try_from(pid).map_err(|_| io::Error::from_raw_os_error(libc::ECHILD))?;
    // SAFETY: a `siginfo_t` of zeros is a valid value of that plain C structure.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: `info` is ours to write and outlives the call.
    check(unsafe { libc::waitid(libc::P_PID, id, &raw mut info, options) })?;
    // Where none has, the call succeeds and leaves the zeros (waitid(2)).
    Ok(info.si_signo != 0)
}

fn wait(pid: pid_t, options: c_int) -> io::Result<Option<(pid_t, WaitStatus)>> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is ours and outlives the call.
        let found = unsafe { libc::waitpid(pid, &raw mut status, options) };
        if found > 0 {
            return Ok(Some((found, WaitStatus(status))));
        }
        if found == 0 {
            return Ok(None);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
