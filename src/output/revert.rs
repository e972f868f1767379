//! What `revert` did, for people and as a JSON document.

use std::fmt::Write as _;
use std::path::PathBuf;

use nix::errno::Errno;
use serde::Serialize;

use crate::journal::{JournalError, RevertOutcome, RevertedChange, SettingRef, StoredValue, Unidentified};
use crate::kernel::{KernelError, Operation};

use crate::snippet::visible;

use super::json::{SCHEMA_VERSION, written};
use super::persisted::{PersistedFile, PersistedState};
use super::{Format, Rendered};

/// What one `revert` did.
#[derive(Debug, Default)]
pub struct RevertSummary {
    /// What became of settings and entries, in order.
    pub events: Vec<RevertEvent>,
    /// The files of `--persist`, and what came of each.
    pub files: Vec<PersistedFile>,
    /// How many entries of the journal were reverted.
    pub entries: usize,
    /// How many entries were left since they belong to other namespaces.
    pub other_namespaces: usize,
    /// How many entries were of earlier boots.
    pub earlier_boots: usize,
    /// Whether nothing was written: `--dry-run`.
    pub dry_run: bool,
}

/// What became of a setting or of an entry.
#[derive(Debug)]
pub enum RevertEvent {
    /// A setting of an entry.
    Setting {
        /// The setting, and what came of it.
        reverted: Box<RevertedChange>,
        /// The file and the line that set its current value, where another program has changed it.
        set_by: Option<(PathBuf, usize)>,
    },
    /// An entry, or a whole journal, that could not be read.
    Unreadable(JournalError),
    /// An entry that may be of this boot or of an earlier one.
    UnidentifiedEntry {
        /// The file of the entry.
        path: PathBuf,
        /// What is not known.
        why: Unidentified,
    },
}

impl RevertSummary {
    /// Whether every setting has its original value, and every file of `--persist` is gone.
    #[must_use]
    pub fn passes(&self) -> bool {
        !self.events.iter().any(RevertEvent::falls_short) && !self.leaves_files()
    }

    /// Whether a file of `--persist` was left; then nothing else was reverted.
    #[must_use]
    pub fn leaves_files(&self) -> bool {
        self.files.iter().any(|file| file.outcome == PersistedState::Left)
    }

    fn outcomes(&self) -> impl Iterator<Item = &RevertOutcome> {
        self.events.iter().filter_map(|event| match event {
            RevertEvent::Setting { reverted, .. } => Some(&reverted.outcome),
            RevertEvent::Unreadable(_) | RevertEvent::UnidentifiedEntry { .. } => None,
        })
    }

    /// How many entries may be of this boot or of an earlier one.
    fn unidentified(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, RevertEvent::UnidentifiedEntry { .. })).count()
    }
}

impl RevertEvent {
    fn falls_short(&self) -> bool {
        match self {
            Self::Setting { reverted, .. } => reverted.outcome.falls_short(),
            Self::Unreadable(_) | Self::UnidentifiedEntry { .. } => true,
        }
    }

    /// Why it falls short, a sentence without its end.
    fn why(&self) -> Option<String> {
        let (reverted, set_by) = match self {
            Self::Setting { reverted, set_by } => (reverted, set_by),
            Self::Unreadable(error) => return Some(error.to_string()),
            Self::UnidentifiedEntry { path, why } => {
                let path = path.display();
                return Some(format!("`{path}` was not reverted: it is not known whether it is from this boot: {why}"));
            }
        };
        let (name, original) = (name(&reverted.change.setting), shown(reverted.change.original.as_ref()));
        let not_restored = format!("{name} could not be put back to {original}");
        match &reverted.outcome {
            RevertOutcome::OtherNamespace => Some(format!("{name} belongs to other namespaces; not reverted")),
            RevertOutcome::Unidentified(why) => Some(format!(
                "{name} was not reverted: it is not known whether it is still the one that was changed: {why}"
            )),
            RevertOutcome::ChangedSince { now, wrote } => {
                let wrote = wrote.as_ref().map(|wrote| format!(", not the {} that we wrote", wrote.for_display()));
                let set_by =
                    set_by.as_ref().map(|(path, line)| format!(" (`{}` says so in line {line})", path.display()));
                let (wrote, set_by) = (wrote.unwrap_or_default(), set_by.unwrap_or_default());
                Some(format!(
                    "{name} is {}{wrote}: changed by another program since{set_by}; not reverted",
                    now.for_display()
                ))
            }
            RevertOutcome::Irreversible => Some(format!("{name} can't be put back until the next boot")),
            RevertOutcome::Refused(error) if needs_right_to_raise(error) => {
                Some(format!("{not_restored}: raising a hard limit needs CAP_SYS_RESOURCE"))
            }
            RevertOutcome::Refused(error) => Some(format!("{not_restored}: {error}")),
            RevertOutcome::NotKept { now } => {
                Some(format!("{not_restored}: it was written, but {} was read back", now.for_display()))
            }
            RevertOutcome::Interrupted => Some(format!("{name} was not put back to {original}: interrupted")),
            RevertOutcome::Reverted { .. }
            | RevertOutcome::WouldRevert { .. }
            | RevertOutcome::AlreadyOriginal
            | RevertOutcome::NeverWritten
            | RevertOutcome::Gone => None,
        }
    }

