//! Other namespaces, and asking the kernel for the sockets of the one that we are in.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::c_int;

use super::check;

/// Enters the namespace behind `namespace`, a file of `/proc/PID/ns`, whatever its kind (setns(2)).
///
/// # Errors
/// `EPERM` without `CAP_SYS_ADMIN` in the user namespace that owns it and in our own; `EINVAL` for the user
/// namespace that we are in.
pub fn enter_namespace(namespace: BorrowedFd<'_>) -> io::Result<()> {
    const OF_ANY_KIND: c_int = 0;
    // SAFETY: setns(2) takes two numbers, the first of an open file, and checks them.
    check(unsafe { libc::setns(namespace.as_raw_fd(), OF_ANY_KIND) }).map(drop)
}

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
