//! Reads the settings and repairs them: everything that a watch does but waiting.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::event::{RepairFailure, Summary, WatchEvent, Writer};
use super::state::WatchState;
use super::timestamp::Now;
use super::watched_setting::{Trigger, WatchedSetting};
use crate::apply;
use crate::journal::{self, BootIdentity, Journal, JournalError, JournalLocations, Recorder};
use crate::kernel::{Kernel, Process};
use crate::model::setting::{Key, Setting};
use crate::plan::{Action, KeyStep, Plan, PlanEnvironment, Requirement, Requirements, SkipReason};
use crate::report::{Outcome, Report, Shortfall, Verdict};

/// Where the journal could not be written, repairs are tried again after so many first pauses.
const SUSPENDED_PAUSES: u32 = 16;

/// What is to be watched.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// The names of the profiles, as they were given.
    pub profiles: Vec<String>,
    /// What they require of the kernel.
    pub requirements: Vec<Rc<Requirement>>,
    /// Where the settings are read and written.
    pub environment: PlanEnvironment,
    /// The files of the profiles, and those that would be read first if they existed.
    pub files: Vec<PathBuf>,
}

/// Whether settings that do not hold are repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairPolicy {
    /// They are only reported.
    Never,
    /// At once for the first time, then after this pause, and after twice as much each time.
    After(Duration),
}

/// The journal of a watch. It is open, and other processes are kept out of it, only during a repair.
#[derive(Clone, Debug)]
pub struct RepairJournal {
    /// Where the journal may be.
    pub locations: JournalLocations,
    /// The boot and the namespaces that we run in.
    pub here: BootIdentity,
}

impl RepairJournal {
    /// Carries out a plan, and records the original values first.
    fn apply(&self, kernel: &mut dyn Kernel, plan: &Plan, profiles: &[String]) -> Result<Report, JournalError> {
        let journal = Journal::open_or_create(&self.locations)?;
        let changes = journal::planned_changes(kernel, plan, &self.here, None);
        let mut recorder = Recorder::resume_or_create(kernel, &journal, &self.here, profiles.to_vec(), changes)?;
        let report = apply::execute_keys(&mut recorder, plan, apply::OnFailure::Keep);
        if let Err(error) = recorder.finish() {
            log::warn!("{error}");
        }
        Ok(report)
    }
}

/// Watches settings, one step for each call.
#[derive(Debug)]
pub struct Watcher {
    config: WatchConfig,
    policy: RepairPolicy,
    journal: Option<RepairJournal>,
    state: WatchState,
    /// The requirements with their patterns expanded.
    expanded: Vec<Rc<Requirement>>,
    /// Whether the journal could not be written, which has been reported.
    is_suspended: bool,
}

impl Watcher {
    /// A watcher that has read nothing yet. Without a journal, repairs can't be reverted.
    #[must_use]
    pub fn new(config: WatchConfig, policy: RepairPolicy, journal: Option<RepairJournal>) -> Self {
        let state = WatchState::default();
        Self { config, policy, journal, state, expanded: Vec::new(), is_suspended: false }
    }

    /// The watched settings.
    #[must_use]
    pub fn state(&self) -> &WatchState {
        &self.state
    }

    /// What is watched.
    #[must_use]
    pub fn config(&self) -> &WatchConfig {
        &self.config
    }

