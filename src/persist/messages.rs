//! The sentences of `apply --persist` and `revert --persist`.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use super::files::{FileOutcome, FileResult, PersistError};
use super::overriding::{OverridingLine, ReadBy};
use crate::model::setting::Setting;
use crate::output::{self, PersistedFile, PersistedState};
use crate::sys;

/// Something else to know after `apply --persist`.
#[derive(Debug)]
pub enum Note {
    /// A setting that is not what the profile asks for is not in the files.
    NotSatisfied(Setting),
    /// A line of another file overrides one of ours.
    Overridden(OverridingLine),
    /// A list is longer than `sysctl --system` can set.
    LongList {
        /// The name of the sysctl.
        name: String,
        /// The most that can be set, in bytes.
        most: usize,
    },
    /// Limits of these services take effect when they are restarted.
    Restart(Vec<String>),
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSatisfied(setting) => write!(f, "{setting} falls short and was not persisted"),
            Self::Overridden(OverridingLine { path, line, name, theirs, ours, read_by }) => {
                let read_by = match read_by {
                    ReadBy::All => "everyone",
                    ReadBy::Procps => "`sysctl --system`",
                };
                let path = path.display();
                write!(
                    f,
                    "tunectl: warning: {path} line {line} sets {name} to {theirs} instead of {ours}, and {read_by} reads it later"
                )
            }
            Self::LongList { name, most } => write!(
                f,
                "tunectl: warning: {name} is longer than {most} bytes: systemd-sysctl sets it whole, `sysctl --system` its beginning"
            ),
            Self::Restart(units) => {
                write!(f, "for the limits of {}: systemctl daemon-reload, then restart it", units.join(", "))
            }
        }
    }
}

/// The line for a file of `apply --persist`; `None` for one that failed, whose error is shown instead. `profiles` are
/// those that the files are written for.
#[must_use]
pub fn applied(file: &FileResult, profiles: &[String]) -> Option<String> {
    let said = match &file.outcome {
        FileOutcome::Written { replaced: Some(before) } if *before != profiles.join(", ") => {
            format!("written; it replaces the file written for {before}")
        }
        FileOutcome::Written { .. } => "written".to_owned(),
        FileOutcome::WouldWrite => "would be written".to_owned(),
        FileOutcome::Unchanged => "unchanged".to_owned(),
        FileOutcome::Removed => "removed: the profile has no such setting".to_owned(),
        FileOutcome::Kept => "kept: nothing that was asked for goes there; `--prune` removes it".to_owned(),
        FileOutcome::WouldRemove => "would be removed".to_owned(),
        FileOutcome::Skipped | FileOutcome::Failed(_) => return None,
    };
    Some(format!("{} {said}", file.path.display()))
}

/// The line for a file of `revert --persist`; `None` for one that was left.
#[must_use]
pub fn reverted(file: &FileResult) -> Option<String> {
    let said = match &file.outcome {
        FileOutcome::Removed => "removed",
        FileOutcome::WouldRemove => "would be removed",
        _ => return None,
    };
    Some(format!("{} {said}", file.path.display()))
}

/// A file in the JSON documents.
#[must_use]
pub fn document(file: &FileResult) -> PersistedFile {
    let (outcome, why) = match &file.outcome {
        FileOutcome::Written { .. } => (PersistedState::Written, None),
        FileOutcome::WouldWrite => (PersistedState::WouldWrite, None),
        FileOutcome::Unchanged => (PersistedState::Same, None),
        FileOutcome::Removed => (PersistedState::TakenAway, None),
        FileOutcome::WouldRemove => (PersistedState::WouldTakeAway, None),
        FileOutcome::Kept => (PersistedState::Kept, None),
        FileOutcome::Skipped => (PersistedState::Left, None),
        FileOutcome::Failed(error) => (PersistedState::Left, Some(error.to_string())),
    };
    PersistedFile { file: file.path.to_string_lossy().into_owned(), outcome, why }
}

impl fmt::Display for PersistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path that leads out of the root has a zero byte, which is in no name (`config_files::resolve_beneath`).
        let shown = |path: &Path| path.display().to_string().replace('\0', "");
        match self {
            Self::Edited(path) => write!(f, "`{}` was edited since tunectl wrote it", shown(path)),
            Self::Foreign(path) => write!(f, "`{}` was not written by tunectl", shown(path)),
            Self::Refused(path, error) => {
                write!(f, "`{}` could not be written: {}", shown(path), sys::strerror(error))
            }
        }
    }
}

impl PersistError {
    /// What to do about it, if there is anything; `root` is that of `--root`.
    #[must_use]
    pub fn help(&self, root: Option<&Path>) -> Option<String> {
        let root = root.map(|root| format!(" --root {}", output::shell(&root.to_string_lossy()))).unwrap_or_default();
        match self {
            Self::Edited(_) => {
                Some(format!("keep it under another name, or remove it with `tunectl revert --persist{root} --force`"))
            }
            Self::Foreign(_) => Some("move it away if it is not needed".to_owned()),
            Self::Refused(_, error) if error.kind() == ErrorKind::PermissionDenied => {
                Some("try again with sudo".to_owned())
            }
            Self::Refused(..) => None,
        }
    }
}
