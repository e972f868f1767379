//! How long to insist on a value that is written over, and when to give it up.

use std::time::{Duration, Instant};

/// So often a value is put back before it is given up.
const ROUNDS: u32 = 5;

/// So many times the first pause a value has to stay before what was before it is forgotten: an hour for a second. Who
/// writes over a value every few minutes insists on it too.
const CALM: u32 = 3600;

/// The state of one setting between us and whoever writes over it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backoff {
    rounds: u32,
    last: Option<Instant>,
    next: Option<Instant>,
    given_up: bool,
}

impl Backoff {
    /// Whether to put the value back now.
    #[must_use]
    pub fn may_try(&self, now: Instant) -> bool {
        !self.given_up && self.next.is_none_or(|next| next <= now)
    }

    /// When to put it back, if that is not given up; nothing where it may be done at once.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.next.filter(|_| !self.given_up)
    }

    /// Whether it has been given up.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// How often it was put back, or tried to be, since it was calm.
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    /// It has been put back, or could not be. Each time the pause before the next try is twice as long.
    pub fn tried(&mut self, now: Instant, first_pause: Duration) {
        if self.last.is_some_and(|last| now.duration_since(last) >= first_pause.saturating_mul(CALM)) {
            *self = Self::default();
        }
        let pause = first_pause.saturating_mul(1 << self.rounds.min(ROUNDS));
        self.rounds += 1;
        self.last = Some(now);
        self.next = now.checked_add(pause);
    }

    /// It is not for us to put back.
    pub fn give_up(&mut self) {
        self.given_up = true;
    }

    /// It can't be put back just now, which says nothing of whoever writes it.
    pub fn wait(&mut self, now: Instant, pause: Duration) {
        self.next = now.checked_add(pause);
    }

    /// It falls short again: gives it up if that has happened often enough; says whether it just did.
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
    fn pauses_double_and_then_it_is_given_up() {
        let mut fight = Backoff::default();
        let mut now = Instant::now();
        for pause in [1, 2, 4, 8, 16] {
            assert!(fight.may_try(now));
            assert!(!fight.lost(now, SECOND));
            fight.tried(now, SECOND);
            assert!(!fight.may_try(now + (SECOND * pause).mul_f64(0.999)));
            now += SECOND * pause;
        }
        assert!(fight.may_try(now));
        assert!(fight.lost(now, SECOND), "it says so");
        assert!(!fight.lost(now, SECOND), "and once");
        assert!(fight.is_given_up() && !fight.may_try(now + SECOND * 1000) && fight.next().is_none());
    }

    #[test]
    fn a_calm_hour_makes_all_forgotten() {
        let (mut fight, start) = (Backoff::default(), Instant::now());
        for hour in 0..20 {
            let now = start + SECOND * 3600 * hour;
            assert!(!fight.lost(now, SECOND) && fight.may_try(now));
            fight.tried(now, SECOND);
            assert_eq!(fight.rounds(), 1);
        }
    }

    #[test]
    fn every_ten_minutes_is_no_calm() {
        let (mut fight, start) = (Backoff::default(), Instant::now());
        let gives_up = (0..20).position(|round| {
            let now = start + SECOND * 600 * round;
            let lost = fight.lost(now, SECOND);
            fight.tried(now, SECOND);
            lost
        });
        assert_eq!(gives_up, Some(5));
    }
}
