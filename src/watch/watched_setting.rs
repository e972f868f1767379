//! One watched setting: its current value, since when it has it, and how often it drifted. Pure.

use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::backoff::Backoff;
use super::event::{Observed, Since, WatchEvent, Writer};
use crate::model::setting::Key;
use crate::model::value::Value;
use crate::plan::{Action, KeyStep, Requirement, SkipReason, Unreadable};

/// So many changes of one setting are reported between two sweeps; the rest is counted.
const REPORTED_CHANGES: u32 = 10;

/// One watched setting.
#[derive(Debug)]
pub struct WatchedSetting {
    /// The key of `requirement.setting`.
    pub key: Key,
    /// What is required of it.
    pub requirement: Rc<Requirement>,
    /// Whether it belongs to the host, so that it is not ours to write.
    pub host_owned: bool,
    /// The current value, or why it is not known.
    pub found: Result<Value, Unreadable>,
    /// When that was read.
    pub read_at: SystemTime,
    /// How often it was seen to go from a value that satisfies the requirement to one that does not.
    pub drifts: u64,
    /// How often it was repaired.
    pub repairs: u64,
    /// When it may be repaired again.
    pub backoff: Backoff,
    unsatisfied_since: Option<SystemTime>,
    reported: u32,
    unreported: u32,
}

/// What made us read settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The first sweep of a profile.
    FirstSweep,
    /// A later sweep.
    Sweep,
    /// A write to a setting.
    Write,
}

impl WatchedSetting {
    pub(super) fn new(step: &KeyStep, now: SystemTime) -> Self {
        let mut setting = Self {
            key: step.key.clone(),
            requirement: step.requirement.clone(),
            host_owned: step.action == Action::Skip(SkipReason::HostOwned),
            found: step.current.clone(),
            read_at: now,
            drifts: 0,
            repairs: 0,
            backoff: Backoff::default(),
            unsatisfied_since: None,
            reported: 0,
            unreported: 0,
        };
        setting.unsatisfied_since = (!setting.holds()).then_some(now);
        setting
    }

    /// Its state, for an event.
    pub(super) fn observed(&self) -> Observed {
        Observed {
            key: self.key.clone(),
            requirement: self.requirement.clone(),
            host_owned: self.host_owned,
            found: self.found.clone(),
        }
    }

    /// Whether its value satisfies the requirement.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.found.as_ref().is_ok_and(|value| self.requirement.wanted.holds(value))
    }

    /// Whether it is required and does not hold.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.requirement.required && !self.holds()
    }

    /// Whether it does not hold, and a value can be written to it.
    #[must_use]
    pub fn can_be_repaired(&self) -> bool {
        self.found.is_ok() && !self.holds() && !self.host_owned
    }

    /// Records that it was repaired, and the value that was read back.
    pub(super) fn set_repaired(&mut self, found: Value, now: SystemTime) {
        self.found = Ok(found);
        self.read_at = now;
        self.repairs += 1;
        self.unsatisfied_since = None;
    }

    pub(super) fn is_pattern(&self) -> bool {
        matches!(&self.key, Key::Sysctl(name) if name.is_pattern())
    }

    /// Takes over the value that was read; returns the event if it has changed, unless too many were reported. `writer`
    /// is who wrote it, where that is known.
    pub(super) fn update(
        &mut self,
        step: &KeyStep,
        trigger: Trigger,
        now: SystemTime,
        writer: Option<Writer>,
    ) -> Option<WatchEvent> {
        let held = self.holds();
        let since = if trigger == Trigger::Write { Since::At(now) } else { Since::Between(self.read_at, now) };
        let before = std::mem::replace(&mut self.found, step.current.clone());
        self.read_at = now;
        if before == self.found {
            return None;
        }
        let holds = self.holds();
        if held && !holds && self.found.is_ok() {
            self.drifts += 1;
        }
        let unsatisfied_for = self.unsatisfied_for(now);
        if !self.may_report() {
            return None;
        }
        let setting = self.observed();
        Some(match (before, held, holds) {
            (Err(_), ..) if self.found.is_ok() => WatchEvent::Appeared(setting),
            (Err(_), ..) => WatchEvent::Unreadable(setting),
            (Ok(_), ..) if self.found.is_err() => WatchEvent::Unreadable(setting),
            (Ok(before), true, false) => WatchEvent::Drifted { setting, before, since, writer },
            (Ok(before), false, true) => WatchEvent::Recovered { setting, before, after: unsatisfied_for, writer },
            (Ok(before), ..) => WatchEvent::Changed { setting, before, since, writer },
        })
    }

    /// How long it did not hold, where it does now; notes the time where it does not.
    fn unsatisfied_for(&mut self, now: SystemTime) -> Option<Duration> {
        if self.holds() {
            return self.unsatisfied_since.take().and_then(|since| now.duration_since(since).ok());
        }
        self.unsatisfied_since.get_or_insert(now);
        None
    }

    /// Whether one more change may be reported; counts it as reported or unreported.
    fn may_report(&mut self) -> bool {
        let may = self.reported < REPORTED_CHANGES;
        *(if may { &mut self.reported } else { &mut self.unreported }) += 1;
        may
    }

    /// The event that sums up the changes that were not reported, if there were any; counts anew.
    pub(super) fn take_unreported(&mut self) -> Option<WatchEvent> {
        self.reported = 0;
        let count = std::mem::take(&mut self.unreported);
        (count > 0).then(|| WatchEvent::MoreChanges { setting: self.observed(), count })
    }
}
