//! What is known of each setting: what stands there, since when, and how often it went astray. Pure.

use std::time::SystemTime;

use super::fight::Fight;
use super::moment::Now;
use super::words::{self, Change, Since};
use crate::model::expectation::Expectation;
use crate::model::setting::Key;
use crate::model::value::Value;
use crate::plan::{KeyStep, Obstacle, Owner};

/// So many changes of one setting are told of between two sweeps; the rest is counted.
const TOLD: u32 = 10;

/// All settings that are watched.
#[derive(Debug, Default)]
pub struct Ledger {
    /// In the order of the plan.
    pub entries: Vec<Entry>,
    /// When all of them were looked at last.
    pub swept: Option<SystemTime>,
    /// How many were new then, or could be read again.
    pub arrivals: usize,
    /// The settings that were there before the last look, and were not looked at any more.
    pub gone: Vec<Key>,
}

/// One setting.
#[derive(Debug)]
pub struct Entry {
    /// Which.
    pub key: Key,
    /// What it should be.
    pub wanted: Expectation<Value>,
    /// Whether falling short fails the whole.
    pub required: bool,
    /// Whose it is to write.
    pub owner: Owner,
    /// What stands there, or why that is not known.
    pub found: Result<Value, Obstacle>,
    /// When that was read.
    pub looked: SystemTime,
    /// How often it was seen to go from a value that will do to one that won't.
    pub drifts: u64,
    /// How often it was put back.
    pub repairs: u64,
    /// Who gets the upper hand.
    pub fight: Fight,
    short_since: Option<SystemTime>,
    told: u32,
    untold: u32,
    seen: bool,
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

impl Entry {
    fn new(step: &KeyStep, at: SystemTime) -> Self {
        Self {
            key: step.key.clone(),
            wanted: step.wanted.clone(),
            required: step.required,
            owner: step.owner,
            found: step.current.clone(),
            looked: at,
            drifts: 0,
            repairs: 0,
            fight: Fight::default(),
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
        self.found.as_ref().is_ok_and(|value| self.wanted.holds(value))
    }

    /// Whether falling short fails the whole.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.required && !self.holds()
    }

    /// Whether another value could be put in its place.
    #[must_use]
    pub fn can_be_repaired(&self) -> bool {
        self.found.is_ok() && !self.holds() && self.owner == Owner::Ours
    }

    /// It was put back, and this was read back.
    pub(super) fn put_back(&mut self, found: Value, at: SystemTime) {
        self.found = Ok(found);
        self.looked = at;
        self.repairs += 1;
        self.short_since = None;
    }

    fn is_pattern(&self) -> bool {
        matches!(&self.key, Key::Sysctl(name) if name.is_pattern())
    }

    /// Takes over what was read; says how that is told.
    fn take(&mut self, step: &KeyStep, look: Look, at: SystemTime) -> Option<Change> {
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

    /// The line for a change, unless there were too many.
    fn tell(&mut self, change: &Change, by: Option<&str>) -> Option<String> {
        if self.told >= TOLD {
            self.untold += 1;
            return None;
        }
        self.told += 1;
        Some(words::line(self, change, by))
    }
}

impl Ledger {
    /// Takes over what was read of some settings, or of all in a sweep; gives the lines that tell what is new.
    /// `writer` names who wrote, for keys where that is known.
    pub fn take(
        &mut self,
        steps: &[KeyStep],
        look: Look,
        now: Now,
        writer: &dyn Fn(&Key) -> Option<String>,
    ) -> Vec<String> {
        let (mut lines, mut came) = (Vec::new(), Vec::new());
        let all = look != Look::Notice;
        if all {
            self.entries.iter_mut().for_each(|entry| entry.seen = false);
            self.arrivals = 0;
        }
        for (hint, step) in steps.iter().enumerate() {
            let Some(entry) = self.place(&step.key, hint).and_then(|at| self.entries.get_mut(at)) else {
                let (holds, line) = self.admit(step, hint, look, now);
                if holds {
                    came.push(step.key.to_string());
                } else {
                    lines.push(line);
                }
                continue;
            };
            if let Some(change) = entry.take(step, look, now.wall) {
                self.arrivals += usize::from(matches!(change, Change::Appeared));
                lines.extend(entry.tell(&change, writer(&step.key).as_deref()));
            }
        }
        if look == Look::Sweep {
            lines.extend(words::several("appeared", &came, ", and what is asked for holds"));
        }
        if all {
            self.close(now, &mut lines);
        }
        lines
    }

    /// Adds a setting that was not known. Says whether it holds, and how to tell that it does not.
    fn admit(&mut self, step: &KeyStep, hint: usize, look: Look, now: Now) -> (bool, String) {
        let entry = Entry::new(step, now.wall);
        let change = match (&entry.found, look) {
            (Err(_), _) => Change::Unreadable,
            (Ok(_), Look::First) => Change::First,
            (Ok(_), _) => Change::Appeared,
        };
        let told = (entry.holds(), words::line(&entry, &change, None));
        self.arrivals += 1;
        self.entries.insert(hint.min(self.entries.len()), entry);
        told
    }

    /// The end of a sweep: what was not seen is gone, and what was not told is summed up.
    fn close(&mut self, now: Now, lines: &mut Vec<String>) {
        let gone = self.entries.iter().filter(|entry| !entry.seen && !entry.is_pattern());
        self.gone = gone.map(|entry| entry.key.clone()).collect();
        let names: Vec<String> = self.gone.iter().map(ToString::to_string).collect();
        lines.extend(words::several("gone", &names, ""));
        for entry in &mut self.entries {
            if entry.untold > 0 {
                lines.push(words::restless(entry, entry.untold));
            }
            (entry.told, entry.untold) = (0, 0);
        }
        self.entries.retain(|entry| entry.seen);
        self.swept = Some(now.wall);
    }

    /// The entry of a key; most are where they were.
    pub fn entry(&mut self, key: &Key, hint: usize) -> Option<&mut Entry> {
        let at = self.place(key, hint)?;
        self.entries.get_mut(at)
    }

    fn place(&self, key: &Key, hint: usize) -> Option<usize> {
        if self.entries.get(hint).is_some_and(|entry| entry.key == *key) {
            return Some(hint);
        }
        self.entries.iter().position(|entry| entry.key == *key)
    }

    /// Begins anew with another profile. What was counted of settings that are still watched stays.
    pub fn begin_anew(&mut self, steps: &[KeyStep], now: Now) -> Vec<String> {
        let counted = std::mem::take(&mut self.entries);
        let lines = self.take(steps, Look::First, now, &|_| None);
        for old in counted {
            match self.entry(&old.key, usize::MAX) {
                Some(entry) => (entry.drifts, entry.repairs) = (old.drifts, old.repairs),
                None => self.gone.push(old.key),
            }
        }
        lines
    }

    /// How many there are, and how many of those fall short.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len(), self.entries.iter().filter(|entry| !entry.holds()).count())
    }
}
