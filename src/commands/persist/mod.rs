//! `apply --persist` and `revert --persist`: the files that outlive the boot.

mod settings;

use std::path::{Path, PathBuf};

use crate::journal::{SettingRef, StoredValue};
use crate::kernel::Process;
use crate::model::setting::Key;
use crate::output::PersistedFile;
use crate::persist::messages::{self, Note};
use crate::persist::{self, FileOutcome, FileResult, PersistError, PersistRoot, PersistentSettings, TargetFile};
use crate::report::Report;

use super::prepare::Prepared;
use super::{CommandError, FALLS_SHORT, USAGE, World};
use settings::{one_of_each_file, persistent_settings, persistent_value, unit_name, unit_names};

/// What is to last beyond the boot.
#[derive(Debug, clap::Args)]
pub(super) struct PersistFlags {
    /// Write it for the next boot too: sysctl.d, limits.d, modules-load.d, tmpfiles.d; launchd jobs on macOS.
    #[arg(long)]
    pub(super) persist: bool,
    /// Give a systemd service the limits too; can be given several times.
    #[arg(long, value_name = "NAME", requires = "persist")]
    pub(super) unit: Vec<String>,
    /// Write the files below this directory instead of /; the running machine is changed as well.
    #[arg(long, value_name = "DIR", requires = "persist")]
    pub(super) root: Option<PathBuf>,
}

/// Remove the files that `apply --persist` wrote.
#[derive(Debug, clap::Args)]
pub(super) struct RevertPersistFlags {
    /// Take away the files too that `apply --persist` wrote.
    #[arg(long)]
    pub(super) persist: bool,
    /// Look for the files below this directory instead of /.
    #[arg(long, value_name = "DIR", requires = "persist")]
    pub(super) root: Option<PathBuf>,
}

/// The most bytes of a list that the kernel takes in one write, whatever its page size (`proc_do_large_bitmap`,
/// kernel/sysctl.c). systemd's reader goes on writing (measured: 252) and sets the rest; procps does not.
const ONE_WRITE: usize = 4095;

/// Refuses, before anything is changed, what could not be persisted afterwards.
pub(super) fn refuse(options: &PersistFlags, ready: &Prepared) -> Result<(), CommandError> {
    if !options.persist {
        return Ok(());
    }
    let root = options.root.as_deref();
    if root.is_none() && ready.environment.is_contained() {
        let why = if ready.environment.is_namespaced() {
            "files written in this container or namespace do not outlive it"
        } else {
            "cannot tell from /proc whether this is a container, whose files do not outlive it"
        };
        return Err(CommandError::new(USAGE, why)
            .help("leave `--persist` out, or name the root directory of another system with `--root DIR`"));
    }
    if let Some(wrong) = options.unit.iter().find(|name| unit_name(name).is_none()) {
        return Err(CommandError::new(USAGE, format!("`{}` is not a valid service name", wrong.escape_debug())));
    }
    check_root(root)?;
    let files = persist_root(root);
    let targets = persist::target_files(&one_of_each_file(unit_names(options)), ready.plan_environment.system);
    let paths = targets.into_iter().map(|file| file.path).chain(files.existing());
    match paths.map(|path| files.check_ours(&path)).find_map(Result::err) {
        None => Ok(()),
        Some(error) => Err(failure(&error, "; nothing was changed", root)),
    }
}

/// What `apply --persist` did.
#[derive(Debug, Default)]
pub(super) struct PersistResult {
    files: Vec<FileResult>,
    notes: Vec<Note>,
    profiles: Vec<String>,
}

impl PersistResult {
    /// The lines to print.
    pub(super) fn text(&self) -> String {
        let files = self.files.iter().filter_map(|file| messages::applied(file, &self.profiles));
        files.chain(self.notes.iter().map(ToString::to_string)).fold(String::new(), |text, line| text + &line + "\n")
    }

    /// The files, for the JSON document.
    pub(super) fn documents(&self) -> Vec<PersistedFile> {
        self.files.iter().map(messages::document).collect()
    }

    /// Why a file could not be written; the files after it were not tried.
    pub(super) fn failure(&self, options: &PersistFlags) -> Option<CommandError> {
        self.files.iter().find_map(|file| match &file.outcome {
            FileOutcome::Failed(error) => Some(failure(error, "", options.root.as_deref())),
            _ => None,
        })
    }
}

