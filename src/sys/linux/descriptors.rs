//! Descriptors: pipes, terminals, sockets, and the file systems that files are on.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::{io, mem};

use libc::{c_int, c_void, socklen_t};
use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::pipe2;

use super::check;
use crate::sys::{self, Netlink};

/// Whether the file system that holds `path` is mounted `noexec`.
#[must_use]
pub fn is_noexec(path: &CStr) -> bool {
    statvfs(path).is_ok_and(|found| found.flags().contains(FsFlags::ST_NOEXEC))
}

/// The access control list of a file, as `system.posix_acl_access` holds it (acl(5)); `None` where it has none.
///
/// # Errors
/// What fgetxattr(2) says: then it may have one.
pub fn access_acl(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut list = vec![0_u8; 64 << 10];
    let name = c"system.posix_acl_access";
    // SAFETY: the name ends in NUL and the buffer is ours, of this length; both outlive the call.
    let length = unsafe { libc::fgetxattr(file.as_raw_fd(), name.as_ptr(), list.as_mut_ptr().cast(), list.len()) };
    let Ok(length) = usize::try_from(length) else {
        let error = io::Error::last_os_error();
        // The file system has no such lists.
        let none = matches!(error.raw_os_error(), Some(libc::ENODATA | libc::EOPNOTSUPP));
        return if none { Ok(None) } else { Err(error) };
    };
    list.truncate(length);
    Ok(Some(list))
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
    Ok(pipe2(OFlag::O_CLOEXEC)?)
}

/// Closes every descriptor from `first` to `last`, both included.
pub fn close_range(first: u32, last: u32) {
    const CLOSE: c_int = 0;
    // SAFETY: the caller names descriptors that no Rust object owns: those that were handed to us.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, CLOSE) };
    if result == -1 {
        // Before Linux 5.9. What is open beyond that is rare enough.
        for fd in first..=last.min(1023) {
            sys::close(c_int::try_from(fd).unwrap_or(-1));
        }
    }
}

/// A socket of netlink(7) in our network namespace, to which it belongs from then on.
///
/// # Errors
/// `EPROTONOSUPPORT` from a kernel that was built without this part of it; `EMFILE`.
pub fn netlink_socket(protocol: Netlink) -> io::Result<OwnedFd> {
    let protocol = match protocol {
        Netlink::SockDiag => SockProtocol::NetlinkSockDiag,
        Netlink::Route => SockProtocol::NetlinkRoute,
    };
    Ok(socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?)
}

/// The address of a datagram socket by its name as `NOTIFY_SOCKET` has it: a path, or with `@` an abstract one.
///
/// # Errors
/// `InvalidInput`: too long, or neither.
pub fn socket_address(name: &str) -> io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

/// `SO_NETNS_COOKIE` (asm-generic/socket.h), since Linux 5.14.
const COOKIE: c_int = 71;

/// A number of our network namespace that no other one has or will have before the next boot; `None` before
/// Linux 5.14.
///
/// # Errors
/// No socket of any family can be made, as under `RestrictAddressFamilies=none` of systemd.exec(5).
pub fn network_cookie() -> io::Result<Option<u64>> {
    let socket = UnixDatagram::unbound()?;
    let mut cookie = 0_u64;
    let mut length = socklen_t::try_from(mem::size_of::<u64>()).unwrap_or(0);
    let place = (&raw mut cookie).cast::<c_void>();
    // SAFETY: the descriptor is open, `place` has room for the `length` bytes that are said, and both outlive the call.
    match check(unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, COOKIE, place, &raw mut length) }) {
        Ok(_) => Ok(Some(cookie)),
        Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => Ok(None),
        Err(error) => Err(error),
    }
}
