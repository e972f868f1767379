//! Two wishes of one profile that can't both be had, where only the machine shows it: what is certain without one is
//! refused when the profile is read.

use crate::catalog::{self, Coupling};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::report::Outcome;

use super::DiagnosisContext;

/// Why a key can't have what is asked of it, and the value that the other wish leaves it.
pub(super) fn of_key(key: &Key, finding: &Outcome, scene: &DiagnosisContext<'_>) -> Option<(String, Value)> {
    let (other, bond) = catalog::bond(scene.environment.system, key)?;
    let (ours, theirs) =
        (&finding.requirement.wanted, &wish_for(&Setting::Key(other.clone()), scene)?.requirement.wanted);
    match bond {
        Coupling::Zeroes => {
            let zero = Value::Number(0);
            (!ours.holds(&zero) && !theirs.holds(&zero)).then(|| {
                (format!("the profile asks for `{other}` too, and whichever is written sets the other to 0"), zero)
            })
        }
        Coupling::Same => {
            let found = finding.found.as_ref();
            let meet = |one: &Expectation<Value>, two: &Expectation<Value>| {
                one.nearest(found).and_then(|value| two.nearest(Some(&value))).is_some_and(|value| one.holds(&value))
            };
            let left = theirs.nearest(found)?;
            (!meet(ours, theirs) && !meet(theirs, ours))
                .then(|| (format!("the profile asks for `{other}` as {theirs}, and both are one setting"), left))
        }
    }
}

/// The hard limit that the profile asks for, where a soft one of `wanted` would be above it.
pub(super) fn of_soft(resource: Resource, wanted: Limit, scene: &DiagnosisContext<'_>) -> Option<Limit> {
    let hard = wish_for(&Setting::Limit(resource, Side::Hard), scene)?;
    match hard.requirement.wanted.nearest(Some(&Value::Limit(wanted)))? {
        Value::Limit(most) => Some(most).filter(|most| *most < wanted),
        _ => None,
    }
}

fn wish_for<'a>(setting: &Setting, scene: &DiagnosisContext<'a>) -> Option<&'a Outcome> {
    scene.report.outcomes.iter().find(|finding| finding.requirement.setting == *setting)
}
