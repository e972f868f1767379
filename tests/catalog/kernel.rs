//! The catalog against the kernel that runs here. Only reads, but in namespaces of the test's own, where it
//! writes what belongs to them.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tunectl::catalog::{self, Access, InNewNetns, KernelVersion, Row, Scope};
use tunectl::model::name::SysctlName;
use tunectl::model::setting::{Key, System};
use tunectl::model::value::{Kind, Value};

use crate::support::namespaces::{inside, is_inside, this_test};

/// The kernel on which everything was measured. On others, what is known to hold on all of them is held.
const MEASURED: KernelVersion = KernelVersion(6, 18);

/// What the outer process leaves for the inner one: the settings of the network out there.
const OUTSIDE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/catalog-net-outside");

fn version() -> KernelVersion {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    KernelVersion::parse(&release).unwrap_or_else(|| panic!("no version in {release:?}"))
}

/// The file of a row; where the row stands for many, one that every machine has.
fn file(row: &Row) -> PathBuf {
    if row.name.contains('/') {
        return Path::new("/sys").join(row.name.replace("cpu/*", "cpu/cpu0"));
    }
    let path = SysctlName::parse(row.name).unwrap().path().replace('*', "lo");
    Path::new("/proc/sys").join(path)
}

#[test]
fn kernel_values_parse_as_the_catalog_says() {
    let mut read = 0;
    for row in catalog::rows(System::Linux) {
        let mut files = vec![file(row)];
        for (all, one) in [("block/*", "/sys/block"), ("kernel/mm/hugepages/*", "/sys/kernel/mm/hugepages")] {
            if let (Some(rest), Ok(entries)) = (row.name.strip_prefix(all), fs::read_dir(one)) {
                files =
                    entries.map(|entry| PathBuf::from(format!("{}{rest}", entry.unwrap().path().display()))).collect();
            }
        }
        for file in files {
            let text = match fs::read_to_string(&file) {
                Ok(text) => text,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => continue,
                Err(error) => panic!("{}: {error}", file.display()),
            };
            assert_ne!(row.access, Access::WriteOnly, "{} can be read", row.name);
            let value = row.values.kind.parse(&text);
            assert!(value.is_ok(), "{}: {}", row.name, value.unwrap_err());
            assert!(row.exists_on(version()), "{} is here, on {}", row.name, version());
            read += 1;
        }
    }
    assert!(read > 150, "only {read} settings of this kernel are known");
}

#[test]
fn file_modes_match_the_access_in_the_catalog() {
    for row in catalog::rows(System::Linux) {
        let Ok(found) = fs::metadata(file(row)) else { continue };
        let mode = found.permissions().mode();
        match row.access {
            Access::ReadOnly => assert_eq!(mode & 0o222, 0, "{}: mode {mode:o}", row.name),
            Access::WriteOnly => assert_eq!(mode & 0o444, 0, "{}: mode {mode:o}", row.name),
            Access::ReadWrite => assert_ne!(mode & 0o444, 0, "{}: mode {mode:o}", row.name),
        }
    }
}

