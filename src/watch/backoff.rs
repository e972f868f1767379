//! The pauses between repairs of one setting, and when to give it up.

use std::time::{Duration, Instant};

/// A setting is repaired so often before it is given up.
const ROUNDS: u32 = 5;

/// A repaired value has to last for so many times the first pause until the repairs before it no longer count: an hour
/// for a pause of a second. A program that overwrites a value every few minutes is still fighting for it.
const CALM: u32 = 3600;

/// The repairs of one setting that did not last.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    rounds: u32,
    last: Option<Instant>,
    next: Option<Instant>,
    given_up: bool,
}

impl Backoff {
    /// Whether the setting may be repaired now.
    #[must_use]
    pub fn may_try(&self, now: Instant) -> bool {
        !self.given_up && self.next.is_none_or(|next| next <= now)
    }

    /// When it may be repaired next; `None` where that is at once or never.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.next.filter(|_| !self.given_up)
    }

    /// Whether it has been given up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// How often it was repaired, or tried to be, since its value last lasted.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Records a repair or a failed try. Each time the pause before the next one is twice as long.
    pub fn tried(&mut self, now: Instant, first_pause: Duration) {
        if self.last.is_some_and(|last| now.duration_since(last) >= first_pause.saturating_mul(CALM)) {
            *self = Self::default();
        }
        let pause = first_pause.saturating_mul(1 << self.rounds.min(ROUNDS));
        self.rounds += 1;
        self.last = Some(now);
        self.next = now.checked_add(pause);
    }

    /// Gives it up for good.
    pub fn give_up(&mut self) {
        self.given_up = true;
    }

    /// Defers the next try for a reason that does not count as a try.
    pub fn wait(&mut self, now: Instant, pause: Duration) {
        self.next = now.checked_add(pause);
    }

    /// Records that the setting does not hold again, and gives it up after enough repairs; returns whether it just did.
    pub fn lost(&mut self, now: Instant, first_pause: Duration) -> bool {
        let calm = self.last.is_none_or(|last| now.duration_since(last) >= first_pause.saturating_mul(CALM));
        let gives_up = !self.given_up && !calm && self.rounds >= ROUNDS;
        self.given_up |= gives_up;
        gives_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_double_until_it_is_given_up() {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        for pause in [1, 2, 4, 8, 16] {
            assert!(backoff.may_try(now));
            assert!(!backoff.lost(now, SECOND));
            backoff.tried(now, SECOND);
            assert!(!backoff.may_try(now + (SECOND * pause).mul_f64(0.999)));
            now += SECOND * pause;
        }
        assert!(backoff.may_try(now));
        assert!(backoff.lost(now, SECOND), "it is reported");
        assert!(!backoff.lost(now, SECOND), "and once");
        assert!(backoff.is_given_up() && !backoff.may_try(now + SECOND * 1000) && backoff.next().is_none());
    }

    #[test]
    fn repairs_before_a_calm_hour_do_not_count() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        for hour in 0..20 {
            let now = start + SECOND * 3600 * hour;
            assert!(!backoff.lost(now, SECOND) && backoff.may_try(now));
            backoff.tried(now, SECOND);
            assert_eq!(backoff.rounds(), 1);
        }
    }

    #[test]
    fn an_overwrite_every_ten_minutes_is_given_up() {
        let (mut backoff, start) = (Backoff::default(), Instant::now());
        let gives_up = (0..20).position(|round| {
            let now = start + SECOND * 600 * round;
            let lost = backoff.lost(now, SECOND);
            backoff.tried(now, SECOND);
            lost
        });
        assert_eq!(gives_up, Some(5));
    }
}
