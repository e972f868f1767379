//! Descriptors that go through an exec.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libc::c_int;

use super::check;

/// Leaves `fd` open when we execute another program.
///
/// # Errors
/// None that fcntl(2) names for a descriptor that is open.
pub fn keep_on_exec(fd: &OwnedFd) -> io::Result<()> {
    // SAFETY: F_SETFD takes a number.
    check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, 0) }).map(drop)
}

/// Takes over a descriptor that was left open for us, by its number; `None` if there is none.
#[must_use]
pub fn adopt(fd: c_int) -> Option<OwnedFd> {
    // SAFETY: F_SETFD takes a number, and checks whether the descriptor is open.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) }).ok()?;
    // SAFETY: it is open, and this program, which has just begun, has no other owner for it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}
