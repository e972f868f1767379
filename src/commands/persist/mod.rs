//! `apply --persist` and `revert --persist`: the files that outlive the boot.

mod settings;

use std::path::{Path, PathBuf};

use crate::environment::config_files;
use crate::journal::{SettingRef, StoredValue};
use crate::kernel::Process;
use crate::model::setting::Key;
use crate::model::suggest;
use crate::output::PersistedFile;
use crate::persist::messages::{self, Note};
use crate::persist::{self, FileOutcome, FileResult, PersistError, PersistRoot, PersistentSettings, TargetFile};
use crate::report::Report;

use super::prepare::Prepared;
use super::{CommandError, FALLS_SHORT, USAGE, World};
use settings::{one_of_each_file, persistent_settings, persistent_value, unit_name, unit_names};

/// What is to last beyond the boot.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub(super) struct PersistFlags {
    /// Write it for the next boot too: sysctl.d, limits.d, modules-load.d, tmpfiles.d; launchd jobs on macOS.
    #[arg(long, group = "persisting")]
    pub(super) persist: bool,
    /// Write these files only: the running machine is not changed.
    #[arg(long, group = "persisting")]
    pub(super) persist_only: bool,
    /// Give a systemd service the limits too; can be given several times.
    #[arg(long, value_name = "NAME", requires = "persisting")]
    pub(super) unit: Vec<String>,
    /// Write the files below this directory instead of /, and change nothing else.
    #[arg(long, value_name = "DIR", requires = "persisting")]
    pub(super) root: Option<PathBuf>,
    /// Remove the files of earlier runs that this one has nothing for.
    #[arg(long, requires = "persisting")]
    pub(super) prune: bool,
    /// Replace files of other profiles, also where settings are lost by it.
    #[arg(long, requires = "persisting")]
    pub(super) replace: bool,
}

impl PersistFlags {
    /// Whether files are to be written.
    pub(super) fn writes_files(&self) -> bool {
        self.persist || self.persist_only
    }

    /// Whether files are to be written, and nothing else is to be changed.
    pub(super) fn only_files(&self) -> bool {
        self.persist_only || self.persist && self.root.is_some()
    }
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
    if !options.writes_files() {
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
    check_units(options, root.unwrap_or(Path::new("/")))?;
    let files = persist_root(root);
    let targets = persist::target_files(&one_of_each_file(unit_names(options)), ready.plan_environment.system);
    let paths = targets.into_iter().map(|file| file.path).chain(files.existing());
    match paths.map(|path| files.check_ours(&path)).find_map(Result::err) {
        None => Ok(()),
        Some(error) => Err(failure(&error, "; nothing was changed", root)),
    }
}

/// Refuses a unit of which there is no file, most likely a typing error: its drop-in would be read by nobody.
fn check_units(options: &PersistFlags, root: &Path) -> Result<(), CommandError> {
    let units = unit_names(options);
    if units.is_empty() {
        return Ok(());
    }
    let services = config_files::unit::services(root);
    let Some(unknown) = units.iter().find(|unit| !config_files::unit::is_service(&services, unit)) else {
        return Ok(());
    };
    let near = suggest::hint(unknown, services.iter().map(String::as_str));
    Err(CommandError::new(USAGE, format!("there is no unit `{unknown}`{near}"))
        .help("nothing was changed; install the unit first, or leave `--unit` out"))
}

/// Refuses, before anything is changed, to replace files of other profiles where settings would be lost by it.
/// `planned` is what the settings will come to.
pub(super) fn refuse_losses(
    options: &PersistFlags,
    ready: &Prepared,
    process: Process,
    planned: &Report,
    world: &mut World<'_>,
) -> Result<(), CommandError> {
    if !options.writes_files() || options.replace {
        return Ok(());
    }
    let settings = persistent_settings(options, ready, process, planned, world);
    let root = persist_root(options.root.as_deref());
    for target in persist::target_files(&settings, ready.plan_environment.system) {
        let Some(lost) = root.lost_settings(&target) else { continue };
        let path = root.path(&target.path);
        let message = format!(
            "`{}` was written for {}, and would lose {}; nothing was changed",
            path.display(),
            lost.profiles,
            lost.names.join(", ")
        );
        return Err(CommandError::new(FALLS_SHORT, message)
            .help("name both profiles (`-p A -p B`), or replace the file with `--replace`"));
    }
    Ok(())
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

/// Writes the files with the settings as they are now, and with `--prune` removes those with settings that nothing asks
/// for any more; with `dry_run` only says what it would do.
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
    let root = persist_root(options.root.as_deref());
    if replace(&root, &targets, (dry_run, options.prune), &mut result.files).is_ok() {
        let unsatisfied = report.outcomes.iter().filter(|outcome| persistent_value(outcome).is_none());
        result.notes.extend(unsatisfied.map(|outcome| Note::NotSatisfied(outcome.requirement.setting.clone())));
        result.notes.extend(notes(options, &settings, &targets));
    }
    result
}

/// Writes and removes files, and records each; stops at the first that fails.
fn replace(
    root: &PersistRoot,
    targets: &[TargetFile],
    (dry_run, prune): (bool, bool),
    results: &mut Vec<FileResult>,
) -> Result<(), ()> {
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
        let outcome = match (prune, dry_run) {
            (false, _) => Ok(FileOutcome::Kept),
            (true, true) => Ok(FileOutcome::WouldRemove),
            (true, false) => root.remove(old, false).map(|()| FileOutcome::Removed),
        };
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
