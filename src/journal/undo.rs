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
use crate::kernel::{Kernel, KernelError, Operation};
use crate::model::setting::Key;

/// How often settings are restored again that restoring another one has reset.
const ROUNDS: usize = 3;

/// What happens to a value that another program has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It is left.
    No,
    /// The original value is restored nevertheless.
    Yes,
}

/// What a signal that asks us to end does to a restoring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnSignal {
    /// It ends it between two changes; the journal keeps what is left.
    Stop,
    /// Nothing: what an interrupted command has changed is restored whole.
    GoOn,
}

/// The outcome of one setting.
#[derive(Clone, Debug)]
pub struct RevertedChange {
    /// The setting, and what the journal says of it.
    pub change: Change,
    /// What came of it.
    pub outcome: RevertOutcome,
    /// Whether it was written: perhaps only because restoring another setting had changed it.
    pub written: bool,
    /// Its value after that; `None` where it was not read or could not be.
    pub now: Option<StoredValue>,
}

/// Reverts one entry, the last change first, and keeps of it what another attempt could still restore. A signal that asks
/// us to end stops it as `on_signal` says.
///
/// # Errors
/// The journal could not be written: nothing more was done than it says.
pub fn revert(
    kernel: &mut dyn Kernel,
    journal: &Journal,
    number: u64,
    entry: JournalEntry,
    here: &BootIdentity,
    (force, on_signal): (Force, OnSignal),
) -> Result<Vec<RevertedChange>, JournalError> {
    let steps = plan(kernel, &entry, here, force);
    let (reverted, kept) = Recorder::resume(kernel, journal, here, number, entry)?.restore(steps, on_signal);
    kept.map(|()| reported(reverted))
}

/// Reverts an entry that this process made itself: its settings are those of our own namespaces.
///
/// # Errors
/// As [`revert`].
pub fn undo_own(
    kernel: &mut dyn Kernel,
    journal: &Journal,
    number: u64,
    here: &BootIdentity,
) -> Result<Vec<RevertedChange>, JournalError> {
    let entry = journal.read(number)?;
    let (reverted, kept) = Recorder::resume(kernel, journal, here, number, entry)?.undo();
    kept.map(|()| reverted)
}

/// Restores the original values of changes that are in no journal, the last first.
pub fn undo(kernel: &mut dyn Kernel, changes: Vec<Change>) -> Vec<RevertedChange> {
    let steps = changes.iter().map(|change| step(kernel, change, Force::No)).collect();
    carry_out(kernel, changes, steps, OnSignal::GoOn)
}

impl Recorder<'_> {
    /// Restores the original value of everything that was written, the last change first, and keeps in the entry what
    /// another attempt could still restore.
    ///
    /// # Errors
    /// Beside the outcomes: the journal could not be written, then it says no less than before.
    pub fn undo(mut self) -> (Vec<RevertedChange>, Result<(), JournalError>) {
        self.read_back();
        let changes = self.entry().changes.clone();
        let steps = changes.iter().map(|change| step(&mut self, change, Force::No)).collect();
        self.restore(steps, OnSignal::GoOn)
    }

    fn restore(mut self, steps: Vec<Step>, on_signal: OnSignal) -> (Vec<RevertedChange>, Result<(), JournalError>) {
        let changes = self.entry().changes.clone();
        let reverted = carry_out(&mut self, changes, steps, on_signal);
        let any = reverted.iter().any(|reverted| reverted.outcome.stays());
        // A side effect is of use only beside a change that is left.
        let keep = |reverted: &RevertedChange| reverted.outcome.stays() || any && is_side_effect(&reverted.change);
        let kept = self.keep(&|index| reverted.get(index).is_some_and(keep));
        (reverted, kept)
    }
}

/// What [`revert`] would do, with nothing written.
pub fn preview(kernel: &mut dyn Kernel, entry: JournalEntry, here: &BootIdentity, force: Force) -> Vec<RevertedChange> {
    let steps = plan(kernel, &entry, here, force);
    let outcomes = steps.into_iter().map(|step| match step {
        Step::Settled(outcome) => outcome,
        Step::Restore { from, .. } => RevertOutcome::WouldRevert { from },
        Step::Keep(_) => RevertOutcome::AlreadyOriginal,
    });
    let all = entry.changes.into_iter().zip(outcomes);
    reported(all.map(|(change, outcome)| RevertedChange { change, outcome, written: false, now: None }).collect())
}

/// Whether all settings of an entry are known to belong to other namespaces than ours.
#[must_use]
pub fn is_elsewhere(entry: &JournalEntry, here: &BootIdentity) -> bool {
    !entry.changes.is_empty() && entry.changes.iter().all(|change| here.is_here(&change.setting) == Ok(false))
}

/// What to report: a side effect only where it does not have its original value.
fn reported(mut all: Vec<RevertedChange>) -> Vec<RevertedChange> {
    all.retain(|reverted| !is_side_effect(&reverted.change) || reverted.outcome.falls_short());
    all
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
    let all = entry.changes.iter();
    all.map(|change| match out_of_reach(change, here, force) {
        Some(outcome) => Step::Settled(outcome),
        None => step(kernel, change, force),
    })
    .collect()
}