/// Writes the files with the settings as they are now, and removes those with settings that nothing asks for any more;
/// with `dry_run` only says what it would do.
pub(super) fn write(
    options: &PersistFlags,
    dry_run: bool,
    ready: &Prepared,
    process: Process,
    report: &Report,
    world: &mut World<'_>,
) -> PersistResult {
    let settings = persistent_settings(options, ready, process, report, world);
    let targets = persist::target_files(&settings, ready.plan_environment.system);
    let mut result = PersistResult { profiles: settings.profiles.clone(), ..PersistResult::default() };
    if replace(&persist_root(options.root.as_deref()), &targets, dry_run, &mut result.files).is_ok() {
        let unsatisfied = report.outcomes.iter().filter(|outcome| persistent_value(outcome).is_none());
        result.notes.extend(unsatisfied.map(|outcome| Note::NotSatisfied(outcome.requirement.setting.clone())));
        result.notes.extend(notes(options, &settings, &targets));
    }
    result
}

/// Writes and removes files, and records each; stops at the first that fails.
fn replace(root: &PersistRoot, targets: &[TargetFile], dry_run: bool, results: &mut Vec<FileResult>) -> Result<(), ()> {
    let mut record = |path: &str, outcome: Result<FileOutcome, PersistError>| {
        let outcome = outcome.unwrap_or_else(FileOutcome::Failed);
        let failed = matches!(outcome, FileOutcome::Failed(_));
        results.push(FileResult { path: root.path(path), outcome });
        if failed { Err(()) } else { Ok(()) }
    };
    if !dry_run {
        root.remove_leftovers();
    }
    for target in targets {
        let outcome = match dry_run {
            true if root.has(target) => Ok(FileOutcome::Unchanged),
            true => Ok(FileOutcome::WouldWrite),
            false => root.write(target),
        };
        record(&target.path, outcome)?;
    }
    for old in root.existing().iter().filter(|path| targets.iter().all(|target| target.path != **path)) {
        let outcome =
            if dry_run { Ok(FileOutcome::WouldRemove) } else { root.remove(old, false).map(|()| FileOutcome::Removed) };
        record(old, outcome)?;
    }
    Ok(())
}

/// What else there is to know or to do.
fn notes(options: &PersistFlags, settings: &PersistentSettings, targets: &[TargetFile]) -> Vec<Note> {
    let root = options.root.as_deref().unwrap_or(Path::new("/"));
    let mut notes: Vec<Note> = persist::overriding_lines(root, targets).into_iter().map(Note::Overridden).collect();
    let long = settings.sysctls.iter().filter(|setting| setting.value.to_string().len() > ONE_WRITE);
    notes.extend(long.map(|setting| Note::LongList { name: setting.name.clone(), most: ONE_WRITE }));
    let units = settings.units.iter().filter(|(_, limits)| !limits.is_empty());
    let units: Vec<String> = units.map(|(unit, _)| unit.clone()).collect();
    if !units.is_empty() {
        notes.push(Note::Restart(units));
    }
    notes
}

/// Removes the files of `revert --persist`, or none where one of them has to be left.
pub(super) fn remove(options: &RevertPersistFlags, force: bool, dry_run: bool) -> Vec<FileResult> {
    let root = persist_root(options.root.as_deref());
    if !dry_run {
        root.remove_leftovers();
    }
    let existing = root.existing();
    let blocked = existing.iter().any(|path| root.check_removable(path, force).is_err());
    let remove = |path: &String| match root.check_removable(path, force) {
        Err(error) => FileOutcome::Failed(error),
        Ok(()) if blocked => FileOutcome::Skipped,
        Ok(()) if dry_run => FileOutcome::WouldRemove,
        Ok(()) => root.remove(path, force).map_or_else(FileOutcome::Failed, |()| FileOutcome::Removed),
    };
    existing.iter().map(|path| FileResult { path: root.path(path), outcome: remove(path) }).collect()
}

/// The file and the line that set the current value of a setting, if one does.
pub(super) fn line_that_sets(
    options: &RevertPersistFlags,
    setting: &SettingRef,
    now: &StoredValue,
) -> Option<(PathBuf, usize)> {
    let root = options.root.as_deref().unwrap_or(Path::new("/"));
    match (setting, now) {
        (SettingRef::Key { key: Key::Sysctl(name), .. }, StoredValue::Text(text)) => {
            persist::line_that_sets(root, name, text)
        }
        _ => None,
    }
}

/// Refuses a root that does not exist: one with a typing error is not to be created.
pub(super) fn check_root(root: Option<&Path>) -> Result<(), CommandError> {
    match root.filter(|root| !root.is_dir()) {
        None => Ok(()),
        Some(root) => Err(CommandError::new(USAGE, format!("`--root {}` is not a directory", root.display()))),
    }
}

/// Why a file was left, with what follows from it.
pub(super) fn failure(error: &PersistError, consequence: &str, root: Option<&Path>) -> CommandError {
    let failure = CommandError::new(FALLS_SHORT, format!("{error}{consequence}"));
    match error.help(root) {
        Some(help) => failure.help(help),
        None => failure,
    }
}

fn persist_root(root: Option<&Path>) -> PersistRoot {
    PersistRoot::at(root.unwrap_or(Path::new("/")))
}
