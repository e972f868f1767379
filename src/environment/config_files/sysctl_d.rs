//! sysctl.d(5) as systemd-sysctl(8) and `sysctl --system` read it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{ConfigLine, ConfigReader, LineScope, conf_files, from_root, read};
use crate::formats::sysctl_d::{self as format, parse};
use crate::model::name::SysctlName;
use crate::model::setting::Setting;

/// The directories, in the order of their precedence: sysctl.d(5) and sysctl(8) name the same ones.
const DIRECTORIES: [&str; 5] =
    ["etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d", "lib/sysctl.d"];

/// The file that only procps reads, after all others (sysctl(8), "system file precedence").
const PROCPS_FILE: &str = "etc/sysctl.conf";

/// One assignment of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SysctlLine {
    /// The setting: a name or a pattern.
    pub name: SysctlName,
    /// The value; `None` for `-name`, which excludes the name from what patterns set.
    pub value: Option<String>,
    /// The line, from 1.
    pub number: usize,
    /// An index into [`SysctlConfig::files`].
    file: usize,
}

/// All assignments of a system, in the order in which they are read.
#[derive(Debug)]
pub struct SysctlConfig {
    /// Relative to the root.
    files: Vec<PathBuf>,
    /// How many of the files systemd-sysctl(8) reads, the first ones.
    read_by_systemd: usize,
    lines: Vec<SysctlLine>,
    by_name: LinesByName,
}

/// Where in the lines the last one stands that names a setting in full, and all that are patterns.
#[derive(Debug, Default)]
struct LinesByName {
    /// Of the files that systemd-sysctl(8) reads.
    systemd: HashMap<SysctlName, usize>,
    /// Of all files.
    procps: HashMap<SysctlName, usize>,
    patterns: Vec<usize>,
}

impl SysctlConfig {
    /// Those of files below `root`. The file `ours`, by its path below the root, is taken to have the text beside it.
    #[must_use]
    pub fn read(root: &Path, ours: Option<(&Path, &str)>) -> Self {
        let mut files = conf_files(root, &DIRECTORIES, ours.map(|(path, _)| path));
        let read_by_systemd = files.len();
        files.push(PathBuf::from(PROCPS_FILE));
        let mut lines = Vec::new();
        for (at, path) in files.iter().enumerate() {
            let text = match ours {
                Some((our_path, text)) if path == our_path => Some(text.to_owned()),
                _ => read(root, path),
            };
            let found = parse(&text.unwrap_or_default()).into_iter();
            lines.extend(found.map(|format::Line { number, name, value }| SysctlLine {
                name,
                value,
                number,
                file: at,
            }));
        }
        let mut by_name = LinesByName::default();
        for (at, line) in lines.iter().enumerate() {
            if line.file < read_by_systemd {
                by_name.systemd.insert(line.name.clone(), at);
            }
            by_name.procps.insert(line.name.clone(), at);
            by_name.patterns.extend(line.name.is_pattern().then_some(at));
        }
        Self { files, read_by_systemd, lines, by_name }
    }

    /// The file of a line, relative to the root.
    #[must_use]
    pub fn file(&self, line: &SysctlLine) -> &Path {
        &self.files[line.file]
    }

    /// The line that overrides the others with systemd, and the one that does with procps where that is another.
    #[must_use]
    pub fn overriding_lines(&self, name: &SysctlName) -> Vec<(&SysctlLine, ConfigReader)> {
        let systemd = self.overriding_line(&self.by_name.systemd, self.read_by_systemd, name);
        let procps = self.overriding_line(&self.by_name.procps, self.files.len(), name);
        let procps = procps.filter(|line| systemd != Some(line));
        let systemd = systemd.map(|line| (line, ConfigReader::SystemdSysctl));
        systemd.into_iter().chain(procps.map(|line| (line, ConfigReader::Procps))).collect()
    }

