//! Finding the row of a setting: all rows, in tables that are sorted by name.

use super::index::{Index, LONGEST};
use super::pack::{Packed, packed};
use super::row::{Docker, Kubernetes, Row as Written};
use super::scope::{InNewNetns, Scope};
use super::unpack::Entry;
use super::version::Changed;
use super::{
    Row, fs, hostnet, kernel, kernel_sched, macos, net_bridge, net_core, net_ipv4, net_ipv4_conf, net_ipv6, net_neigh,
    net_other, net_tcp, net_tcp_more, sysfs, user, vm,
};
use crate::model::hashed::of_path;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, RowNumber, System, ValueSpec};

/// The sysctls of Linux: each table is sorted by name, and so are they all in this order.
const OF_LINUX: [&[Written]; 14] = [
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
const OF_MACOS: [&[Written]; 1] = [macos::ROWS];

/// The attributes beneath `/sys`.
const OF_SYSFS: [&[Written]; 1] = [sysfs::ROWS];

static LINUX: Packed = packed!(b'.', &OF_LINUX);
static MACOS: Packed = packed!(b'.', &OF_MACOS);
static SYSFS: Packed = packed!(b'/', &OF_SYSFS);

static LINUX_INDEX: Index<768> = Index::new(&LINUX);
static MACOS_INDEX: Index<128> = Index::new(&MACOS);
static SYSFS_INDEX: Index<128> = Index::new(&SYSFS);

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
pub fn row(system: System, key: &Key) -> Option<Row> {
    let mut row = entry(system, key)?.row();
    if system == System::Linux && hostnet::is_of_all_neighbours(key) {
        make_the_hosts(&mut row);
    }
    Some(row)
}

/// What every network namespace has, but for this one.
fn make_the_hosts(row: &mut Row) {
    row.scope = Changed { now: Scope::HostNet, before: None };
    row.in_new_netns = Changed { now: InNewNetns::Absent, before: None };
    (row.docker, row.kubernetes) = (Docker::AcceptedButFails, Kubernetes::NotPossible);
}

/// The same, of which only what is asked for is read.
#[must_use]
pub fn entry(system: System, key: &Key) -> Option<Entry> {
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

/// The entry of this number, which was that of `key` before.
#[must_use]
pub fn entry_at(system: System, key: &Key, RowNumber(at): RowNumber) -> Entry {
    let rows = match (system, key) {
        (System::MacOs, _) => &MACOS,
        (System::Linux, Key::Sysctl(_)) => &LINUX,
        (System::Linux, Key::Sysfs(_)) => &SYSFS,
    };
    Entry::at(rows, at.into())
}

/// The shape of a setting's values, and which of them are sane, if it is known.
#[must_use]
pub fn spec(system: System, key: &Key) -> Option<ValueSpec> {
    entry(system, key).map(Entry::spec)
}

/// How two sysctls hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coupling {
    /// They say one thing in two units: a write to either sets the other to 0, and the kernel refuses 0 for some
    /// (mm/page-writeback.c, mm/util.c).
    Zeroes,
    /// They are two names of one value (net/ipv4/devinet.c, `net/netfilter/nf_conntrack_standalone.c`).
    Same,
}

/// The other of two sysctls that are one thing.
#[must_use]
pub fn bond(system: System, key: &Key) -> Option<(Key, Coupling)> {
    const PAIRS: [(&str, &str, Coupling); 5] = [
        ("vm/dirty_background_bytes", "vm/dirty_background_ratio", Coupling::Zeroes),
        ("vm/dirty_bytes", "vm/dirty_ratio", Coupling::Zeroes),
        ("vm/overcommit_kbytes", "vm/overcommit_ratio", Coupling::Zeroes),
        ("net/ipv4/conf/all/forwarding", "net/ipv4/ip_forward", Coupling::Same),
        ("net/netfilter/nf_conntrack_max", "net/nf_conntrack_max", Coupling::Same),
    ];
    let Key::Sysctl(name) = key else { return None };
    let of_linux = PAIRS.iter().filter(|_| system == System::Linux);
    let mut others = of_linux.flat_map(|(a, b, bond)| [(a, b, bond), (b, a, bond)]);
    let (_, other, bond) = others.find(|(this, _, _)| **this == name.path())?;
    SysctlName::parse(other).ok().map(|name| (Key::Sysctl(name), *bond))
}

/// The key that a write to this one sets to 0: one that was 0 is put back by writing the other.
#[must_use]
pub fn counterpart(system: System, key: &Key) -> Option<Key> {
    let Key::Sysctl(name) = key else { return None };
    // Asked for each key that is written, and these are all that there are.
    let bond = name.path().starts_with("vm/").then(|| bond(system, key)).flatten();
    bond.filter(|(_, bond)| *bond == Coupling::Zeroes).map(|(other, _)| other)
}

/// Every row of a system, sysctls first and then sysfs, each sorted by name.
pub fn rows(system: System) -> impl Iterator<Item = Row> {
    sysctls(system).chain(Entry::all(&SYSFS).filter(move |_| system == System::Linux)).map(Entry::row)
}

/// The names of a system's sysctls, for suggestions.
pub fn names(system: System) -> impl Iterator<Item = &'static str> {
    sysctls(system).map(Entry::name)
}

fn sysctls(system: System) -> impl Iterator<Item = Entry> {
    Entry::all(match system {
        System::Linux => &LINUX,
        System::MacOs => &MACOS,
    })
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
    fn what_is_read_back_is_what_was_written_down() {
        let written = [OF_LINUX.as_slice(), &OF_SYSFS, &OF_MACOS].concat().concat();
        let read: Vec<Row> = rows(System::Linux).chain(rows(System::MacOs)).collect();
        assert_eq!(read.len(), written.len());
        for (read, written) in read.iter().zip(&written) {
            assert_eq!(format!("{read:?}"), format!("{written:?}"));
            let key = if read.name.contains('/') {
                Key::Sysfs(SysfsName::parse(read.name).unwrap())
            } else {
                Key::Sysctl(SysctlName::parse(read.name).unwrap())
            };
            assert_eq!(entry(read.system, &key).map(Entry::after), Some(written.after));
            assert_eq!(entry(read.system, &key).and_then(Entry::one_way), written.one_way);
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
    fn the_neighbours_of_default_are_the_hosts() {
        let found = |name: &str| {
            let row = row(System::Linux, &Key::Sysctl(SysctlName::parse(name).unwrap())).unwrap();
            (row.scope.now, row.in_new_netns.now, row.docker, row.kubernetes)
        };
        let host = (Scope::HostNet, InNewNetns::Absent, Docker::AcceptedButFails, Kubernetes::NotPossible);
        let own = (Scope::NetNs, InNewNetns::Writable, Docker::Accepted, Kubernetes::Unsafe);
        assert_eq!(found("net.ipv4.neigh.default.gc_stale_time"), host);
        assert_eq!(found("net.ipv4.neigh.default.unres_qlen_bytes"), host);
        assert_eq!(found("net.ipv4.neigh.eth0.gc_stale_time"), own);
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
