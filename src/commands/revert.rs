//! `tunectl revert`: put back what `apply` changed.

use std::fmt::Write as _;

use nix::errno::Errno;

use crate::cli::Format;
use crate::journal::{
    self, BootIdentity, Force, Journal, JournalEntry, JournalError, RevertOutcome, RevertedChange, SettingRef,
    StoredValue,
};
use crate::kernel::{Access, KernelError, Operation};

use super::journaled::{here, places};
use super::persist::{self, Removed, RevertPersistFlags};
use super::revert_json;
use super::{CommandError, Execute, FALLS_SHORT, World, print};

/// Arguments of `tunectl revert`.
#[derive(Debug, clap::Args)]
pub struct RevertArgs {
    /// Everything that was applied since the boot, not the newest only.
    #[arg(long)]
    pub(super) all: bool,
    /// Put back too what somebody else has changed since.
    #[arg(long)]
    pub(super) force: bool,
    /// Show what would be put back, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The files of `apply --persist`.
    #[command(flatten)]
    pub(super) persist: RevertPersistFlags,
    /// How to show what was done.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Format,
}

impl Execute for RevertArgs {
    fn access(&self) -> Access {
        if self.dry_run { Access::Read } else { Access::Write }
    }

    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        revert(self, world)
    }
}

fn revert(revert: &RevertArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    persist::root_is_there(revert.persist.root.as_deref())?;
    let environment = world.os.environment();
    let mut tale = RevertSummary::default();
    // The files first: whoever has to try again must not put back what was applied earlier still.
    let taken = if revert.persist.persist {
        persist::take_away(&revert.persist, revert.force, revert.dry_run, revert.format, world)
    } else {
        Removed::default()
    };
    if !taken.left {
        match Journal::open_existing(&places(&environment, world)).map_err(|trouble| trouble_with(&trouble))? {
            Some(store) => all(revert, &store, &here(&environment, world), world, &mut tale)?,
            None => tale.nothing = true,
        }
    }
    drop(world.err.write_all(tale.short.as_bytes()));
    if revert.format == Format::Text && !taken.left {
        print(world.out, &tale.done);
        print(world.out, &format!("{}\n", tale.sum(revert.dry_run)));
    }
    let falls_short = tale.falls_short || taken.left;
    if revert.format == Format::Json {
        print(
            world.out,
            &revert_json::document(&tale.entries, &taken.files, !falls_short, [tale.elsewhere, tale.stale]),
        );
    }
    Ok(if falls_short { FALLS_SHORT } else { 0 })
}

/// The newest entry that is of this boot and of these namespaces, or all of them.
fn all(
    revert: &RevertArgs,
    store: &Journal,
    here: &BootIdentity,
    world: &mut World<'_>,
    tale: &mut RevertSummary,
) -> Result<(), CommandError> {
    let force = if revert.force { Force::Yes } else { Force::No };
    tale.nothing = true;
    for number in store.numbers().map_err(|trouble| trouble_with(&trouble))? {
        let entry = match store.read(number) {
            Ok(entry) => entry,
            Err(trouble) if revert.all => {
                tale.short(&trouble.to_string(), &trouble.help());
                continue;
            }
            Err(trouble) => return Err(trouble_with(&trouble)),
        };
        if !here.is_same_boot(&entry.boot_id) {
            tale.stale += 1;
            forget(revert, store, number)?;
        } else if journal::is_elsewhere(&entry, here) {
            tale.elsewhere += 1;
        } else {
            tale.nothing = false;
            let undone = one(revert, store, number, entry, here, force, world)?;
            for undone in &undone {
                let said = tale.short.len();
                tale.tell(undone, revert);
                let why = tale.short[said..].lines().next().and_then(|line| line.strip_prefix("error: "));
                let entry = revert_json::entry(undone, why);
                tale.entries.push(entry);
            }
            if !revert.all {
                break;
            }
        }
    }
    Ok(())
}

fn one(
    revert: &RevertArgs,
    store: &Journal,
    number: u64,
    entry: JournalEntry,
    here: &BootIdentity,
    force: Force,
    world: &mut World<'_>,
) -> Result<Vec<RevertedChange>, CommandError> {
    if revert.dry_run {
        return Ok(journal::preview(world.kernel, entry, here, force));
    }
    journal::revert(world.kernel, store, number, entry, here, force).map_err(|trouble| trouble_with(&trouble))
}

/// What was changed in an earlier boot died with it.
fn forget(revert: &RevertArgs, store: &Journal, number: u64) -> Result<(), CommandError> {
    if revert.dry_run { Ok(()) } else { store.remove(number).map_err(|trouble| trouble_with(&trouble)) }
}

