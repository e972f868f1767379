//! What a plan is about to change, written down before it does.

use std::collections::HashSet;

use super::boot_identity::BootIdentity;
use super::entry::{Change, ProcessId, Role, SettingRef, State, StoredValue};
use super::side_effects;
use crate::catalog;
use crate::kernel::{Kernel, Process};
use crate::model::setting::{Key, System};
use crate::model::value::{Kind, Value};
use crate::plan::{KeyStep, Owner, Plan};

/// Everything that `plan` changes and that changes along with it, as it stands now.
pub fn changes(kernel: &mut dyn Kernel, plan: &Plan, here: &BootIdentity, whom: Option<&ProcessId>) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut seen = HashSet::new();
    let system = kernel.system();
    // What holds is noted too: one of our own writes may reset it, and then it is written after all.
    for step in plan.keys.iter().filter(|step| step.owner == Owner::Ours) {
        let role = if step.target.is_some() { role(system, step) } else { Role::Along };
        changes.push(key(kernel, here, &step.key, step.requirement.kind, role));
        seen.insert(step.key.clone());
    }
    let patterns: Vec<_> = written(plan).flat_map(|step| side_effects::along_with(&step.key)).collect();
    for pattern in patterns {
        for name in kernel.names(&pattern) {
            let other = Key::Sysctl(name);
            if seen.insert(other.clone()) {
                let kind = kind_of(system, &other);
                changes.push(key(kernel, here, &other, kind, Role::Along));
            }
        }
    }
    // Of a key that changes along and can't be read there is nothing to say.
    changes.retain(|change| change.role != Role::Along || change.before.is_some());
    let limits = plan.limits.iter().filter(|step| step.target.is_some());
    changes.extend(whom.into_iter().flat_map(|whom| {
        limits.clone().filter_map(|step| {
            let what = SettingRef::Limit { resource: step.resource, process: whom.clone() };
            let before = Some(StoredValue::Limits(step.current.ok()?));
            Some(Change { what, before, role: Role::Written, state: State::Untouched })
        })
    }));
    changes
}

/// The keys that can't be put back before the next boot once the plan is carried out, each with its target.
///
/// A hard limit that is lowered is not among them: it is the process's own, and ends with it.
#[must_use]
pub fn irreversible(plan: &Plan, system: System) -> Vec<(Key, Value)> {
    let keys = written(plan).filter(|step| role(system, step) == Role::OneWay);
    keys.filter_map(|step| Some((step.key.clone(), step.target.clone()?))).collect()
}

/// The steps that will be written.
fn written(plan: &Plan) -> impl Iterator<Item = &KeyStep> {
    plan.keys.iter().filter(|step| step.target.is_some() && step.owner == Owner::Ours)
}

fn role(system: System, step: &KeyStep) -> Role {
    if step.is_one_way(system) { Role::OneWay } else { Role::Written }
}

/// The shape of a key that no profile names.
pub(super) fn kind_of(system: System, key: &Key) -> Kind {
    catalog::spec(system, key).map_or(Kind::Text, |spec| spec.kind)
}

/// A key as it stands now.
pub(super) fn key(kernel: &mut dyn Kernel, here: &BootIdentity, key: &Key, kind: Kind, role: Role) -> Change {
    let before = kernel.read(key).ok().map(|text| StoredValue::of_key(kind, &text));
    let what = SettingRef::Key { key: key.clone(), kind, namespace: here.namespace_of(key) };
    Change { what, before, role, state: State::Untouched }
}

/// What stands in a setting now, where it can be read.
pub(super) fn standing(kernel: &mut dyn Kernel, what: &SettingRef) -> Result<StoredValue, crate::kernel::KernelError> {
    match what {
        SettingRef::Key { key, kind, .. } => kernel.read(key).map(|text| StoredValue::of_key(*kind, &text)),
        SettingRef::Limit { resource, process } => {
            kernel.limits(Process::Pid(process.pid), *resource).map(StoredValue::Limits)
        }
    }
}
