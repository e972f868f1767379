//! W021: profiles for another system than this one.

use std::rc::Rc;

use super::super::problem::Problem;
use super::super::{Origin, Profile};
use super::{Check, LintFacts, Warning};
use crate::model::setting::System;

pub(super) static OTHER_SYSTEM: Warning = Warning {
    code: "W021",
    title: "a profile that asks for nothing on this system",
    explanation: "All its settings are for another system: here it holds whatever the machine's settings are, and changes \
        nothing. Add settings for this system, or allow the warning where a profile for several systems extends it.",
    check: Check::Profile(check),
};

fn check(profile: &Profile, facts: &LintFacts<'_>) -> Vec<Problem> {
    other_system(profile, facts.system).into_iter().collect()
}

/// The warning where a profile asks for nothing on `system`, unless it is silenced.
#[must_use]
pub fn other_system(profile: &Profile, system: System) -> Option<Problem> {
    let source = profile.sources.last().filter(|_| profile.is_for_other_systems(system))?;
    let origin = Origin { source: Rc::clone(source), span: 0..0 };
    let message = format!("`{}` asks for nothing on {}", source.label, system.name());
    Some(Problem::warning(OTHER_SYSTEM.code, message, origin)).filter(|problem| !profile.allows(problem))
}
