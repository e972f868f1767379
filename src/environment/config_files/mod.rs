//! Who else sets a setting: files of sysctl.d(5), sysctl.conf(5), limits.conf(5) and units of systemd(1). Reads
//! them as their own programs do, in their order, and says which line wins. Changes nothing.

pub mod limits_conf;
pub mod sysctl_d;
pub mod unit;

use std::fs;
use std::path::{Path, PathBuf};

use super::root_path::beneath;
use crate::model::setting::{Key, Setting};
use crate::sys::read_text;

/// A line of a file that sets a setting, and that no later one overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigLine {
    /// What it sets.
    pub setting: Setting,
    /// The file, as it is called on the machine that was looked at.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The value, as it stands there; of a limit in the limit's own unit.
    pub value: String,
    /// Of limits.conf(5) the line's first two words, `@users -`; of sysctl.d(5) the pattern that the setting matches;
    /// else empty.
    pub scope: String,
    /// Who reads the file, and when.
    pub reader: Reader,
}

/// Who reads such a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// systemd-sysctl(8), at boot.
    SystemdSysctl,
    /// `sysctl --system` of procps, which reads `/etc/sysctl.conf` last of all.
    Procps,
    /// `pam_limits(8)`, at login.
    Pam,
    /// systemd(1), when it starts the unit.
    Unit,
}

/// The longest file that is read: a longer one is no configuration.
const LONGEST: u64 = 1 << 20;

/// Finds the lines that set any of `settings`, beneath `root`, usually `/`. `user` is ours, `unit` the unit of
/// systemd that we run in.
pub(super) fn find(root: &Path, settings: &[&Setting], user: u32, unit: Option<&str>) -> Vec<ConfigLine> {
    let mut found = Vec::new();
    let (keys, limits): (Vec<&Setting>, Vec<&Setting>) =
        settings.iter().copied().partition(|setting| matches!(setting, Setting::Key(_)));
    let sysctls: Vec<_> = keys
        .into_iter()
        .filter_map(|setting| match setting {
            Setting::Key(Key::Sysctl(name)) => Some((setting, name)),
            _ => None,
        })
        .collect();
    if !sysctls.is_empty() {
        found.extend(sysctl_d::find(root, &sysctls));
    }
    if !limits.is_empty() {
        found.extend(match unit {
            Some(unit) => unit::find(root, &limits, unit),
            None => limits_conf::find(root, &limits, user),
        });
    }
    found
}

/// The text of a configuration file beneath `root`: a file or a link to one, of no unreasonable length.
#[must_use]
pub fn read(root: &Path, file: &Path) -> Option<String> {
    let file = beneath(root, file);
    let about = fs::metadata(&file).ok()?;
    let readable = about.is_file() && about.len() <= LONGEST;
    if readable { read_text(&file).ok() } else { None }
}

/// The `.conf` files of several folders, the first folder going before the others where two have a file of one
/// name, sorted by that name whatever the folder: sysctl.d(5), systemd.unit(5). As if `ours`, which is of the first
/// folder, were there.
fn configuration(root: &Path, folders: &[&str], ours: Option<&Path>) -> Vec<PathBuf> {
    // Of each its name, and behind a byte that is in no name, and goes before all that are, its folder.
    let line = |name: &str, folder: &str| format!("{name}\0{folder}");
    let ours = ours.and_then(|path| Some(line(path.file_name()?.to_str()?, path.parent()?.to_str()?)));
    let mut files: Vec<String> = ours.into_iter().collect();
    for folder in folders {
        let entries = fs::read_dir(beneath(root, Path::new(folder))).into_iter().flatten().flatten();
        for entry in entries {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let hidden = name.starts_with('.');
            let is_known = || files.iter().any(|file| file.split('\0').next() == Some(&name));
            if name.strip_suffix(".conf").is_some() && !hidden && !is_known() {
                files.push(line(&name, folder));
            }
        }
    }
    files.sort();
    files.iter().filter_map(|file| file.split_once('\0')).map(|(name, folder)| Path::new(folder).join(name)).collect()
}

/// Those that are read behind `ours`.
fn behind(files: Vec<PathBuf>, ours: &Path) -> Vec<PathBuf> {
    files.into_iter().skip_while(|file| file != ours).skip(1).collect()
}

/// As the machine that was looked at calls it.
fn called(file: &Path) -> String {
    format!("/{}", file.display())
}