fn trouble_with(trouble: &JournalError) -> CommandError {
    CommandError::new(FALLS_SHORT, trouble).help(trouble.help())
}

/// What is told of it all.
#[derive(Debug, Default)]
struct RevertSummary {
    done: String,
    short: String,
    entries: Vec<serde_json::Value>,
    put_back: usize,
    already: usize,
    elsewhere: usize,
    stale: usize,
    nothing: bool,
    falls_short: bool,
}

impl RevertSummary {
    fn tell(&mut self, undone: &RevertedChange, revert: &RevertArgs) {
        let (name, before) = (name(&undone.change.setting), shown(undone.change.original.as_ref()));
        let no_help = "";
        match &undone.outcome {
            RevertOutcome::Reverted { from } | RevertOutcome::WouldRevert { from } => {
                self.put_back += 1;
                let mark =
                    if matches!(undone.outcome, RevertOutcome::Reverted { .. }) { "" } else { "  (not written)" };
                let _ = writeln!(self.done, "{name} {} → {before}{mark}", from.for_display());
            }
            RevertOutcome::AlreadyOriginal => self.already += 1,
            RevertOutcome::NeverWritten => log::info!("{name} had not been written"),
            RevertOutcome::Gone => {
                let _ = writeln!(self.done, "{name} is gone, and with it what was changed");
            }
            RevertOutcome::OtherNamespace => self.short(
                &format!("{name} belongs to other namespaces than these, and was left"),
                "revert there: `ip netns exec`, `nsenter`",
            ),
            RevertOutcome::ChangedSince { now, wrote } => {
                let wrote = wrote
                    .as_ref()
                    .map_or_else(String::new, |wrote| format!(", not the {} that we wrote", wrote.for_display()));
                let says = persist::who_says(&revert.persist, &undone.change.setting, now);
                self.short(
                    &format!(
                        "{name} is {}{wrote}: it is somebody else's by now{says}, and was left",
                        now.for_display()
                    ),
                    &format!("`tunectl revert --force` puts it back to {before} all the same"),
                );
            }
            RevertOutcome::Irreversible => {
                self.short(&format!("{name} can't be put back before the next boot"), no_help);
            }
            RevertOutcome::Refused(KernelError { operation: Operation::SetLimits, errno: Errno::EPERM }) => {
                let help = match &undone.change.setting {
                    SettingRef::Limit { resource, process } => format!(
                        "`sudo prlimit --pid {} --{resource}={before}`, or leave it: it ends with the process",
                        process.pid
                    ),
                    SettingRef::Key { .. } => String::new(),
                };
                self.short(
                    &format!("{name} could not be put back to {before}: raising a hard limit needs CAP_SYS_RESOURCE"),
                    &help,
                );
            }
            RevertOutcome::Refused(refusal) => {
                self.short(&format!("{name} could not be put back to {before}: {refusal}"), no_help);
            }
            RevertOutcome::NotKept { now } => self.short(
                &format!(
                    "{name} could not be put back to {before}: the kernel took it, and {} stands there",
                    now.for_display()
                ),
                no_help,
            ),
        }
    }

    fn short(&mut self, what: &str, help: &str) {
        self.falls_short = true;
        let _ = writeln!(self.short, "error: {what}");
        if !help.is_empty() {
            let _ = writeln!(self.short, "  = help: {help}");
        }
    }

    fn sum(&self, dry_run: bool) -> String {
        let mut sum = match (self.put_back, dry_run) {
            (0, _) if self.nothing => "nothing to put back".to_owned(),
            (count, true) => format!("{} would be put back", counted(count)),
            (count, false) => format!("{} put back", counted(count)),
        };
        if self.already > 0 {
            let _ = write!(
                sum,
                ", {} already",
                if self.already == 1 { "1 was".to_owned() } else { format!("{} were", self.already) }
            );
        }
        if self.elsewhere > 0 {
            let _ = write!(sum, "; what was applied in other namespaces is for them to put back");
        }
        if self.stale > 0 {
            let _ = write!(sum, "; what was applied before the last boot died with it");
        }
        sum
    }
}

fn counted(count: usize) -> String {
    format!("{count} {}", if count == 1 { "setting" } else { "settings" })
}

fn name(what: &SettingRef) -> String {
    match what {
        SettingRef::Key { .. } => what.name(),
        SettingRef::Limit { process, .. } => format!("{} of {}, pid {}", what.name(), process.name, process.pid),
    }
}

fn shown(standing: Option<&StoredValue>) -> String {
    standing.map_or_else(|| "?".to_owned(), StoredValue::for_display)
}
