//! `apply --persist` and `revert --persist`: what lasts beyond the boot.

mod persist_revert;
mod wanted;

pub(super) use persist_revert::{Removed, RevertPersistFlags, take_away, who_says};

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::diagnose;
use crate::kernel::Process;
use crate::persist::{self, Disk, File, PersistError, Wanted, Winner, Written};
use crate::report::Report;
use crate::sys;

use super::prepare::Prepared;
use super::{CommandError, FALLS_SHORT, USAGE, World};
use wanted::{lasting, sample, unit, units, wanted};

/// What is to last beyond the boot.
#[derive(Debug, clap::Args)]
pub(super) struct PersistFlags {
    /// Write it for the next boot too: sysctl.d, limits.d, modules-load.d, tmpfiles.d; launchd jobs on macOS.
    #[arg(long)]
    pub(super) persist: bool,
    /// Give a systemd service the limits too; can be given several times.
    #[arg(long, value_name = "NAME", requires = "persist")]
    pub(super) unit: Vec<String>,
    /// Write beneath this directory instead of /.
    #[arg(long, value_name = "DIR", requires = "persist")]
    pub(super) root: Option<PathBuf>,
}

/// The most that the kernel takes of a list in one write, whatever its page size (`proc_do_large_bitmap`,
/// kernel/sysctl.c). Who writes on, as systemd's reader does (measured: 252), sets the rest; procps does not.
const ONE_WRITE: usize = 4095;

/// Refuses before anything is changed what could not be made to last afterwards.
pub(super) fn refuse(asked: &PersistFlags, ready: &Prepared) -> Result<(), CommandError> {
    if !asked.persist {
        return Ok(());
    }
    if asked.root.is_none() && ready.environment.contained() {
        let why = if ready.environment.apart() {
            "nothing lasts beyond this container or namespace, and the host's files are not its own"
        } else {
            "whether this is a container, where nothing lasts, can't be told from /proc"
        };
        return Err(CommandError::new(USAGE, why)
            .help("leave `--persist` out, or name the directory of another system with `--root DIR`"));
    }
    if let Some(wrong) = asked.unit.iter().find(|name| unit(name).is_none()) {
        return Err(CommandError::new(USAGE, format!("`{}` is not the name of a service", wrong.escape_debug())));
    }
    root_is_there(asked.root.as_deref())?;
    let disk = disk(asked.root.as_deref());
    let files = persist::files(&sample(units(asked)), ready.place.system);
    let paths = files.into_iter().map(|file| file.path).chain(disk.standing());
    match paths.map(|path| disk.is_ours(&path)).find_map(Result::err) {
        None => Ok(()),
        Some(trouble) => {
            let error = CommandError::new(FALLS_SHORT, format!("{}; nothing was changed", said(&trouble)));
            Err(help(&trouble, asked.root.as_deref()).into_iter().fold(error, CommandError::help))
        }
    }
}

const AS_IT_SHOULD_BE: &str = " is as it should be";

/// What became of the files.
#[derive(Debug, Default)]
pub(super) struct PersistResult {
    /// What there is to say to a person.
    pub(super) text: String,
    /// Each file, for programs.
    pub(super) files: Vec<Json>,
    /// Why the rest of them is missing.
    pub(super) failure: Option<CommandError>,
}

/// Writes the files that say what holds now, and takes those away that say what nobody asks for any more; with
/// `dry_run` only says what it would do.
pub(super) fn write(
    asked: &PersistFlags,
    dry_run: bool,
    ready: &Prepared,
    process: Process,
    report: &Report,
    world: &mut World<'_>,
) -> PersistResult {
    let wanted = wanted(asked, ready, process, report, world);
    let files = persist::files(&wanted, ready.place.system);
    let mut lasted = PersistResult::default();
    if let Err((path, trouble)) = replace(asked, dry_run, &wanted, &files, &mut lasted) {
        let root = asked.root.as_deref();
        lasted.files.push(entry(&path, "left", Some(&said(&trouble))));
        let error = CommandError::new(FALLS_SHORT, said(&trouble));
        lasted.failure = Some(help(&trouble, root).into_iter().fold(error, CommandError::help));
        return lasted;
    }
    for finding in report.outcomes.iter().filter(|finding| lasting(finding).is_none()) {
        let _ = writeln!(lasted.text, "{} falls short, and is not made to last", finding.requirement.setting);
    }
    lasted.text += &notes(asked, &wanted, &files);
    lasted
}

