//! When to look for ended children: at once when the kernel tells of one, but in a storm of orphans together.
//!
//! To be woken costs more than to reap, and an orphan each time is what a storm of them would come to.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// After how many other signals we look without having been told of any. Of the signals that wait the kernel gives the
/// lowest first, so that a flood of them could hold up `SIGCHLD` for ever.
const PATIENCE: u32 = 16;

/// How long we rest after an orphan if the next one comes so soon: short beside what a process takes to start and end,
/// for a zombie counts in `pids.max`, and the service's own end may be among what waits.
const REST: Duration = Duration::from_millis(1);

/// Whether it is time to look.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// How many signals may still come before we look.
    patience: u32,
    /// Until when an orphan that ends is one of a storm.
    storm_until: Option<Instant>,
    /// The end of our rest, while we rest.
    due: Option<Instant>,
}

impl Pace {
    /// Whether to look now; at the very first, yes.
    pub(super) fn is_due(&self) -> bool {
        self.patience == 0 || self.due.is_some_and(|due| due <= Instant::now())
    }

    /// Whether we rest, and want to hear of no child.
    pub(super) fn rests(&self) -> bool {
        self.due.is_some()
    }

    /// When we look without being told.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The kernel tells of a child.
    pub(super) fn child_changed(&mut self) {
        self.due = self.storm_until.filter(|&end| Instant::now() < end);
        if self.due.is_none() {
            self.look();
        }
    }

    /// A signal came that is about something else.
    pub(super) fn other_signal(&mut self) {
        self.patience = self.patience.saturating_sub(1);
    }

    /// We are to look.
    pub(super) fn look(&mut self) {
        self.patience = 0;
    }

    /// We have looked, and found `orphans` or not.
    pub(super) fn reaped(&mut self, orphans: bool) {
        *self = Self {
            patience: PATIENCE,
            storm_until: if orphans { Instant::now().checked_add(REST) } else { None },
            due: None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_ends_by_itself_is_looked_for_at_once() {
        let mut pace = Pace::default();
        assert!(pace.is_due(), "the very first time");
        for orphans in [false, true] {
            pace.reaped(orphans);
            assert!(!pace.is_due());
            std::thread::sleep(REST);
            pace.child_changed();
            assert_eq!((pace.is_due(), pace.rests()), (true, false));
        }
        // The service's own changes are no storm.
        pace.reaped(false);
        pace.child_changed();
        assert_eq!((pace.is_due(), pace.rests()), (true, false));
    }

    #[test]
    fn of_a_storm_we_hear_after_a_rest() {
        let storm_until = Instant::now().checked_add(Duration::from_secs(60));
        let mut pace = Pace { storm_until, patience: PATIENCE, due: None };
        pace.child_changed();
        assert_eq!((pace.is_due(), pace.rests(), pace.due()), (false, true, pace.storm_until));
        pace.due = Some(Instant::now());
        assert!(pace.is_due());
        pace.reaped(true);
        let left = pace.storm_until.unwrap().saturating_duration_since(Instant::now());
        assert_eq!((pace.rests(), left <= REST), (false, true));
    }

    #[test]
    fn a_flood_of_other_signals_does_not_hold_it_up() {
        let mut pace = Pace::default();
        pace.reaped(false);
        for _ in 0..PATIENCE {
            assert!(!pace.is_due());
            pace.other_signal();
        }
        assert!(pace.is_due());
        pace.other_signal();
        assert!(pace.is_due());
    }
}
