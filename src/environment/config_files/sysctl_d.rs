//! sysctl.d(5) as systemd-sysctl(8) and `sysctl --system` read it.

use std::path::{Path, PathBuf};

use super::{ConfigLine, Reader, called, configuration, read};
use crate::model::name::SysctlName;
use crate::model::setting::Setting;

/// The folders, the first going before the others: sysctl.d(5) and sysctl(8) name the same ones.
const FOLDERS: [&str; 5] =
    ["etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d", "lib/sysctl.d"];

/// What only procps reads, after all others (sysctl(8), "system file precedence").
const LAST: &str = "etc/sysctl.conf";

/// One assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it sets: a name or a pattern.
    pub name: SysctlName,
    /// To what. None for `-name`, which takes the name out of what patterns set.
    pub value: Option<String>,
    /// The line, from 1.
    pub number: usize,
    file: usize,
}

/// All lines of a system, in the order in which they are read.
#[derive(Debug)]
pub struct Lines {
    files: Vec<PathBuf>,
    with_systemd: usize,
    all: Vec<Line>,
}

impl Lines {
    /// Those beneath `root`, as if this file, of its path beneath the root, had this text.
    #[must_use]
    pub fn read(root: &Path, ours: Option<(&Path, &str)>) -> Self {
        let mut files = configuration(root, &FOLDERS, ours.map(|(path, _)| path));
        let with_systemd = files.len();
        files.push(PathBuf::from(LAST));
        let mut all = Vec::new();
        for (at, path) in files.iter().enumerate() {
            let text = match ours {
                Some((our_path, text)) if path == our_path => Some(text.to_owned()),
                _ => read(root, path),
            };
            assignments(&text.unwrap_or_default(), at, &mut all);
        }
        Self { files, with_systemd, all }
    }

    /// The file of a line, relative to the root.
    #[must_use]
    pub fn file(&self, line: &Line) -> &Path {
        &self.files[line.file]
    }

    /// The line that wins with systemd, and the one that wins with procps where that is another.
    #[must_use]
    pub fn winners(&self, name: &SysctlName) -> Vec<(&Line, Reader)> {
        let systemd = winner(self.all.iter().filter(|line| line.file < self.with_systemd), name);
        let procps = winner(self.all.iter(), name).filter(|line| systemd != Some(line));
        let systemd = systemd.map(|line| (line, Reader::SystemdSysctl));
        systemd.into_iter().chain(procps.map(|line| (line, Reader::Procps))).collect()
    }

    /// The last line about a setting of which this is so.
    pub fn last(&self, name: &SysctlName, so: impl Fn(&Line) -> bool) -> Option<&Line> {
        self.all.iter().rev().find(|line| line.name.matches(name) && so(line))
    }

    /// The lines of one file.
    pub fn of<'a>(&'a self, file: &'a Path) -> impl Iterator<Item = &'a Line> {
        self.all.iter().filter(move |line| self.file(line) == file)
    }
}

/// For each key the line that wins with systemd, and the one that wins with procps where that is another.
pub(super) fn find(root: &Path, keys: &[(&Setting, &SysctlName)]) -> Vec<ConfigLine> {
    let lines = Lines::read(root, None);
    let all = keys.iter().flat_map(|(setting, name)| {
        let at = |(line, reader): (&Line, Reader)| ConfigLine {
            setting: (*setting).clone(),
            file: called(lines.file(line)),
            line: line.number,
            value: line.value.clone().unwrap_or_default(),
            scope: if line.name.is_pattern() { line.name.to_string() } else { String::new() },
            reader,
        };
        lines.winners(name).into_iter().map(at).collect::<Vec<_>>()
    });
    all.collect()
}