/// Leaves off at the first file that can't be had.
fn replace(
    asked: &PersistFlags,
    dry_run: bool,
    wanted: &Wanted,
    files: &[File],
    lasted: &mut PersistResult,
) -> Result<(), (PathBuf, PersistError)> {
    let disk = disk(asked.root.as_deref());
    if !dry_run {
        disk.sweep();
    }
    for file in files {
        let (path, before) = (disk.path(&file.path), disk.profiles_of(&file.path));
        let (said, outcome) = match (dry_run, dry_run && disk.has(file)) {
            (true, false) => (" would be written".to_owned(), "would-write"),
            (true, true) => (AS_IT_SHOULD_BE.to_owned(), "same"),
            (false, _) => match disk.write(file).map_err(|trouble| (path.clone(), trouble))? {
                Written::Same => (AS_IT_SHOULD_BE.to_owned(), "same"),
                _ => (format!(" written{}", instead_of(before, &wanted.profiles)), "written"),
            },
        };
        let _ = writeln!(lasted.text, "{}{said}", path.display());
        lasted.files.push(entry(&path, outcome, None));
    }
    for old in disk.standing().iter().filter(|path| files.iter().all(|file| file.path != **path)) {
        let path = disk.path(old);
        let (said, outcome) = if dry_run {
            ("would be taken away", "would-take-away")
        } else {
            disk.remove(old, false).map_err(|trouble| (path.clone(), trouble))?;
            ("taken away: nothing of it is asked for any more", "taken-away")
        };
        let _ = writeln!(lasted.text, "{} {said}", path.display());
        lasted.files.push(entry(&path, outcome, None));
    }
    Ok(())
}

/// A file in the documents for programs; `why` it was left.
fn entry(file: &Path, outcome: &str, why: Option<&str>) -> Json {
    json!({ "file": file.to_string_lossy(), "outcome": outcome, "why": why })
}

/// Refuses a root that is not there: one that was mistyped is not to be made.
pub(super) fn root_is_there(root: Option<&Path>) -> Result<(), CommandError> {
    match root.filter(|root| !root.is_dir()) {
        None => Ok(()),
        Some(root) => Err(CommandError::new(USAGE, format!("`--root {}` is not a directory", root.display()))),
    }
}

fn disk(root: Option<&Path>) -> Disk {
    Disk::at(root.unwrap_or(Path::new("/")))
}

fn instead_of(before: Option<String>, now: &[String]) -> String {
    match before {
        Some(before) if before != now.join(", ") => format!(", in place of what was written for {before}"),
        _ => String::new(),
    }
}

/// What else there is to know or to do.
fn notes(asked: &PersistFlags, wanted: &Wanted, files: &[File]) -> String {
    let mut text = String::new();
    let root = asked.root.as_deref().unwrap_or(Path::new("/"));
    for winner in persist::winners(root, files) {
        let (path, Winner { line, name, theirs, ours, reader, .. }) = (winner.path.display(), &winner);
        let _ = writeln!(
            text,
            "warning: {path} line {line} sets {name} to {theirs}, not to {ours}, and is read later by {reader}"
        );
    }
    for long in wanted.sysctls.iter().filter(|lasting| lasting.value.to_string().len() > ONE_WRITE) {
        let _ = writeln!(
            text,
            "warning: {} is longer than {ONE_WRITE} bytes: systemd-sysctl sets it whole, `sysctl --system` its beginning",
            long.name
        );
    }
    let units: Vec<&str> =
        wanted.units.iter().filter(|(_, limits)| !limits.is_empty()).map(|(unit, _)| unit.as_str()).collect();
    if !units.is_empty() {
        let _ = writeln!(text, "for the limits of {}: systemctl daemon-reload, and restart", units.join(", "));
    }
    text
}

fn said(trouble: &PersistError) -> String {
    // A path that leads nowhere has a byte that no name has (`root_path::beneath`).
    let shown = |path: &Path| path.display().to_string().replace('\0', "");
    match trouble {
        PersistError::Changed(path) => format!("`{}` was changed by hand since tunectl wrote it", shown(path)),
        PersistError::Foreign(path) => format!("`{}` was not written by tunectl", shown(path)),
        PersistError::Refused(path, error) => format!("`{}` could not be written: {}", shown(path), sys::reason(error)),
    }
}

/// What to do about it, where anything can be done.
fn help(trouble: &PersistError, root: Option<&Path>) -> Option<String> {
    let root = root.map_or_else(String::new, |root| format!(" --root {}", diagnose::shell(&root.to_string_lossy())));
    let help = match trouble {
        PersistError::Changed(_) => {
            format!("keep it under another name, or `tunectl revert --persist{root} --force` takes it away")
        }
        PersistError::Foreign(_) => "move it away if it is not needed".to_owned(),
        PersistError::Refused(_, error) if error.kind() == ErrorKind::PermissionDenied => "try it with sudo".to_owned(),
        PersistError::Refused(..) => return None,
    };
    Some(help)
}
