//! What can't be undone is written last, and only where all else that is required holds.

use crate::kernel::Kernel;
use crate::model::setting::System;
use crate::plan::{KeyStep, Owner};
use crate::report::{Outcome, Shortfall, Verdict};

use super::{Failure, keys};

/// The places of the steps that wait for all others. Where nothing is put back none does.
pub(super) fn places(steps: &[KeyStep], system: System, on_failure: Failure) -> Vec<usize> {
    let waits = |step: &KeyStep| on_failure == Failure::PutsBack && step.is_one_way(system);
    steps.iter().enumerate().filter(|(_, step)| waits(step)).map(|(place, _)| place).collect()
}

/// Writes them, up to the first that falls short. `outcomes` begins with those of `steps`.
pub(super) fn write(kernel: &mut dyn Kernel, steps: &[KeyStep], last: &[usize], outcomes: &mut [Outcome]) {
    let mut others = outcomes.iter().enumerate().filter(|(place, _)| !last.contains(place));
    let mut fallen =
        others.find(|(_, outcome)| outcome.fails()).map(|(_, outcome)| outcome.requirement.setting.clone());
    for place in last {
        let outcome = &mut outcomes[*place];
        match &fallen {
            Some(fallen) if outcome.falls_short() => {
                outcome.verdict = Verdict::Short(Shortfall::HeldBack(fallen.clone()));
            }
            Some(_) => {}
            None => {
                once_more(kernel, &steps[*place], outcome);
                fallen = outcome.fails().then(|| outcome.requirement.setting.clone());
            }
        }
    }
    if last.is_empty() || fallen.is_some() {
        return;
    }
    // One may have reset another, as `stable_secret` does with `addr_gen_mode`.
    for (place, step) in steps.iter().enumerate().filter(|(_, step)| step.owner == Owner::Ours) {
        let Ok(now) = keys::read(kernel, &step.key, step.requirement.kind) else { continue };
        if last.contains(&place) || outcomes[place].found.as_ref() == Some(&now) {
            continue;
        }
        let again = KeyStep { target: step.requirement.wanted.target(&now), current: Ok(now), ..step.clone() };
        once_more(kernel, &again, &mut outcomes[place]);
    }
}

fn once_more(kernel: &mut dyn Kernel, step: &KeyStep, outcome: &mut Outcome) {
    let Some(mut new) = keys::write(kernel, std::slice::from_ref(step), &[]).pop() else { return };
    new.before = outcome.before.take();
    if !new.falls_short() {
        new.verdict = if new.before == new.found { Verdict::Holds } else { Verdict::Changed };
    }
    *outcome = new;
}