/// What becomes of a setting that is not ours to restore: of other namespaces, of a process that has ended, or where
/// that is not known. Force restores a setting of an unknown namespace, never a limit of an unknown process.
fn out_of_reach(change: &Change, here: &BootIdentity, force: Force) -> Option<RevertOutcome> {
    match (here.is_here(&change.setting), &change.setting) {
        (Ok(true), _) => {}
        (Ok(false), _) => return Some(RevertOutcome::OtherNamespace),
        (Err(_), SettingRef::Key { .. }) if force == Force::Yes => {}
        (Err(why), _) => return Some(RevertOutcome::Unidentified(why)),
    }
    let SettingRef::Limit { process, .. } = &change.setting else { return None };
    match here.state_of(process) {
        ProcessState::Running(_) => None,
        ProcessState::Gone => Some(RevertOutcome::Gone),
        ProcessState::Unknown(why) => Some(RevertOutcome::Unidentified(why)),
    }
}

fn step(kernel: &mut dyn Kernel, change: &Change, force: Force) -> Step {
    if change.original.is_none() && change.state == WriteState::NotStarted {
        return Step::Settled(RevertOutcome::NeverWritten);
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
        return Step::Settled(RevertOutcome::Irreversible);
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

/// Carries out the step of each change, and reads all back.
fn carry_out(
    kernel: &mut dyn Kernel,
    changes: Vec<Change>,
    steps: Vec<Step>,
    on_signal: OnSignal,
) -> Vec<RevertedChange> {
    let writes = restore(kernel, &changes, &steps, on_signal);
    let together = changes.into_iter().zip(steps).zip(writes);
    together.map(|((change, step), write)| reverted(kernel, change, step, write)).collect()
}

/// Restores every setting, the last change first, and then again those that this has reset. Returns what
/// the kernel answered to the last write of each; `None` where there was none.
fn restore(
    kernel: &mut dyn Kernel,
    changes: &[Change],
    steps: &[Step],
    on_signal: OnSignal,
) -> Vec<Option<Result<(), KernelError>>> {
    let mut writes = vec![None; changes.len()];
    let is_over = |kernel: &mut dyn Kernel| on_signal == OnSignal::Stop && kernel.ending_signal().is_some();
    for (index, (change, step)) in changes.iter().zip(steps).enumerate().rev() {
        if is_over(kernel) {
            return writes;
        }
        if let (Step::Restore { to, .. }, false) = (step, is_side_effect(change)) {
            writes[index] = Some(write(kernel, changes, steps, change, to));
        }
    }
    let wrote = steps.iter().any(|step| matches!(step, Step::Restore { .. }));
    for _ in 0..if wrote { ROUNDS } else { 0 } {
        let mut all_restored = true;
        // Forward: settings that others depend on come first, as in the plan.
        for (index, (change, step)) in changes.iter().zip(steps).enumerate() {
            let (Step::Restore { to, .. } | Step::Keep(to)) = step else { continue };
            if read_current(kernel, &change.setting).is_ok_and(|now| !change.setting.same_value(&now, to)) {
                all_restored = false;
                writes[index] = Some(write(kernel, changes, steps, change, to));
            }
        }
        if all_restored {
            break;
        }
    }
    writes
}

fn write(
    kernel: &mut dyn Kernel,
    changes: &[Change],
    steps: &[Step],
    change: &Change,
    to: &StoredValue,
) -> Result<(), KernelError> {
    match (&change.setting, to) {
        // Writing the other key of the pair sets this one to zero, and nothing else does.
        (SettingRef::Key { key, .. }, _) if change.setting.is_zero(to) && has_partner(changes, steps, key) => Ok(()),
        (SettingRef::Key { key, kind, .. }, StoredValue::Text(text)) => {
            log::debug!("restore {key}: `{}`", text.escape_debug());
            kernel.write(key, to_kernel(text), write_mode(*kind))
        }
        (SettingRef::Limit { resource, process }, StoredValue::Limits(limits)) => {
            log::debug!("restore limit {resource}: {}", to.to_text());
            kernel.set_limits(process.process(), *resource, *limits)
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

/// Reads the value that a setting has now, and says what came of its step.
fn reverted(
    kernel: &mut dyn Kernel,
    change: Change,
    step: Step,
    write: Option<Result<(), KernelError>>,
) -> RevertedChange {
    let written = write.is_some();
    if let Step::Settled(outcome) = step {
        let now = if outcome.falls_short() { read_current(kernel, &change.setting).ok() } else { None };
        return RevertedChange { change, outcome, written, now };
    }
    let now = read_current(kernel, &change.setting);
    let outcome = match (&now, step, write) {
        (Ok(now), Step::Restore { from, to }, _) if change.setting.same_value(now, &to) => {
            RevertOutcome::Reverted { from }
        }
        (Ok(now), Step::Keep(to), _) if change.setting.same_value(now, &to) => RevertOutcome::AlreadyOriginal,
        (Ok(_), Step::Restore { .. }, None) => RevertOutcome::Interrupted,
        (_, _, Some(Err(refusal))) => RevertOutcome::Refused(refusal),
        (Err(refusal), ..) => RevertOutcome::Refused(*refusal),
        (Ok(now), ..) => RevertOutcome::NotKept { now: now.clone() },
    };
    RevertedChange { change, outcome, written, now: now.ok() }
}
