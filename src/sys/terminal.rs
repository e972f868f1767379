//! The controlling terminal: who is in its foreground.

use std::io;

use libc::{c_int, pid_t};

use super::check;

/// The process group in the foreground of the terminal on `fd`.
///
/// # Errors
/// `ENOTTY`: no terminal, or not our controlling one; `EBADF`: closed.
pub fn foreground(fd: c_int) -> io::Result<pid_t> {
    // SAFETY: tcgetpgrp(3) takes a number and checks it.
    check(unsafe { libc::tcgetpgrp(fd) })
}

/// Puts `group` into the foreground of the terminal on `fd`. `SIGTTOU` must be blocked or ignored by the caller.
///
/// # Errors
/// `ENOTTY`, `EBADF`; `EPERM`: the group is of another session.
pub fn set_foreground(fd: c_int, group: pid_t) -> io::Result<()> {
    // SAFETY: tcsetpgrp(3) takes two numbers and checks both.
    check(unsafe { libc::tcsetpgrp(fd, group) }).map(drop)
}
