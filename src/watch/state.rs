//! What is known of each setting: what stands there, since when, and how often it went astray. Pure.

use std::time::SystemTime;

use super::messages;
use super::timestamp::Now;
use super::watched_setting::{Change, Look, WatchedSetting};
use crate::model::setting::Key;
use crate::plan::KeyStep;

/// All settings that are watched.
#[derive(Debug, Default)]
pub struct WatchState {
    /// In the order of the plan.
    pub entries: Vec<WatchedSetting>,
    /// When all of them were looked at last.
    pub swept: Option<SystemTime>,
    /// How many were new then, or could be read again.
    pub arrivals: usize,
    /// The settings that were there before the last look, and were not looked at any more.
    pub gone: Vec<Key>,
}

impl WatchState {
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
                if entry.may_be_told() {
                    lines.push(messages::line(entry, &change, writer(&step.key).as_deref()));
                }
            }
        }
        if look == Look::Sweep {
            lines.extend(messages::several("appeared", &came, ", and what is asked for holds"));
        }
        if all {
            self.close(now, &mut lines);
        }
        lines
    }

    /// Adds a setting that was not known. Says whether it holds, and how to tell that it does not.
    fn admit(&mut self, step: &KeyStep, hint: usize, look: Look, now: Now) -> (bool, String) {
        let entry = WatchedSetting::new(step, now.wall);
        let change = match (&entry.found, look) {
            (Err(_), _) => Change::Unreadable,
            (Ok(_), Look::First) => Change::First,
            (Ok(_), _) => Change::Appeared,
        };
        let told = (entry.holds(), messages::line(&entry, &change, None));
        self.arrivals += 1;
        self.entries.insert(hint.min(self.entries.len()), entry);
        told
    }

    /// The end of a sweep: what was not seen is gone, and what was not told is summed up.
    fn close(&mut self, now: Now, lines: &mut Vec<String>) {
        let gone = self.entries.iter().filter(|entry| !entry.seen && !entry.is_pattern());
        self.gone = gone.map(|entry| entry.key.clone()).collect();
        let names: Vec<String> = self.gone.iter().map(ToString::to_string).collect();
        lines.extend(messages::several("gone", &names, ""));
        for entry in &mut self.entries {
            if entry.untold > 0 {
                lines.push(messages::restless(entry, entry.untold));
            }
            (entry.told, entry.untold) = (0, 0);
        }
        self.entries.retain(|entry| entry.seen);
        self.swept = Some(now.wall);
    }

    /// The entry of a key; most are where they were.
    pub fn entry(&mut self, key: &Key, hint: usize) -> Option<&mut WatchedSetting> {
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
