//! Counters at one moment, and what moved between two.

use std::collections::BTreeMap;

use nix::errno::Errno;

use super::{Counter, Kind};

/// Why a number is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// It was not asked for, or this kernel does not have it.
    Absent,
    /// Its file could not be read.
    Unreadable(Errno),
    /// Its file does not look as expected.
    Malformed,
    /// It was lower at the end than at the start: something else was counted there.
    Backwards,
}

/// A number of the kernel's, or why it is not known.
pub type Reading = Result<u64, Unknown>;

/// Counters as they were read at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<Counter, Reading>);

/// How far counters moved between two snapshots; of those that go up and down, the later reading.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference(BTreeMap<Counter, Reading>);

impl Snapshot {
    /// Keeps a reading.
    pub fn set(&mut self, counter: Counter, reading: Reading) {
        self.0.insert(counter, reading);
    }

    /// What was read.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn get(&self, counter: Counter) -> Reading {
        self.0.get(&counter).copied().unwrap_or(Err(Unknown::Absent))
    }

    /// Takes in what another snapshot of the same moment has read.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How far each counter moved since `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Difference {
        let moved = |counter: Counter| match (counter.kind(), self.get(counter), before.get(counter)) {
            (Kind::Level, after, _) => after,
            (Kind::Total, Ok(after), Ok(before)) => after.checked_sub(before).ok_or(Unknown::Backwards),
            (Kind::Total, Err(unknown), _) | (Kind::Total, _, Err(unknown)) => Err(unknown),
        };
        Difference(self.0.keys().map(|counter| (*counter, moved(*counter))).collect())
    }
}

impl Difference {
    /// How far it moved, or where it stood at the end.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn get(&self, counter: Counter) -> Reading {
        self.0.get(&counter).copied().unwrap_or(Err(Unknown::Absent))
    }

    /// All that were read, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Counter, Reading)> {
        self.0.iter().map(|(counter, reading)| (*counter, *reading))
    }
}

impl FromIterator<(Counter, Reading)> for Snapshot {
    fn from_iter<T: IntoIterator<Item = (Counter, Reading)>>(readings: T) -> Self {
        Self(readings.into_iter().collect())
    }
}

impl FromIterator<(Counter, Reading)> for Difference {
    fn from_iter<T: IntoIterator<Item = (Counter, Reading)>>(readings: T) -> Self {
        Self(readings.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Counter::{ConntrackDrop, ListenDrops, ListenOverflows, QdiscDrops, SocketsTimeWait};

    #[test]
    fn what_moved_between_two_snapshots() {
        let before: Snapshot =
            [(ListenOverflows, Ok(40)), (ListenDrops, Ok(50)), (SocketsTimeWait, Ok(900))].into_iter().collect();
        let after: Snapshot = [
            (ListenOverflows, Ok(42)),
            (ListenDrops, Ok(3)),
            (SocketsTimeWait, Ok(7)),
            (ConntrackDrop, Ok(0)),
            (QdiscDrops, Err(Unknown::Unreadable(Errno::EACCES))),
        ]
        .into_iter()
        .collect();
        let moved = after.since(&before);
        assert_eq!(moved.get(ListenOverflows), Ok(2));
        assert_eq!(moved.get(ListenDrops), Err(Unknown::Backwards), "a counter that goes backwards is not 0");
        assert_eq!(moved.get(SocketsTimeWait), Ok(7), "a level is what it is at the end");
        assert_eq!(moved.get(ConntrackDrop), Err(Unknown::Absent), "it appeared in between: nothing to compare with");
        assert_eq!(moved.get(QdiscDrops), Err(Unknown::Unreadable(Errno::EACCES)));
        assert_eq!(moved.get(Counter::CpuPressure), Err(Unknown::Absent));
    }
}
