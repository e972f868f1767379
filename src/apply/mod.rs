//! Makes the plan from the kernel's current values, carries it out, and undoes it where that failed.

mod forecast;
mod irreversible;
mod keys;
mod limits;
mod traced;
mod undo;

pub use forecast::{KernelBuild, foresee};
pub use undo::{Originals, Undo, mark_restored};

use std::rc::Rc;

use crate::kernel::{Kernel, Process};
use crate::model::limit::Side;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Setting};
use crate::model::value::{Kind, Value};
use crate::plan::{
    self, ExpandedRequirement, Forecast, KeyStep, LimitStep, Plan, PlanEnvironment, Requirements, Unreadable,
};
use crate::report::{Report, Verdict};

/// Reads the current value of every setting and makes the plan. `process` is the one whose limits are meant.
pub fn make_plan(
    kernel: &mut dyn Kernel,
    requirements: &Requirements,
    process: Process,
    environment: PlanEnvironment,
) -> Plan {
    let Requirements { keys, limits } = requirements;
    let keys = plan::expand_patterns(keys, &mut |pattern| kernel.names(pattern));
    let keys: Vec<(Key, ExpandedRequirement)> = keys.into_iter().filter_map(keyed).collect();
    let current = keys::read_all(keys.iter().map(|(key, _)| key), |at| match &keys[at] {
        (_, ExpandedRequirement { unlisted: Some(error), .. }) => Err(Unreadable::Refused(*error)),
        (key, expanded) => keys::read(kernel, key, expanded.requirement.kind),
    });
    let steps = keys.into_iter().zip(current).map(|((key, ExpandedRequirement { requirement, .. }), current)| {
        plan::key_step(key, requirement, current, environment)
    });
    let mut steps: Vec<KeyStep> = steps.collect();
    reserve_within_range(kernel, &mut steps, environment);
    let ceiling = if limits.is_empty() { None } else { limits::ceiling(kernel) };
    plan::plan(steps, limits, &mut |resource| traced::limits(kernel, process, resource), ceiling, environment)
}

/// Requires the service's ports to be reserved only where one lies in the range of outgoing connections as the plan will
/// leave it, or where that can't be read.
fn reserve_within_range(kernel: &mut dyn Kernel, steps: &mut [KeyStep], environment: PlanEnvironment) {
    let Some(reserved) = steps.iter().position(|step| step.requirement.for_service) else { return };
    let Ok(range) = SysctlName::parse(PORT_RANGE).map(Key::Sysctl) else { return };
    let planned = steps.iter().find(|step| step.key == range);
    let range = match planned {
        Some(step) => step.action.target().cloned().map_or_else(|| step.current.clone(), Ok),
        None => keys::read(kernel, &range, Kind::PortRange),
    };
    let KeyStep { key, requirement, current, .. } = &steps[reserved];
    if let Some(none) = range.ok().and_then(|range| plan::outside_of_range(requirement, &range)) {
        steps[reserved] = plan::key_step(key.clone(), Rc::new(none), current.clone(), environment);
    }
}

/// The ports that outgoing connections are given, the first and the last.
const PORT_RANGE: &str = "net.ipv4.ip_local_port_range";

fn keyed(expanded: ExpandedRequirement) -> Option<(Key, ExpandedRequirement)> {
    match &expanded.requirement.setting {
        Setting::Key(key) => Some((key.clone(), expanded)),
        Setting::Limit(..) => None,
    }
}

/// Compares the current values with what is required; writes nothing.
pub fn check(kernel: &mut dyn Kernel, plan: &Plan) -> Report {
    let mut outcomes = keys::check(kernel, &plan.keys);
    let step = plan.ceiling_step(kernel.system()).filter(|step| keys::can_be_written(kernel, step));
    outcomes.extend(limits::check(kernel, &plan.limits, step.and_then(limits::ceiling_of)));
    Report { outcomes }
}

