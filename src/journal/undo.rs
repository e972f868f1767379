//! Puts back what an entry of the journal names, as far as it still is as we left it.

use super::boot_identity::BootIdentity;
use super::entry::{Change, JournalEntry, RevertOutcome, Role, SettingRef, State, StoredValue, pieces, to_kernel};
use super::error::JournalError;
use super::planned_changes::standing;
use super::recorder::Recorder;
use super::side_effects;
use super::store::Store;
use crate::kernel::{Kernel, KernelError, Operation, Process};

use nix::errno::Errno;

/// How often what putting one back has reset is put back again.
const ROUNDS: usize = 3;

/// What becomes of a value that is somebody else's by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It is left.
    No,
    /// What stood there before us is put back all the same.
    Yes,
}

/// What came of one setting.
#[derive(Clone, Debug)]
pub struct RevertedChange {
    /// The setting.
    pub change: Change,
    /// What came of it.
    pub outcome: RevertOutcome,
}

/// Puts one entry back, the last change first, and keeps of it what another attempt could still do.
///
/// # Errors
/// The journal could not be written: nothing more was done than it says.
pub fn revert(
    kernel: &mut dyn Kernel,
    store: &Store,
    number: u64,
    entry: JournalEntry,
    here: &BootIdentity,
    force: Force,
) -> Result<Vec<RevertedChange>, JournalError> {
    let plans = plan(kernel, &entry, here, force);
    let changes = entry.changes.clone();
    let mut recorder = Recorder::resume(kernel, store, here, number, entry)?;
    let refusals = put_back(&mut recorder, &changes, &plans);
    let outcomes: Vec<RevertOutcome> = plans
        .into_iter()
        .zip(&changes)
        .zip(refusals)
        .map(|((plan, change), refusal)| outcome(&mut recorder, change, plan, refusal))
        .collect();
    let stays: Vec<bool> = outcomes.iter().map(RevertOutcome::stays).collect();
    let any = stays.contains(&true);
    // What changes along is told only where it is not what it was, and is of use only beside what is left.
    let keep = |at: usize| stays.get(at) == Some(&true) || any && changes.get(at).is_some_and(is_along);
    recorder.keep(&keep)?;
    Ok(told(changes, outcomes))
}

/// What [`revert`] would do, with nothing written.
pub fn preview(kernel: &mut dyn Kernel, entry: JournalEntry, here: &BootIdentity, force: Force) -> Vec<RevertedChange> {
    let plans = plan(kernel, &entry, here, force);
    let outcomes = plans.into_iter().map(|plan| match plan {
        Step::Settled(outcome) => outcome,
        Step::PutBack { from, .. } => RevertOutcome::WouldDo { from },
        Step::Hold(_) => RevertOutcome::Already,
    });
    let outcomes = outcomes.collect();
    told(entry.changes, outcomes)
}

/// Whether an entry names nothing that is of our namespaces.
#[must_use]
pub fn is_elsewhere(entry: &JournalEntry, here: &BootIdentity) -> bool {
    !entry.changes.is_empty() && entry.changes.iter().all(|change| !is_here(&change.what, here))
}

fn told(changes: Vec<Change>, outcomes: Vec<RevertOutcome>) -> Vec<RevertedChange> {
    let all = changes.into_iter().zip(outcomes).map(|(change, outcome)| RevertedChange { change, outcome });
    all.filter(|undone| !is_along(&undone.change) || undone.outcome.falls_short()).collect()
}

fn is_along(change: &Change) -> bool {
    change.role == Role::Along
}

/// What is to be done about one change.
enum Step {
    /// Nothing, and why.
    Settled(RevertOutcome),
    /// `to` is to stand there in the end.
    PutBack { from: StoredValue, to: StoredValue },
    /// What stands there is to stay, whatever putting the others back does to it.
    Hold(StoredValue),
}

/// Looks at everything before anything is written: what our own writes do is nobody else's.
fn plan(kernel: &mut dyn Kernel, entry: &JournalEntry, here: &BootIdentity, force: Force) -> Vec<Step> {
    entry.changes.iter().map(|change| step(kernel, change, here, force)).collect()
}

