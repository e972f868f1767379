//! Reverts an entry of the journal: restores the original value of each setting that still has the value we wrote.

use nix::errno::Errno;

use super::boot_identity::{BootIdentity, ProcessState};
use super::entry::{Change, JournalEntry, RevertOutcome, Role, SettingRef, StoredValue, WriteState};
use super::entry::{to_kernel, write_mode};
use super::error::JournalError;
use super::planned_changes::read_current;
use super::recorder::Recorder;
use super::side_effects;
use super::store::Journal;
use crate::kernel::{Kernel, KernelError, Operation, Process};
use crate::model::setting::Key;

/// How often settings are restored again that restoring another one has reset.
const ROUNDS: usize = 3;

/// What happens to a value that another program has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It is left.
    No,
    /// The original value is restored all the same.
    Yes,
}

/// The outcome of one setting.
#[derive(Clone, Debug)]
pub struct RevertedChange {
    /// The setting, and what the journal says of it.
    pub change: Change,
    /// What came of it.
    pub outcome: RevertOutcome,
}

/// Reverts one entry, the last change first, and keeps of it what another attempt could still restore.
///
/// # Errors
/// The journal could not be written: nothing more was done than it says.
pub fn revert(
    kernel: &mut dyn Kernel,
    journal: &Journal,
    number: u64,
    entry: JournalEntry,
    here: &BootIdentity,
    force: Force,
) -> Result<Vec<RevertedChange>, JournalError> {
    let steps = plan(kernel, &entry, here, force);
    let changes = entry.changes.clone();
    let mut recorder = Recorder::resume(kernel, journal, here, number, entry)?;
    let refusals = restore(&mut recorder, &changes, &steps);
    let outcomes: Vec<RevertOutcome> = steps
        .into_iter()
        .zip(&changes)
        .zip(refusals)
        .map(|((step, change), refusal)| outcome(&mut recorder, change, step, refusal))
        .collect();
    let stays: Vec<bool> = outcomes.iter().map(RevertOutcome::stays).collect();
    let any = stays.contains(&true);
    // A side effect is of use only beside a change that is left.
    let keep = |index: usize| stays.get(index) == Some(&true) || any && changes.get(index).is_some_and(is_side_effect);
    recorder.keep(&keep)?;
    Ok(reported(changes, outcomes))
}

/// What [`revert`] would do, with nothing written.
pub fn preview(kernel: &mut dyn Kernel, entry: JournalEntry, here: &BootIdentity, force: Force) -> Vec<RevertedChange> {
    let steps = plan(kernel, &entry, here, force);
    let outcomes = steps.into_iter().map(|step| match step {
        Step::Settled(outcome) => outcome,
        Step::Restore { from, .. } => RevertOutcome::WouldRevert { from },
        Step::Keep(_) => RevertOutcome::AlreadyOriginal,
    });
    let outcomes = outcomes.collect();
    reported(entry.changes, outcomes)
}

/// Whether all settings of an entry belong to other namespaces than ours.
#[must_use]
pub fn is_elsewhere(entry: &JournalEntry, here: &BootIdentity) -> bool {
    !entry.changes.is_empty() && entry.changes.iter().all(|change| !is_here(&change.setting, here))
}

/// The outcomes to report: a side effect only where it does not have its original value.
fn reported(changes: Vec<Change>, outcomes: Vec<RevertOutcome>) -> Vec<RevertedChange> {
    let all = changes.into_iter().zip(outcomes).map(|(change, outcome)| RevertedChange { change, outcome });
    all.filter(|reverted| !is_side_effect(&reverted.change) || reverted.outcome.falls_short()).collect()
}

fn is_side_effect(change: &Change) -> bool {
    change.role == Role::SideEffect
}

/// What is to be done about one change.
enum Step {
    /// Nothing, and why.
    Settled(RevertOutcome),
    /// Write until the setting has the value `to`.
    Restore { from: StoredValue, to: StoredValue },
    /// Keep this value, whatever restoring other settings does to it.
    Keep(StoredValue),
}

/// Reads every setting before anything is written: what our own writes change must not pass for another program's
/// change.
fn plan(kernel: &mut dyn Kernel, entry: &JournalEntry, here: &BootIdentity, force: Force) -> Vec<Step> {
    entry.changes.iter().map(|change| step(kernel, change, here, force)).collect()
}

