//! Lines in other files that override ours, since they are read later; and the line that set a current value.

use std::path::{Path, PathBuf};

use crate::catalog;
use crate::environment::config_files::sysctl_d::{SysctlConfig, SysctlLine};
use crate::environment::config_files::{ConfigReader, limits_conf as login_files, read, unit as unit_files};
use crate::formats::{limits_conf, systemd};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::model::value::Kind;

use super::contents::{DROP_IN, LOGINS, SYSCTLS, TargetFile, UNITS};

/// A line that overrides one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverridingLine {
    /// The file that sets it.
    pub path: PathBuf,
    /// The line's number, from 1.
    pub line: usize,
    /// The setting, as the file names it.
    pub name: String,
    /// The value in that line.
    pub theirs: String,
    /// The value in our line.
    pub ours: String,
    /// The programs that read it after ours.
    pub read_by: ReadBy,
}

/// The programs that read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadBy {
    /// All that read such files.
    All,
    /// `sysctl --system` of procps only.
    Procps,
}

/// All lines below `root` that override a line of `files` with another value.
#[must_use]
pub fn overriding_lines(root: &Path, files: &[TargetFile]) -> Vec<OverridingLine> {
    let over = |file: &TargetFile| {
        let ours = Path::new(&file.path);
        match file.path.strip_prefix(UNITS).and_then(|rest| rest.strip_suffix(DROP_IN)) {
            None if file.path == SYSCTLS => over_sysctls(root, file),
            None if file.path == LOGINS => over_limits(root, file, login_files::files_after(root, ours), login_limits),
            None => Vec::new(),
            Some(folder) => {
                let name = folder.trim_matches('/').trim_end_matches(".d");
                over_limits(root, file, unit_files::files_after(root, name, ours), unit_limits)
            }
        }
    };
    files.iter().flat_map(over).collect()
}

fn over_sysctls(root: &Path, file: &TargetFile) -> Vec<OverridingLine> {
    let path = Path::new(&file.path);
    let lines = SysctlConfig::read(root, Some((path, &file.text)));
    let mut found = Vec::new();
    for ours in lines.of_file(path) {
        for (theirs, reader) in lines.overriding_lines(&ours.name) {
            if lines.file(theirs) == path || sets(theirs, &ours.name, value(ours)) {
                continue;
            }
            found.push(OverridingLine {
                path: root.join(lines.file(theirs)),
                line: theirs.number,
                name: ours.name.to_string(),
                theirs: value(theirs).to_owned(),
                ours: value(ours).to_owned(),
                read_by: if reader == ConfigReader::Procps { ReadBy::Procps } else { ReadBy::All },
            });
        }
    }
    found
}

/// A line that sets a limit: its number, the name of what it sets, and the value as it is written.
type LimitLine = (usize, String, String);

fn over_limits(
    root: &Path,
    file: &TargetFile,
    later: Vec<PathBuf>,
    parse: fn(&str) -> Vec<LimitLine>,
) -> Vec<OverridingLine> {
    let ours = parse(&file.text);
    let mut found = Vec::new();
    for file in later {
        let theirs = parse(&read(root, &file).unwrap_or_default());
        for (_, name, ours) in &ours {
            let overriding = theirs.iter().filter(|(_, its, value)| its == name && value != ours);
            found.extend(overriding.map(|(line, _, theirs)| OverridingLine {
                path: root.join(&file),
                line: *line,
                name: name.clone(),
                theirs: theirs.clone(),
                ours: ours.clone(),
                read_by: ReadBy::All,
            }));
        }
    }
    found
}

/// The lines of a file of limits.d; a dash stands for both sides.
fn login_limits(text: &str) -> Vec<LimitLine> {
    let sides = |line: limits_conf::Line<'_>| {
        let sides = if line.kind == "-" { vec!["soft", "hard"] } else { vec![line.kind] };
        let name = |side: &str| format!("{} {side} {}", line.domain, line.item);
        sides.into_iter().map(|side| (line.number, name(side), line.value.to_owned())).collect::<Vec<_>>()
    };
    limits_conf::parse(text).flat_map(sides).collect()
}

/// The lines of a drop-in.
fn unit_limits(text: &str) -> Vec<LimitLine> {
    systemd::parse(text).map(|line| (line.number, line.name.to_owned(), line.value.to_owned())).collect()
}

/// The file and the line that set a sysctl to `value`, if one does: who has probably written the current value.
#[must_use]
pub fn line_that_sets(root: &Path, name: &SysctlName, value: &str) -> Option<(PathBuf, usize)> {
    let lines = SysctlConfig::read(root, None);
    let line = lines.last_matching(name, |line| sets(line, name, value))?;
    Some((root.join(lines.file(line)), line.number))
}

fn value(line: &SysctlLine) -> &str {
    line.value.as_deref().unwrap_or_default()
}

/// Whether a line sets a setting to this value, whatever its spelling.
fn sets(line: &SysctlLine, name: &SysctlName, value: &str) -> bool {
    let spec = catalog::spec(System::Linux, &Key::Sysctl(name.clone()));
    let kind = spec.map_or(Kind::Text, |spec| spec.kind);
    let typed = kind.parse(value);
    line.value.as_deref().is_some_and(|its| its == value || typed.is_ok() && typed == kind.parse(its))
}
