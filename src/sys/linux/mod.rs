//! What Linux has: signal sets of 64, waiting for a signal with its value, prctl(2), capabilities.

use std::io;

use libc::{c_int, c_long, c_ulong};

use super::check;

mod events;
mod family;
mod files;
mod memory;
mod netlink;
mod network;
mod rights;
mod signals;

pub use events::{FileNotices, Interest, LinkNotices, WriterNotices, signal_bell, socket_address, wait_for_any};
pub use family::{die_with_parent, hold, is_subreaper, kill_held, set_name, set_subreaper};
pub use files::{acquire_terminal, close_range, is_noexec, pipe, release_terminal, set_umask};
pub use memory::forget_program;
pub use netlink::netlink_socket;
pub use network::network_cookie;
pub use rights::{
    Capabilities, capabilities, drop_from_bounding, in_ambient, in_bounding, keep_capabilities, no_new_privileges,
    raise_ambient, set_capabilities, set_groups, set_no_new_privileges,
};
pub(in crate::sys) use rights::{is_secure_mode, set_all_gids, set_all_uids};
pub use signals::{
    Info, Mask, Pending, await_signal, block_every_signal, discard_signal, pending, queue, queue_to_group,
    restore_mask, suspend, take_signal, take_signal_but,
};

fn check_long(result: c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn prctl(option: c_int, second: c_ulong, third: c_ulong) -> io::Result<c_int> {
    const NONE: c_ulong = 0;
    // SAFETY: only operations of prctl(2) are used that take numbers; the kernel checks them.
    check(unsafe { libc::prctl(option, second, third, NONE, NONE) })
}
