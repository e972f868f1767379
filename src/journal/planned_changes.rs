//! The settings that a plan is about to change, with their values before it does.

use std::collections::HashSet;

use nix::errno::Errno;

use super::boot_identity::BootIdentity;
use super::entry::{Change, Namespace, ProcessId, Role, SettingRef, StoredValue, WriteState};
use super::side_effects::{are_restored_with, side_effects_of};
use crate::catalog;
use crate::kernel::{Kernel, KernelError, reading_order};
use crate::model::name::SysctlName;
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
    // Settings that hold are recorded too: one of our own writes may reset them, and then they are written after all.
    let steps: Vec<&KeyStep> = plan.keys.iter().filter(|step| step.is_writable()).collect();
    let mut originals: Vec<Option<Change>> = vec![None; steps.len()];
    for at in reading_order(steps.iter().map(|step| &step.key)) {
        let KeyStep { key, requirement, .. } = steps[at];
        originals[at] = Some(current_change(kernel, here.namespace_of(key), key, requirement.kind, role(steps[at])));
        seen.insert(key.clone());
    }
    changes.extend(originals.into_iter().flatten());
    let patterns: Vec<SysctlName> = written(plan).flat_map(|step| side_effects_of(&step.key)).collect();
    changes.extend(side_effects(kernel, &patterns, &mut seen, &|key| here.namespace_of(key)));
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

/// The keys that are no steps of `plan` and that the kernel changes when it is carried out, with their current values:
/// to restore them at once if need be.
pub fn planned_side_effects(kernel: &mut dyn Kernel, plan: &Plan) -> Vec<Change> {
    let steps = written(plan).filter(|step| !are_restored_with(&step.key));
    let patterns: Vec<SysctlName> = steps.flat_map(|step| side_effects_of(&step.key)).collect();
    if patterns.is_empty() {
        return Vec::new();
    }
    let mut seen = plan.keys.iter().map(|step| step.key.clone()).collect();
    side_effects(kernel, &patterns, &mut seen, &|_| Namespace::Machine)
}

/// The keys that match `patterns`, but for those in `seen`. Of one whose value is not known nothing is recorded: it could
/// not be restored, which is told.
fn side_effects(
    kernel: &mut dyn Kernel,
    patterns: &[SysctlName],
    seen: &mut HashSet<Key>,
    namespace: &dyn Fn(&Key) -> Namespace,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for pattern in patterns {
        let names = kernel.names(pattern).unwrap_or_else(|error| {
            log::warn!("`{pattern}` changes with this setting, but can't be listed and was not put back: {error}");
            Vec::new()
        });
        for name in names {
            let key = Key::Sysctl(name);
            if seen.insert(key.clone()) {
                let kind = kind_of(kernel.system(), &key);
                match kernel.read(&key) {
                    Ok(text) => {
                        let original = Some(StoredValue::of_key(kind, &text));
                        let setting = SettingRef::Key { namespace: namespace(&key), key, kind };
                        changes.push(Change {
                            setting,
                            original,
                            role: Role::SideEffect,
                            state: WriteState::NotStarted,
                        });
                    }
                    // It is gone by now.
                    Err(KernelError { errno: Errno::ENOENT, .. }) => {}
                    Err(error) => {
                        log::warn!("`{key}` changes with this setting, but can't be read and is not put back: {error}");
                    }
                }
            }
        }
    }
    changes
}

/// The steps that write.
fn written(plan: &Plan) -> impl Iterator<Item = &KeyStep> {
    plan.keys.iter().filter(|step| step.action.target().is_some())
}

/// Why the key of a step is in the journal.
#[must_use]
pub fn role(step: &KeyStep) -> Role {
    match step.action.target() {
        Some(_) if step.is_irreversible() => Role::Irreversible,
        Some(_) => Role::Written,
        // It may be reset by one of our own writes.
        None => Role::SideEffect,
    }
}

/// The shape of the values of a key that no profile names.
pub(super) fn kind_of(system: System, key: &Key) -> Kind {
    catalog::spec(system, key).map_or(Kind::Text, |spec| spec.kind)
}

/// A key of `namespace`, with its current value as the original.
pub(super) fn current_change(
    kernel: &mut dyn Kernel,
    namespace: Namespace,
    key: &Key,
    kind: Kind,
    role: Role,
) -> Change {
    let original = kernel.read(key).ok().map(|text| StoredValue::of_key(kind, &text));
    let setting = SettingRef::Key { key: key.clone(), kind, namespace };
    Change { setting, original, role, state: WriteState::NotStarted }
}

/// Reads the current value of a setting.
pub(super) fn read_current(kernel: &mut dyn Kernel, setting: &SettingRef) -> Result<StoredValue, KernelError> {
    match setting {
        SettingRef::Key { key, kind, .. } => kernel.read(key).map(|text| StoredValue::of_key(*kind, &text)),
        SettingRef::Limit { resource, process } => kernel.limits(process.process(), *resource).map(StoredValue::Limits),
    }
}
