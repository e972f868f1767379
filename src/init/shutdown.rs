//! Ending the processes that the service leaves behind: `SIGTERM`, a grace period, then `SIGKILL`.

use std::time::{Duration, Instant};

use super::config::SupervisorConfig;
use super::messages::{Event, report};
use super::{descendants, forward};
use crate::model::run::{OrphanPolicy, SignalTarget};
use crate::sys;

/// How long we wait for processes to end by `SIGKILL`: they may be waiting for a disk or a network file system.
const KILL_TIMEOUT: Duration = Duration::from_secs(1);

/// Time between two rounds of `SIGKILL`, for processes that were started in between.
const KILL_INTERVAL: Duration = Duration::from_millis(20);

/// Ends all descendants after the service, whose first process was `child`, has ended. They may be the service itself,
/// where its first process was a shell that started it: so they have no less time than the service.
pub(super) fn end_orphans(config: &SupervisorConfig, child: i32) {
    let OrphanPolicy::End(grace) = config.orphans else { return };
    let grace = grace.max(config.stop_timeout);
    if sys::own_pid() != 1 && !sys::is_subreaper() {
        // They are not ours to wait for, but those in its group can be signalled.
        drop(sys::kill(-child, libc::SIGTERM));
        return;
    }
    if reap_all() {
        return;
    }
    if !grace.is_zero() {
        signal_all(libc::SIGTERM);
        // A stopped process takes it only when it is resumed.
        signal_all(libc::SIGCONT);
        if wait_for_all(config, child, grace) {
            return;
        }
    }
    let Some(end) = Instant::now().checked_add(KILL_TIMEOUT) else { return };
    let mut is_told = grace.is_zero();
    while Instant::now() < end {
        let count = signal_all(libc::SIGKILL);
        if !std::mem::replace(&mut is_told, true) {
            report(config.log_level, &Event::OrphansKilled { count, after: grace });
        }
        if wait_for_all(config, child, KILL_INTERVAL) {
            return;
        }
    }
    report(config.log_level, &Event::OrphansNotKilled);
}

/// Waits until no descendant is left, for at most `time`; returns whether none is. Signals that come meanwhile go to
/// all of them.
fn wait_for_all(config: &SupervisorConfig, child: i32, time: Duration) -> bool {
    let Some(end) = Instant::now().checked_add(time) else { return false };
    loop {
        if reap_all() {
            return true;
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        if let Some(info) = sys::wait_signal(Some(left)) {
            if info.signal() != libc::SIGCHLD {
                let _ = forward::forward(config, child, SignalTarget::All, &info);
            }
        }
    }
}

/// Waits for all children that have ended; returns whether none is left.
fn reap_all() -> bool {
    loop {
        match sys::wait_any() {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            // Where waiting is refused, nobody knows.
            Err(error) => return error.raw_os_error() == Some(libc::ECHILD),
        }
    }
}

/// Returns how many processes got it, as far as that is known.
fn signal_all(signal: i32) -> usize {
    descendants::signal_all(signal, None).unwrap_or_else(|_| {
        if sys::own_pid() == 1 {
            // Without /proc: as PID 1 we can signal everyone in our PID namespace, whom the kernel kills with us anyway.
            drop(sys::kill(-1, signal));
        }
        0
    })
}