fn step(kernel: &mut dyn Kernel, change: &Change, here: &BootIdentity, force: Force) -> Step {
    if !is_here(&change.what, here) {
        return Step::Settled(RevertOutcome::ConfigLine);
    }
    if matches!(&change.what, SettingRef::Limit { process, .. } if !here.is_alive(process)) {
        return Step::Settled(RevertOutcome::Gone);
    }
    let now = match standing(kernel, &change.what) {
        Ok(now) => now,
        Err(
            KernelError { operation: Operation::OpenToRead, errno: Errno::ENOENT }
            | KernelError { errno: Errno::ESRCH, .. },
        ) => {
            return Step::Settled(RevertOutcome::Gone);
        }
        Err(refusal) => return Step::Settled(RevertOutcome::Refused(refusal)),
    };
    let Some(before) = &change.before else {
        let written = change.state != State::Untouched;
        return Step::Settled(if written { RevertOutcome::OneWay } else { RevertOutcome::Never });
    };
    if change.what.same(&now, before) {
        return Step::Hold(now);
    }
    let (ours, wrote) = match &change.state {
        State::Untouched => (false, None),
        // Killed between noting the write and noting what came of it: it is what we wrote or a moment later.
        State::Writing | State::Wrote(None) => (true, None),
        State::Wrote(Some(found)) => (change.what.same(&now, found), Some(found.clone())),
    };
    match () {
        () if change.state == State::Untouched && force == Force::No => Step::Settled(RevertOutcome::Never),
        () if !ours && force == Force::No && is_along(change) => Step::Hold(now),
        () if !ours && force == Force::No => Step::Settled(RevertOutcome::Foreign { now, wrote }),
        () if change.role == Role::OneWay => Step::Settled(RevertOutcome::OneWay),
        () => Step::PutBack { from: now, to: before.clone() },
    }
}

/// Whether a setting is of our namespaces.
fn is_here(what: &SettingRef, here: &BootIdentity) -> bool {
    match what {
        SettingRef::Key { key, namespace, .. } => *namespace == here.namespace_of(key),
        SettingRef::Limit { process, .. } => here.shares_pids(process),
    }
}

/// Puts everything back, the last change first, and then again whatever that has reset. Returns for each what the
/// kernel said last.
fn put_back(recorder: &mut Recorder<'_>, changes: &[Change], plans: &[Step]) -> Vec<Option<KernelError>> {
    let mut refusals = vec![None; changes.len()];
    for (at, (change, plan)) in changes.iter().zip(plans).enumerate().rev() {
        if let (Step::PutBack { to, .. }, false) = (plan, is_along(change)) {
            refusals[at] = write(recorder, changes, plans, change, to).err();
        }
    }
    let wrote = plans.iter().any(|plan| matches!(plan, Step::PutBack { .. }));
    for _ in 0..if wrote { ROUNDS } else { 0 } {
        let mut all_stand = true;
        // Forward: what others depend on comes first, as in the plan.
        for (at, (change, plan)) in changes.iter().zip(plans).enumerate() {
            let (Step::PutBack { to, .. } | Step::Hold(to)) = plan else { continue };
            if standing(recorder, &change.what).is_ok_and(|now| !change.what.same(&now, to)) {
                all_stand = false;
                refusals[at] = write(recorder, changes, plans, change, to).err();
            }
        }
        if all_stand {
            break;
        }
    }
    refusals
}

fn write(
    recorder: &mut Recorder<'_>,
    changes: &[Change],
    plans: &[Step],
    change: &Change,
    to: &StoredValue,
) -> Result<(), KernelError> {
    match (&change.what, to) {
        // Writing the other of the pair sets this one to zero, and nothing else does.
        (SettingRef::Key { key, .. }, _) if change.what.is_zero(to) && has_partner(changes, plans, key) => Ok(()),
        (SettingRef::Key { key, kind, .. }, StoredValue::Text(text)) => {
            recorder.write(key, to_kernel(text), pieces(*kind))
        }
        (SettingRef::Limit { resource, process }, StoredValue::Limits(limits)) => {
            recorder.set_limits(Process::Pid(process.pid), *resource, *limits)
        }
        _ => Ok(()),
    }
}

/// Whether the other key of a pair of which one is zero is to stand at something else than zero.
fn has_partner(changes: &[Change], plans: &[Step], key: &crate::model::setting::Key) -> bool {
    let Some(partner) = side_effects::partner(key) else { return false };
    changes.iter().zip(plans).any(|(change, plan)| match (&change.what, plan) {
        (SettingRef::Key { key: its, .. }, Step::PutBack { to, .. } | Step::Hold(to)) => {
            *its == partner && !change.what.is_zero(to)
        }
        _ => false,
    })
}

fn outcome(recorder: &mut Recorder<'_>, change: &Change, plan: Step, refusal: Option<KernelError>) -> RevertOutcome {
    let (from, to) = match plan {
        Step::Settled(outcome) => return outcome,
        Step::PutBack { from, to } => (Some(from), to),
        Step::Hold(to) => (None, to),
    };
    match (standing(recorder, &change.what), from, refusal) {
        (Ok(now), Some(from), _) if change.what.same(&now, &to) => RevertOutcome::Done { from },
        (Ok(now), None, _) if change.what.same(&now, &to) => RevertOutcome::Already,
        (_, _, Some(refusal)) | (Err(refusal), ..) => RevertOutcome::Refused(refusal),
        (Ok(now), ..) => RevertOutcome::NotKept { now },
    }
}
