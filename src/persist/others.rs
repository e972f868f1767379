//! Files of others that are read behind ours, and so win; and those that say what somebody else has set.

use std::path::{Path, PathBuf};

use crate::catalog;
use crate::environment::config_files::sysctl_d::{Line, Lines};
use crate::environment::config_files::{Reader, limits_conf, read, unit};
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

/// All lines beneath `root` that would win over `files` and say something else.
#[must_use]
pub fn winners(root: &Path, files: &[File]) -> Vec<Winner> {
    let over = |file: &File| {
        let ours = Path::new(&file.path);
        match file.path.strip_prefix(UNITS).and_then(|rest| rest.strip_suffix(DROP_IN)) {
            None if file.path == SYSCTLS => sysctls(root, file),
            None if file.path == LOGINS => limits(root, file, limits_conf::behind(root, ours), logins),
            None => Vec::new(),
            Some(folder) => {
                let name = folder.trim_matches('/').trim_end_matches(".d");
                limits(root, file, unit::behind(root, name, ours), services)
            }
        }
    };
    files.iter().flat_map(over).collect()
}

fn sysctls(root: &Path, file: &File) -> Vec<Winner> {
    let path = Path::new(&file.path);
    let lines = Lines::read(root, Some((path, &file.text)));
    let mut found = Vec::new();
    for ours in lines.of(path) {
        for (theirs, reader) in lines.winners(&ours.name) {
            if lines.file(theirs) == path || says(theirs, &ours.name, value(ours)) {
                continue;
            }
            found.push(Winner {
                path: root.join(lines.file(theirs)),
                line: theirs.number,
                name: ours.name.to_string(),
                theirs: value(theirs).to_owned(),
                ours: value(ours).to_owned(),
                reader: if reader == Reader::Procps { "`sysctl --system`" } else { "everyone" },
            });
        }
    }
    found
}

/// Lines as they are, with their names and values.
type Named = Vec<(usize, String, String)>;

fn limits(root: &Path, file: &File, behind: Vec<PathBuf>, named: fn(&str) -> Named) -> Vec<Winner> {
    let ours = named(&file.text);
    let mut found = Vec::new();
    for file in behind {
        let theirs = named(&read(root, &file).unwrap_or_default());
        for (_, name, ours) in &ours {
            let wins = theirs.iter().filter(|(_, its, value)| its == name && value != ours);
            found.extend(wins.map(|(line, _, theirs)| Winner {
                path: root.join(&file),
                line: *line,
                name: name.clone(),
                theirs: theirs.clone(),
                ours: ours.clone(),
                reader: "everyone",
            }));
        }
    }
    found
}

/// A dash stands for both sides.
fn logins(text: &str) -> Named {
    let sides = |(line, [domain, kind, item, value]): (usize, [&str; 4])| {
        let sides: &[&str] = if kind == "-" { &["soft", "hard"] } else { &[kind] };
        sides.iter().map(|side| (line, format!("{domain} {side} {item}"), value.to_owned())).collect::<Vec<_>>()
    };
    limits_conf::entries(text).flat_map(sides).collect()
}

fn services(text: &str) -> Named {
    unit::directives(text).map(|(line, name, value)| (line, name.to_owned(), value.to_owned())).collect()
}

/// The file and line that sets a sysctl to `value`, if one does: whose value it is that stands there.
#[must_use]
pub fn who_says(root: &Path, name: &SysctlName, value: &str) -> Option<(PathBuf, usize)> {
    let lines = Lines::read(root, None);
    let line = lines.last(name, |line| says(line, name, value))?;
    Some((root.join(lines.file(line)), line.number))
}

fn value(line: &Line) -> &str {
    line.value.as_deref().unwrap_or_default()
}

/// Whether a line gives a setting this value, whatever its spelling.
fn says(line: &Line, name: &SysctlName, value: &str) -> bool {
    let spec = catalog::spec(System::Linux, &Key::Sysctl(name.clone()));
    let kind = spec.map_or(Kind::Text, |spec| spec.kind);
    let typed = kind.read(value);
    line.value.as_deref().is_some_and(|its| its == value || typed.is_ok() && typed == kind.read(its))
}