fn step(kernel: &mut dyn Kernel, change: &Change, here: &BootIdentity, force: Force) -> Step {
    if !is_here(&change.setting, here) {
        return Step::Settled(RevertOutcome::OtherNamespace);
    }
    if let SettingRef::Limit { process, .. } = &change.setting {
        match here.state_of(process) {
            ProcessState::Running(_) => {}
            ProcessState::Gone => return Step::Settled(RevertOutcome::Gone),
            ProcessState::Unknown(error) => return Step::Settled(RevertOutcome::Refused(error)),
        }
    }
    let now = match read_current(kernel, &change.setting) {
        Ok(now) => now,
        Err(
            KernelError { operation: Operation::OpenToRead, errno: Errno::ENOENT }
            | KernelError { errno: Errno::ESRCH, .. },
        ) => {
            return Step::Settled(RevertOutcome::Gone);
        }
        Err(refusal) => return Step::Settled(RevertOutcome::Refused(refusal)),
    };
    let Some(original) = &change.original else {
        let written = change.state != WriteState::NotStarted;
        let outcome = if written { RevertOutcome::Irreversible } else { RevertOutcome::NeverWritten };
        return Step::Settled(outcome);
    };
    if change.setting.same_value(&now, original) {
        return Step::Keep(now);
    }
    let (is_ours, wrote) = match &change.state {
        WriteState::NotStarted => (false, None),
        // Killed between recording the write and recording its result: the value is ours, or will be in a moment.
        WriteState::Started | WriteState::Done(None) => (true, None),
        WriteState::Done(Some(found)) => (change.setting.same_value(&now, found), Some(found.clone())),
    };
    match force {
        Force::No if change.state == WriteState::NotStarted => Step::Settled(RevertOutcome::NeverWritten),
        Force::No if !is_ours && is_side_effect(change) => Step::Keep(now),
        Force::No if !is_ours => Step::Settled(RevertOutcome::ChangedSince { now, wrote }),
        _ if change.role == Role::Irreversible => Step::Settled(RevertOutcome::Irreversible),
        _ => Step::Restore { from: now, to: original.clone() },
    }
}

/// Whether a setting belongs to our namespaces.
fn is_here(setting: &SettingRef, here: &BootIdentity) -> bool {
    match setting {
        SettingRef::Key { key, namespace, .. } => *namespace == here.namespace_of(key),
        SettingRef::Limit { process, .. } => here.shares_pids(process),
    }
}

/// Restores every setting, the last change first, and then again those that this has reset. Returns for each setting
/// the last error of the kernel.
fn restore(recorder: &mut Recorder<'_>, changes: &[Change], steps: &[Step]) -> Vec<Option<KernelError>> {
    let mut refusals = vec![None; changes.len()];
    for (index, (change, step)) in changes.iter().zip(steps).enumerate().rev() {
        if let (Step::Restore { to, .. }, false) = (step, is_side_effect(change)) {
            refusals[index] = write(recorder, changes, steps, change, to).err();
        }
    }
    let wrote = steps.iter().any(|step| matches!(step, Step::Restore { .. }));
    for _ in 0..if wrote { ROUNDS } else { 0 } {
        let mut all_restored = true;
        // Forward: settings that others depend on come first, as in the plan.
        for (index, (change, step)) in changes.iter().zip(steps).enumerate() {
            let (Step::Restore { to, .. } | Step::Keep(to)) = step else { continue };
            if read_current(recorder, &change.setting).is_ok_and(|now| !change.setting.same_value(&now, to)) {
                all_restored = false;
                refusals[index] = write(recorder, changes, steps, change, to).err();
            }
        }
        if all_restored {
            break;
        }
    }
    refusals
}

fn write(
    recorder: &mut Recorder<'_>,
    changes: &[Change],
    steps: &[Step],
    change: &Change,
    to: &StoredValue,
) -> Result<(), KernelError> {
    match (&change.setting, to) {
        // Writing the other key of the pair sets this one to zero, and nothing else does.
        (SettingRef::Key { key, .. }, _) if change.setting.is_zero(to) && has_partner(changes, steps, key) => Ok(()),
        (SettingRef::Key { key, kind, .. }, StoredValue::Text(text)) => {
            recorder.write(key, to_kernel(text), write_mode(*kind))
        }
        (SettingRef::Limit { resource, process }, StoredValue::Limits(limits)) => {
            recorder.set_limits(Process::Pid(process.pid), *resource, *limits)
        }
        _ => Ok(()),
    }
}

/// Whether the other key of a pair of which one is zero is to be restored to something else than zero.
fn has_partner(changes: &[Change], steps: &[Step], key: &Key) -> bool {
    let Some(partner) = side_effects::partner(key) else { return false };
    changes.iter().zip(steps).any(|(change, step)| match (&change.setting, step) {
        (SettingRef::Key { key: its, .. }, Step::Restore { to, .. } | Step::Keep(to)) => {
            *its == partner && !change.setting.is_zero(to)
        }
        _ => false,
    })
}

fn outcome(recorder: &mut Recorder<'_>, change: &Change, step: Step, refusal: Option<KernelError>) -> RevertOutcome {
    let (from, to) = match step {
        Step::Settled(outcome) => return outcome,
        Step::Restore { from, to } => (Some(from), to),
        Step::Keep(to) => (None, to),
    };
    match (read_current(recorder, &change.setting), from, refusal) {
        (Ok(now), Some(from), _) if change.setting.same_value(&now, &to) => RevertOutcome::Reverted { from },
        (Ok(now), None, _) if change.setting.same_value(&now, &to) => RevertOutcome::AlreadyOriginal,
        (_, _, Some(refusal)) | (Err(refusal), ..) => RevertOutcome::Refused(refusal),
        (Ok(now), ..) => RevertOutcome::NotKept { now },
    }
}
