//! Sockets of netlink(7).

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use super::check;
use crate::sys::Netlink;

/// A socket of netlink(7) in our network namespace, to which it belongs from then on.
///
/// # Errors
/// `EPROTONOSUPPORT` from a kernel that was built without this part of it; `EMFILE`.
pub fn netlink_socket(protocol: Netlink) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC;
    let protocol = match protocol {
        Netlink::SockDiag => libc::NETLINK_SOCK_DIAG,
        Netlink::Route => libc::NETLINK_ROUTE,
    };
    // SAFETY: socket(2) takes three numbers and checks them.
    let fd = check(unsafe { libc::socket(libc::AF_NETLINK, kind, protocol) })?;
    // SAFETY: the kernel has just given us this number, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
