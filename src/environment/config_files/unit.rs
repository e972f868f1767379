//! The limits that a unit of systemd(1) gives its service, systemd.exec(5) `LimitNOFILE=` and the like.

use std::path::{Path, PathBuf};

use super::{ConfigLine, Reader, called, configuration, read};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::Setting;

/// The unit search path of system services, systemd.unit(5), without what is generated.
const FOLDERS: [&str; 6] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/transient",
];

/// The manager's own defaults for all units, systemd-system.conf(5): the file, then its drop-ins.
const MANAGER: [&str; 4] = [
    "etc/systemd/system.conf.d",
    "run/systemd/system.conf.d",
    "usr/local/lib/systemd/system.conf.d",
    "usr/lib/systemd/system.conf.d",
];

/// The last line that sets each limit: of the unit and its drop-ins, else of the manager's defaults.
pub(super) fn find(root: &Path, settings: &[&Setting], unit: &str) -> Vec<ConfigLine> {
    if unit.contains('/') {
        return Vec::new();
    }
    let files = files(root, unit);
    settings.iter().filter_map(|setting| last(root, &files, setting)).collect()
}

/// What a unit gives its service without `ours`, a drop-in of ours, if any file says so.
#[must_use]
pub fn gives(root: &Path, unit: &str, resource: Resource, side: Side, ours: &Path) -> Option<Limit> {
    let mut files = files(root, unit);
    files.retain(|(file, _)| file != ours);
    Limit::read(&last(root, &files, &Setting::Limit(resource, side))?.value)
}

/// The files that set a unit's limits, in their order, and what their directives begin with.
fn files(root: &Path, unit: &str) -> Vec<(PathBuf, &'static str)> {
    let own = names(unit)
        .iter()
        .flat_map(|name| FOLDERS.map(|folder| PathBuf::from(format!("{folder}/{name}"))))
        .find(|file| read(root, Path::new(file)).is_some());
    let manager = [PathBuf::from("etc/systemd/system.conf")].into_iter().chain(configuration(root, &MANAGER, None));
    manager
        .map(|file| (file, "DefaultLimit"))
        .chain(own.into_iter().chain(drop_ins(root, unit, None)).map(|file| (file, "Limit")))
        .collect()
}

/// The drop-ins of a unit, as if `ours` were there.
fn drop_ins(root: &Path, unit: &str, ours: Option<&Path>) -> Vec<PathBuf> {
    let folders: Vec<String> =
        names(unit).iter().flat_map(|name| FOLDERS.map(|folder| format!("{folder}/{name}.d"))).collect();
    configuration(root, &folders.iter().map(String::as_str).collect::<Vec<_>>(), ours)
}

/// The drop-ins of a unit that are read behind `ours`, of its path beneath the root.
#[must_use]
pub fn behind(root: &Path, unit: &str, ours: &Path) -> Vec<PathBuf> {
    super::behind(drop_ins(root, unit, Some(ours)), ours)
}

/// The assignments of a unit or a drop-in: their lines, from 1, names and values.
pub fn directives(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let (name, value) = line.split_once('=')?;
        Some((number, name.trim(), value.trim()))
    })
}

/// The unit itself, and the template that it is an instance of: `a@b.service` and `a@.service`.
fn names(unit: &str) -> Vec<String> {
    let mut names = vec![unit.to_owned()];
    if let Some((template, (_, kind))) = unit.split_once('@').and_then(|(a, b)| Some((a, b.rsplit_once('.')?))) {
        names.push(format!("{template}@.{kind}"));
    }
    names
}

fn last(root: &Path, files: &[(PathBuf, &str)], setting: &Setting) -> Option<ConfigLine> {
    let Setting::Limit(resource, side) = setting else { return None };
    let mut found = None;
    for (file, prefix) in files {
        let directive = format!("{prefix}{}", resource.name().to_ascii_uppercase());
        let text = read(root, file).unwrap_or_default();
        for (number, name, value) in directives(&text) {
            if name != directive {
                continue;
            }
            found = in_our_unit(*resource, *side, value).map(|value| ConfigLine {
                setting: setting.clone(),
                file: called(file),
                line: number,
                value,
                scope: String::new(),
                reader: Reader::Unit,
            });
        }
    }
    found
}

/// `65536`, `1024:65536`, `infinity`, `64M`: of amounts with a suffix only those of bytes are understood.
fn in_our_unit(resource: Resource, side: Side, value: &str) -> Option<String> {
    let (soft, hard) = value.split_once(':').unwrap_or((value, value));
    let text = match side {
        Side::Soft => soft,
        Side::Hard => hard,
    };
    if text == "infinity" {
        return Some(Limit::Unlimited.to_string());
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    let counted = matches!(resource, Resource::Nofile | Resource::Nproc | Resource::Locks | Resource::Sigpending);
    let number = digits.parse::<u64>().ok().filter(|_| factor == 1 || !counted)?;
    Some(number.checked_mul(factor)?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn limit_of(files: &[(&str, &str)], unit: &str) -> Option<String> {
        let root = std::env::temp_dir().join(format!("tunectl-unit-{}-{}", std::process::id(), files.len()));
        for (path, text) in files {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        let found = find(&root, &[&Setting::Limit(Resource::Nofile, Side::Soft)], unit);
        fs::remove_dir_all(&root).unwrap();
        found.into_iter().next().map(|one| format!("{}:{} {}", one.file, one.line, one.value))
    }

    #[test]
    fn a_drop_in_goes_after_the_unit_and_both_after_the_manager() {
        let manager = ("etc/systemd/system.conf", "[Manager]\nDefaultLimitNOFILE=1024:524288\n");
        let unit = ("usr/lib/systemd/system/redis@.service", "[Service]\n#LimitNOFILE=1\nLimitNOFILE=4096\n");
        let drop_in = ("etc/systemd/system/redis@a.service.d/limits.conf", "[Service]\nLimitNOFILE = 8192:infinity\n");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(limit_of(&[manager], "redis@a.service"), some("/etc/systemd/system.conf:2 1024"));
        let its_own = some("/usr/lib/systemd/system/redis@.service:3 4096");
        assert_eq!(limit_of(&[manager, unit], "redis@a.service"), its_own);
        let dropped_in = some("/etc/systemd/system/redis@a.service.d/limits.conf:2 8192");
        assert_eq!(limit_of(&[manager, unit, drop_in], "redis@a.service"), dropped_in);
        assert_eq!(limit_of(&[("etc/systemd/system/x", "")], "../etc/passwd"), None);
    }
}
