//! Values that can't be undone are written last, and only where every other required setting holds.

use crate::kernel::Kernel;
use crate::model::setting::Setting;
use crate::plan::KeyStep;
use crate::report::{Outcome, Shortfall, Verdict};

use super::{OnFailure, keys};

/// For each step whether it has to wait for all others. None does where nothing is undone on failure.
pub(super) fn mark(steps: &[KeyStep], on_failure: OnFailure) -> Vec<bool> {
    steps.iter().map(|step| on_failure == OnFailure::Undo && step.is_irreversible()).collect()
}

/// Writes the steps that are marked in `is_last`, up to the first that falls short; none after a signal that asks us to
/// end. `outcomes` begins with those of
/// `steps`.
pub(super) fn write(kernel: &mut dyn Kernel, steps: &[KeyStep], is_last: &[bool], outcomes: &mut [Outcome]) {
    if !is_last.contains(&true) || kernel.ending_signal().is_some() {
        return;
    }
    let mut failed = others(is_last, outcomes).find(|outcome| outcome.fails()).map(setting);
    for ((step, outcome), _) in steps.iter().zip(&mut *outcomes).zip(is_last).filter(|(_, is_last)| **is_last) {
        match &failed {
            Some(failed) if outcome.falls_short() => {
                outcome.verdict = Verdict::Short(Shortfall::DependencyFailed(failed.clone()));
            }
            Some(_) => {}
            None => {
                *outcome = keys::write_one(kernel, step, step.action.target());
                failed = outcome.fails().then(|| setting(outcome));
            }
        }
    }
    if failed.is_some() {
        return;
    }
    // One may have reset another key, as `stable_secret` does `addr_gen_mode`.
    for ((step, outcome), is_last) in steps.iter().zip(outcomes).zip(is_last) {
        if *is_last || !step.is_writable() {
            continue;
        }
        let Ok(now) = keys::read(kernel, &step.key, step.requirement.kind) else { continue };
        if outcome.found.as_ref() != Some(&now) {
            *outcome = keys::write_one(kernel, step, step.requirement.wanted.target(&now).as_ref());
        }
    }
}

/// The outcomes of the steps that are not marked in `is_last`, and of the limits.
pub(super) fn others<'a>(is_last: &'a [bool], outcomes: &'a [Outcome]) -> impl Iterator<Item = &'a Outcome> {
    let is_last = is_last.iter().copied().chain(std::iter::repeat(false));
    outcomes.iter().zip(is_last).filter(|(_, is_last)| !is_last).map(|(outcome, _)| outcome)
}

fn setting(outcome: &Outcome) -> Setting {
    outcome.requirement.setting.clone()
}
