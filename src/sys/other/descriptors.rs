//! Descriptors. The twin of `linux/descriptors.rs`.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::SocketAddr;

use libc::c_int;

use super::missing;
use crate::sys::{Netlink, check};

/// Whether the file system that holds `path` is mounted `noexec`: not asked here.
#[must_use]
pub fn is_noexec(_path: &CStr) -> bool {
    false
}

/// The access control list of a file: those of this system are not in its mode, and not looked at.
///
/// # Errors
/// None.
pub fn access_acl(_file: &File) -> io::Result<Option<Vec<u8>>> {
    Ok(None)
}

/// Makes the terminal on `fd` that of our session, which we lead and which has none yet.
///
/// # Errors
/// `EPERM`: it is another session's.
pub fn acquire_terminal(fd: c_int) -> io::Result<()> {
    // SAFETY: TIOCSCTTY takes a number that is not looked at here.
    check(unsafe { libc::ioctl(fd, libc::TIOCSCTTY.into(), 0) }).map(drop)
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn release_terminal(_fd: c_int) -> io::Result<()> {
    missing()
}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    missing()
}

/// Does nothing on this system.
pub fn close_range(_first: u32, _last: u32) {}

/// Not on this system.
///
/// # Errors
/// `ENOSYS`.
pub fn netlink_socket(_protocol: Netlink) -> io::Result<OwnedFd> {
    missing()
}

/// The address of a datagram socket: a path, since abstract names are of Linux.
///
/// # Errors
/// `InvalidInput`: too long.
pub fn socket_address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(name)
}

/// A number of our network namespace: there are none.
///
/// # Errors
/// None.
pub fn network_cookie() -> io::Result<Option<u64>> {
    Ok(None)
}
