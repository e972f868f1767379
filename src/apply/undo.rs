//! All or nothing: where a required setting falls short, every setting that was changed gets its original value back. The
//! journal's code does that, on an entry of the journal or, where none is kept, on the same list made from memory.

use std::collections::HashMap;
use std::fmt;

use crate::journal::{
    self, Change, JournalError, Namespace, ProcessId, Recorder, RevertOutcome, RevertedChange, SettingRef, StoredValue,
    WriteState,
};
use crate::kernel::{Kernel, Process};
use crate::model::limit::Side;
use crate::model::setting::Setting;
use crate::model::value::Value;
use crate::plan::{KeyStep, LimitStep, Plan};
use crate::report::{Outcome, Report, UndoResult, Undone};

/// The kernel that a plan is carried out on, and the original values of what is changed.
pub struct Undo<'a>(Record<'a>);

enum Record<'a> {
    /// In an entry of the journal.
    Journal(Box<Recorder<'a>>),
    /// In memory. Those of the plan's own settings are in its report; `side_effects` are the other keys that the kernel
    /// changes when the plan is carried out.
    Memory { kernel: &'a mut dyn Kernel, side_effects: Vec<Change> },
}

impl fmt::Debug for Undo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Undo")
    }
}

impl<'a> Undo<'a> {
    /// Keeps the original values in the journal.
    #[must_use]
    pub fn in_journal(recorder: Recorder<'a>) -> Self {
        Self(Record::Journal(Box::new(recorder)))
    }

    /// Keeps the original values in memory; reads those of the side effects of `plan`, which must not have been carried
    /// out yet.
    #[must_use]
    pub fn in_memory(kernel: &'a mut dyn Kernel, plan: &Plan) -> Self {
        let side_effects = journal::planned_side_effects(kernel, plan);
        Self(Record::Memory { kernel, side_effects })
    }

    /// Takes up again what [`Undo::release`] gave, where no journal is kept.
    #[must_use]
    pub fn from_memory(kernel: &'a mut dyn Kernel, side_effects: Vec<Change>) -> Self {
        Self(Record::Memory { kernel, side_effects })
    }

    /// Keeps the changes as [`Undo::keep`] does, and gives what undoing them takes later.
    #[must_use]
    pub fn release(self) -> Originals {
        match self.0 {
            Record::Memory { side_effects, .. } => Originals::Memory(side_effects),
            Record::Journal(recorder) => {
                let number = recorder.number();
                // What could not be written anew names more than was changed, and restores as much.
                Originals::Journal(recorder.finish().unwrap_or_else(|error| {
                    log::warn!("{error}");
                    Some(number)
                }))
            }
        }
    }

    /// The kernel to write to.
    pub fn kernel(&mut self) -> &mut dyn Kernel {
        match &mut self.0 {
            Record::Journal(recorder) => &mut **recorder,
            Record::Memory { kernel, .. } => *kernel,
        }
    }

    /// Restores the original values, the last change first, and records in `report` how that went. `report` is that of
    /// `plan` carried out, `process` the one whose limits were set.
    ///
    /// # Errors
    /// The journal could not be written: it names more than is left to revert.
    pub fn restore(self, plan: &Plan, process: Process, report: &mut Report) -> Result<(), JournalError> {
        let (reverted, kept) = match self.0 {
            Record::Journal(recorder) => recorder.undo(),
            Record::Memory { kernel, side_effects } => {
                (journal::undo(kernel, changes(plan, process, report, side_effects)), Ok(()))
            }
        };
        mark_restored(report, reverted);
        kept
    }

    /// Keeps the changes; the journal keeps the original values for `revert`, in the entry with the number returned.
    ///
    /// # Errors
    /// The journal could not be written: it names more than was changed.
    pub fn keep(self) -> Result<Option<u64>, JournalError> {
        match self.0 {
            Record::Journal(recorder) => recorder.finish(),
            Record::Memory { .. } => Ok(None),
        }
    }
}

/// The original values of what was changed, while no kernel is held: until the service has started.
#[derive(Debug)]
pub enum Originals {
    /// In the journal's entry with this number, or nowhere: nothing was changed.
    Journal(Option<u64>),
    /// Those of the plan's side effects; those of its own settings are in its report.
    Memory(Vec<Change>),
}

