//! What Linux has: signal sets of 64, waiting for a signal with its value, prctl(2), capabilities, netlink, inotify.

use std::io;

use libc::{c_int, c_long, c_ulong};

use super::check;

mod descriptors;
mod events;
mod process;
mod rights;
mod signals;

pub use descriptors::{
    access_acl, acquire_terminal, close_range, is_noexec, netlink_socket, network_cookie, pipe, release_terminal,
    socket_address,
};
pub use events::{Fanotify, Inotify, LinkMonitor, WatchDescriptor, WatchKind, signalfd, wait_for_any};
pub use process::{
    die_with_parent, is_subreaper, madvise_dontneed, pidfd_open, pidfd_send_signal, set_name, set_subreaper,
};
pub use rights::{
    Capabilities, capabilities, drop_from_bounding, in_ambient, in_bounding, keep_capabilities, no_new_privileges,
    raise_ambient, set_capabilities, set_groups, set_no_new_privileges,
};
pub(in crate::sys) use rights::{is_secure_mode, set_all_gids, set_all_uids};
pub use signals::{
    PendingSignals, SignalInfo, SignalMask, block_every_signal, discard_signal, pending, poll_signal, queue,
    queue_to_group, restore_mask, suspend, wait_signal, wait_signal_except,
};

fn check_long(result: c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// prctl(2), for operations that nix has no function for.
fn prctl(option: c_int, second: c_ulong, third: c_ulong) -> io::Result<c_int> {
    const NONE: c_ulong = 0;
    // SAFETY: only operations of prctl(2) are used that take numbers; the kernel checks them.
    check(unsafe { libc::prctl(option, second, third, NONE, NONE) })
}
