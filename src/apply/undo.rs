//! All or nothing: what was changed is put back, the last change first, and read back like any other write.

use crate::kernel::{Kernel, Process};
use crate::model::setting::{Key, Setting};
use crate::model::value::{Kind, Value};
use crate::plan::{KeyStep, LimitStep};
use crate::report::{Outcome, PutBack, Undone, Verdict};

use super::keys::{read, write_mode};
use super::traced;

/// Puts every key back whose value is no longer what it was, among those that we wrote.
pub(super) fn keys(kernel: &mut dyn Kernel, outcomes: &mut [Outcome], steps: &[KeyStep]) {
    let ours = || steps.iter().filter(|step| step.is_writable());
    for step in ours().rev() {
        let Some((outcome, before)) = touched(outcomes, step) else {
            unwritten(outcomes, step);
            continue;
        };
        let ours_to_mend =
            step.action.target().is_some() || outcome.falls_short() || outcome.verdict == Verdict::Changed;
        if ours_to_mend && outcome.found.as_ref() != Some(before) {
            put_back(kernel, outcome, step, before);
        }
    }
    // Putting one back may have reset another, as `ip_forward` does to `conf.*`.
    if outcomes.iter().any(|outcome| outcome.undone.is_some()) {
        for step in ours() {
            let Some((outcome, before)) = touched(outcomes, step) else { continue };
            let stood = outcome.now().or(outcome.found.as_ref()) == Some(before);
            if stood && read(kernel, &step.key, step.requirement.kind).is_ok_and(|now| now != *before) {
                put_back(kernel, outcome, step, before);
            }
        }
    }
}

/// The outcome of a step whose value was known before.
fn touched<'f, 's>(outcomes: &'f mut [Outcome], step: &'s KeyStep) -> Option<(&'f mut Outcome, &'s Value)> {
    let before = step.current.as_ref().ok()?;
    let outcome = outcomes.iter_mut().find(|outcome| is_of(outcome, &step.key))?;
    Some((outcome, before))
}

/// What could not be read before we wrote it (a secret that was never set) stays.
fn unwritten(outcomes: &mut [Outcome], step: &KeyStep) {
    let outcome = outcomes.iter_mut().find(|outcome| is_of(outcome, &step.key));
    if let Some(outcome) = outcome.filter(|outcome| step.action.target().is_some() && outcome.found.is_some()) {
        outcome.undone = Some(Box::new(Undone { outcome: PutBack::Never, now: outcome.found.clone() }));
    }
}

fn put_back(kernel: &mut dyn Kernel, outcome: &mut Outcome, step: &KeyStep, before: &Value) {
    let result = match step.counterpart.as_deref() {
        Some((other, value)) if *value != Value::Number(0) => through(kernel, step, before, other, value),
        _ => key(kernel, &step.key, step.requirement.kind, before),
    };
    let now = read(kernel, &step.key, step.requirement.kind).ok();
    outcome.undone = Some(Box::new(Undone { outcome: result, now }));
}

/// Puts every limit back that is no longer what it was.
pub(super) fn limits(kernel: &mut dyn Kernel, outcomes: &mut [Outcome], steps: &[LimitStep], process: Process) {
    for step in steps.iter().rev().filter(|step| step.action.target().is_some()) {
        let Ok(before) = step.current else { continue };
        if traced::limits(kernel, process, step.resource) == Ok(before) {
            continue;
        }
        let result = match traced::set_limits(kernel, process, step.resource, before) {
            Err(refusal) => PutBack::Refused(refusal),
            Ok(()) if traced::limits(kernel, process, step.resource) == Ok(before) => PutBack::Done,
            Ok(()) => PutBack::NotKept,
        };
        let now = traced::limits(kernel, process, step.resource).ok();
        for outcome in outcomes.iter_mut() {
            if let Setting::Limit(resource, side) = outcome.requirement.setting {
                if resource == step.resource {
                    let now = now.map(|limits| Value::Limit(limits.side(side)));
                    outcome.undone = Some(Box::new(Undone { outcome: result.clone(), now }));
                }
            }
        }
    }
}

/// Of two keys that set each other to 0, the one that was none is written: that makes the other 0 again.
fn through(kernel: &mut dyn Kernel, step: &KeyStep, before: &Value, other: &Key, value: &Value) -> PutBack {
    match key(kernel, other, step.requirement.kind, value) {
        PutBack::Done if read(kernel, &step.key, step.requirement.kind).as_ref() != Ok(before) => PutBack::NotKept,
        result => result,
    }
}

fn key(kernel: &mut dyn Kernel, key: &Key, kind: Kind, before: &Value) -> PutBack {
    if let Err(refusal) = traced::write(kernel, key, &before.to_kernel(), write_mode(kind)) {
        return PutBack::Refused(refusal);
    }
    match read(kernel, key, kind) {
        Ok(now) if now == *before => PutBack::Done,
        _ => PutBack::NotKept,
    }
}

fn is_of(outcome: &Outcome, key: &Key) -> bool {
    matches!(&outcome.requirement.setting, Setting::Key(its) if its == key)
}
