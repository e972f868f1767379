//! Asking the kernel for the sockets of our network namespace.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use super::check;

/// A socket that questions about sockets are asked through, those of our network namespace (`sock_diag(7)`).
///
/// # Errors
/// `EPROTONOSUPPORT` from a kernel that was built without; `EMFILE`.
pub fn diagnosis_socket() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    // SAFETY: socket(2) takes three numbers and checks them.
    let fd = check(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_SOCK_DIAG) })?;
    // SAFETY: the kernel has just given us this number, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
