//! Parents and children: who adopts, who dies with whom, and holding on to a process.

use std::ffi::CStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use libc::{c_int, c_ulong, pid_t};

use super::signals::{Info, send_held};
use super::{check_long, prctl};

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

/// A process that can't be mistaken for a later one with its number (`pidfd_open(2)`).
///
/// # Errors
/// `ESRCH`; `EMFILE`; `ENOSYS` before Linux 5.3.
pub fn hold(pid: pid_t) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open(2) takes two numbers and checks both.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    check_long(fd)?;
    // SAFETY: the kernel has just given us this number, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(c_int::try_from(fd).unwrap_or(-1)) })
}

/// Sends `signal` to a process that is held, with what came with `value`.
///
/// # Errors
/// `ESRCH`, `EPERM`; with a value `EAGAIN`: over `RLIMIT_SIGPENDING`.
pub fn kill_held(process: &OwnedFd, signal: c_int, value: Option<&Info>) -> io::Result<()> {
    send_held(process, signal, value, 0)
}

/// Sets the name that ps(1) and pgrep(1) know us by; cut at 15 bytes.
pub fn set_name(name: &CStr) {
    // SAFETY: the kernel reads at most 16 bytes of a string that ends in NUL.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}
