//! Ending adopted orphans while the service lives (`reap_kill`).
//!
//! The kernel tells nobody that an orphan was adopted, so this looks for them once a second. Who doesn't ask for it
//! pays nothing.

use std::time::{Duration, Instant};

use super::descendants;
use super::notice::detail;
use super::orders::{Orders, Verbosity};
use crate::model::run::Leftovers;
use crate::sys;

/// How often we look.
const INTERVAL: Duration = Duration::from_secs(1);

/// The orphans that were seen.
pub(super) struct Orphans {
    child: i32,
    /// Each with the time of its `SIGTERM`. Its number stays its own until we wait for it.
    asked: Vec<(i32, Instant)>,
    due: Instant,
}

impl Orphans {
    pub(super) fn new(child: i32) -> Self {
        Self { child, asked: Vec::new(), due: Instant::now() }
    }

    /// When we look again.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Asks new ones to end, and kills those whose time is over.
    pub(super) fn on_time(&mut self, orders: &Orders) {
        let now = Instant::now();
        if now < self.due {
            return;
        }
        self.due = now + INTERVAL;
        let Ok(children) = descendants::children() else { return };
        self.asked.retain(|(pid, _)| children.contains(pid));
        let grace = match orders.leftovers {
            Leftovers::End(time) => time,
            Leftovers::Leave => INTERVAL,
        };
        for pid in children.into_iter().filter(|&pid| pid != self.child) {
            match self.asked.iter().find(|(known, _)| *known == pid) {
                Some((_, since)) if now.duration_since(*since) >= grace => drop(sys::kill(pid, libc::SIGKILL)),
                Some(_) => {}
                None => {
                    detail(orders, Verbosity::Reaping, &format_args!("orphan {pid}: SIGTERM"));
                    drop(sys::kill(pid, libc::SIGTERM));
                    drop(sys::kill(pid, libc::SIGCONT));
                    self.asked.push((pid, now));
                }
            }
        }
    }
}