/// The changes as the journal would have recorded them. `report` begins with the outcomes of the keys of `plan`.
fn changes(plan: &Plan, process: Process, report: &Report, side_effects: Vec<Change>) -> Vec<Change> {
    let steps = plan.keys.iter().zip(&report.outcomes).filter(|(step, _)| step.is_writable());
    let mut changes: Vec<Change> = steps.map(|(step, outcome)| key_change(step, outcome)).collect();
    // Whether they have changed shows when they are read again.
    changes.extend(side_effects.into_iter().map(|change| Change { state: WriteState::Done(None), ..change }));
    changes.extend(plan.limits.iter().filter_map(|step| limit_change(step, process)));
    changes
}

fn key_change(step: &KeyStep, outcome: &Outcome) -> Change {
    let kind = step.requirement.kind;
    let stored = |value: &Value| StoredValue::Text(value.to_string());
    // What was written may have another text and mean the same, `-0` and `0`.
    let state = if outcome.found == outcome.before && step.action.target().is_none() {
        WriteState::NotStarted
    } else {
        WriteState::Done(outcome.found.as_ref().map(stored))
    };
    Change {
        setting: SettingRef::Key { key: step.key.clone(), kind, namespace: Namespace::Machine },
        original: outcome.before.as_ref().map(stored),
        role: journal::role(step),
        state,
    }
}

/// The change of a limit that was set, or would have been.
fn limit_change(step: &LimitStep, process: Process) -> Option<Change> {
    step.action.target()?;
    Some(Change {
        setting: SettingRef::Limit { resource: step.resource, process: ProcessId::of_now(process) },
        original: Some(StoredValue::Limits(step.current.ok()?)),
        role: journal::Role::Written,
        state: WriteState::Done(None),
    })
}

/// Records in the outcome of each setting that had to be restored how that went.
pub fn mark_restored(report: &mut Report, reverted: Vec<RevertedChange>) {
    let (mut keys, mut limits) = (HashMap::new(), Vec::new());
    for reverted in reverted {
        match &reverted.change.setting {
            SettingRef::Key { key, .. } => drop(keys.insert(key.clone(), reverted)),
            SettingRef::Limit { resource, .. } => limits.push((*resource, reverted)),
        }
    }
    for outcome in &mut report.outcomes {
        let undone = match &outcome.requirement.setting {
            Setting::Key(key) => keys.get(key).and_then(|reverted| undone(reverted, None)),
            Setting::Limit(resource, side) => {
                let of_limit = limits.iter().find(|(its, _)| its == resource);
                of_limit.and_then(|(_, reverted)| undone(reverted, Some(*side)))
            }
        };
        outcome.undone = undone.map(Box::new);
    }
}

/// Whether this side of a limit had its original value all along: both sides are set in one call, and only the other one
/// was changed.
fn is_untouched(reverted: &RevertedChange, side: Side) -> bool {
    let of_side = |value: Option<&StoredValue>| match value {
        Some(StoredValue::Limits(limits)) => Some(limits.side(side)),
        _ => None,
    };
    let until_then = match &reverted.outcome {
        RevertOutcome::Reverted { from } => Some(from),
        _ => reverted.now.as_ref(),
    };
    let original = of_side(reverted.change.original.as_ref());
    original.is_some() && original == of_side(until_then)
}

/// How restoring a key, or a side of a limit, went; nothing where it did not have to be restored.
fn undone(reverted: &RevertedChange, side: Option<Side>) -> Option<Undone> {
    if side.is_some_and(|side| is_untouched(reverted, side)) {
        return None;
    }
    let result = match reverted.outcome {
        RevertOutcome::Reverted { .. } => UndoResult::Restored,
        // Restoring another one had changed it.
        RevertOutcome::AlreadyOriginal if reverted.written => UndoResult::Restored,
        RevertOutcome::ChangedSince { .. } => UndoResult::ChangedSince,
        RevertOutcome::Irreversible => UndoResult::Irreversible,
        RevertOutcome::Refused(refusal) => UndoResult::Refused(refusal),
        RevertOutcome::NotKept { .. } => UndoResult::NotKept,
        RevertOutcome::WouldRevert { .. }
        | RevertOutcome::AlreadyOriginal
        | RevertOutcome::NeverWritten
        | RevertOutcome::Gone
        | RevertOutcome::Interrupted
        | RevertOutcome::OtherNamespace
        | RevertOutcome::Unidentified(_) => return None,
    };
    let now = match (&reverted.change.setting, reverted.now.as_ref(), side) {
        (SettingRef::Key { kind, .. }, Some(StoredValue::Text(text)), _) => kind.parse(text).ok(),
        (SettingRef::Limit { .. }, Some(StoredValue::Limits(limits)), Some(side)) => {
            Some(Value::Limit(limits.side(side)))
        }
        _ => None,
    };
    Some(Undone { result, now })
}