    /// How many settings are watched, and for which profiles.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.state.summary(&self.config.profiles)
    }

    /// Watches another profile from now on, and sweeps. Settings that were given up are tried again.
    pub fn reload(&mut self, config: WatchConfig, kernel: &mut dyn Kernel, now: Now) -> Vec<WatchEvent> {
        self.config = config;
        let plan = self.plan_all(kernel);
        let mut events = self.state.restart(&plan.keys, now);
        self.close_gone(kernel);
        events.extend(self.repair(kernel, now));
        events
    }

    /// Reads every setting, with patterns expanded anew, and repairs what is due.
    pub fn sweep(&mut self, kernel: &mut dyn Kernel, now: Now) -> Vec<WatchEvent> {
        let plan = self.plan_all(kernel);
        let trigger = if self.state.swept.is_none() { Trigger::FirstSweep } else { Trigger::Sweep };
        let mut events = self.state.update(&plan.keys, trigger, now, &|_| None);
        self.close_gone(kernel);
        events.extend(self.repair(kernel, now));
        events
    }

    /// Reads the settings that were written to, each with its writer where that is known, and repairs what is due.
    pub fn check_written(
        &mut self,
        written: &[(Key, Option<Writer>)],
        kernel: &mut dyn Kernel,
        now: Now,
    ) -> Vec<WatchEvent> {
        let writers: HashMap<&Key, Option<&Writer>> =
            written.iter().rev().map(|(key, writer)| (key, writer.as_ref())).collect();
        let is_written = |setting: &Setting| matches!(setting, Setting::Key(key) if writers.contains_key(key));
        let keys = self.expanded.iter().filter(|requirement| is_written(&requirement.setting)).cloned().collect();
        let plan = self.plan(keys, kernel);
        let writer = |key: &Key| writers.get(key).copied().flatten().cloned();
        let mut events = self.state.update(&plan.keys, Trigger::Write, now, &writer);
        events.extend(self.repair(kernel, now));
        events
    }

    /// When the next repair is due; `None` where none is.
    #[must_use]
    pub fn repair_due(&self) -> Option<Instant> {
        if self.policy == RepairPolicy::Never {
            return None;
        }
        let broken = self.state.settings.iter().filter(|setting| setting.can_be_repaired());
        broken.filter_map(|setting| setting.backoff.next()).min()
    }

    /// Repairs the settings that are due.
    pub fn repair(&mut self, kernel: &mut dyn Kernel, now: Now) -> Vec<WatchEvent> {
        let RepairPolicy::After(pause) = self.policy else { return Vec::new() };
        let mut events = Vec::new();
        for setting in self.state.settings.iter_mut().filter(|setting| setting.can_be_repaired()) {
            if setting.backoff.may_try(now.monotonic) && setting.backoff.lost(now.monotonic, pause) {
                events.push(WatchEvent::GivenUp { tries: setting.backoff.rounds(), setting: setting.observed() });
            }
        }
        let is_due = |setting: &WatchedSetting| setting.can_be_repaired() && setting.backoff.may_try(now.monotonic);
        if self.state.settings.iter().any(is_due) {
            events.extend(self.write(kernel, now, pause));
        }
        events
    }

    fn write(&mut self, kernel: &mut dyn Kernel, now: Now, pause: Duration) -> Vec<WatchEvent> {
        let mut plan = self.plan(self.expanded.clone(), kernel);
        for (hint, step) in plan.keys.iter_mut().enumerate() {
            // It stays in the plan: what depends on it, such as a port range on the reservation, is not written then.
            if !self.state.setting(&step.key, hint).is_some_and(|setting| setting.backoff.may_try(now.monotonic)) {
                step.action = Action::Skip(SkipReason::Deferred);
            }
        }
        let mut events = self.defer_irreversible(&mut plan);
        let report = match &self.journal {
            None => Ok(apply::execute_keys(kernel, &plan, apply::OnFailure::Keep)),
            Some(journal) => journal.apply(kernel, &plan, &self.config.profiles),
        };
        let was_suspended = std::mem::replace(&mut self.is_suspended, report.is_err());
        match report {
            Ok(report) => {
                let outcomes = report.outcomes.iter().enumerate();
                events.extend(outcomes.filter_map(|(hint, outcome)| self.take_outcome(hint, outcome, now, pause)));
            }
            // What can't be recorded is not written: `revert` would not know of it.
            Err(error) => {
                let due = self.state.settings.iter_mut().filter(|setting| setting.can_be_repaired());
                due.for_each(|setting| setting.backoff.wait(now.monotonic, pause.saturating_mul(SUSPENDED_PAUSES)));
                events.extend((!was_suspended).then_some(WatchEvent::RepairSuspended(error)));
            }
        }
        events
    }

    /// Takes out of a plan the writes that can't be undone before the next boot, and gives them up.
    fn defer_irreversible(&mut self, plan: &mut Plan) -> Vec<WatchEvent> {
        let mut events = Vec::new();
        for (hint, step) in plan.keys.iter_mut().enumerate().filter(|(_, step)| step.is_irreversible()) {
            step.action = Action::Skip(SkipReason::Deferred);
            if let Some(setting) = self.state.setting(&step.key, hint) {
                setting.backoff.give_up();
                events.push(not_repaired(setting, RepairFailure::Irreversible));
            }
        }
        events
    }

    /// Takes over the outcome of one write.
    fn take_outcome(&mut self, hint: usize, outcome: &Outcome, now: Now, pause: Duration) -> Option<WatchEvent> {
        let Setting::Key(key) = &outcome.requirement.setting else { return None };
        let setting = self.state.setting(key, hint)?;
        let failure = match &outcome.verdict {
            Verdict::Changed => None,
            Verdict::Short(Shortfall::Refused(error)) => Some(RepairFailure::Refused(*error)),
            Verdict::Short(Shortfall::NotKept) => Some(RepairFailure::NotKept),
            Verdict::Short(Shortfall::DependencyFailed(other)) => Some(RepairFailure::Dependency(other.clone())),
            _ => return None,
        };
        let is_first = setting.backoff.rounds() == 0;
        setting.backoff.tried(now.monotonic, pause);
        if let Some(why) = failure {
            return is_first.then(|| not_repaired(setting, why));
        }
        let before = outcome.before.clone()?;
        setting.set_repaired(outcome.found.clone()?, now.wall);
        Some(WatchEvent::Repaired { setting: setting.observed(), before })
    }

    /// Closes the files of settings that are gone: interfaces can come under other names without end.
    fn close_gone(&self, kernel: &mut dyn Kernel) {
        for key in &self.state.gone {
            kernel.close(key);
        }
    }

    fn plan_all(&mut self, kernel: &mut dyn Kernel) -> Plan {
        let plan = self.plan(self.config.requirements.clone(), kernel);
        self.expanded = plan.keys.iter().map(|step: &KeyStep| step.requirement.clone()).collect();
        plan
    }

    fn plan(&self, keys: Vec<Rc<Requirement>>, kernel: &mut dyn Kernel) -> Plan {
        apply::make_plan(kernel, &Requirements { keys, limits: Vec::new() }, Process::Own, self.config.environment)
    }
}

fn not_repaired(setting: &WatchedSetting, why: RepairFailure) -> WatchEvent {
    WatchEvent::NotRepaired { setting: setting.observed(), why }
}
