//! Looking at the settings, and putting them back: all that a watch does but waiting.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::messages;
use super::repair_journal::RepairJournal;
use super::state::WatchState;
use super::timestamp::Now;
use super::watched_setting::Look;
use crate::apply;
use crate::kernel::{Kernel, Process};
use crate::model::setting::{Key, Setting};
use crate::plan::{Action, KeyStep, Plan, PlanEnvironment, Requirement, Requirements, SkipReason};
use crate::report::{Outcome, Shortfall, Verdict};

/// So many first pauses later it is tried again whether the journal can be kept.
const TROUBLED: u32 = 16;

/// What is to be watched.
#[derive(Clone, Debug)]
pub struct WatchConfig {
    /// The profiles, as they were asked for.
    pub profiles: Vec<String>,
    /// What they require of the kernel.
    pub requirements: Vec<Rc<Requirement>>,
    /// Where we are.
    pub place: PlanEnvironment,
    /// The files that they came from, and those that would be read if they were there.
    pub files: Vec<PathBuf>,
}

/// Whether what falls short is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// No, it is only reported.
    Never,
    /// Yes. The first time at once, then after this pause and after twice as much each time.
    After(Duration),
}

/// Watches, step by step, for whoever calls it.
#[derive(Debug)]
pub struct Watcher {
    orders: WatchConfig,
    repair: Repair,
    ledger: WatchState,
    /// The requirements with their patterns replaced by what exists.
    present: Vec<Rc<Requirement>>,
    diary: Option<RepairJournal>,
    /// The journal can't be kept, and that was said.
    is_mute: bool,
}

impl Watcher {
    /// Has looked at nothing yet.
    #[must_use]
    pub fn new(orders: WatchConfig, repair: Repair) -> Self {
        Self { orders, repair, ledger: WatchState::default(), present: Vec::new(), diary: None, is_mute: false }
    }

    /// Notes what it puts back in this journal.
    #[must_use]
    pub fn noting(self, diary: Option<RepairJournal>) -> Self {
        Self { diary, ..self }
    }

    /// What is known by now.
    #[must_use]
    pub fn ledger(&self) -> &WatchState {
        &self.ledger
    }

    /// Whether the last look found settings that were not there before.
    #[must_use]
    pub fn has_arrivals(&self) -> bool {
        self.ledger.arrivals > 0
    }

    /// What is watched.
    #[must_use]
    pub fn orders(&self) -> &WatchConfig {
        &self.orders
    }

    /// Watches something else from now on; gives the lines of the first look. What was given up is tried again.
    pub fn reload(&mut self, orders: WatchConfig, kernel: &mut dyn Kernel, now: Now) -> Vec<String> {
        self.orders = orders;
        let plan = self.look(kernel);
        self.present = requirements_of(&plan.keys);
        let mut lines = self.ledger.begin_anew(&plan.keys, now);
        self.let_go(kernel);
        lines.extend(self.mend(kernel, now));
        lines
    }

    /// Looks at everything, with patterns expanded anew; gives the lines that tell what is new.
    pub fn sweep(&mut self, kernel: &mut dyn Kernel, now: Now) -> Vec<String> {
        let plan = self.look(kernel);
        self.present = requirements_of(&plan.keys);
        let look = if self.ledger.swept.is_none() { Look::First } else { Look::Sweep };
        let mut lines = self.ledger.take(&plan.keys, look, now, &|_| None);
        self.let_go(kernel);
        lines.extend(self.mend(kernel, now));
        lines
    }

    /// Looks at those keys that were written to.
    pub fn look_at(&mut self, touched: &[(Key, Option<String>)], kernel: &mut dyn Kernel, now: Now) -> Vec<String> {
        let writers: HashMap<&Key, Option<&String>> =
            touched.iter().rev().map(|(key, by)| (key, by.as_ref())).collect();
        let is_touched = |setting: &Setting| matches!(setting, Setting::Key(key) if writers.contains_key(key));
        let keys = self.present.iter().filter(|requirement| is_touched(&requirement.setting)).cloned().collect();
        let plan = self.plan(keys, kernel);
        let writer = |key: &Key| writers.get(key).copied().flatten().cloned();
        let mut lines = self.ledger.take(&plan.keys, Look::Notice, now, &writer);
        lines.extend(self.mend(kernel, now));
        lines
    }

    /// When something is due to be put back; nothing where nothing is.
    #[must_use]
    pub fn repair_due(&self) -> Option<Instant> {
        if self.repair == Repair::Never {
            return None;
        }
        let broken = self.ledger.entries.iter().filter(|entry| entry.can_be_repaired());
        broken.filter_map(|entry| entry.fight.next()).min()
    }

