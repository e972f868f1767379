//! Descriptors, terminals and file systems.

use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd};
use std::{io, mem};

use libc::c_int;

use super::check;
use crate::sys::process;

/// Whether the file system that holds `path` is mounted `noexec`.
#[must_use]
pub fn is_noexec(path: &CStr) -> bool {
    // SAFETY: a `statvfs` of zeros is a valid value of that plain C structure.
    let mut found: libc::statvfs = unsafe { mem::zeroed() };
    // SAFETY: `path` ends in NUL, `found` is ours to write, and both outlive the call.
    let result = unsafe { libc::statvfs(path.as_ptr(), &raw mut found) };
    result == 0 && found.f_flag & libc::ST_NOEXEC != 0
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

/// A pipe, closed on exec: the end to read from and the end to write to.
///
/// # Errors
/// `EMFILE`, `ENFILE`.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [-1; 2];
    // SAFETY: `ends` has room for the two numbers.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    // SAFETY: the kernel has just given us this number, and nobody else has it.
    let reader = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: as above.
    let writer = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    Ok((reader, writer))
}

/// Closes every descriptor from `first` to `last`, both included.
pub fn close_range(first: u32, last: u32) {
    const CLOSE: c_int = 0;
    // SAFETY: the caller names descriptors that no Rust object owns: those that were handed to us.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, CLOSE) };
    if result == -1 {
        // Before Linux 5.9. What is open beyond that is rare enough.
        for fd in first..=last.min(1023) {
            process::close(c_int::try_from(fd).unwrap_or(-1));
        }
    }
}

/// umask(2): the permission bits that new files don't get. Returns those that were in force before.
#[must_use]
pub fn set_umask(bits: u32) -> u32 {
    // SAFETY: umask(2) takes a number and always succeeds.
    unsafe { libc::umask(bits & 0o777) }
}
