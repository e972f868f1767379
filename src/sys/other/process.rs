//! Parents and children, and holding on to a process. The twin of `linux/process.rs`.

use std::ffi::CStr;
use std::io;
use std::os::fd::OwnedFd;

use libc::{c_int, pid_t};

use super::missing;
use super::signals::SignalInfo;

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn set_subreaper() -> io::Result<()> {
    missing()
}

/// Never on this system.
#[must_use]
pub fn is_subreaper() -> bool {
    false
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn die_with_parent(_signal: c_int) -> io::Result<()> {
    missing()
}

/// Does nothing on this system.
pub fn set_name(_name: &CStr) {}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn pidfd_open(_pid: pid_t) -> io::Result<OwnedFd> {
    missing()
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn pidfd_send_signal(_process: &OwnedFd, _signal: c_int, _value: Option<&SignalInfo>) -> io::Result<()> {
    missing()
}

/// Does nothing on this system.
pub fn madvise_dontneed() {}
