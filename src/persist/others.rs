//! Files of others that are read behind ours, and so win; and those that say what somebody else has set.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog;
use crate::formats::{Assignment, drop_in_lines, limits_d_lines, sysctl_d_lines};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::model::value::Kind;

use super::wanted::{DROP_IN, File, LOGINS, SYSCTLS, UNITS};

/// A line that has the last word on one of our settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Winner {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The setting.
    pub name: String,
    /// What it says.
    pub theirs: String,
    /// What we say.
    pub ours: String,
    /// Who reads it behind ours.
    pub reader: &'static str,
}

/// Directories in the order in which the first file of a name hides the others (sysctl.d(5), systemd.unit(5)).
const HIDING: [&str; 5] = ["etc", "run", "usr/local/lib", "usr/lib", "lib"];

/// All lines beneath `root` that would win over `files` and say something else.
#[must_use]
pub fn winners(root: &Path, files: &[File]) -> Vec<Winner> {
    files.iter().flat_map(|file| over(root, file)).collect()
}

fn over(root: &Path, file: &File) -> Vec<Winner> {
    let later = |folder: &str, ours: &str| -> Vec<(PathBuf, &'static str)> {
        let found = named(root, folder).into_iter().filter(|(name, _)| name.as_str() > ours);
        found.map(|(_, path)| (path, "everyone")).collect()
    };
    let (read, mut others): (fn(&str) -> Vec<Assignment>, _) = match file.path.as_str() {
        // systemd does not read the last one; procps does, and behind all others (sysctl(8), `--system`).
        SYSCTLS => (sysctl_d_lines, later("sysctl.d", "99-tunectl.conf")),
        LOGINS => (limits_d_lines, later("security/limits.d", "99-tunectl.conf")),
        path => match path.strip_prefix(UNITS).and_then(|rest| rest.strip_suffix(DROP_IN)) {
            Some(folder) => (drop_in_lines, later(&format!("systemd/system{}", folder.trim_end_matches('/')), DROP_IN)),
            None => return Vec::new(),
        },
    };
    if file.path == SYSCTLS {
        others.push((root.join("etc/sysctl.conf"), "`sysctl --system`"));
    }
    let ours = read(&file.text);
    let in_file = |(path, reader): (PathBuf, &'static str)| -> Vec<Winner> {
        let theirs = text(&path).map_or_else(Vec::new, |text| read(&text));
        let pairs = ours.iter().flat_map(|ours| theirs.iter().map(move |theirs| (ours, theirs)));
        let wins =
            pairs.filter(|(ours, theirs)| stands_for(theirs, ours) && !same(&ours.name, &theirs.value, &ours.value));
        let winner = |(ours, theirs): (&Assignment, &Assignment)| Winner {
            path: path.clone(),
            line: theirs.line,
            name: ours.name.clone(),
            theirs: theirs.value.clone(),
            ours: ours.value.clone(),
            reader,
        };
        wins.map(winner).collect()
    };
    others.into_iter().flat_map(in_file).collect()
}

/// The file and line that sets a sysctl to `value`, if one does: whose value it is that stands there.
#[must_use]
pub fn who_says(root: &Path, name: &str, value: &str) -> Option<(PathBuf, usize)> {
    let files = named(root, "sysctl.d").into_values().chain([root.join("etc/sysctl.conf")]);
    files.into_iter().find_map(|path| {
        let lines = sysctl_d_lines(&text(&path)?);
        let says = |line: &&Assignment| matches(&line.name, name) && same(name, &line.value, value);
        let line = lines.iter().rev().find(says)?.line;
        Some((path, line))
    })
}

/// The files of a folder by name, those that are not hidden by another of the same name.
fn named(root: &Path, folder: &str) -> BTreeMap<String, PathBuf> {
    let mut files = BTreeMap::new();
    for place in HIDING {
        let Ok(found) = fs::read_dir(root.join(place).join(folder)) else { continue };
        for file in found.flatten() {
            if let Some(name) = file.file_name().to_str().filter(|name| name.strip_suffix(".conf").is_some()) {
                files.entry(name.to_owned()).or_insert_with(|| file.path());
            }
        }
    }
    files
}

fn text(path: &Path) -> Option<String> {
    Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned())
}

/// Whether a line of theirs sets what one of ours does.
fn stands_for(theirs: &Assignment, ours: &Assignment) -> bool {
    theirs.name == ours.name || matches(&theirs.name, &ours.name)
}

fn matches(pattern: &str, name: &str) -> bool {
    match (SysctlName::parse(pattern), SysctlName::parse(name)) {
        (Ok(pattern), Ok(name)) => pattern.matches(&name),
        _ => false,
    }
}

fn same(name: &str, one: &str, other: &str) -> bool {
    let key = SysctlName::parse(name).ok().map(Key::Sysctl);
    let spec = key.and_then(|key| catalog::spec(System::Linux, &key));
    let kind = spec.map_or(Kind::Text, |spec| spec.kind);
    let typed = kind.read(one);
    one == other || typed.is_ok() && typed == kind.read(other)
}
