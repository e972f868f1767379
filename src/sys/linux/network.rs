//! The network namespace.

use std::io;
use std::mem;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixDatagram;

use libc::{c_int, c_void, socklen_t};

use super::check;

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
