//! `revert --persist`: takes away what was made to last.

use std::path::{Path, PathBuf};

use crate::cli::Format;
use crate::commands::{CommandError, FALLS_SHORT, World, print};
use crate::journal::{SettingRef, StoredValue};
use crate::model::setting::Key;
use crate::persist;

use super::{disk, entry, help, said};

/// The files of `apply --persist`.
#[derive(Debug, clap::Args)]
pub(in crate::commands) struct RevertPersistFlags {
    /// Take away the files too that `apply --persist` wrote.
    #[arg(long)]
    pub(in crate::commands) persist: bool,
    /// Look beneath this directory instead of /.
    #[arg(long, value_name = "DIR", requires = "persist")]
    pub(in crate::commands) root: Option<PathBuf>,
}

/// What became of the files.
#[derive(Debug, Default)]
pub(in crate::commands) struct Removed {
    /// Whether one had to be left.
    pub(in crate::commands) left: bool,
    /// Each of them, for programs.
    pub(in crate::commands) files: Vec<serde_json::Value>,
}

/// Takes the files away, or none where one of them has to be left.
pub(in crate::commands) fn take_away(
    asked: &RevertPersistFlags,
    force: bool,
    dry_run: bool,
    format: Format,
    world: &mut World<'_>,
) -> Removed {
    let root = asked.root.as_deref();
    let disk = disk(root);
    if !dry_run {
        disk.sweep();
    }
    let standing = disk.standing();
    let blocked = standing.iter().any(|path| disk.may_go(path, force).is_err());
    let mut taken = Removed::default();
    for path in standing {
        let gone = disk
            .may_go(&path, force)
            .and_then(|()| if blocked || dry_run { Ok(()) } else { disk.remove(&path, force).map(drop) });
        let (done, outcome) = match &gone {
            Ok(()) if blocked => ("", "left"),
            Ok(()) if dry_run => ("would be taken away", "would-take-away"),
            Ok(()) => ("taken away", "taken-away"),
            Err(_) => ("", "left"),
        };
        let whole = disk.path(&path);
        let why = gone.err().map(|trouble| (said(&trouble), help(&trouble, root)));
        if let Some((why, help)) = &why {
            taken.left = true;
            let error = CommandError::new(FALLS_SHORT, format!("{why}; nothing was put back"));
            drop(write!(world.err, "{}", help.iter().fold(error, CommandError::help)));
        } else if !blocked {
            let text = format!("{} {done}\n", whole.display());
            print(if format == Format::Text { &mut *world.out } else { &mut *world.err }, &text);
        }
        let why = why.map(|(why, _)| why);
        taken.files.push(entry(&whole, outcome, why.as_deref()));
    }
    taken
}

/// The file that says what stands there now, for people.
pub(in crate::commands) fn who_says(asked: &RevertPersistFlags, what: &SettingRef, now: &StoredValue) -> String {
    let root = asked.root.as_deref().unwrap_or(Path::new("/"));
    let said = match (what, now) {
        (SettingRef::Key { key: Key::Sysctl(name), .. }, StoredValue::Text(text)) => {
            persist::who_says(root, name, text)
        }
        _ => None,
    };
    said.map_or_else(String::new, |(path, line)| format!(" (`{}` says so in line {line})", path.display()))
}