    /// What to do about it.
    fn help(&self) -> Option<String> {
        let reverted = match self {
            Self::Setting { reverted, .. } => reverted,
            Self::Unreadable(error) => return Some(error.help()),
            Self::UnidentifiedEntry { .. } => {
                return Some("`tunectl revert --force` puts it back anyway".to_owned());
            }
        };
        let original = shown(reverted.change.original.as_ref());
        match (&reverted.outcome, &reverted.change.setting) {
            (RevertOutcome::OtherNamespace, _) => {
                Some("run `tunectl revert` in those namespaces: `ip netns exec`, `nsenter`".to_owned())
            }
            (RevertOutcome::Unidentified(_), SettingRef::Key { .. }) | (RevertOutcome::ChangedSince { .. }, _) => {
                Some(format!("`tunectl revert --force` puts it back to {original} anyway"))
            }
            (RevertOutcome::Interrupted, _) => Some("run `tunectl revert` again to put it back".to_owned()),
            (RevertOutcome::Refused(error), SettingRef::Limit { resource, process }) if needs_right_to_raise(error) => {
                let pid = process.pid;
                Some(format!(
                    "`sudo prlimit --pid {pid} --{resource}={original}`, or leave it: it ends with the process"
                ))
            }
            _ => None,
        }
    }
}

/// Whether the kernel refused to raise a hard limit, setrlimit(2).
fn needs_right_to_raise(error: &KernelError) -> bool {
    matches!(error, KernelError { operation: Operation::SetLimits, errno: Errno::EPERM })
}

/// What `revert` did, in one of the forms. What could not be reverted is told on standard error in either.
#[must_use]
pub fn revert(summary: &RevertSummary, format: Format) -> Rendered {
    let out = match format {
        Format::Json => document(summary),
        Format::Text | Format::Prometheus if summary.leaves_files() => String::new(),
        Format::Text | Format::Prometheus => text(summary),
    };
    Rendered { out, err: errors(summary) }
}

/// What could not be reverted, for standard error.
fn errors(summary: &RevertSummary) -> String {
    let mut text = String::new();
    for event in &summary.events {
        if let Some(why) = event.why() {
            let _ = writeln!(text, "tunectl: error: {}", visible(&why));
        }
        if let Some(help) = event.help() {
            let _ = writeln!(text, "  = help: {help}");
        }
    }
    text
}

/// What was reverted, a line each, and a line that sums it up.
fn text(summary: &RevertSummary) -> String {
    let mut text = String::new();
    for event in &summary.events {
        let RevertEvent::Setting { reverted, .. } = event else { continue };
        let (name, original) = (name(&reverted.change.setting), shown(reverted.change.original.as_ref()));
        let _ = match &reverted.outcome {
            RevertOutcome::Reverted { from } => writeln!(text, "{name} {} → {original}", from.for_display()),
            RevertOutcome::WouldRevert { from } => {
                writeln!(text, "{name} {} → {original}  (not written)", from.for_display())
            }
            RevertOutcome::Gone => writeln!(text, "{name} no longer exists; nothing to revert"),
            _ => Ok(()),
        };
    }
    text + &total(summary) + "\n"
}

