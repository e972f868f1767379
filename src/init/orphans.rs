//! Ending adopted orphans while the service lives (`reap_kill`).
//!
//! The kernel tells nobody that an orphan was adopted: `SIGCHLD` is sent when a child ends, and it was not our child
//! whose end made it one (`forget_original_parent`, kernel/exit.c). Who could be told, by the process connector or by
//! tracing, needs rights over the whole machine, or slows the service down. So this looks once a second, and only here
//! does a supervisor wake up while nothing happens: who doesn't ask for it pays nothing. But when one of them ends we
//! are told, and what descended from it is ours from then on.

use std::time::{Duration, Instant};

use super::config::{SupervisorConfig, Verbosity};
use super::descendants;
use super::stderr_log::detail;
use crate::model::run::OrphanPolicy;
use crate::sys;

/// How often we look.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often at most, where orphans end: to look costs more than to reap.
const SOON: Duration = Duration::from_millis(100);

/// The orphans that were seen.
pub(super) struct Orphans {
    child: i32,
    /// Each with the time of its `SIGTERM`. Its number stays its own until we wait for it.
    asked: Vec<(i32, Instant)>,
    looked: Option<Instant>,
    due: Instant,
}

impl Orphans {
    pub(super) fn new(child: i32) -> Self {
        Self { child, asked: Vec::new(), looked: None, due: Instant::now() }
    }

    /// When we look again.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// One has ended, and may have left orphans of its own.
    pub(super) fn ended(&mut self, pid: i32) {
        self.asked.retain(|(known, _)| *known != pid);
        if let Some(soon) = self.looked.and_then(|looked| looked.checked_add(SOON)) {
            self.due = self.due.min(soon);
        }
    }

    /// Asks new ones to end, and kills those whose time is over.
    pub(super) fn on_time(&mut self, orders: &SupervisorConfig) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.looked = Some(now);
        self.due = now + INTERVAL;
        let Ok(children) = descendants::children() else { return };
        let grace = match orders.leftovers {
            OrphanPolicy::End(time) => time,
            OrphanPolicy::Leave => INTERVAL,
        };
        for pid in children.into_iter().filter(|&pid| pid != self.child) {
            match self.asked.iter().find(|(known, _)| *known == pid) {
                Some((_, since)) if now.duration_since(*since) >= grace => drop(sys::kill(pid, libc::SIGKILL)),
                Some(_) => {}
                None => {
                    detail(orders, Verbosity::Reaping, &format_args!("orphan {pid}: SIGTERM"));
                    drop(sys::kill(pid, libc::SIGTERM));
                    drop(sys::kill(pid, libc::SIGCONT));
                    if self.asked.try_reserve(1).is_ok() {
                        self.asked.push((pid, now));
                    }
                }
            }
        }
        let kills = self.asked.iter().filter_map(|(_, since)| since.checked_add(grace));
        self.due = kills.filter(|&at| at > now).fold(self.due, Instant::min);
    }
}
