//! `tunectl revert`: restore what `apply` or `run` changed.

use crate::journal::{
    self, BootIdentity, Force, Journal, JournalEntry, JournalError, OnSignal, RevertOutcome, RevertedChange,
};
use crate::kernel::AccessMode;
use crate::output::{self, Format, RevertEvent, RevertSummary};
use crate::persist::{FileOutcome, messages};

use super::journaled::{here, places};
use super::persist::{self, RevertPersistFlags};
use super::{CommandError, Execute, FALLS_SHORT, World, print, show};

/// Arguments of `tunectl revert`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  tunectl revert --dry-run\n  sudo tunectl revert --all")]
pub struct RevertArgs {
    /// Undo every `apply` and `run` since boot, not only the last one.
    #[arg(long)]
    pub(super) all: bool,
    /// Also revert what another program has changed since.
    #[arg(long)]
    pub(super) force: bool,
    /// Show what would be reverted, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Remove the files that `apply --persist` wrote.
    #[command(flatten)]
    pub(super) persist: RevertPersistFlags,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = Format::text_or_json())]
    pub(super) format: Format,
}

impl Execute for RevertArgs {
    fn access(&self) -> AccessMode {
        if self.dry_run { AccessMode::Read } else { AccessMode::Write }
    }

    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        revert(self, world)
    }
}

fn revert(revert: &RevertArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    persist::check_root(revert.persist.root.as_deref())?;
    let environment = world.os.environment();
    let mut summary = RevertSummary { dry_run: revert.dry_run, ..RevertSummary::default() };
    if revert.persist.persist {
        world.os.hold_signals();
        remove_files(revert, &mut summary, world);
        world.os.release_signals();
    }
    // After the files, and only if they are gone: a second try must not revert what was applied before this.
    if !summary.leaves_files() {
        let mut journals = Vec::new();
        for journal in Journal::open_all(&places(&environment, world)) {
            match journal {
                Ok(journal) => journals.push(journal),
                Err(error) if revert.all => summary.events.push(RevertEvent::Unreadable(error)),
                // The newest entry may be in it.
                Err(error) => return Err(failure(&error)),
            }
        }
        world.os.hold_signals();
        revert_entries(revert, &journals, &here(&environment, world), world, &mut summary)?;
    }
    show(&output::revert(&summary, revert.format), world);
    if let Some(signal) = world.kernel.ending_signal() {
        return Err(CommandError::interrupted(signal, "run `tunectl revert` again to continue"));
    }
    Ok(if summary.passes() { 0 } else { FALLS_SHORT })
}

/// Removes the files of `--persist`, and says what became of them.
fn remove_files(revert: &RevertArgs, summary: &mut RevertSummary, world: &mut World<'_>) {
    for file in persist::remove(&revert.persist, revert.force, revert.dry_run) {
        if let FileOutcome::Failed(error) = &file.outcome {
            let failure = persist::failure(error, "; nothing was put back", revert.persist.root.as_deref());
            drop(write!(world.err, "{failure}"));
        }
        if let Some(line) = messages::reverted(&file) {
            let out = if revert.format == Format::Json { &mut *world.err } else { &mut *world.out };
            print(out, &format!("{line}\n"));
        }
        summary.files.push(messages::document(&file));
    }
}

/// Reverts the newest entry that is of this boot and of these namespaces, or all of them with `--all`.
fn revert_entries(
    revert: &RevertArgs,
    journals: &[Journal],
    here: &BootIdentity,
    world: &mut World<'_>,
    summary: &mut RevertSummary,
) -> Result<(), CommandError> {
    for (index, number) in Journal::newest_first(journals).map_err(|error| failure(&error))? {
        if world.kernel.ending_signal().is_some() {
            break;
        }
        let journal = &journals[index];
        let entry = match journal.read(number) {
            Ok(entry) => entry,
            Err(error) if revert.all => {
                summary.events.push(RevertEvent::Unreadable(error));
                continue;
            }
            Err(error) => return Err(failure(&error)),
        };
        let is_this_boot = here.is_this_boot(&entry.boot_id);
        if let (Err(why), false) = (is_this_boot, revert.force) {
            summary.events.push(RevertEvent::UnidentifiedEntry { path: journal.path(number), why });
            if !revert.all {
                break;
            }
        } else if is_this_boot == Ok(false) {
            summary.earlier_boots += 1;
            if !revert.dry_run {
                journal.remove(number).map_err(|error| failure(&error))?;
            }
        } else if journal::is_elsewhere(&entry, here) {
            summary.other_namespaces += 1;
        } else {
            summary.entries += 1;
            let reverted = revert_entry(revert, journal, number, entry, here, world)?;
            summary.events.extend(reverted.into_iter().map(|reverted| event(revert, reverted)));
            if !revert.all {
                break;
            }
        }
    }
    Ok(())
}

fn revert_entry(
    revert: &RevertArgs,
    journal: &Journal,
    number: u64,
    entry: JournalEntry,
    here: &BootIdentity,
    world: &mut World<'_>,
) -> Result<Vec<RevertedChange>, CommandError> {
    let force = if revert.force { Force::Yes } else { Force::No };
    if revert.dry_run {
        return Ok(journal::preview(world.kernel, entry, here, force));
    }
    let how = (force, OnSignal::Stop);
    journal::revert(world.kernel, journal, number, entry, here, how).map_err(|error| failure(&error))
}

fn event(revert: &RevertArgs, reverted: RevertedChange) -> RevertEvent {
    let set_by = match &reverted.outcome {
        RevertOutcome::ChangedSince { now, .. } => {
            persist::line_that_sets(&revert.persist, &reverted.change.setting, now)
        }
        RevertOutcome::NeverWritten => {
            log::info!("{} had not been written", reverted.change.setting.name());
            None
        }
        _ => None,
    };
    RevertEvent::Setting { reverted: Box::new(reverted), set_by }
}

fn failure(error: &JournalError) -> CommandError {
    CommandError::new(FALLS_SHORT, error).help(error.help())
}
