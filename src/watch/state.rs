//! All watched settings. Pure.

use std::collections::HashMap;
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
        if trigger != Trigger::Write {
            return self.sweep(steps, trigger, now);
        }
        let indices = self.indices();
        let mut events = Vec::new();
        for step in steps {
            let known = indices.get(&step.key).and_then(|index| self.settings.get_mut(*index));
            let event = known.and_then(|setting| setting.update(step, trigger, now.wall, writer(&step.key)));
            events.extend(event);
        }
        events
    }

    /// Takes over the values of all settings, in their order; those that are no longer among them are gone.
    fn sweep(&mut self, steps: &[KeyStep], trigger: Trigger, now: Now) -> Vec<WatchEvent> {
        let (mut events, mut appeared) = (Vec::new(), Vec::new());
        // Nearly always the settings are those of the last sweep, in the same order.
        let is_same = self.settings.iter().map(|setting| &setting.key).eq(steps.iter().map(|step| &step.key));
        let indices = if is_same { HashMap::new() } else { self.indices() };
        let mut known: Vec<Option<WatchedSetting>> = self.settings.drain(..).map(Some).collect();
        self.new_settings = 0;
        for (place, step) in steps.iter().enumerate() {
            let index = if is_same { Some(&place) } else { indices.get(&step.key) };
            let known = index.and_then(|index| known.get_mut(*index)?.take());
            let setting = if let Some(mut setting) = known {
                let was_readable = setting.found.is_ok();
                events.extend(setting.update(step, trigger, now.wall, None));
                self.new_settings += usize::from(!was_readable && setting.found.is_ok());
                setting
            } else {
                let setting = WatchedSetting::new(step, now.wall);
                self.new_settings += 1;
                match first_event(&setting, trigger) {
                    Some(event) => events.push(event),
                    None => appeared.push(step.key.clone()),
                }
                setting
            };
            self.settings.push(setting);
        }
        if trigger == Trigger::Sweep && !appeared.is_empty() {
            events.push(WatchEvent::AppearedSatisfied(appeared));
        }
        self.end_sweep(known, now, &mut events);
        events
    }

    /// Notes what the sweep did not find, and sums up the changes that were not reported.
    fn end_sweep(&mut self, rest: Vec<Option<WatchedSetting>>, now: Now, events: &mut Vec<WatchEvent>) {
        let mut gone: Vec<WatchedSetting> = rest.into_iter().flatten().collect();
        self.gone = gone.iter().filter(|setting| !setting.is_pattern()).map(|setting| setting.key.clone()).collect();
        if !self.gone.is_empty() {
            events.push(WatchEvent::Gone(self.gone.clone()));
        }
        events.extend(gone.iter_mut().chain(&mut self.settings).filter_map(WatchedSetting::take_unreported));
        self.swept = Some(now.wall);
    }

    /// The index of each setting in `settings`.
    fn indices(&self) -> HashMap<Key, usize> {
        self.settings.iter().enumerate().map(|(index, setting)| (setting.key.clone(), index)).collect()
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
        let events = self.sweep(steps, Trigger::FirstSweep, now);
        let indices = self.indices();
        for old in old {
            match indices.get(&old.key).and_then(|index| self.settings.get_mut(*index)) {
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

/// What to report of a setting that was not known: nothing where it holds.
fn first_event(setting: &WatchedSetting, trigger: Trigger) -> Option<WatchEvent> {
    match (&setting.found, trigger) {
        _ if setting.holds() => None,
        (Err(_), _) => Some(WatchEvent::Unreadable(setting.observed())),
        (Ok(_), Trigger::FirstSweep) => Some(WatchEvent::NotSatisfied(setting.observed())),
        (Ok(_), _) => Some(WatchEvent::Appeared(setting.observed())),
    }
}
