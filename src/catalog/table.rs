//! Finding the row of a setting: all rows, in tables that are sorted by name.

use super::index::{Index, LONGEST};
use super::row::Row;
use super::{
    fs, kernel, kernel_sched, macos, net_bridge, net_core, net_ipv4, net_ipv4_conf, net_ipv6, net_neigh, net_other,
    net_tcp, net_tcp_more, sysfs, user, vm,
};
use crate::model::hashed::of_path;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Spec, System};

/// The sysctls of Linux: each table is sorted by name, and so are they all in this order.
static LINUX: [&[Row]; 14] = [
    fs::ROWS,
    kernel::ROWS,
    kernel_sched::ROWS,
    net_bridge::ROWS,
    net_core::ROWS,
    net_ipv4_conf::ROWS,
    net_ipv4::ROWS,
    net_neigh::ROWS,
    net_tcp::ROWS,
    net_tcp_more::ROWS,
    net_ipv6::ROWS,
    net_other::ROWS,
    user::ROWS,
    vm::ROWS,
];

/// The sysctls of macOS.
static MACOS: [&[Row]; 1] = [macos::ROWS];

/// The attributes beneath `/sys`.
static SYSFS: [&[Row]; 1] = [sysfs::ROWS];

static LINUX_INDEX: Index<1024> = Index::new(&LINUX, b'.');
static MACOS_INDEX: Index<128> = Index::new(&MACOS, b'.');
static SYSFS_INDEX: Index<128> = Index::new(&SYSFS, b'/');

fn tables(system: System) -> &'static [&'static [Row]] {
    match system {
        System::Linux => &LINUX,
        System::MacOs => &MACOS,
    }
}

/// The folders beneath `/proc/sys` and `/sys` with one entry for each interface, disk, processor or size:
/// the row of all of them has a `*` in its place.
const ONE_EACH: [&str; 8] = [
    "net/ipv4/conf/",
    "net/ipv4/neigh/",
    "net/ipv6/conf/",
    "net/ipv6/neigh/",
    "net/mpls/conf/",
    "block/",
    "devices/system/cpu/",
    "kernel/mm/hugepages/",
];

/// The row of a setting: its own, or else the one for all of its kind (`net.ipv4.conf.*.rp_filter` for
/// `net.ipv4.conf.eth0.rp_filter`).
#[must_use]
pub fn row(system: System, key: &Key) -> Option<&'static Row> {
    let (path, hash, find): (_, _, fn(&[u8], u32) -> _) = match (system, key) {
        (System::Linux, Key::Sysctl(name)) => (name.path(), name.hash(), |path, hash| LINUX_INDEX.find(path, hash)),
        (System::Linux, Key::Sysfs(name)) => {
            (name.path(), of_path(name.path().as_bytes()), |path, hash| SYSFS_INDEX.find(path, hash))
        }
        (System::MacOs, Key::Sysctl(name)) => (name.path(), name.hash(), |path, hash| MACOS_INDEX.find(path, hash)),
        (System::MacOs, Key::Sysfs(_)) => return None,
    };
    let mut general = [0; LONGEST];
    find(path.as_bytes(), hash).or_else(|| {
        let general = for_all(path, &mut general)?;
        find(general, of_path(general))
    })
}

/// The shape of a setting's values, and which of them are sane, if it is known.
#[must_use]
pub fn spec(system: System, key: &Key) -> Option<Spec> {
    row(system, key).map(Row::spec)
}

