//! Files of others that are read behind ours, and so win.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog;
use crate::formats::{Lasting, sysctl_d_lines};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::model::value::Kind;

use super::wanted::SYSCTLS;

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

/// Directories in the order in which the first file of a name hides the others (sysctl.d(5)).
const FOLDERS: [&str; 5] =
    ["etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d", "lib/sysctl.d"];

/// All lines beneath `root` that would win over `settings` and say something else.
#[must_use]
pub fn winners(root: &Path, settings: &[Lasting]) -> Vec<Winner> {
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for folder in FOLDERS {
        let Ok(found) = fs::read_dir(root.join(folder)) else { continue };
        for file in found.flatten() {
            if let Some(name) = file.file_name().to_str().filter(|name| name.strip_suffix(".conf").is_some()) {
                files.entry(name.to_owned()).or_insert_with(|| file.path());
            }
        }
    }
    let own = SYSCTLS.rsplit('/').next().unwrap_or_default().to_owned();
    let later = files.into_iter().filter(|(name, _)| *name > own).map(|(_, path)| (path, "everyone"));
    // systemd does not read it; procps does, and last of all (sysctl(8), `--system`).
    let last = (root.join("etc/sysctl.conf"), "`sysctl --system`");
    later.chain([last]).flat_map(|(path, reader)| in_file(&path, reader, settings)).collect()
}

fn in_file(path: &Path, reader: &'static str, settings: &[Lasting]) -> Vec<Winner> {
    let Ok(text) = fs::read(path) else { return Vec::new() };
    let lines = sysctl_d_lines(&String::from_utf8_lossy(&text));
    let mut found = Vec::new();
    for setting in settings {
        let Ok(name) = SysctlName::parse(&setting.name) else { continue };
        let ours = setting.value.to_string();
        for line in lines.iter().filter(|line| line.name.matches(&name) && !same(&name, &line.value, &ours)) {
            found.push(Winner {
                path: path.to_owned(),
                line: line.line,
                name: setting.name.clone(),
                theirs: line.value.clone(),
                ours: ours.clone(),
                reader,
            });
        }
    }
    found
}

fn same(name: &SysctlName, one: &str, other: &str) -> bool {
    let kind = catalog::spec(System::Linux, &Key::Sysctl(name.clone())).map_or(Kind::Text, |spec| spec.kind);
    let typed = kind.read(one);
    one == other || typed.is_ok() && typed == kind.read(other)
}
