//! When to reap: at once when the kernel reports an ended child, but together when many orphans end one after the
//! other, since being woken for each costs more than reaping it.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// After how many other signals children are reaped without `SIGCHLD`. Of the pending signals the kernel delivers the
/// lowest number first, so that a flood of those could hold up `SIGCHLD` for ever.
const SIGNALS_BEFORE_REAP: u32 = 16;

/// How long reaping pauses after an orphan, if the next one ends within that time. Short beside the time that a process
/// takes to start and end: a zombie counts in `pids.max`, and the service's own end may be among what is pending.
const PAUSE: Duration = Duration::from_millis(1);

/// Decides when to reap.
#[derive(Debug, Default)]
pub(super) struct ReapThrottle {
    /// How many other signals may still come before children are reaped.
    signals_left: u32,
    /// Until when another ended orphan counts as one of many.
    burst_until: Option<Instant>,
    /// The end of the pause, during one.
    paused_until: Option<Instant>,
}

impl ReapThrottle {
    /// Whether to reap now; at the very first, yes.
    pub(super) fn is_due(&self) -> bool {
        self.signals_left == 0 || self.paused_until.is_some_and(|end| end <= Instant::now())
    }

    /// Whether `SIGCHLD` is to be left pending.
    pub(super) fn is_paused(&self) -> bool {
        self.paused_until.is_some()
    }

    /// When to reap without a signal, during a pause.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.paused_until
    }

    /// `SIGCHLD` has come.
    pub(super) fn on_sigchld(&mut self) {
        self.paused_until = self.burst_until.filter(|&end| Instant::now() < end);
        if self.paused_until.is_none() {
            self.make_due();
        }
    }

    /// Another signal has come.
    pub(super) fn on_other_signal(&mut self) {
        self.signals_left = self.signals_left.saturating_sub(1);
    }

    /// Has children reaped next.
    pub(super) fn make_due(&mut self) {
        self.signals_left = 0;
    }

    /// Children were reaped, `orphans` among them or not.
    pub(super) fn on_reaped(&mut self, orphans: bool) {
        *self = Self {
            signals_left: SIGNALS_BEFORE_REAP,
            burst_until: if orphans { Instant::now().checked_add(PAUSE) } else { None },
            paused_until: None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_child_is_reaped_at_once() {
        let mut throttle = ReapThrottle::default();
        assert!(throttle.is_due(), "the very first time");
        for orphans in [false, true] {
            throttle.on_reaped(orphans);
            assert!(!throttle.is_due());
            std::thread::sleep(PAUSE);
            throttle.on_sigchld();
            assert_eq!((throttle.is_due(), throttle.is_paused()), (true, false));
        }
        // Stops and continues of the service are no burst.
        throttle.on_reaped(false);
        throttle.on_sigchld();
        assert_eq!((throttle.is_due(), throttle.is_paused()), (true, false));
    }

    #[test]
    fn orphans_in_a_burst_are_reaped_after_a_pause() {
        let burst_until = Instant::now().checked_add(Duration::from_secs(60));
        let mut throttle = ReapThrottle { burst_until, signals_left: SIGNALS_BEFORE_REAP, paused_until: None };
        throttle.on_sigchld();
        assert_eq!((throttle.is_due(), throttle.is_paused(), throttle.paused_until()), (false, true, burst_until));
        throttle.paused_until = Some(Instant::now());
        assert!(throttle.is_due());
        throttle.on_reaped(true);
        let left = throttle.burst_until.unwrap().saturating_duration_since(Instant::now());
        assert_eq!((throttle.is_paused(), left <= PAUSE), (false, true));
    }

    #[test]
    fn a_flood_of_other_signals_does_not_hold_it_up() {
        let mut throttle = ReapThrottle::default();
        throttle.on_reaped(false);
        for _ in 0..SIGNALS_BEFORE_REAP {
            assert!(!throttle.is_due());
            throttle.on_other_signal();
        }
        assert!(throttle.is_due());
        throttle.on_other_signal();
        assert!(throttle.is_due());
    }
}
