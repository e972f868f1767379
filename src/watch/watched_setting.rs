//! One setting that is watched: what stands there, since when, and how often it went astray. Pure.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::backoff::Backoff;
use crate::model::setting::Key;
use crate::model::value::Value;
use crate::plan::{Action, KeyStep, Requirement, SkipReason, Unreadable};

/// So many changes of one setting are told of between two sweeps; the rest is counted.
const TOLD: u32 = 10;

/// What became of a setting.
#[derive(Debug)]
pub(super) enum Change {
    /// It falls short at the first look.
    First,
    /// It can be read now, and could not before.
    Appeared,
    /// It can't be read any more.
    Unreadable,
    /// It had this value, which would do.
    Drifted(Value, Since),
    /// It had this value, and falls short as before or holds as before.
    Changed(Value, Since),
    /// It had this value, fell short for so long, and holds again.
    Recovered(Value, Option<Duration>),
}

/// When a value came to stand there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Since {
    /// Then.
    At(SystemTime),
    /// At some time between two looks.
    Between(SystemTime, SystemTime),
}

/// One setting that is watched.
#[derive(Debug)]
pub struct WatchedSetting {
    /// The key of `requirement.setting`.
    pub key: Key,
    /// What is required of it.
    pub requirement: Rc<Requirement>,
    /// Whether it belongs to the host, so that it is not ours to write.
    pub host_owned: bool,
    /// What stands there, or why that is not known.
    pub found: Result<Value, Unreadable>,
    /// When that was read.
    pub looked: SystemTime,
    /// How often it was seen to go from a value that will do to one that won't.
    pub drifts: u64,
    /// How often it was put back.
    pub repairs: u64,
    /// Who gets the upper hand.
    pub fight: Backoff,
    short_since: Option<SystemTime>,
    pub(super) told: u32,
    pub(super) untold: u32,
    pub(super) seen: bool,
}

/// How a look came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// The first of all.
    First,
    /// It was time.
    Sweep,
    /// Something was written.
    Notice,
}

impl WatchedSetting {
    pub(super) fn new(step: &KeyStep, at: SystemTime) -> Self {
        Self {
            key: step.key.clone(),
            requirement: step.requirement.clone(),
            host_owned: step.action == Action::Skip(SkipReason::HostOwned),
            found: step.current.clone(),
            looked: at,
            drifts: 0,
            repairs: 0,
            fight: Backoff::default(),
            short_since: None,
            told: 0,
            untold: 0,
            seen: true,
        }
        .begun(at)
    }

    /// What falls short at the first look has done so since then, as far as is known.
    fn begun(mut self, at: SystemTime) -> Self {
        self.short_since = (!self.holds()).then_some(at);
        self
    }

    /// Whether it is what is asked for.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.found.as_ref().is_ok_and(|value| self.requirement.wanted.holds(value))
    }

    /// Whether falling short fails the whole.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.requirement.required && !self.holds()
    }

    /// Whether another value could be put in its place.
    #[must_use]
    pub fn can_be_repaired(&self) -> bool {
        self.found.is_ok() && !self.holds() && !self.host_owned
    }

    /// It was put back, and this was read back.
    pub(super) fn put_back(&mut self, found: Value, at: SystemTime) {
        self.found = Ok(found);
        self.looked = at;
        self.repairs += 1;
        self.short_since = None;
    }

    pub(super) fn is_pattern(&self) -> bool {
        matches!(&self.key, Key::Sysctl(name) if name.is_pattern())
    }

    /// Takes over what was read; says how that is told.
    pub(super) fn take(&mut self, step: &KeyStep, look: Look, at: SystemTime) -> Option<Change> {
        let held = self.holds();
        let since = if look == Look::Notice { Since::At(at) } else { Since::Between(self.looked, at) };
        let before = std::mem::replace(&mut self.found, step.current.clone());
        self.looked = at;
        self.seen = true;
        if before == self.found {
            return None;
        }
        let holds = self.holds();
        if held && !holds && self.found.is_ok() {
            self.drifts += 1;
        }
        let lasted = if holds { self.short_since.take() } else { None };
        if !holds && self.short_since.is_none() {
            self.short_since = Some(at);
        }
        Some(match (before, held, holds) {
            (Err(_), _, _) if self.found.is_ok() => Change::Appeared,
            (_, _, _) if self.found.is_err() => Change::Unreadable,
            (Ok(before), true, false) => Change::Drifted(before, since),
            (Ok(before), false, true) => {
                Change::Recovered(before, lasted.and_then(|since| at.duration_since(since).ok()))
            }
            (Ok(before), _, _) => Change::Changed(before, since),
            (Err(_), _, _) => Change::Unreadable,
        })
    }

    /// Whether one more change is to be told of; counts it among the told or the untold.
    pub(super) fn may_be_told(&mut self) -> bool {
        let may = self.told < TOLD;
        *(if may { &mut self.told } else { &mut self.untold }) += 1;
        may
    }
}
