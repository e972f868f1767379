//! Which configuration files set a setting: those of sysctl.d(5), sysctl.conf(5), limits.conf(5) and systemd(1). They
//! are read as their own programs read them, in the same order, and the line that overrides the others is found.

pub mod limits_conf;
pub mod sysctl_d;
pub mod unit;

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::limit::Side;
use crate::model::setting::{Key, Setting};
use crate::sys::{self, read_text};

/// A line that sets a setting and that no other line overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigLine {
    /// What it sets.
    pub setting: Setting,
    /// The path of the file, from the root that was read below.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The value as it is written; for a limit in the unit of setrlimit(2).
    pub value: String,
    /// What else the line sets.
    pub scope: LineScope,
    /// What reads the file.
    pub reader: ConfigReader,
}

/// What a line sets besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineScope {
    /// Nothing: it names the setting.
    Setting,
    /// Whatever else matches its pattern, sysctl.d(5).
    Pattern,
    /// A limit at login, limits.conf(5).
    Login {
        /// For whom, the line's first word: `@users`.
        domain: String,
        /// Which side, the line's second word; both where that is `-`.
        side: Option<Side>,
    },
}

/// What reads a configuration file, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigReader {
    /// systemd-sysctl(8), at boot.
    SystemdSysctl,
    /// `sysctl --system` of procps, which reads `/etc/sysctl.conf` last of all.
    Procps,
    /// `pam_limits(8)`, at login.
    Pam,
    /// systemd(1), when it starts the unit.
    Unit,
}

/// The longest file that is read, in bytes: a longer one is no configuration.
const LONGEST: u64 = 1 << 20;

/// Links that are followed on one path at most, as many as Linux follows, `path_resolution(7)`.
const MAX_LINKS: usize = 40;

/// The lines that set any of `settings`, in files below `root`, usually `/`. Limits are those of `unit`, a service of
/// systemd, or where there is none those of a login of `user`.
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

/// The text of a configuration file below `root`. `None` for what is no regular file of at most 1 MiB; a file that
/// can't be read is told of in the log.
#[must_use]
pub fn read(root: &Path, file: &Path) -> Option<String> {
    let file = resolve_beneath(root, file);
    let about = fs::metadata(&file).ok()?;
    if !about.is_file() || about.len() > LONGEST {
        return None;
    }
    read_text(&file).inspect_err(|error| log::warn!("{}: {}", file.display(), sys::strerror(error))).ok()
}

/// The `.conf` files of several directories, relative to `root`: of those with the same name only the one of the first
/// directory, sorted by name whatever the directory (sysctl.d(5), systemd.unit(5)). `added`, which is in the first
/// directory, is taken to exist.
fn conf_files(root: &Path, directories: &[&str], added: Option<&Path>) -> Vec<PathBuf> {
    // Each as its name and its directory, with a byte between them that no name has and that sorts before all others.
    let entry = |name: &str, directory: &str| format!("{name}\0{directory}");
    let added = added.and_then(|path| Some(entry(path.file_name()?.to_str()?, path.parent()?.to_str()?)));
    let mut files: Vec<String> = added.into_iter().collect();
    for directory in directories {
        let entries = fs::read_dir(resolve_beneath(root, Path::new(directory))).into_iter().flatten();
        for found in entries.map_while(Result::ok) {
            let Ok(name) = found.file_name().into_string() else { continue };
            let hidden = name.starts_with('.');
            let is_known = || files.iter().any(|file| file.split('\0').next() == Some(&name));
            if name.strip_suffix(".conf").is_some() && !hidden && !is_known() {
                files.push(entry(&name, directory));
            }
        }
    }
    files.sort();
    let paths = files.iter().filter_map(|file| file.split_once('\0'));
    paths.map(|(name, directory)| Path::new(directory).join(name)).collect()
}

/// The files of `files` that come after `file`.
fn after(files: Vec<PathBuf>, file: &Path) -> Vec<PathBuf> {
    files.into_iter().skip_while(|its| its != file).skip(1).collect()
}

/// The path of a file from the root that was read below.
fn from_root(file: &Path) -> String {
    format!("/{}", file.display())
}

/// Where a path leads for a process whose root directory is `root`: links in it, and at its end, don't lead out of
/// that. More links than Linux follows lead to a name that no system takes.
#[must_use]
pub fn resolve_beneath(root: &Path, path: &Path) -> PathBuf {
    let parts = |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
    let (mut left, mut at, mut links) = (parts(path), PathBuf::new(), 0);
    while let Some(part) = left.pop() {
        if part == "/" {
            at.clear();
        } else if part == ".." {
            at.pop();
        } else if let Ok(target) = fs::read_link(root.join(&at).join(&part)) {
            links += 1;
            if links > MAX_LINKS {
                return root.join("\0too many links");
            }
            left.append(&mut parts(&target));
        } else if part != "." {
            at.push(part);
        }
    }
    root.join(at)
}