    /// Puts back what is due.
    pub fn mend(&mut self, kernel: &mut dyn Kernel, now: Now) -> Vec<String> {
        let Repair::After(pause) = self.repair else { return Vec::new() };
        let mut lines = Vec::new();
        for entry in self.ledger.entries.iter_mut().filter(|entry| entry.can_be_repaired()) {
            if entry.fight.may_try(now.steady) && entry.fight.lost(now.steady, pause) {
                lines.push(messages::given_up(entry));
            }
        }
        let due = |entry: &&super::watched_setting::WatchedSetting| {
            entry.can_be_repaired() && entry.fight.may_try(now.steady)
        };
        if self.ledger.entries.iter().any(|entry| due(&entry)) {
            lines.extend(self.write(kernel, now, pause));
        }
        lines
    }

    fn write(&mut self, kernel: &mut dyn Kernel, now: Now, pause: Duration) -> Vec<String> {
        let mut plan = self.plan(self.present.clone(), kernel);
        for (hint, step) in plan.keys.iter_mut().enumerate() {
            // It stays in the plan: what depends on it, such as a port range on the reservation, is held back.
            let may = |entry: &mut super::watched_setting::WatchedSetting| entry.fight.may_try(now.steady);
            if !self.ledger.entry(&step.key, hint).is_some_and(may) {
                step.action = Action::Skip(SkipReason::Deferred);
            }
        }
        let mut lines = self.defer_irreversible(&mut plan);
        let report = match &self.diary {
            None => Ok(apply::execute_keys(kernel, &plan, apply::OnFailure::Keep)),
            Some(diary) => diary.apply(kernel, &plan, &self.orders.profiles),
        };
        let was_mute = std::mem::replace(&mut self.is_mute, report.is_err());
        match report {
            Ok(report) => {
                let outcomes = report.outcomes.iter().enumerate();
                lines.extend(outcomes.filter_map(|(hint, outcome)| self.note(hint, outcome, now, pause)));
            }
            // What can't be noted is not written: `revert` would not know of it.
            Err(trouble) => {
                let due = self.ledger.entries.iter_mut().filter(|entry| entry.can_be_repaired());
                due.for_each(|entry| entry.fight.wait(now.steady, pause.saturating_mul(TROUBLED)));
                lines.extend((!was_mute).then(|| format!("nothing is repaired: {trouble}")));
            }
        }
        lines
    }

    /// Has a plan not write what can't be undone before the next boot, and gives that up.
    fn defer_irreversible(&mut self, plan: &mut Plan) -> Vec<String> {
        let mut lines = Vec::new();
        for (hint, step) in plan.keys.iter_mut().enumerate().filter(|(_, step)| step.is_irreversible()) {
            step.action = Action::Skip(SkipReason::Deferred);
            if let Some(entry) = self.ledger.entry(&step.key, hint) {
                entry.fight.give_up();
                lines.push(messages::not_repaired(entry, "it can't be undone; `apply --allow-irreversible` does it"));
            }
        }
        lines
    }

    /// Takes over how one write went.
    fn note(&mut self, hint: usize, outcome: &Outcome, now: Now, pause: Duration) -> Option<String> {
        let Setting::Key(key) = &outcome.requirement.setting else { return None };
        let entry = self.ledger.entry(key, hint)?;
        let failed = match &outcome.verdict {
            Verdict::Changed => None,
            Verdict::Short(Shortfall::Refused(refusal)) => Some(messages::refused(refusal)),
            Verdict::Short(Shortfall::NotKept) => Some("the kernel did not keep it".to_owned()),
            Verdict::Short(Shortfall::HeldBack(other)) => Some(format!("{other} falls short, which it hangs on")),
            _ => return None,
        };
        let again = entry.fight.rounds() > 0;
        entry.fight.tried(now.steady, pause);
        if let Some(why) = failed {
            // Said once; that it is given up is said in the end.
            return (!again).then(|| messages::not_repaired(entry, &why));
        }
        let before = outcome.before.clone()?;
        entry.put_back(outcome.found.clone()?, now.wall);
        Some(messages::repaired(entry, &before))
    }

    /// What went with its interface must not stay open: others come under other names, without end.
    fn let_go(&self, kernel: &mut dyn Kernel) {
        for key in &self.ledger.gone {
            kernel.close(key);
        }
    }

    fn look(&self, kernel: &mut dyn Kernel) -> Plan {
        self.plan(self.orders.requirements.clone(), kernel)
    }

    fn plan(&self, keys: Vec<Rc<Requirement>>, kernel: &mut dyn Kernel) -> Plan {
        apply::make_plan(kernel, &Requirements { keys, limits: Vec::new() }, Process::Own, self.orders.place)
    }
}

/// What the steps are for, in their order.
fn requirements_of(steps: &[KeyStep]) -> Vec<Rc<Requirement>> {
    steps.iter().map(|step| step.requirement.clone()).collect()
}
