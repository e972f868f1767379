//! What `run` changes for the service, and undoing it: at once where the service does not start, and with
//! `tunectl revert` from a journal where the settings are those of a machine.

use crate::apply::{self, Originals, Undo};
use crate::journal::{self, Author, BootIdentity, Journal, JournalError, JournalLocations, Recorder};
use crate::kernel::{Kernel, Process};
use crate::model::setting::Setting;
use crate::output;
use crate::plan::Plan;
use crate::report::Report;

use super::super::journaled::{here, not_kept_with, places, revert_killed, revert_killed_anywhere};
use super::{CommandError, NOT_STARTED, Prepared, RunArgs, World};

/// Where the original values of what `run` changes are kept: in a journal, or in memory only. In a container its
/// settings end with it, and nobody reverts them.
#[derive(Default)]
pub(super) struct Changes {
    /// The journal, which is locked as long as it is open.
    journal: Option<Result<Journal, JournalError>>,
    /// Where it is found again once it is closed, and what its values belong to; `None` where none is kept.
    place: Option<(JournalLocations, BootIdentity)>,
}

impl Changes {
    /// Opens the journal where one is to be kept: in the namespaces of the machine itself, which outlive the service.
    /// Reverts what a benchmark has left that was killed.
    ///
    /// # Errors
    /// What a benchmark left could not be reverted.
    pub(super) fn begin(args: &RunArgs, ready: &Prepared, world: &mut World<'_>) -> Result<Self, CommandError> {
        if ready.requirements.keys.is_empty() {
            return Ok(Self::default());
        }
        if args.no_journal || ready.environment.is_contained() {
            revert_killed_anywhere(&ready.environment, world);
            return Ok(Self::default());
        }
        let (locations, here) = (places(&ready.environment, world), here(&ready.environment, world));
        let journal = Journal::open_or_create(&locations);
        if let Ok(journal) = &journal {
            revert_killed(journal, &here, world).map_err(|error| error.with_code(NOT_STARTED))?;
        }
        Ok(Self { journal: Some(journal), place: Some((locations, here)) })
    }

    /// Where the plan is to be carried out. With a journal, it names the original values before this returns.
    ///
    /// # Errors
    /// The journal can't be written; with `--best-effort` that is only warned of.
    pub(super) fn undo<'a>(
        &'a mut self,
        args: &RunArgs,
        ready: &Prepared,
        plan: &Plan,
        kernel: &'a mut dyn Kernel,
    ) -> Result<Undo<'a>, CommandError> {
        match &self.journal {
            Some(_) if !plan.writes_keys() => *self = Self::default(),
            Some(Err(_)) if !can_write(plan, kernel) => *self = Self::default(),
            Some(Err(error)) if args.policy.best_effort => {
                log::warn!("{error}: `tunectl revert` can't undo what is changed now");
                *self = Self::default();
            }
            _ => {}
        }
        let (Some(journal), Some((_, here))) = (&self.journal, &self.place) else {
            return Ok(Undo::in_memory(kernel, plan));
        };
        let not_kept = |error: &JournalError| not_kept_with(NOT_STARTED, error);
        let journal = journal.as_ref().map_err(not_kept)?;
        if let Err(why) = here.boot_id() {
            log::warn!("`tunectl revert` will need `--force`: {why}");
        }
        let changes = journal::planned_changes(kernel, plan, here, None);
        let profiles = ready.profile.names.clone();
        let recorder = Recorder::begin(kernel, journal, here, Author::Apply, profiles, changes);
        Ok(Undo::in_journal(recorder.map_err(|error| not_kept(&error))?))
    }

    /// Closes the journal, and so unlocks it.
    pub(super) fn close(&mut self) {
        self.journal = None;
    }

    /// Restores the original values after a start that failed, and tells of each that could not be restored: by now we
    /// may be the service's user, who may not write what root did.
    pub(super) fn restore(&self, originals: Originals, plan: &Plan, report: &mut Report, world: &mut World<'_>) {
        let restored = match (originals, &self.place) {
            (Originals::Memory(side_effects), _) => {
                Undo::from_memory(world.kernel, side_effects).restore(plan, Process::Own, report)
            }
            (Originals::Journal(Some(number)), Some((locations, here))) => {
                restore_from_journal(number, locations, here, report, world.kernel)
            }
            (Originals::Journal(_), _) => Ok(()),
        };
        if let Err(error) = restored {
            log::warn!("the settings that were changed could not be put back: {error}; try `tunectl revert`");
        }
        drop(world.err.write_all(output::not_restored(report, world.colour_err).as_bytes()));
    }
}

/// Says in one line how to undo what was changed, where that is noted: the service is all that is seen from now on.
pub(super) fn tell_how_to_undo(originals: &Originals, report: &Report, world: &mut World<'_>) {
    let is_quiet = log::max_level() == log::LevelFilter::Error;
    if is_quiet || !matches!(originals, Originals::Journal(Some(_))) {
        return;
    }
    let keys = report.outcomes.iter().filter(|outcome| matches!(outcome.requirement.setting, Setting::Key(_)));
    let changed = keys.filter(|outcome| outcome.before != outcome.found).count();
    let settings = if changed == 1 { "setting of this machine was" } else { "settings of this machine were" };
    let sudo = if world.os.variable("SUDO_UID").is_some() { "sudo " } else { "" };
    drop(writeln!(world.err, "tunectl: {changed} {settings} changed; `{sudo}tunectl revert` undoes that"));
}

/// Whether a key of the plan can be written, as far as faccessat(2) tells: an ordinary user who can write neither the
/// journal nor a setting needs to be told of the settings.
fn can_write(plan: &Plan, kernel: &mut dyn Kernel) -> bool {
    let mut written = plan.keys.iter().filter(|step| step.action.target().is_some());
    written.any(|step| kernel.inspect(&step.key).denied != Some(true))
}

fn restore_from_journal(
    number: u64,
    locations: &JournalLocations,
    here: &BootIdentity,
    report: &mut Report,
    kernel: &mut dyn Kernel,
) -> Result<(), JournalError> {
    let journal = Journal::open_or_create(locations)?;
    apply::mark_restored(report, journal::undo_own(kernel, &journal, number, here)?);
    Ok(())
}
