//! Ending adopted orphans while the service runs (`reap_kill`).
//!
//! The kernel tells nobody that an orphan was adopted: `SIGCHLD` is sent when a child ends, and it was not our child
//! whose end made it an orphan (`forget_original_parent`, kernel/exit.c). The process connector and ptrace could tell,
//! but need rights over the whole machine or slow the service down. So the process table is read once a second, and
//! sooner after an orphan has ended, whose own children are ours from then on. Only with this option does a supervisor
//! wake up while nothing happens.

use std::time::{Duration, Instant};

use super::config::SupervisorConfig;
use super::descendants;
use super::messages::{Event, report};
use crate::model::run::OrphanPolicy;
use crate::sys;

/// Time between two scans of the process table.
const SCAN_INTERVAL: Duration = Duration::from_secs(1);

/// The shortest time between two scans, where orphans end: a scan costs more than reaping them.
const SHORTEST_SCAN_INTERVAL: Duration = Duration::from_millis(100);

/// Finds orphans, and ends them.
pub(super) struct OrphanKiller {
    /// The service's first process, which is no orphan.
    child: i32,
    /// Orphans that got `SIGTERM`, and when. Their process IDs stay theirs until we wait for them.
    terminated: Vec<(i32, Instant)>,
    last_scan: Option<Instant>,
    next_scan: Instant,
}

impl OrphanKiller {
    pub(super) fn new(child: i32) -> Self {
        Self { child, terminated: Vec::new(), last_scan: None, next_scan: Instant::now() }
    }

    /// When [`Self::scan_if_due`] has something to do.
    pub(super) fn next_scan(&self) -> Instant {
        self.next_scan
    }

    /// An orphan has ended, and may have left children.
    pub(super) fn orphan_ended(&mut self, pid: i32) {
        self.terminated.retain(|(known, _)| *known != pid);
        if let Some(soon) = self.last_scan.and_then(|last| last.checked_add(SHORTEST_SCAN_INTERVAL)) {
            self.next_scan = self.next_scan.min(soon);
        }
    }

    /// Sends `SIGTERM` to new orphans, and `SIGKILL` to those whose grace period is over.
    pub(super) fn scan_if_due(&mut self, config: &SupervisorConfig) {
        let now = Instant::now();
        if now < self.next_scan {
            return;
        }
        self.last_scan = Some(now);
        self.next_scan = now + SCAN_INTERVAL;
        let Ok(children) = descendants::children() else { return };
        let grace = match config.orphans {
            OrphanPolicy::End(time) => time,
            OrphanPolicy::Leave => SCAN_INTERVAL,
        };
        let child = self.child;
        for pid in children.into_iter().filter(|&pid| pid != child) {
            match self.terminated.iter().find(|(known, _)| *known == pid) {
                Some((_, since)) if now.duration_since(*since) >= grace => drop(sys::kill(pid, libc::SIGKILL)),
                Some(_) => {}
                None => self.terminate(pid, now, config),
            }
        }
        let kills = self.terminated.iter().filter_map(|(_, since)| since.checked_add(grace));
        self.next_scan = kills.filter(|&at| at > now).fold(self.next_scan, Instant::min);
    }

    fn terminate(&mut self, pid: i32, now: Instant, config: &SupervisorConfig) {
        report(config.log_level, &Event::OrphanTerminated { pid });
        drop(sys::kill(pid, libc::SIGTERM));
        // A stopped process takes it only when it is resumed.
        drop(sys::kill(pid, libc::SIGCONT));
        if self.terminated.try_reserve(1).is_ok() {
            self.terminated.push((pid, now));
        }
    }
}