/// Every setting of the network by its path below `/proc/sys`, and whether its mode lets anybody write it.
/// Without those of interfaces that only one of the namespaces has.
fn settings_of_the_network() -> BTreeMap<String, bool> {
    fn walk(folder: &Path, found: &mut BTreeMap<String, bool>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let (path, kind) = (entry.path(), entry.file_type().unwrap());
            let name = entry.file_name();
            let of_interfaces = folder.ends_with("conf") || folder.ends_with("neigh");
            if of_interfaces && !["all", "default", "lo"].iter().any(|common| name == *common) {
                continue;
            }
            if kind.is_dir() {
                walk(&path, found);
            } else {
                let mode = entry.metadata().unwrap().permissions().mode();
                let key = path.strip_prefix("/proc/sys").unwrap().to_str().unwrap().to_owned();
                found.insert(key, mode & 0o222 != 0);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(Path::new("/proc/sys/net"), &mut found);
    found
}

#[test]
fn new_network_namespace_has_the_settings_of_the_catalog() {
    if !is_inside() {
        let lines: Vec<String> =
            settings_of_the_network().iter().map(|(key, write)| format!("{write} {key}\n")).collect();
        fs::write(OUTSIDE, lines.concat()).unwrap();
    }
    inside(this_test!(), || {
        let inside = settings_of_the_network();
        let text = fs::read_to_string(OUTSIDE).unwrap();
        let outside = text.lines().filter_map(|line| line.split_once(' ')).map(|(write, key)| (key, write == "true"));
        let mut compared = 0;
        for (path, writable_outside) in outside {
            let key = Key::Sysctl(SysctlName::parse(path).unwrap());
            if !is_known(&key) {
                continue;
            }
            let expected = catalog::in_new_netns(System::Linux, &key, version());
            let found = match inside.get(path) {
                None => InNewNetns::Absent,
                Some(false) if writable_outside => InNewNetns::ReadOnly,
                // Read-only everywhere.
                Some(false) => expected,
                Some(true) => InNewNetns::Writable,
            };
            assert_eq!(found, expected, "{path}");
            let scope = catalog::scope_of(System::Linux, &key, version());
            assert!(matches!(scope, Scope::NetNs | Scope::HostNet), "{path}");
            compared += 1;
        }
        assert!(compared > 100, "only {compared} settings were compared");
    });
}

/// Whether what a fresh namespace has of it is known for the kernel that runs: on the measured one for all
/// settings, on others for those with a row that was never otherwise. Where a user namespace owns the
/// network namespace, some are absent besides.
fn is_known(key: &Key) -> bool {
    let row = catalog::row(System::Linux, key);
    let Key::Sysctl(name) = key else { return false };
    if is_in_user_namespace() {
        let absent_there = name.path().starts_with("net/ipv6/route/") || name.path().starts_with("net/core/xfrm_");
        if absent_there || row.is_some_and(|row| row.rare.in_user_netns_since.is_some_and(|since| version() < since)) {
            return false;
        }
    }
    let never_otherwise = |row: Row| row.in_new_netns.before.is_none() && row.scope.before.is_none();
    version() == MEASURED || row.is_some_and(never_otherwise)
}

fn is_in_user_namespace() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    !map.split_whitespace().eq(["0", "0", "4294967295"])
}

/// What depends on other settings, and is looked at by itself below.
const DEPENDENT: [&str; 9] = [
    "kernel.sem",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ipfrag_high_thresh",
    "net.ipv4.ipfrag_low_thresh",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_reordering",
    "net.ipv6.ip6frag_high_thresh",
    "net.ipv6.ip6frag_low_thresh",
];

#[test]
fn kernel_accepts_exactly_the_ranges_of_the_catalog() {
    inside(this_test!(), || {
        let mut tried = 0;
        let mut wrong = Vec::new();
        for row in catalog::rows(System::Linux).filter(|row| is_to_be_tried(row)) {
            let Ok(before) = fs::read_to_string(file(row)) else { continue };
            wrong.extend(try_edges(row));
            fs::write(file(row), before.trim()).unwrap();
            tried += 1;
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(tried > 60, "only {tried} settings were tried");
    });
}

/// Whether it belongs to the namespaces that the test is in, and its edges depend on nothing else.
fn is_to_be_tried(row: &Row) -> bool {
    let ours = matches!(row.scope.at(version()), Scope::NetNs | Scope::IpcNs);
    let numeric = matches!(row.values.kind, Kind::Number | Kind::Numbers(_));
    ours && numeric && row.access == Access::ReadWrite && !DEPENDENT.contains(&row.name)
}

/// Writes both ends of what the kernel takes, and what lies just outside.
fn try_edges(row: &Row) -> Vec<String> {
    let (Some(min), Some(max)) = row.range_on(version()) else { return Vec::new() };
    let mut wrong = Vec::new();
    let mut edge = |number: i128, expected: bool| {
        let (taken, read) = write(row, number);
        let kept = read == row.values.kind.parse(&all_of(row, number)).ok() || row.rare.read_back.is_some();
        if taken != expected || (taken && !kept) {
            wrong.push(format!("{} = {number}: expected {expected}, taken {taken}, read {read:?}", row.name));
        }
    };
    if version() == MEASURED {
        edge(min, true);
        edge(max, true);
    }
    // Where it hangs on the build, all that is known is what every one takes.
    let varies = row.rare.range_varies.is_some();
    let the_same_everywhere = row.kernel_range.is_none_or(|range| range.then.is_empty());
    if !varies && (the_same_everywhere || version() == MEASURED) {
        edge(min - 1, false);
        edge(max + 1, false);
    }
    wrong
}

/// Whether the kernel takes the number, without an error and to the last byte, and what it then has.
fn write(row: &Row, number: i128) -> (bool, Option<Value>) {
    use std::io::Write;
    let text = all_of(row, number);
    let mut open = fs::OpenOptions::new().write(true).open(file(row)).unwrap();
    let taken = open.write(text.as_bytes()).is_ok_and(|written| written == text.len());
    (taken, row.values.kind.parse(&fs::read_to_string(file(row)).unwrap()).ok())
}

/// The number as often as the setting has numbers.
fn all_of(row: &Row, number: i128) -> String {
    let count = if let Kind::Numbers(count) = row.values.kind { count } else { 1 };
    vec![number.to_string(); usize::from(count)].join(" ")
}

#[test]
fn dependent_settings_are_refused_as_the_catalog_notes_say() {
    inside(this_test!(), || {
        for (name, text, error) in [
            ("net.ipv4.ip_local_port_range", "1023 65535", Some(22)),
            ("net.ipv4.ip_local_port_range", "1024 65535", None),
            ("net.ipv4.ip_unprivileged_port_start", "1025", Some(22)),
            ("net.ipv4.ip_unprivileged_port_start", "0", None),
            ("net.ipv4.ip_local_port_range", "1 65535", None),
            ("net.ipv4.ip_local_port_range", "0 65535", Some(22)),
            ("net.ipv4.ip_local_port_range", "1 65536", Some(22)),
            ("net.ipv4.ip_local_reserved_ports", "65535,8081,8080", None),
            ("net.ipv4.ip_local_reserved_ports", "65536", Some(22)),
            ("net.ipv4.ipfrag_high_thresh", "3145727", Some(22)),
            ("net.ipv4.ipfrag_low_thresh", "4194305", Some(22)),
            ("net.ipv6.ip6frag_low_thresh", "4194305", Some(22)),
            ("net.ipv4.tcp_congestion_control", "no_such_thing", Some(2)),
            ("net.ipv4.tcp_reordering", "300", None),
            ("net.ipv4.tcp_max_reordering", "1000", None),
            ("net.ipv4.tcp_reordering", "1000", None),
            ("kernel.sem", "32000 1024000000 500 32768", None),
            ("kernel.sem", "32000 1024000000 500 32769", Some(34)),
        ] {
            let path = Path::new("/proc/sys").join(SysctlName::parse(name).unwrap().path());
            if !path.exists() {
                continue;
            }
            let found = fs::write(&path, text).err().and_then(|error| error.raw_os_error());
            assert_eq!(found, error, "{name} = {text}");
        }
        let reserved = fs::read_to_string("/proc/sys/net/ipv4/ip_local_reserved_ports").unwrap();
        assert_eq!(reserved.trim(), "8080-8081,65535", "sorted and merged");
    });
}
