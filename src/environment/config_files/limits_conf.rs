//! limits.conf(5) as `pam_limits(8)` reads it at login.

use std::path::{Path, PathBuf};

use super::{ConfigLine, Reader, called, read};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::Setting;

const FOLDER: &str = "etc/security/limits.d";

/// The lines for our user, the later one winning among those that speak of users as closely: `user` before
/// `@group` before `*`. Neither a group nor `*` counts for root.
pub(super) fn find(root: &Path, settings: &[&Setting], user: u32) -> Vec<ConfigLine> {
    let Some(login) = Login::of(root, user) else { return Vec::new() };
    let mut best: Vec<(u8, ConfigLine)> = Vec::new();
    for file in files(root) {
        let text = read(root, &file).unwrap_or_default();
        for (number, [domain, kind, item, value]) in entries(&text) {
            let (Some(closeness), Some(resource)) = (login.closeness(domain), resource(item)) else { continue };
            for setting in settings {
                let Setting::Limit(theirs, side) = setting else { continue };
                if *theirs != resource || !meant(kind, *side) {
                    continue;
                }
                let Some(value) = in_our_unit(resource, value) else { continue };
                let one = ConfigLine {
                    setting: (*setting).clone(),
                    file: called(&file),
                    line: number,
                    value,
                    scope: format!("{domain} {kind}"),
                    reader: Reader::Pam,
                };
                let standing = best.iter().position(|(_, known)| known.setting == one.setting);
                match standing {
                    Some(at) if closeness >= best[at].0 => best[at] = (closeness, one),
                    Some(_) => {}
                    None => best.push((closeness, one)),
                }
            }
        }
    }
    best.into_iter().map(|(_, one)| one).collect()
}

/// The lines that set a limit: their numbers, from 1, and domain, type, item and value.
pub fn entries(text: &str) -> impl Iterator<Item = (usize, [&str; 4])> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let fields: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        Some((number, fields.try_into().ok()?))
    })
}

/// What the files say of a domain without `ours`, a file of ours, if any does.
#[must_use]
pub fn gives(root: &Path, domain: &str, asked: Resource, side: Side, ours: &Path) -> Option<Limit> {
    let mut found = None;
    for file in files(root).into_iter().filter(|file| file != ours) {
        let text = read(root, &file).unwrap_or_default();
        let last = entries(&text)
            .filter(|(_, [whose, kind, item, _])| {
                *whose == domain && meant(kind, side) && resource(item) == Some(asked)
            })
            .filter_map(|(_, [.., value])| Limit::read(&in_our_unit(asked, value)?))
            .last();
        found = last.or(found);
    }
    found
}

/// The files that are read behind `ours`, of its path beneath the root.
#[must_use]
pub fn behind(root: &Path, ours: &Path) -> Vec<PathBuf> {
    super::behind(super::configuration(root, &[FOLDER], Some(ours)), ours)
}

/// `limits.conf`, and then what stands in `limits.d`, in the order of the C locale.
fn files(root: &Path) -> Vec<PathBuf> {
    let first = PathBuf::from("etc/security/limits.conf");
    std::iter::once(first).chain(super::configuration(root, &[FOLDER], None)).collect()
}

fn meant(kind: &str, side: Side) -> bool {
    kind == "-" || kind == side.name()
}

/// As limits.conf(5) calls them, where it does so otherwise than setrlimit(2).
fn resource(item: &str) -> Option<Resource> {
    match item {
        "priority" | "maxlogins" | "maxsyslogins" | "nonewprivs" | "chroot" => None,
        _ => Resource::parse(item).ok(),
    }
}

/// KiB for what a shell counts in KiB, minutes for processor time.
fn in_our_unit(resource: Resource, value: &str) -> Option<String> {
    if matches!(value, "unlimited" | "infinity" | "-1") {
        return Some(Limit::Unlimited.to_string());
    }
    let factor = match resource {
        Resource::Cpu => 60,
        Resource::As
        | Resource::Core
        | Resource::Data
        | Resource::Fsize
        | Resource::Memlock
        | Resource::Rss
        | Resource::Stack => 1024,
        // A nice value of -20 is a limit of 40, getrlimit(2).
        Resource::Nice => return Some((20 - value.parse::<i64>().ok()?).to_string()),
        _ => 1,
    };
    Some(value.parse::<u64>().ok()?.saturating_mul(factor).to_string())
}

/// Who we are, in the words of passwd(5) and group(5).
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

    /// How closely a domain speaks of us: not at all, of all, of our group, of us.
    fn closeness(&self, domain: &str) -> Option<u8> {
        if domain == self.name || within(domain, self.user) {
            return Some(2);
        }
        if self.user == 0 {
            return None;
        }
        match domain.strip_prefix('@') {
            Some(group) => {
                let ours = self.groups.iter().any(|(name, number)| name == group || within(group, *number));
                ours.then_some(1)
            }
            None => (domain == "*").then_some(0),
        }
    }
}

/// `1000:2000`, `1000:`, `:2000` (that one number alone).
fn within(range: &str, number: u32) -> bool {
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
        assert!(within("1000:", 1000) && within("1:5", 3) && within(":7", 7));
        assert!(!within("1000:", 999) && !within(":7", 6) && !within("a:b", 1) && !within(":", 0) && !within("7", 7));
    }
}
