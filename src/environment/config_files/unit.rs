//! The limits that units of systemd(1) give their services, systemd.exec(5): `LimitNOFILE=` and the like.

use std::path::{Path, PathBuf};

use super::{ConfigLine, ConfigReader, LineScope, conf_files, from_root, read};
use crate::formats::systemd::{directive, parse, parse_limit};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::Setting;

/// The search path for units of the system manager, systemd.unit(5), without generated ones.
const UNIT_DIRECTORIES: [&str; 6] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
    "run/systemd/transient",
];

/// The directories of drop-ins for the manager's own file, which sets defaults for all units, systemd-system.conf(5).
const MANAGER_DIRECTORIES: [&str; 4] = [
    "etc/systemd/system.conf.d",
    "run/systemd/system.conf.d",
    "usr/local/lib/systemd/system.conf.d",
    "usr/lib/systemd/system.conf.d",
];

/// For each limit the last line that sets it: of the unit and its drop-ins, else of the manager's defaults.
pub(super) fn find(root: &Path, settings: &[&Setting], unit: &str) -> Vec<ConfigLine> {
    if unit.contains('/') {
        return Vec::new();
    }
    let files = files(root, unit);
    settings.iter().filter_map(|setting| last(root, &files, setting)).collect()
}

/// What the files set for a unit; the file `except` is left out.
#[must_use]
pub fn configured_limit(root: &Path, unit: &str, resource: Resource, side: Side, except: &Path) -> Option<Limit> {
    let mut files = files(root, unit);
    files.retain(|(file, _)| file != except);
    Limit::parse(&last(root, &files, &Setting::Limit(resource, side))?.value)
}

/// The files that set a unit's limits, in their order, each with the prefix of its directives.
fn files(root: &Path, unit: &str) -> Vec<(PathBuf, &'static str)> {
    let own = names(unit)
        .iter()
        .flat_map(|name| UNIT_DIRECTORIES.map(|folder| PathBuf::from(format!("{folder}/{name}"))))
        .find(|file| read(root, Path::new(file)).is_some());
    let manager =
        [PathBuf::from("etc/systemd/system.conf")].into_iter().chain(conf_files(root, &MANAGER_DIRECTORIES, None));
    manager
        .map(|file| (file, "DefaultLimit"))
        .chain(own.into_iter().chain(drop_ins(root, unit, None)).map(|file| (file, "Limit")))
        .collect()
}

/// The drop-ins of a unit. `added` is taken to exist.
fn drop_ins(root: &Path, unit: &str, added: Option<&Path>) -> Vec<PathBuf> {
    let folders: Vec<String> =
        names(unit).iter().flat_map(|name| UNIT_DIRECTORIES.map(|folder| format!("{folder}/{name}.d"))).collect();
    conf_files(root, &folders.iter().map(String::as_str).collect::<Vec<_>>(), added)
}

/// The drop-ins of a unit that are read after `file`, whether or not it exists. Paths are relative to the root.
#[must_use]
pub fn files_after(root: &Path, unit: &str, file: &Path) -> Vec<PathBuf> {
    super::after(drop_ins(root, unit, Some(file)), file)
}

/// Directories of units that programs make at boot, systemd.generator(7).
const GENERATED: [&str; 3] = ["run/systemd/generator.early", "run/systemd/generator", "run/systemd/generator.late"];

/// The names of the services that there are files of, templates (`redis@.service`) among them.
#[must_use]
pub fn services(root: &Path) -> Vec<String> {
    let mut services = Vec::new();
    for folder in UNIT_DIRECTORIES.iter().chain(&GENERATED) {
        let Ok(found) = std::fs::read_dir(super::resolve_beneath(root, Path::new(folder))) else { continue };
        let names = found.filter_map(|file| file.ok()?.file_name().into_string().ok());
        services.extend(names.filter(|name| name.strip_suffix(".service").is_some()));
    }
    services.sort();
    services.dedup();
    services
}

/// Whether one of `services` is the unit, or the template that it is made from.
#[must_use]
pub fn is_service(services: &[String], unit: &str) -> bool {
    names(unit).iter().any(|name| services.contains(name))
}

/// The names whose files count for a unit: its own, and that of its template, `a@b.service` and `a@.service`.
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
        let directive = directive(prefix, *resource);
        let text = read(root, file).unwrap_or_default();
        for line in parse(&text).filter(|line| line.name == directive) {
            found = parse_limit(*resource, *side, line.value).map(|limit| ConfigLine {
                setting: setting.clone(),
                file: from_root(file),
                line: line.number,
                value: limit.to_string(),
                scope: LineScope::Setting,
                reader: ConfigReader::Unit,
            });
        }
    }
    found
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