/// The last line that names the key in full, else the last pattern that it matches, unless it is taken out.
fn winner<'a>(lines: impl Iterator<Item = &'a Line>, name: &SysctlName) -> Option<&'a Line> {
    let (mut full, mut pattern) = (None, None);
    for line in lines {
        if line.name == *name {
            full = Some(line);
        } else if line.name.is_pattern() && line.name.matches(name) {
            pattern = Some(line);
        }
    }
    full.or(pattern).filter(|line| line.value.is_some())
}

fn assignments(text: &str, file: usize, lines: &mut Vec<Line>) {
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        // `-name = value` is a value whose failure doesn't matter, `-name` alone an exclusion.
        let (optional, line) = line.strip_prefix('-').map_or((false, line), |rest| (true, rest));
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.trim().to_owned())),
            None if optional => (line, None),
            None => continue,
        };
        if let Ok(name) = SysctlName::parse(name.trim()) {
            lines.push(Line { name, value, number, file });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::setting::Key;
    use std::fs;

    fn winners(files: &[(&str, &str)], key: &str) -> Vec<(String, usize, String, Reader)> {
        let root = std::env::temp_dir().join(format!("tunectl-sysctl-d-{}-{key}-{}", std::process::id(), files.len()));
        for (path, text) in files {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let name = SysctlName::parse(key).unwrap();
        let setting = Setting::Key(Key::Sysctl(name.clone()));
        let found = find(&root, &[(&setting, &name)]);
        fs::remove_dir_all(&root).unwrap();
        found.into_iter().map(|one| (one.file, one.line, one.value, one.reader)).collect()
    }

    #[test]
    fn files_are_ordered_by_name_and_hidden_by_an_earlier_folder() {
        let files = [
            ("etc/sysctl.d/10-a.conf", "# x\n\nnet.core.somaxconn = 1\n;net.core.somaxconn = 9\n"),
            ("run/sysctl.d/30-c.conf", "net/core/somaxconn=3"),
            ("usr/lib/sysctl.d/30-c.conf", "net.core.somaxconn = 4"),
            ("usr/lib/sysctl.d/20-b.conf", "-net.core.somaxconn = 2\n"),
            ("usr/lib/sysctl.d/99-x", "net.core.somaxconn = 5"),
        ];
        let expected = [("/run/sysctl.d/30-c.conf".to_owned(), 1, "3".to_owned(), Reader::SystemdSysctl)];
        assert_eq!(winners(&files, "net.core.somaxconn"), expected);
    }

    #[test]
    fn sysctl_conf_is_last_and_for_procps_only() {
        let files =
            [("etc/sysctl.d/99-z.conf", "vm.swappiness=1\nvm.swappiness=2"), ("etc/sysctl.conf", "vm.swappiness = 9")];
        assert_eq!(
            winners(&files, "vm.swappiness"),
            [
                ("/etc/sysctl.d/99-z.conf".to_owned(), 2, "2".to_owned(), Reader::SystemdSysctl),
                ("/etc/sysctl.conf".to_owned(), 1, "9".to_owned(), Reader::Procps),
            ]
        );
    }

    #[test]
    fn a_full_name_goes_before_a_pattern_and_one_can_be_taken_out() {
        let full = [
            ("etc/sysctl.d/1.conf", "net.ipv4.conf.lo.rp_filter=0"),
            ("etc/sysctl.d/2.conf", "net.ipv4.conf.*.rp_filter=2"),
        ];
        assert_eq!(winners(&full, "net.ipv4.conf.lo.rp_filter")[0].2, "0");
        assert_eq!(winners(&full, "net.ipv4.conf.eth0.rp_filter")[0].2, "2");
        let dot = [("etc/sysctl.d/1.conf", " net.ipv4.conf.eth0/1.rp_filter =  0 1 \nx y = 1\n")];
        assert_eq!(winners(&dot, "net/ipv4/conf/eth0.1/rp_filter")[0].2, "0 1");
        let out = [("etc/sysctl.d/2.conf", "net.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.lo.rp_filter\nnonsense\n=\n")];
        assert_eq!(winners(&out, "net.ipv4.conf.lo.rp_filter"), []);
    }
}
