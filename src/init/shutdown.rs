//! What the service leaves behind: asked to end, given time, then killed.

use std::time::{Duration, Instant};

use super::config::SupervisorConfig;
use super::stderr_log::warning;
use super::{descendants, forward};
use crate::model::run::{OrphanPolicy, SignalTarget};
use crate::sys;

/// How long the kernel has to carry out `SIGKILL`: it may wait for a disk or a network file system.
const KILLING: Duration = Duration::from_secs(1);

/// Ends whatever is left when the service has ended.
pub(super) fn end_leftovers(orders: &SupervisorConfig, child: i32) {
    let OrphanPolicy::End(time) = orders.leftovers else { return };
    if sys::own_pid() != 1 && !sys::is_subreaper() {
        // They are not ours to wait for, but those of its group can be told.
        drop(sys::kill(-child, libc::SIGTERM));
        return;
    }
    if none_left() {
        return;
    }
    if !time.is_zero() {
        tell_everyone(libc::SIGTERM);
        // Who is stopped can't end.
        tell_everyone(libc::SIGCONT);
        if wait_for_all(orders, child, time) {
            return;
        }
    }
    let Some(end) = Instant::now().checked_add(KILLING) else { return };
    while Instant::now() < end {
        tell_everyone(libc::SIGKILL);
        // Again and again: who forks fast may have done so while we looked.
        if wait_for_all(orders, child, Duration::from_millis(20)) {
            return;
        }
    }
    warning(orders, &"some processes that the service left behind could not be killed");
}

/// Whether nobody is left by `time` from now. Signals that come meanwhile go to all.
fn wait_for_all(orders: &SupervisorConfig, child: i32, time: Duration) -> bool {
    let Some(end) = Instant::now().checked_add(time) else { return false };
    loop {
        if none_left() {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if let Some(info) = sys::take_signal(Some(left)) {
            if info.signal() != libc::SIGCHLD {
                let _ = forward::forward(orders, child, SignalTarget::All, &info);
            }
        }
    }
}

/// Waits for all that have ended; whether that were all we had.
fn none_left() -> bool {
    loop {
        match sys::wait_any() {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
}

fn tell_everyone(signal: i32) {
    if descendants::signal(signal, None).is_err() && sys::own_pid() == 1 {
        // Without /proc: the kernel is about to kill everybody in our PID namespace anyway.
        drop(sys::kill(-1, signal));
    }
}
