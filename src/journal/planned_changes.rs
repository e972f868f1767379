//! The settings that a plan is about to change, with their values before it does.

use std::collections::HashSet;

use super::boot_identity::BootIdentity;
use super::entry::{Change, ProcessId, Role, SettingRef, StoredValue, WriteState};
use super::side_effects::side_effects_of;
use crate::catalog;
use crate::kernel::{Kernel, KernelError, Process};
use crate::model::setting::{Key, System};
use crate::model::value::Kind;
use crate::plan::{KeyStep, Plan};

/// Every setting that `plan` writes or that the kernel changes along with one, with its current value. `process` is the
/// one whose limits are set; without it no limit is recorded.
pub fn planned_changes(
    kernel: &mut dyn Kernel,
    plan: &Plan,
    here: &BootIdentity,
    process: Option<&ProcessId>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut seen = HashSet::new();
    let system = kernel.system();
    // Settings that hold are recorded too: one of our own writes may reset them, and then they are written after all.
    for step in plan.keys.iter().filter(|step| step.is_writable()) {
        let role = if step.action.target().is_some() { role(step) } else { Role::SideEffect };
        changes.push(current_change(kernel, here, &step.key, step.requirement.kind, role));
        seen.insert(step.key.clone());
    }
    let patterns: Vec<_> = written(plan).flat_map(|step| side_effects_of(&step.key)).collect();
    for pattern in patterns {
        for name in kernel.names(&pattern) {
            let other = Key::Sysctl(name);
            if seen.insert(other.clone()) {
                let kind = kind_of(system, &other);
                changes.push(current_change(kernel, here, &other, kind, Role::SideEffect));
            }
        }
    }
    // A side effect whose original value is not known can't be restored.
    changes.retain(|change| change.role != Role::SideEffect || change.original.is_some());
    let limits = plan.limits.iter().filter(|step| step.action.target().is_some());
    changes.extend(process.into_iter().flat_map(|process| {
        limits.clone().filter_map(|step| {
            let setting = SettingRef::Limit { resource: step.resource, process: process.clone() };
            let original = Some(StoredValue::Limits(step.current.ok()?));
            Some(Change { setting, original, role: Role::Written, state: WriteState::NotStarted })
        })
    }));
    changes
}

/// The steps that write.
fn written(plan: &Plan) -> impl Iterator<Item = &KeyStep> {
    plan.keys.iter().filter(|step| step.action.target().is_some())
}

fn role(step: &KeyStep) -> Role {
    if step.is_irreversible() { Role::Irreversible } else { Role::Written }
}

/// The shape of the values of a key that no profile names.
pub(super) fn kind_of(system: System, key: &Key) -> Kind {
    catalog::spec(system, key).map_or(Kind::Text, |spec| spec.kind)
}

/// A key with its current value as the original.
pub(super) fn current_change(
    kernel: &mut dyn Kernel,
    here: &BootIdentity,
    key: &Key,
    kind: Kind,
    role: Role,
) -> Change {
    let original = kernel.read(key).ok().map(|text| StoredValue::of_key(kind, &text));
    let setting = SettingRef::Key { key: key.clone(), kind, namespace: here.namespace_of(key) };
    Change { setting, original, role, state: WriteState::NotStarted }
}

/// Reads the current value of a setting.
pub(super) fn read_current(kernel: &mut dyn Kernel, setting: &SettingRef) -> Result<StoredValue, KernelError> {
    match setting {
        SettingRef::Key { key, kind, .. } => kernel.read(key).map(|text| StoredValue::of_key(*kind, &text)),
        SettingRef::Limit { resource, process } => {
            kernel.limits(Process::Pid(process.pid), *resource).map(StoredValue::Limits)
        }
    }
}
