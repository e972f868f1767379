//! Where there is no Linux: signal sets of 32, and `ENOSYS` for what only Linux has. The twin of `linux/`.

use std::io;

mod descriptors;
mod events;
mod process;
mod rights;
mod signals;
mod waiting;

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

/// The error of a system call that this system does not have.
fn missing<T>() -> io::Result<T> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}
