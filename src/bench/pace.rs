//! How often something is looked at that costs more the more there is of it.

use std::time::Duration;

/// What is looked at may take this part of a CPU: one in so many.
const SHARE: u32 = 500;
/// At first more, so that a short run is seen as well.
const SHARE_AT_FIRST: u32 = 50;
const AT_FIRST: Duration = Duration::from_secs(1);

/// When something is looked at next, by how long it took the last time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    next: Duration,
}

impl Pace {
    /// For the first time so long after the start of the run.
    pub(super) fn from(first: Duration) -> Self {
        Self { next: first }
    }

    /// Whether it is time, at this moment since the start.
    pub(super) fn is_due(self, at: Duration) -> bool {
        at >= self.next
    }

    /// Notes how long it took, from this moment on.
    pub(super) fn took(&mut self, at: Duration, cost: Duration) {
        let share = if at < AT_FIRST { SHARE_AT_FIRST } else { SHARE };
        self.next = at + cost * share;
    }
}

/// When the next sample is taken: soon after the start, then ten times a second.
pub(super) fn next_sample(at: Duration) -> Duration {
    const FIRST: Duration = Duration::from_millis(5);
    const MOST: Duration = Duration::from_millis(100);
    at + at.clamp(FIRST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_costs_more_is_looked_at_less_often() {
        let mut pace = Pace::from(Duration::from_millis(100));
        assert!(!pace.is_due(Duration::from_millis(99)) && pace.is_due(Duration::from_millis(100)));
        pace.took(Duration::from_millis(100), Duration::from_millis(1));
        assert!(!pace.is_due(Duration::from_millis(149)) && pace.is_due(Duration::from_millis(150)));
        pace.took(Duration::from_secs(2), Duration::from_millis(7));
        assert!(!pace.is_due(Duration::from_secs(5)) && pace.is_due(Duration::from_millis(5500)));
    }

    #[test]
    fn samples_are_close_at_first() {
        let mut at = Duration::ZERO;
        let mut times = Vec::new();
        while times.len() < 8 {
            at = next_sample(at);
            times.push(at.as_millis());
        }
        assert_eq!(times, [5, 10, 20, 40, 80, 160, 260, 360]);
    }
}
