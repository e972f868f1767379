//! System calls, and the only place with `unsafe`. What nix wraps is called through nix.
//!
//! Not signals and waiting: nix's signal enumeration has no realtime signals, so that its `SigSet::wait` panics when one
//! arrives and its `waitpid` loses the status of a child that one ended (nix-rust/nix#495). They are plain numbers here.
//! And not the C library's signal sets either: glibc leaves 32 and 33 out of them and musl 34 too, which is glibc's
//! `SIGRTMIN`.
//!
//! `linux/` and `other/` are twins: what only Linux has fails with `ENOSYS` elsewhere, or does nothing.
#![allow(unsafe_code, reason = "this is the room for it; each block is one operation with its invariant")]

mod directory;
mod ending;
mod execve;
mod files;
mod process;
mod signal;
mod start;
mod strerror;
#[cfg(all(panic = "abort", target_env = "musl"))]
mod unwind;
mod wait;

#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
#[cfg_attr(not(target_os = "linux"), path = "other/mod.rs")]
mod system;

use std::io;

pub use directory::{Access, Directory, FileMode, replace_file, unfinished_by};
pub use ending::{end_on_signals, ending_signal, hold_signals, release_signals};
pub use execve::{CStringArray, environment, execve};
pub use files::{FileLock, check_execute_access, close, read_accounts, read_text};
pub use process::{
    Fork, Ids, effective_ids, exit_now, foreground, fork, group_of, has_groups, ignore_broken_pipes, kill, memory,
    monotonic_microseconds, own_group, own_pid, parent, priority, processors, session, set_foreground, set_gid,
    set_group, set_priority, set_uid, set_umask, start_session,
};
pub use signal::{Disposition, HIGHEST, disposition, ends_by_default, set_disposition};
pub use start::{Inherited, start};
pub use strerror::{describe_errno, strerror};
pub use system::{
    Capabilities, Fanotify, Inotify, LinkMonitor, PendingSignals, SignalInfo, SignalMask, WatchDescriptor, WatchKind,
    access_acl, acquire_terminal, block_every_signal, capabilities, close_range, die_with_parent, discard_signal,
    drop_from_bounding, in_ambient, in_bounding, is_noexec, is_subreaper, keep_capabilities, madvise_dontneed,
    netlink_socket, network_cookie, no_new_privileges, pending, pidfd_open, pidfd_send_signal, pipe, poll_signal,
    queue, queue_to_group, raise_ambient, release_terminal, restore_mask, set_capabilities, set_groups, set_name,
    set_no_new_privileges, set_subreaper, signalfd, socket_address, suspend, wait_for_any, wait_signal,
    wait_signal_except,
};
pub use wait::{Ended, WaitStatus, has_ended, may_be_child, wait_any, wait_for};

/// Parts of the kernel that netlink(7) speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Netlink {
    /// Sockets by their state, `sock_diag(7)`.
    SockDiag,
    /// Interfaces and their queues: rtnetlink(7).
    Route,
}

/// Whether this process runs with more rights than its caller has: set-uid, set-gid or file capabilities.
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
