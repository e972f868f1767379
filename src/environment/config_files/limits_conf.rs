//! limits.conf(5) as `pam_limits(8)` reads it at login.

use std::path::{Path, PathBuf};

use super::{ConfigLine, ConfigReader, LineScope, from_root, read};
use crate::formats::limits_conf::{Line, parse};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::Setting;

const DIRECTORY: &str = "etc/security/limits.d";

/// For each limit the line that counts for `user`: a line with the user's name goes before one with `@group`, that one
/// before one with `*`; of lines of one kind the last counts. Neither `@group` nor `*` counts for root.
pub(super) fn find(root: &Path, settings: &[&Setting], user: u32) -> Vec<ConfigLine> {
    let Some(login) = Login::of(root, user) else { return Vec::new() };
    let mut best: Vec<(u8, ConfigLine)> = Vec::new();
    for file in files(root) {
        let text = read(root, &file).unwrap_or_default();
        for line in parse(&text) {
            let (Some(specificity), Some(limit)) = (login.specificity(line.domain), line.limit()) else { continue };
            for setting in settings {
                let Setting::Limit(resource, side) = setting else { continue };
                if line.resource() != Some(*resource) || !line.sets(*side) {
                    continue;
                }
                let found = ConfigLine {
                    setting: (*setting).clone(),
                    file: from_root(&file),
                    line: line.number,
                    value: limit.to_string(),
                    scope: LineScope::Login {
                        domain: line.domain.to_owned(),
                        side: (line.kind != "-").then_some(*side),
                    },
                    reader: ConfigReader::Pam,
                };
                let known = best.iter().position(|(_, known)| known.setting == found.setting);
                match known {
                    Some(at) if specificity >= best[at].0 => best[at] = (specificity, found),
                    Some(_) => {}
                    None => best.push((specificity, found)),
                }
            }
        }
    }
    best.into_iter().map(|(_, line)| line).collect()
}

/// What the files set for a domain; the file `except` is left out.
#[must_use]
pub fn configured_limit(root: &Path, domain: &str, wanted: Resource, side: Side, except: &Path) -> Option<Limit> {
    let mut found = None;
    for file in files(root).into_iter().filter(|file| file != except) {
        let text = read(root, &file).unwrap_or_default();
        let sets = |line: &Line<'_>| line.domain == domain && line.sets(side) && line.resource() == Some(wanted);
        let last = parse(&text).filter(sets).filter_map(|line| line.limit()).last();
        found = last.or(found);
    }
    found
}

/// The files that are read after `file`, whether or not it exists. Paths are relative to the root.
#[must_use]
pub fn files_after(root: &Path, file: &Path) -> Vec<PathBuf> {
    super::after(super::conf_files(root, &[DIRECTORY], Some(file)), file)
}

/// `limits.conf`, then the files of `limits.d` in the order of the C locale.
fn files(root: &Path) -> Vec<PathBuf> {
    let first = PathBuf::from("etc/security/limits.conf");
    std::iter::once(first).chain(super::conf_files(root, &[DIRECTORY], None)).collect()
}

/// A user by passwd(5) and group(5).
struct Login {
    name: String,
    user: u32,
    groups: Vec<(String, u32)>,
}

impl Login {
    fn of(root: &Path, user: u32) -> Option<Self> {
        let accounts = read(root, Path::new("etc/passwd"))?;
        let fields: Vec<&str> = accounts
            .lines()
            .map(|line| line.split(':').collect())
            .find(|fields: &Vec<&str>| fields.len() >= 4 && fields[2].parse() == Ok(user))?;
        let (name, primary) = (fields[0], fields[3]);
        let groups = read(root, Path::new("etc/group")).unwrap_or_default();
        let groups = groups.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let &[group, _, number, members] = fields.as_slice() else { return None };
            let ours = number == primary || members.split(',').any(|member| member == name);
            Some((group.to_owned(), number.parse().ok()?)).filter(|_| ours)
        });
        Some(Self { name: name.to_owned(), user, groups: groups.collect() })
    }

    /// How specific a domain is for this user: 0 for `*`, 1 for a group, 2 for the user; `None` where it does not count.
    fn specificity(&self, domain: &str) -> Option<u8> {
        if domain == self.name || in_range(domain, self.user) {
            return Some(2);
        }
        if self.user == 0 {
            return None;
        }
        match domain.strip_prefix('@') {
            Some(group) => {
                let ours = self.groups.iter().any(|(name, number)| name == group || in_range(group, *number));
                ours.then_some(1)
            }
            None => (domain == "*").then_some(0),
        }
    }
}

/// Whether a number is in `1000:2000` or `1000:`, or is the one of `:2000`.
fn in_range(range: &str, number: u32) -> bool {
    let Some((low, high)) = range.split_once(':') else { return false };
    match (low.parse::<u32>(), high.parse::<u32>()) {
        (Ok(low), Ok(high)) => (low..=high).contains(&number),
        (Ok(low), Err(_)) if high.is_empty() => number >= low,
        (Err(_), Ok(only)) if low.is_empty() => number == only,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn lines(files: &[(&str, &str)], user: u32) -> Vec<String> {
        let root =
            std::env::temp_dir().join(format!("tunectl-limits-{}-{user}-{}", std::process::id(), files[0].1.len()));
        let accounts = [
            ("etc/passwd", "root:x:0:0::/:/bin/sh\nann:x:1000:100::/:/bin/sh\nbroken\n"),
            ("etc/group", "users:x:100:\nadm:x:4:ann,bob\n"),
        ];
        for (path, text) in files.iter().chain(&accounts) {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let asked = [Setting::Limit(Resource::Nofile, Side::Hard), Setting::Limit(Resource::Memlock, Side::Soft)];
        let found = find(&root, &asked.iter().collect::<Vec<_>>(), user);
        fs::remove_dir_all(&root).unwrap();
        found.into_iter().map(|one| format!("{}:{} {} {}", one.file, one.line, one.setting, one.value)).collect()
    }

    #[test]
    fn the_closest_line_wins_and_of_those_the_last() {
        let files = [
            ("etc/security/limits.conf", "ann - nofile 10\n* hard nofile 20 # comment\n@adm hard nofile 30\n"),
            ("etc/security/limits.d/1.conf", "@users - memlock 64\n@nobody - memlock 1\n* soft nofile 1\nbad line\n"),
        ];
        assert_eq!(
            lines(&files, 1000),
            ["/etc/security/limits.conf:1 nofile (hard) 10", "/etc/security/limits.d/1.conf:1 memlock (soft) 65536"]
        );
        assert_eq!(lines(&files, 0), Vec::<String>::new(), "neither a group nor everybody is root");
        assert_eq!(lines(&files, 77), Vec::<String>::new(), "nobody");
    }

    #[test]
    fn ranges_of_users() {
        assert!(in_range("1000:", 1000) && in_range("1:5", 3) && in_range(":7", 7));
        assert!(
            !in_range("1000:", 999)
                && !in_range(":7", 6)
                && !in_range("a:b", 1)
                && !in_range(":", 0)
                && !in_range("7", 7)
        );
    }
}
