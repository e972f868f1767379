//! Walks the plan. `check` is the same walk without writes.

mod irreversible;
mod keys;
mod limits;
mod traced;
mod undo;

use crate::catalog;
use crate::kernel::{Kernel, Process};
use crate::model::setting::Setting;
use crate::model::value::Value;
use crate::plan::{self, KeyStep, LimitStep, Plan, PlanEnvironment, Requirements};
use crate::report::{Report, Shortfall, Verdict};

/// Reads every setting's current value and makes the plan. `process` is the one whose limits are meant.
pub fn make_plan(
    kernel: &mut dyn Kernel,
    requirements: Requirements,
    process: Process,
    place: PlanEnvironment,
) -> Plan {
    let Requirements { keys, limits } = requirements;
    let keys = plan::expand_patterns(keys, &mut |pattern| kernel.names(pattern));
    let mut steps: Vec<KeyStep> = Vec::with_capacity(keys.len());
    for requirement in keys {
        if let Setting::Key(key) = &requirement.setting {
            let key = key.clone();
            let current = keys::read(kernel, &key, requirement.kind);
            steps.push(plan::key_step(key, requirement, current, place));
        }
    }
    let ceiling = if limits.is_empty() { None } else { limits::ceiling(kernel) };
    let mut plan =
        plan::plan(steps, &limits, &mut |resource| traced::limits(kernel, process, resource), ceiling, place);
    for step in plan.keys.iter_mut().filter(|step| step.target.is_some()) {
        let Some(other) = catalog::counterpart(place.system, &step.key) else { continue };
        let value = keys::read(kernel, &other, step.requirement.kind);
        step.counterpart = value.ok().map(|value| Box::new((other, value)));
    }
    plan
}

/// What holds and what does not, with nothing written.
pub fn check(kernel: &mut dyn Kernel, plan: &Plan) -> Report {
    let mut outcomes = keys::outcomes_unwritten(kernel, &plan.keys);
    outcomes.extend(limits::outcomes_unset(kernel, &plan.limits));
    Report { outcomes }
}

/// What would be done, with nothing written: `apply --dry-run`.
pub fn preview(kernel: &mut dyn Kernel, plan: &Plan) -> Report {
    let mut report = check(kernel, plan);
    let (keys, limits) = report.outcomes.split_at_mut(plan.keys.len());
    for (outcome, step) in keys.iter_mut().zip(&plan.keys) {
        if outcome.verdict == Verdict::Short(Shortfall::Differs) {
            outcome.verdict = step.target.clone().map_or(Verdict::Holds, Verdict::WouldChange);
        }
    }
    for outcome in limits.iter_mut().filter(|outcome| outcome.verdict == Verdict::Short(Shortfall::Differs)) {
        let Setting::Limit(resource, side) = outcome.requirement.setting else { continue };
        let step = plan.limits.iter().find(|step| step.resource == resource);
        if let Some(target) = step.and_then(|step| step.target) {
            outcome.verdict = Verdict::WouldChange(Value::Limit(target.side(side)));
        }
    }
    report
}

/// Writes what differs, keys and then limits, and reads everything back. With [`Failure::PutsBack`], a
/// required setting that falls short has everything that was changed put back, and what can't be comes last.
pub fn apply(kernel: &mut dyn Kernel, plan: &Plan, process: Process, on_failure: Failure) -> Report {
    let last = irreversible::places(&plan.keys, kernel.system(), on_failure);
    let mut report = Report { outcomes: keys::write(kernel, &plan.keys, &last) };
    let mut others = report.outcomes.iter().enumerate().filter(|(place, _)| !last.contains(place));
    let fallen = others.find(|(_, outcome)| outcome.fails()).map(|(_, outcome)| outcome.requirement.setting.clone());
    report.outcomes.extend(match (process, on_failure) {
        // Our own end with us, or are the service's.
        (Process::Own, _) | (_, Failure::Keeps) => limits::set(kernel, &plan.limits, process),
        (Process::Pid(_), Failure::PutsBack) => limits::set_what_can_be_undone(kernel, &plan.limits, process, fallen),
    });
    irreversible::write(kernel, &plan.keys, &last, &mut report.outcomes);
    if report.fails() && on_failure == Failure::PutsBack {
        put_back(kernel, &mut report, plan, process);
    }
    report
}

/// The keys alone: for an init, whose limits are the service's and are set in its own process.
/// Nothing is put back yet, only what can't be is held back.
pub fn apply_keys(kernel: &mut dyn Kernel, plan: &Plan, on_failure: Failure) -> Report {
    let last = irreversible::places(&plan.keys, kernel.system(), on_failure);
    let mut outcomes = keys::write(kernel, &plan.keys, &last);
    irreversible::write(kernel, &plan.keys, &last, &mut outcomes);
    Report { outcomes }
}

/// The limits alone, of the calling process.
pub fn apply_limits(kernel: &mut dyn Kernel, steps: &[LimitStep]) -> Report {
    Report { outcomes: limits::set(kernel, steps, Process::Own) }
}

/// Puts back what `report` says was changed, the last change first.
pub fn put_back(kernel: &mut dyn Kernel, report: &mut Report, plan: &Plan, process: Process) {
    undo::limits(kernel, &mut report.outcomes, &plan.limits, process);
    undo::keys(kernel, &mut report.outcomes, &plan.keys);
}

/// What becomes of the changes when a required setting falls short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// They are put back: all or nothing.
    PutsBack,
    /// They stay: `--best-effort`.
    Keeps,
}

#[cfg(test)]
mod tests;
