//! The metrics of a watch, in a file that `node_exporter`'s textfile collector reads.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::state::WatchState;
use super::timestamp::unix_seconds;
use crate::formats::prometheus::{self, Daemon, History, Sample};
use crate::sys;

/// All series of what is known now. `interval` is the time between two sweeps.
#[must_use]
pub(super) fn text(ledger: &WatchState, profiles: &[String], interval: Duration, profile_is_sound: bool) -> String {
    let samples: Vec<Sample<'_>> = ledger
        .entries
        .iter()
        .map(|entry| {
            let holds = entry.holds();
            let history =
                History { drifts: entry.drifts, repairs: entry.repairs, given_up: entry.fight.is_given_up() && !holds };
            let found = entry.found.as_ref().ok();
            Sample { requirement: &entry.requirement, found, holds, history: Some(history) }
        })
        .collect();
    let swept = ledger.swept.map_or(0, unix_seconds);
    prometheus::exposition(&samples, profiles, Some(Daemon { swept, interval, profile_is_sound }))
}

/// Puts `text` in the place of the file, so that a reader sees the old one or the new one and nothing between. The
/// collector reads names that end in `.prom`, and the unfinished one's does not.
///
/// # Errors
/// What the system says to making, writing or renaming it.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}", sys::own_pid()));
    let unfinished = PathBuf::from(name);
    let written = fs::write(&unfinished, text)
        // Whatever the umask is: the collector is another user.
        .and_then(|()| fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o644)))
        .and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        drop(fs::remove_file(&unfinished));
    }
    written
}
