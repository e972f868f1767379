//! Limits: set one by one, both sides at once, and read back.

use crate::kernel::{Evidence, Kernel, KernelError, Process};
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Setting, System};
use crate::model::value::{Kind, Value};
use crate::plan::{self, Action, KeyStep, LimitSide, LimitStep, SkipReason, Unreadable};
use crate::report::{Outcome, Shortfall, Verdict};

use super::{keys, traced};

/// The highest hard `nofile` that the kernel allows now.
pub(super) fn ceiling(kernel: &mut dyn Kernel) -> Option<u64> {
    let key = plan::ceiling_key(kernel.system())?;
    match keys::read(kernel, &key, Kind::Number).ok()? {
        Value::Number(number) => u64::try_from(number).ok(),
        _ => None,
    }
}

/// The ceiling that a step for it writes.
pub(super) fn ceiling_of(step: &KeyStep) -> Option<u64> {
    match step.action.target()? {
        Value::Number(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// The outcomes where nothing is set. `ceiling` is the highest hard `nofile` that is planned.
pub(super) fn check(kernel: &mut dyn Kernel, steps: &[LimitStep], ceiling: Option<u64>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for step in steps {
        let found = step.current.map(|limits| in_effect(kernel, step.resource, limits));
        let evidence = evidence(kernel, step);
        let evidence = Evidence { ceiling: evidence.ceiling.map(|now| ceiling.unwrap_or(now)), ..evidence };
        outcomes.extend(step.sides.iter().map(|side| outcome(step, side, found, Ok(Set::Untried), evidence)));
    }
    outcomes
}

/// Sets what differs, and reads it back.
pub(super) fn set(kernel: &mut dyn Kernel, steps: &[LimitStep], process: Process) -> Vec<Outcome> {
    steps.iter().flat_map(|step| set_step(kernel, step, process)).collect()
}

/// [`set`] for a process that lives on where all of it is undone. A hard limit that was lowered can't be raised again
/// without a capability (setrlimit(2)), so hard limits are lowered last, and only where nothing required has fallen
/// short. `failed` is a required key that has.
pub(super) fn set_lowering_last(
    kernel: &mut dyn Kernel,
    steps: &[LimitStep],
    process: Process,
    failed: Option<Setting>,
) -> Vec<Outcome> {
    let mut outcomes: Vec<Vec<Outcome>> =
        steps.iter().map(|step| if lowers_hard(step) { Vec::new() } else { set_step(kernel, step, process) }).collect();
    let first_failed = outcomes.iter().flatten().find(|outcome| outcome.fails());
    let failed = failed.or_else(|| first_failed.map(|outcome| outcome.requirement.setting.clone()));
    for (step, outcomes) in steps.iter().zip(&mut outcomes).filter(|(step, _)| lowers_hard(step)) {
        *outcomes = match &failed {
            Some(failed) => not_set_after(kernel, step, failed),
            None => set_step(kernel, step, process),
        };
    }
    outcomes.into_iter().flatten().collect()
}

fn lowers_hard(step: &LimitStep) -> bool {
    step.action.target().zip(step.current.ok()).is_some_and(|(target, now)| target.hard < now.hard)
}

/// The outcomes of a limit that is not set because `failed` fell short.
fn not_set_after(kernel: &mut dyn Kernel, step: &LimitStep, failed: &Setting) -> Vec<Outcome> {
    let mut outcomes = check(kernel, std::slice::from_ref(step), None);
    for outcome in outcomes.iter_mut().filter(|outcome| outcome.falls_short()) {
        outcome.verdict = Verdict::Short(Shortfall::DependencyFailed(failed.clone()));
    }
    outcomes
}

/// Sets one limit, but not after a signal that asks us to end.
fn set_step(kernel: &mut dyn Kernel, step: &LimitStep, process: Process) -> Vec<Outcome> {
    if step.action.target().is_some() && kernel.ending_signal().is_some() {
        return check(kernel, std::slice::from_ref(step), None);
    }
    let attempt = match step.action {
        Action::Write(target) => set_one(kernel, step, target, process).map(|()| Set::Tried),
        Action::Skip(_) => Ok(Set::Untried),
    };
    let found = match step.action {
        Action::Write(_) => traced::limits(kernel, process, step.resource),
        Action::Skip(_) => step.current,
    };
    let found = found.map(|limits| in_effect(kernel, step.resource, limits));
    let evidence = evidence(kernel, step);
    step.sides.iter().map(|side| outcome(step, side, found, attempt, evidence)).collect()
}

/// Sets one limit. Where the hard limit can't be raised, the soft one is still raised as far as the hard one allows, and
/// the refusal is reported nevertheless.
fn set_one(kernel: &mut dyn Kernel, step: &LimitStep, target: Limits, process: Process) -> Result<(), KernelError> {
    let Err(refusal) = traced::set_limits(kernel, process, step.resource, target) else { return Ok(()) };
    if let Ok(now) = step.current {
        let reachable = Limits { soft: target.soft.min(now.hard), hard: now.hard };
        if reachable != now && reachable != target {
            traced::set_limits(kernel, process, step.resource, reachable)?;
        }
    }
    Err(refusal)
}

/// The limits in force. On macOS the soft `nofile` in force is the lower of the limit and `kern.maxfilesperproc`, which
/// getrlimit(2) does not tell (XNU, `proc_limitgetcur_nofile`).
fn in_effect(kernel: &mut dyn Kernel, resource: Resource, limits: Limits) -> Limits {
    if kernel.system() != System::MacOs || resource != Resource::Nofile {
        return limits;
    }
    match ceiling(kernel) {
        Some(ceiling) => Limits { soft: limits.soft.min(Limit::Value(ceiling)), hard: limits.hard },
        None => limits,
    }
}

fn evidence(kernel: &mut dyn Kernel, step: &LimitStep) -> Evidence {
    let ceiling = if step.resource == Resource::Nofile { ceiling(kernel) } else { None };
    Evidence { hard_limit: step.current.ok().map(|limits| limits.hard), ceiling, ..Evidence::default() }
}

/// Whether a limit was set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Set {
    Tried,
    Untried,
}

/// Whether the kernel stored another value than was set: macOS lowers some limits without an error.
fn was_lowered(step: &LimitStep, side: Side, found: Limits) -> bool {
    step.action.target().is_some_and(|target| target.side(side) != found.side(side))
}

fn outcome(
    step: &LimitStep,
    side: &LimitSide,
    found: Result<Limits, KernelError>,
    attempt: Result<Set, KernelError>,
    evidence: Evidence,
) -> Outcome {
    let seen = |limits: Result<Limits, KernelError>| limits.map_or_else(KernelError::shown, Some);
    let before = seen(step.current).map(|limits| limits.side(side.side));
    let value = seen(found).map(|limits| Value::Limit(limits.side(side.side)));
    let verdict = match (found, attempt) {
        (Err(refusal), _) if value.is_none() => Verdict::Short(Shortfall::Unread(Unreadable::Refused(refusal))),
        _ if value.as_ref().is_some_and(|value| side.requirement.wanted.holds(value)) => {
            let held = before.is_some_and(|limit| side.requirement.wanted.holds(&Value::Limit(limit)));
            if held { Verdict::Holds } else { Verdict::Changed }
        }
        (Err(refusal), _) | (Ok(_), Err(refusal)) => Verdict::Short(Shortfall::Refused(refusal)),
        (Ok(found), Ok(Set::Tried)) if was_lowered(step, side.side, found) => Verdict::Short(Shortfall::NotKept),
        (Ok(_), Ok(_)) if step.action == Action::Skip(SkipReason::CallingShell) => {
            Verdict::Short(Shortfall::CallingShell)
        }
        (Ok(_), Ok(_)) => Verdict::Short(Shortfall::Differs),
    };
    Outcome {
        requirement: side.requirement.clone(),
        before: before.map(Value::Limit),
        found: value,
        verdict,
        undone: None,
        evidence: Some(Box::new(evidence)),
    }
}
