//! Reading the files of counters: those of a network namespace through any process in it, and the machine's.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use nix::errno::Errno;

use super::parse::{self, Named};
use super::snapshot::{Reading, Snapshot, Unknown};
use super::table::{ROWS, Source};
use crate::linux::errno_of;
use crate::linux::netlink::Connection;
use crate::linux::qdisc::{Qdisc, root_qdiscs};
use crate::sys::read_text;

/// The counters of a network namespace but for those of its queueing disciplines. `net` is `/proc/PID/net` of a
/// process in it, which shows that namespace to whoever reads it, or `/proc/self/net`.
#[must_use]
pub fn network(net: &Path) -> Snapshot {
    let texts = Texts {
        netstat: expected(&net.join("netstat")),
        snmp: expected(&net.join("snmp")),
        snmp6: text(&net.join("snmp6")),
        sockstat: expected(&net.join("sockstat")),
        sockstat6: text(&net.join("sockstat6")),
        conntrack: text(&net.join("stat/nf_conntrack")),
    };
    let tables = Tables {
        netstat: named(&texts.netstat, Named::paired),
        snmp: named(&texts.snmp, Named::paired),
        snmp6: named(&texts.snmp6, Named::lines),
        sockstat: named(&texts.sockstat, Named::sockstat),
        sockstat6: named(&texts.sockstat6, Named::sockstat),
        conntrack: texts.conntrack.as_deref().map_err(|unknown| *unknown),
    };
    ROWS.iter().filter_map(|row| Some((row.counter, tables.reading(row.source)?))).collect()
}

/// The counters of the whole machine. `proc` is `/proc`.
#[must_use]
pub fn host(proc: &Path) -> Snapshot {
    let softnet = text(&proc.join("net/softnet_stat"));
    let stat = text(&proc.join("stat"));
    let vmstat = text(&proc.join("vmstat"));
    let times = with(&stat, parse::cpu_time);
    let reading = |source: Source| -> Option<Reading> {
        Some(match source {
            Source::Softnet(column) => {
                with(&softnet, |text| parse::softnet_column(text, column)).map(|numbers| numbers.iter().sum())
            }
            Source::Pressure(file) => {
                with(&text(&proc.join("pressure").join(file)), |text| parse::pressure(text, "some"))
            }
            Source::CpuTime(field) => times.clone().and_then(|times| times.get(field).copied().ok_or(Unknown::Absent)),
            // Without guest time, which user time holds already.
            Source::CpuTimeSum => times.clone().map(|times| times.iter().take(8).sum()),
            Source::Vmstat(name) => with(&vmstat, |text| Named::lines(text).get("", name)),
            Source::FileNr => with(&text(&proc.join("sys/fs/file-nr")), parse::first_number),
            _ => return None,
        })
    };
    ROWS.iter().filter_map(|row| Some((row.counter, reading(row.source)?))).collect()
}

/// Packets that the queueing discipline of each interface of a namespace dropped, by the interface's number.
///
/// # Errors
/// The kernel was built without them, or did not answer.
pub fn qdisc_drops(connection: &mut Connection) -> Result<BTreeMap<u32, u64>, Unknown> {
    let mut drops = BTreeMap::new();
    let mut take = |qdisc: Qdisc| {
        drops.insert(qdisc.interface, u64::from(qdisc.drops));
    };
    root_qdiscs(connection, &mut take).map_err(|error| unknown(&error))?;
    Ok(drops)
}

/// The name of an interface by its number, in `/proc/PID/net/igmp`: `2\teth0      :     1      V3`.
#[must_use]
pub fn interface_name(net: &Path, number: u32) -> Option<String> {
    let table = text(&net.join("igmp")).ok()?;
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()?.parse() == Ok(number)).then(|| words.next().map(str::to_owned))?
    })
}

type Text = Result<String, Unknown>;

struct Texts {
    netstat: Text,
    snmp: Text,
    snmp6: Text,
    sockstat: Text,
    sockstat6: Text,
    conntrack: Text,
}

struct Tables<'a> {
    netstat: Result<Named<'a>, Unknown>,
    snmp: Result<Named<'a>, Unknown>,
    snmp6: Result<Named<'a>, Unknown>,
    sockstat: Result<Named<'a>, Unknown>,
    sockstat6: Result<Named<'a>, Unknown>,
    conntrack: Result<&'a str, Unknown>,
}

impl Tables<'_> {
    /// Nothing for what is not of a network namespace, or is not in a file.
    fn reading(&self, source: Source) -> Option<Reading> {
        let get = |named: &Result<Named<'_>, Unknown>, table: &str, name: &str| match named {
            Ok(named) => named.get(table, name),
            Err(unknown) => Err(*unknown),
        };
        Some(match source {
            Source::Netstat(table, name) => get(&self.netstat, table, name),
            Source::Snmp(table, name) => get(&self.snmp, table, name),
            Source::Snmp6(name) => get(&self.snmp6, "", name),
            Source::Sockstat(table, name) => get(&self.sockstat, table, name),
            Source::Sockstat6(table, name) => get(&self.sockstat6, table, name),
            Source::ConntrackSum(name) => {
                self.conntrack.and_then(|text| parse::conntrack_column(text, name)).map(|numbers| numbers.iter().sum())
            }
            Source::ConntrackOnce(name) => self
                .conntrack
                .and_then(|text| parse::conntrack_column(text, name))
                .map(|numbers| numbers.first().copied().unwrap_or_default()),
            _ => return None,
        })
    }
}