/// The other of two sysctls that say one thing in two units: a write to either sets the other to 0, and the kernel
/// refuses 0 for some (mm/page-writeback.c, mm/util.c). So one that was 0 is put back by writing the other.
#[must_use]
pub fn counterpart(system: System, key: &Key) -> Option<Key> {
    const PAIRS: [[&str; 2]; 3] = [
        ["vm/dirty_background_bytes", "vm/dirty_background_ratio"],
        ["vm/dirty_bytes", "vm/dirty_ratio"],
        ["vm/overcommit_kbytes", "vm/overcommit_ratio"],
    ];
    let Key::Sysctl(name) = key else { return None };
    let of_vm = name.path().starts_with("vm/");
    let of_linux = PAIRS.iter().filter(|_| of_vm && system == System::Linux);
    let other = of_linux.flat_map(|[a, b]| [(a, b), (b, a)]).find(|(this, _)| **this == name.path());
    other.and_then(|(_, other)| SysctlName::parse(other).ok()).map(Key::Sysctl)
}

/// Every row of a system, sysctls first and then sysfs, each sorted by name.
pub fn rows(system: System) -> impl Iterator<Item = &'static Row> {
    let sysfs: &'static [Row] = if system == System::Linux { sysfs::ROWS } else { &[] };
    tables(system).iter().copied().chain([sysfs]).flatten()
}

/// The names of a system's sysctls, for suggestions.
pub fn names(system: System) -> impl Iterator<Item = &'static str> {
    tables(system).iter().copied().flatten().map(|row| row.name)
}

/// The path with the name of the one interface (or the like) replaced by `*`.
fn for_all<'b>(path: &str, buffer: &'b mut [u8; LONGEST]) -> Option<&'b [u8]> {
    let folder = ONE_EACH.iter().find(|folder| path.starts_with(**folder))?;
    let rest = &path.as_bytes()[folder.len()..];
    let rest = &rest[rest.iter().position(|byte| *byte == b'/')?..];
    let (start, end) = (folder.len() + 1, folder.len() + 1 + rest.len());
    buffer[..folder.len()].copy_from_slice(folder.as_bytes());
    buffer[folder.len()] = b'*';
    buffer.get_mut(start..end)?.copy_from_slice(rest);
    buffer.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::SysfsName;

    fn named(text: &str) -> Option<&'static str> {
        row(System::Linux, &Key::Sysctl(SysctlName::parse(text).unwrap())).map(|row| row.name)
    }

    #[test]
    fn every_row_is_found_by_its_own_name() {
        for system in [System::Linux, System::MacOs] {
            for name in names(system) {
                let key = Key::Sysctl(SysctlName::parse(name).unwrap());
                assert_eq!(row(system, &key).map(|row| row.name), Some(name));
            }
        }
        for known in sysfs::ROWS {
            let key = Key::Sysfs(SysfsName::parse(known.name).unwrap());
            assert_eq!(row(System::Linux, &key).map(|row| row.name), Some(known.name));
            assert!(row(System::MacOs, &key).is_none());
        }
    }

    #[test]
    fn rows_are_sorted_and_each_is_there_once() {
        for system in [System::Linux, System::MacOs] {
            let names: Vec<String> = names(system).map(|name| name.replace('.', "/")).collect();
            for pair in names.windows(2) {
                assert!(pair[0] < pair[1], "{} stands before {}", pair[0], pair[1]);
            }
        }
        for pair in sysfs::ROWS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} stands before {}", pair[0].name, pair[1].name);
        }
    }

    #[test]
    fn one_row_stands_for_every_interface() {
        assert_eq!(named("net.ipv4.conf.eth0/100.rp_filter"), Some("net.ipv4.conf.*.rp_filter"));
        assert_eq!(named("net.ipv4.conf.*.rp_filter"), Some("net.ipv4.conf.*.rp_filter"));
        assert_eq!(named("net.ipv4.conf.eth*.rp_filter"), Some("net.ipv4.conf.*.rp_filter"));
        assert_eq!(named("net.ipv4.conf.eth0.100.rp_filter"), None);
        assert_eq!(named("net/core.somaxconn"), None);
        assert_eq!(named("net/core/somaxconn"), Some("net.core.somaxconn"));
        assert_eq!(named("net.core"), None);
        assert_eq!(named("vm.nr_hugepage"), None);
    }
}
