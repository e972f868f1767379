//! Finding the row of a setting: all rows, in tables that are sorted by name.

use super::row::{Docker, Kubernetes, Row};
use super::scope::{InNewNetns, Scope};
use super::version::Changed;
use super::{
    fs, hostnet, kernel, kernel_sched, macos, net_core, net_ipv4, net_ipv4_conf, net_ipv6, net_neigh, net_other,
    net_tcp, net_tcp_more, sysfs, user, vm,
};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System, ValueSpec};

/// Some tables of rows: each is sorted by name, and so are they all in their order.
type Tables = &'static [&'static [Row]];

/// The sysctls of Linux.
static LINUX: Tables = &[
    fs::ROWS,
    kernel::ROWS,
    kernel_sched::ROWS,
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
static MACOS: Tables = &[macos::ROWS];

/// The attributes below `/sys`.
static SYSFS: Tables = &[sysfs::ROWS];

/// What the names of sysctls begin with that exist once for each network interface: the row of all of them has a `*` in
/// the place of the interface's name.
const INTERFACES: [&str; 5] =
    ["net.ipv4.conf.", "net.ipv4.neigh.", "net.ipv6.conf.", "net.ipv6.neigh.", "net.mpls.conf."];

/// The same below `/sys`, where it is for each disk, processor or page size.
const DEVICES: [&str; 3] = ["block/", "devices/system/cpu/", "kernel/mm/hugepages/"];

/// What is known of a setting: its row, changed where the row of all its kind does not hold for this one.
#[must_use]
pub fn row(system: System, key: &Key) -> Option<Row> {
    let row = *find(system, key)?;
    Some(if system == System::Linux && hostnet::is_of_all_neighbours(key) { of_initial_netns(row) } else { row })
}

/// The row with the scope of what only the initial network namespace has.
fn of_initial_netns(row: Row) -> Row {
    Row {
        scope: Changed { now: Scope::HostNet, before: None },
        in_new_netns: Changed { now: InNewNetns::Absent, before: None },
        docker: Docker::AcceptedButFails,
        kubernetes: Kubernetes::NotPossible,
        ..row
    }
}

/// The row of a setting as the tables have it: its own, or else the one for all of its kind
/// (`net.ipv4.conf.*.rp_filter` for `net.ipv4.conf.eth0.rp_filter`). For everything but scope and containers, which
/// [`row`] corrects.
#[must_use]
pub fn find(system: System, key: &Key) -> Option<&'static Row> {
    match (system, key) {
        (System::Linux, Key::Sysctl(name)) => {
            let name = name.dotted();
            search(LINUX, &name).or_else(|| search(LINUX, &of_all(&name, &INTERFACES, ".")?))
        }
        (System::Linux, Key::Sysfs(name)) => {
            search(SYSFS, name.path()).or_else(|| search(SYSFS, &of_all(name.path(), &DEVICES, "/")?))
        }
        (System::MacOs, Key::Sysctl(name)) => search(MACOS, &name.dotted()),
        (System::MacOs, Key::Sysfs(_)) => None,
    }
}

fn search(tables: Tables, name: &str) -> Option<&'static Row> {
    let behind = tables.partition_point(|rows| rows.first().is_some_and(|row| row.name <= name));
    let rows = tables.get(behind.checked_sub(1)?)?;
    rows.binary_search_by(|row| row.name.cmp(name)).ok().and_then(|at| rows.get(at))
}

/// The shape of a setting's values, and which of them are sane, if it is known.
#[must_use]
pub fn spec(system: System, key: &Key) -> Option<ValueSpec> {
    find(system, key).map(Row::spec)
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
pub fn rows(system: System) -> impl Iterator<Item = &'static Row> {
    let attributes = if system == System::Linux { SYSFS } else { &[] };
    sysctls(system).iter().chain(attributes).copied().flatten()
}

/// The names of a system's sysctls, for suggestions.
pub fn names(system: System) -> impl Iterator<Item = &'static str> {
    sysctls(system).iter().copied().flatten().map(|row| row.name)
}

fn sysctls(system: System) -> Tables {
    match system {
        System::Linux => LINUX,
        System::MacOs => MACOS,
    }
}

/// The name of the row for all of a kind: with a `*` for the component behind one of the prefixes `of`.
fn of_all(name: &str, of: &[&str], separator: &str) -> Option<String> {
    let prefix = of.iter().find(|prefix| name.starts_with(**prefix))?;
    let (_, rest) = name.get(prefix.len()..)?.split_once(separator)?;
    Some([prefix, "*", separator, rest].concat())
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
            let names: Vec<&str> = names(system).collect();
            for pair in names.windows(2) {
                assert!(pair[0] < pair[1], "{} is not sorted before {}", pair[0], pair[1]);
            }
        }
        for pair in sysfs::ROWS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} is not sorted before {}", pair[0].name, pair[1].name);
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