    /// The last line that names the setting in full, else the last pattern in the first `files` files that matches it,
    /// unless it is excluded.
    fn overriding_line(
        &self,
        in_full: &HashMap<SysctlName, usize>,
        files: usize,
        name: &SysctlName,
    ) -> Option<&SysctlLine> {
        let line = |at: &usize| self.lines.get(*at);
        let matches = |line: &&SysctlLine| line.file < files && line.name.matches(name);
        let pattern = || self.by_name.patterns.iter().rev().filter_map(line).find(matches);
        in_full.get(name).and_then(line).or_else(pattern).filter(|line| line.value.is_some())
    }

    /// The last line about a setting for which `accept` holds.
    pub fn last_matching(&self, name: &SysctlName, accept: impl Fn(&SysctlLine) -> bool) -> Option<&SysctlLine> {
        self.lines.iter().rev().find(|line| line.name.matches(name) && accept(line))
    }

    /// The lines of one file.
    pub fn of_file<'a>(&'a self, file: &'a Path) -> impl Iterator<Item = &'a SysctlLine> {
        self.lines.iter().filter(move |line| self.file(line) == file)
    }
}

/// For each setting what [`SysctlConfig::overriding_lines`] finds.
pub(super) fn find(root: &Path, keys: &[(&Setting, &SysctlName)]) -> Vec<ConfigLine> {
    let lines = SysctlConfig::read(root, None);
    let all = keys.iter().flat_map(|(setting, name)| {
        let at = |(line, reader): (&SysctlLine, ConfigReader)| ConfigLine {
            setting: (*setting).clone(),
            file: from_root(lines.file(line)),
            line: line.number,
            value: line.value.clone().unwrap_or_default(),
            scope: if line.name.is_pattern() { LineScope::Pattern } else { LineScope::Setting },
            reader,
        };
        lines.overriding_lines(name).into_iter().map(at).collect::<Vec<_>>()
    });
    all.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::setting::Key;
    use std::fs;

    fn overriding_lines(files: &[(&str, &str)], key: &str) -> Vec<(String, usize, String, ConfigReader)> {
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
        let expected = [("/run/sysctl.d/30-c.conf".to_owned(), 1, "3".to_owned(), ConfigReader::SystemdSysctl)];
        assert_eq!(overriding_lines(&files, "net.core.somaxconn"), expected);
    }

    #[test]
    fn sysctl_conf_is_last_and_for_procps_only() {
        let files =
            [("etc/sysctl.d/99-z.conf", "vm.swappiness=1\nvm.swappiness=2"), ("etc/sysctl.conf", "vm.swappiness = 9")];
        assert_eq!(
            overriding_lines(&files, "vm.swappiness"),
            [
                ("/etc/sysctl.d/99-z.conf".to_owned(), 2, "2".to_owned(), ConfigReader::SystemdSysctl),
                ("/etc/sysctl.conf".to_owned(), 1, "9".to_owned(), ConfigReader::Procps),
            ]
        );
    }

    #[test]
    fn a_full_name_goes_before_a_pattern_and_one_can_be_taken_out() {
        let full = [
            ("etc/sysctl.d/1.conf", "net.ipv4.conf.lo.rp_filter=0"),
            ("etc/sysctl.d/2.conf", "net.ipv4.conf.*.rp_filter=2"),
        ];
        assert_eq!(overriding_lines(&full, "net.ipv4.conf.lo.rp_filter")[0].2, "0");
        assert_eq!(overriding_lines(&full, "net.ipv4.conf.eth0.rp_filter")[0].2, "2");
        let dot = [("etc/sysctl.d/1.conf", " net.ipv4.conf.eth0/1.rp_filter =  0 1 \nx y = 1\n")];
        assert_eq!(overriding_lines(&dot, "net/ipv4/conf/eth0.1/rp_filter")[0].2, "0 1");
        let out = [("etc/sysctl.d/2.conf", "net.ipv4.conf.*.rp_filter=2\n-net.ipv4.conf.lo.rp_filter\nnonsense\n=\n")];
        assert_eq!(overriding_lines(&out, "net.ipv4.conf.lo.rp_filter"), []);
    }
}