fn total(summary: &RevertSummary) -> String {
    let count = |is: fn(&RevertOutcome) -> bool| summary.outcomes().filter(|outcome| is(outcome)).count();
    let reverted =
        count(|outcome| matches!(outcome, RevertOutcome::Reverted { .. } | RevertOutcome::WouldRevert { .. }));
    let already = count(|outcome| *outcome == RevertOutcome::AlreadyOriginal);
    let mut total = match (reverted, summary.dry_run) {
        (0, _) if summary.entries == 0 => "nothing to revert".to_owned(),
        (count, true) => format!("{} would be put back", settings(count)),
        (count, false) => format!("{} put back", settings(count)),
    };
    let _ = match already {
        0 => Ok(()),
        1 => write!(total, ", 1 already had its previous value"),
        count => write!(total, ", {count} already had their previous values"),
    };
    if summary.other_namespaces > 0 {
        total += "; entries of other namespaces were skipped: run `tunectl revert` there";
    }
    if summary.earlier_boots > 0 {
        total += "; entries from before the last boot no longer apply";
    }
    total
}

fn settings(count: usize) -> String {
    format!("{count} {}", if count == 1 { "setting" } else { "settings" })
}

fn name(setting: &SettingRef) -> String {
    match setting {
        SettingRef::Key { .. } => setting.name(),
        SettingRef::Limit { process, .. } => {
            format!("{} of {}, pid {}", setting.name(), visible(&process.name), process.pid)
        }
    }
}

fn shown(value: Option<&StoredValue>) -> String {
    value.map_or_else(|| "?".to_owned(), StoredValue::for_display)
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    tunectl: &'static str,
    command: &'static str,
    passes: bool,
    /// Entries that belong to other namespaces.
    elsewhere: usize,
    /// Entries of earlier boots.
    stale: usize,
    /// Entries that may be of this boot or of an earlier one.
    unidentified: usize,
    settings: Vec<SettingDocument<'a>>,
    files: &'a [PersistedFile],
}

#[derive(Serialize)]
struct SettingDocument<'a> {
    setting: String,
    process: Option<ProcessDocument<'a>>,
    outcome: &'static str,
    original: Option<String>,
    found: Option<String>,
    why: Option<String>,
}

#[derive(Serialize)]
struct ProcessDocument<'a> {
    pid: i32,
    name: &'a str,
}

/// The JSON document, with a newline at its end.
fn document(summary: &RevertSummary) -> String {
    written(&Document {
        schema_version: SCHEMA_VERSION,
        tunectl: env!("CARGO_PKG_VERSION"),
        command: "revert",
        passes: summary.passes(),
        elsewhere: summary.other_namespaces,
        stale: summary.earlier_boots,
        unidentified: summary.unidentified(),
        settings: summary.events.iter().filter_map(setting_document).collect(),
        files: &summary.files,
    })
}

fn setting_document(event: &RevertEvent) -> Option<SettingDocument<'_>> {
    let RevertEvent::Setting { reverted, .. } = event else { return None };
    let RevertedChange { change, outcome, .. } = &**reverted;
    let (code, found) = match outcome {
        RevertOutcome::Reverted { from } => ("put-back", Some(from)),
        RevertOutcome::WouldRevert { from } => ("would-put-back", Some(from)),
        RevertOutcome::AlreadyOriginal => ("already", change.original.as_ref()),
        RevertOutcome::NeverWritten => ("never-written", None),
        RevertOutcome::Gone => ("gone", None),
        RevertOutcome::OtherNamespace => ("elsewhere", None),
        RevertOutcome::Unidentified(_) => ("unidentified", None),
        RevertOutcome::ChangedSince { now, .. } => ("somebody-elses", Some(now)),
        RevertOutcome::Irreversible => ("one-way", None),
        RevertOutcome::Refused(_) => ("refused", None),
        RevertOutcome::NotKept { now } => ("not-kept", Some(now)),
        RevertOutcome::Interrupted => ("interrupted", None),
    };
    let process = match &change.setting {
        SettingRef::Limit { process, .. } => Some(ProcessDocument { pid: process.pid, name: &process.name }),
        SettingRef::Key { .. } => None,
    };
    Some(SettingDocument {
        setting: change.setting.name(),
        process,
        outcome: code,
        original: change.original.as_ref().map(StoredValue::to_text),
        found: found.map(StoredValue::to_text),
        why: event.why(),
    })
}
