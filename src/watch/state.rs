//! All watched settings. Pure.

use std::time::SystemTime;

use super::event::{Summary, WatchEvent, Writer};
use super::timestamp::Now;
use super::watched_setting::{Trigger, WatchedSetting};
use crate::model::setting::Key;
use crate::plan::KeyStep;

/// All watched settings.
#[derive(Debug, Default)]
pub struct WatchState {
    /// In the order of the plan.
    pub settings: Vec<WatchedSetting>,
    /// When all of them were read last.
    pub swept: Option<SystemTime>,
    /// How many the last sweep found that were not known or not readable before.
    pub new_settings: usize,
    /// The settings that the last sweep no longer found.
    pub gone: Vec<Key>,
}

impl WatchState {
    /// Takes over the values of some settings, or of all in a sweep; returns what to report. `writer` names who wrote
    /// a key, where that is known.
    pub fn update(
        &mut self,
        steps: &[KeyStep],
        trigger: Trigger,
        now: Now,
        writer: &dyn Fn(&Key) -> Option<Writer>,
    ) -> Vec<WatchEvent> {
        let (mut events, mut appeared) = (Vec::new(), Vec::new());
        let is_sweep = trigger != Trigger::Write;
        if is_sweep {
            self.settings.iter_mut().for_each(|setting| setting.seen = false);
            self.new_settings = 0;
        }
        for (hint, step) in steps.iter().enumerate() {
            let Some(setting) = self.setting(&step.key, hint) else {
                match self.add(step, hint, trigger, now) {
                    Some(event) => events.push(event),
                    None => appeared.push(step.key.clone()),
                }
                continue;
            };
            if let Some(event) = setting.update(step, trigger, now.wall, writer(&step.key)) {
                let may_report = setting.may_report();
                self.new_settings += usize::from(matches!(event, WatchEvent::Appeared(_)));
                events.extend(may_report.then_some(event));
            }
        }
        if trigger == Trigger::Sweep && !appeared.is_empty() {
            events.push(WatchEvent::AppearedSatisfied(appeared));
        }
        if is_sweep {
            self.end_sweep(now, &mut events);
        }
        events
    }

    /// Adds a setting that was not known; returns what to report where it does not hold.
    fn add(&mut self, step: &KeyStep, hint: usize, trigger: Trigger, now: Now) -> Option<WatchEvent> {
        let setting = WatchedSetting::new(step, now.wall);
        let event = match (&setting.found, trigger) {
            _ if setting.holds() => None,
            (Err(_), _) => Some(WatchEvent::Unreadable(setting.observed())),
            (Ok(_), Trigger::FirstSweep) => Some(WatchEvent::NotSatisfied(setting.observed())),
            (Ok(_), _) => Some(WatchEvent::Appeared(setting.observed())),
        };
        self.new_settings += 1;
        self.settings.insert(hint.min(self.settings.len()), setting);
        event
    }

    /// Removes what the sweep did not find, and sums up the changes that were not reported.
    fn end_sweep(&mut self, now: Now, events: &mut Vec<WatchEvent>) {
        let gone = self.settings.iter().filter(|setting| !setting.seen && !setting.is_pattern());
        self.gone = gone.map(|setting| setting.key.clone()).collect();
        if !self.gone.is_empty() {
            events.push(WatchEvent::Gone(self.gone.clone()));
        }
        events.extend(self.settings.iter_mut().filter_map(WatchedSetting::take_unreported));
        self.settings.retain(|setting| setting.seen);
        self.swept = Some(now.wall);
    }

    /// The setting with this key; `hint` is where it most probably is.
    pub fn setting(&mut self, key: &Key, hint: usize) -> Option<&mut WatchedSetting> {
        let is_at_hint = self.settings.get(hint).is_some_and(|setting| setting.key == *key);
        let index = if is_at_hint { hint } else { self.settings.iter().position(|setting| setting.key == *key)? };
        self.settings.get_mut(index)
    }

    /// Starts again with another profile. The counts of settings that are still watched are kept.
    pub fn restart(&mut self, steps: &[KeyStep], now: Now) -> Vec<WatchEvent> {
        let old = std::mem::take(&mut self.settings);
        let events = self.update(steps, Trigger::FirstSweep, now, &|_| None);
        for old in old {
            match self.setting(&old.key, usize::MAX) {
                Some(setting) => (setting.drifts, setting.repairs) = (old.drifts, old.repairs),
                None => self.gone.push(old.key),
            }
        }
        events
    }

    /// How many settings there are, and how many of them do not hold.
    #[must_use]
    pub fn summary(&self, profiles: &[String]) -> Summary {
        let unsatisfied = self.settings.iter().filter(|setting| !setting.holds()).count();
        Summary { profiles: profiles.to_vec(), all: self.settings.len(), unsatisfied }
    }
}