fn named<'a>(text: &'a Text, parse: fn(&'a str) -> Named<'a>) -> Result<Named<'a>, Unknown> {
    text.as_deref().map(parse).map_err(|unknown| *unknown)
}

fn with<T>(text: &Text, parse: impl FnOnce(&str) -> Result<T, Unknown>) -> Result<T, Unknown> {
    text.as_deref().map_err(|unknown| *unknown).and_then(parse)
}

/// The text of a file. One that is not there belongs to something that this kernel, or this namespace, does not have.
pub(super) fn text(path: &Path) -> Text {
    read_text(path).map_err(|error| unknown(&error))
}

/// The text of a file that every Linux has: where it is missing, `/proc` is, and nothing is known.
fn expected(path: &Path) -> Text {
    text(path).map_err(|unknown| if unknown == Unknown::Absent { Unknown::Unreadable(Errno::ENOENT) } else { unknown })
}

pub(super) fn unknown(error: &io::Error) -> Unknown {
    match errno_of(error) {
        Errno::ENOENT => Unknown::Absent,
        errno => Unknown::Unreadable(errno),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::counters::{Counter, Scope};

    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("tunectl-counters-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    #[test]
    fn the_counters_of_a_namespace() {
        let folder = Folder::with(
            "network",
            &[
                ("netstat", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 589 594\n"),
                ("snmp", "Tcp: PassiveOpens\nTcp: 1880\n"),
                ("snmp6", "Udp6RcvbufErrors 4\n"),
                ("sockstat", "TCP: inuse 3 orphan 77 tw 995 alloc 3 mem 74\n"),
                ("stat/nf_conntrack", "entries drop\n00000010 00000001\n00000010 00000003\n"),
            ],
        );
        let snapshot = network(&folder.0);
        for (counter, reading) in [
            (Counter::ListenOverflows, Ok(589)),
            (Counter::ListenDrops, Ok(594)),
            (Counter::ReqQFullDrop, Err(Unknown::Absent)),
            (Counter::PassiveOpens, Ok(1880)),
            (Counter::Udp6RcvbufErrors, Ok(4)),
            (Counter::SocketsTimeWait, Ok(995)),
            (Counter::Sockets6InUse, Err(Unknown::Absent)),
            (Counter::ConntrackEntries, Ok(16)),
            (Counter::ConntrackDrop, Ok(4)),
            (Counter::CpuPressure, Err(Unknown::Absent)),
        ] {
            assert_eq!(snapshot.get(counter), reading, "{counter}");
        }
    }

    #[test]
    fn the_counters_of_the_machine() {
        let folder = Folder::with(
            "host",
            &[
                ("net/softnet_stat", "00000010 00000001 00000000\n00000020 00000002 00000000\n"),
                ("stat", "cpu  10 0 20 60 0 0 0 10 5 0\n"),
                ("pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=77\n"),
                ("sys/fs/file-nr", "1241\t0\t2466177\n"),
            ],
        );
        let snapshot = host(&folder.0);
        for (counter, reading) in [
            (Counter::SoftnetProcessed, Ok(48)),
            (Counter::SoftnetDropped, Ok(3)),
            (Counter::CpuSteal, Ok(10)),
            (Counter::CpuTotal, Ok(100)),
            (Counter::CpuPressure, Ok(77)),
            (Counter::IoPressure, Err(Unknown::Absent)),
            (Counter::FilesAllocated, Ok(1241)),
            (Counter::OomKills, Err(Unknown::Absent)),
        ] {
            assert_eq!(snapshot.get(counter), reading, "{counter}");
        }
    }

    #[test]
    fn interfaces_have_names() {
        let table = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n1\tlo        :     1      V3\n\
                     \t\t\t\t010000E0     1 0:00000000\t\t0\n2\teth0      :     1      V3\n";
        let folder = Folder::with("igmp", &[("igmp", table)]);
        assert_eq!(interface_name(&folder.0, 2).as_deref(), Some("eth0"));
        assert_eq!(interface_name(&folder.0, 3), None);
    }

    #[test]
    fn a_file_that_can_not_be_read_is_not_absent() {
        let folder = Folder::with("unreadable", &[("netstat/x", ""), ("snmp", "")]);
        let snapshot = network(&folder.0);
        assert_eq!(snapshot.get(Counter::ListenDrops), Err(Unknown::Unreadable(Errno::EISDIR)));
        assert_eq!(snapshot.get(Counter::ActiveOpens), Err(Unknown::Absent));
        assert_eq!(snapshot.get(Counter::SocketsTimeWait), Err(Unknown::Unreadable(Errno::ENOENT)), "no /proc");
        assert_eq!(snapshot.get(Counter::ConntrackDrop), Err(Unknown::Absent), "the module is not loaded");
    }

    /// Every counter that is no control group's and not read by netlink is read by one of the two.
    #[test]
    fn every_counter_is_read() {
        let folder = Folder::with("every", &[]);
        let mut read = network(&folder.0);
        read.extend(host(&folder.0));
        let read: Vec<Counter> = read.since(&Snapshot::default()).iter().map(|(counter, _)| counter).collect();
        for counter in Counter::all().filter(|counter| counter.scope() != Scope::Cgroup) {
            assert_eq!(read.contains(&counter), counter != Counter::QdiscDrops, "{counter}");
        }
    }
}