/// Turns what [`check`] found into what carrying out the plan would come to, for `apply --dry-run`. `is_prevented` says
/// of each outcome whether something is known to be in the way, so that it stays as it is.
pub fn preview(report: &mut Report, plan: &Plan, is_prevented: &[bool]) {
    let (keys, limits) = report.outcomes.split_at_mut(plan.keys.len());
    let (keys_prevented, limits_prevented) = is_prevented.split_at(keys.len().min(is_prevented.len()));
    for ((outcome, step), prevented) in keys.iter_mut().zip(&plan.keys).zip(keys_prevented) {
        let Some(target) = step.action.target().filter(|_| !prevented && outcome.falls_short()) else { continue };
        outcome.verdict = match step.forecast {
            Some(Forecast::Unforeseen(why)) => Verdict::MayChange(target.clone(), why),
            _ => Verdict::WouldChange(target.clone()),
        };
    }
    keys::preview_dependencies(keys, &plan.keys);
    let sides = plan.limits.iter().flat_map(|step| step.sides.iter().map(|side| side_target(step, side.side)));
    for ((outcome, target), prevented) in limits.iter_mut().zip(sides).zip(limits_prevented) {
        if let Some(target) = target.filter(|_| !prevented && outcome.falls_short()) {
            outcome.verdict = Verdict::WouldChange(target);
        }
    }
}

/// What one side of a limit would be set to.
fn side_target(step: &LimitStep, side: Side) -> Option<Value> {
    step.action.target().map(|target| Value::Limit(target.side(side)))
}

/// A plan that was carried out.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What came of each setting.
    pub report: Report,
    /// Whether it was undone.
    pub is_undone: bool,
    /// The signal that asked us to end before all was done.
    pub interrupted: Option<i32>,
}

/// Carries out a plan, and undoes it where a required setting falls short, or where a signal asks us to end. `process` is
/// the one whose limits are set.
#[must_use]
pub fn apply(mut undo: Undo<'_>, plan: &Plan, process: Process, on_failure: OnFailure) -> Applied {
    let mut report = execute(undo.kernel(), plan, process, on_failure);
    let interrupted = undo.kernel().ending_signal();
    let is_undone = interrupted.is_some() || report.is_to_be_undone() && on_failure == OnFailure::Undo;
    let recorded = if is_undone { undo.restore(plan, process, &mut report) } else { undo.keep().map(drop) };
    if let Err(error) = recorded {
        log::warn!("{error}");
    }
    Applied { report, is_undone, interrupted }
}

/// Writes what differs, keys and then limits, and reads everything back. Undoes nothing: with [`OnFailure::Undo`] it
/// writes what can't be undone last, and only where nothing required has fallen short.
pub fn execute(kernel: &mut dyn Kernel, plan: &Plan, process: Process, on_failure: OnFailure) -> Report {
    let is_last = irreversible::mark(&plan.keys, on_failure);
    let mut report = Report { outcomes: keys::write(kernel, &plan.keys, &is_last) };
    let failed = irreversible::others(&is_last, &report.outcomes).find(|outcome| outcome.fails());
    let failed = failed.map(|outcome| outcome.requirement.setting.clone());
    report.outcomes.extend(match (process, on_failure) {
        // Our own limits need no undoing: they end with this process.
        (Process::Own, _) | (_, OnFailure::Keep) => limits::set(kernel, &plan.limits, process),
        (Process::Pid(_), OnFailure::Undo) => limits::set_lowering_last(kernel, &plan.limits, process, failed),
    });
    irreversible::write(kernel, &plan.keys, &is_last, &mut report.outcomes);
    report
}

/// [`execute`] with the limits of the calling process.
pub fn execute_own(kernel: &mut dyn Kernel, plan: &Plan, on_failure: OnFailure) -> Report {
    execute(kernel, plan, Process::Own, on_failure)
}

/// [`execute`] for the keys alone. Under a supervisor the limits are set in the service's process.
pub fn execute_keys(kernel: &mut dyn Kernel, plan: &Plan, on_failure: OnFailure) -> Report {
    let is_last = irreversible::mark(&plan.keys, on_failure);
    let mut outcomes = keys::write(kernel, &plan.keys, &is_last);
    irreversible::write(kernel, &plan.keys, &is_last, &mut outcomes);
    Report { outcomes }
}

/// Sets limits of the calling process, and reads them back.
pub fn execute_limits(kernel: &mut dyn Kernel, steps: &[LimitStep]) -> Report {
    Report { outcomes: limits::set(kernel, steps, Process::Own) }
}

/// What becomes of the changes where a required setting falls short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// They are undone: all or nothing.
    Undo,
    /// They stay: `--best-effort`.
    Keep,
}

#[cfg(test)]
mod tests;
