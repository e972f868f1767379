//! The only room with `unsafe`: signals, waiting and the process itself, as plain numbers.
//!
//! Not nix for these: its signal enumeration has no realtime signals, so that its `SigSet::wait` panics when one
//! arrives and its `waitpid` loses the status of a child that one ended (nix-rust/nix#495). And not the C
//! library's signal sets either: glibc leaves 32 and 33 out of them and musl 34 too, which is glibc's `SIGRTMIN`.
//!
//! What only Linux has is in `linux/`, and answers `ENOSYS` from `other.rs` elsewhere.
#![allow(unsafe_code, reason = "this is the room for it; each block is one operation with its invariant")]

use std::io;

mod bounded_read;
mod clock;
mod entry;
mod environment;
mod identity;
mod lock;
mod process;
mod reason;
mod signal;
mod terminal;
#[cfg(all(panic = "abort", target_env = "musl"))]
mod unwind;
mod wait;

#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other.rs")]
mod system;

pub use bounded_read::{read_accounts, read_text};
pub use clock::monotonic_microseconds;
pub use entry::{Inherited, start};
pub use environment::{CStringArray, environment, execve};
pub use identity::{Ids, effective_ids, has_groups, set_gid, set_uid};
pub use lock::Lock;
pub use process::{
    Fork, close, exit_now, fork, group_of, ignore_broken_pipes, kill, memory, own_group, own_pid, parent, priority,
    processors, session, set_group, set_priority, start_session,
};
pub use reason::{described, reason};
pub use signal::{Disposition, HIGHEST, disposition, ends_by_default, set_disposition};
pub use system::{
    Capabilities, FileNotices, Info, Interest, LinkNotices, Mask, Pending, WriterNotices, acquire_terminal,
    await_signal, block_every_signal, capabilities, close_range, die_with_parent, discard_signal, drop_from_bounding,
    forget_program, hold, in_ambient, in_bounding, is_noexec, is_subreaper, keep_capabilities, kill_held,
    netlink_socket, network_cookie, no_new_privileges, pending, pipe, queue, queue_to_group, raise_ambient,
    release_terminal, restore_mask, set_capabilities, set_groups, set_name, set_no_new_privileges, set_subreaper,
    set_umask, signal_bell, socket_address, suspend, take_signal, take_signal_but, wait_for_any,
};
pub use terminal::{foreground, set_foreground};
pub use wait::{Ended, WaitStatus, has_ended, is_child, wait_any, wait_for};

/// Parts of the kernel that netlink(7) speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Netlink {
    /// Sockets: `sock_diag(7)`.
    SockDiag,
    /// Interfaces and their queues: rtnetlink(7).
    Route,
}

/// Whether this process runs with more rights than who started it: set-uid, set-gid or file capabilities.
///
/// tunectl writes kernel settings as files of its caller's choosing say, so it must never be installed like that.
#[must_use]
pub fn is_elevated() -> bool {
    let ids = effective_ids();
    system::is_secure_mode() || ids.uid != ids.effective_uid || ids.gid != ids.effective_gid
}

/// Turns the C library's `-1` into the errno behind it.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
