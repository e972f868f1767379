//! How near a network namespace is to its bounds, for metrics: of our own and of that of a named process. What can't be
//! read has no series.

use std::path::Path;

use crate::counters::processes::{descriptor_limit, open_descriptors, with_descendants};
use crate::counters::sockets::fullest_destination;
use crate::counters::{Counter, Snapshot, read};
use crate::formats::prometheus::{Figure, Kind};
use crate::linux::listeners;
use crate::linux::namespaces::{is_same_network, within_network_of};
use crate::linux::netlink::Connection;
use crate::model::ranges::Ranges;
use crate::model::value::MAX_PORT;
use crate::sys::{Netlink, own_pid, read_text};

/// Counters that tell of a bound that was reached.
const TOTALS: [(Counter, &str, &str); 9] = [
    (
        Counter::ListenOverflows,
        "tunectl_listen_overflows_total",
        "Connections dropped because an accept queue was full.",
    ),
    (
        Counter::ListenDrops,
        "tunectl_listen_drops_total",
        "Connection requests dropped by listeners, overflows included.",
    ),
    (
        Counter::ReqQFullDrop,
        "tunectl_syn_queue_drops_total",
        "Connection requests dropped because a SYN queue was full.",
    ),
    (Counter::ConntrackDrop, "tunectl_conntrack_drops_total", "Packets dropped because the conntrack table was full."),
    (
        Counter::UdpRcvbufErrors,
        "tunectl_udp_receive_buffer_drops_total",
        "Datagrams dropped because a receive buffer was full.",
    ),
    (Counter::RcvQDrop, "tunectl_tcp_receive_drops_total", "Packets dropped because TCP had no memory for them."),
    (Counter::MemoryPressures, "tunectl_tcp_memory_pressures_total", "How often TCP came under memory pressure."),
    (Counter::TimeWaitOverflow, "tunectl_time_wait_overflows_total", "TIME_WAIT sockets beyond tcp_max_tw_buckets."),
    (Counter::IpOutDiscards, "tunectl_ip_out_discards_total", "IPv4 packets dropped on the way out."),
];

/// The figures of our own network namespace, of that of process `pid`, and of the machine. `proc` is `/proc`.
#[must_use]
pub(super) fn figures(proc: &Path, pid: Option<i32>) -> Vec<Figure> {
    let mut figures = of_namespace(proc, &proc.join("self/net"), "own");
    if let Some(pid) = pid {
        if is_same_network(proc, pid) == Some(false) {
            let net = proc.join(pid.to_string()).join("net");
            let theirs = within_network_of(proc, pid, || of_namespace(proc, &net, "process"));
            figures.extend(theirs.unwrap_or_default());
        }
        figures.extend(of_processes(proc, pid));
    }
    figures.extend(of_machine(proc));
    figures
}

fn gauge(
    name: &'static str,
    help: &'static str,
    labels: &[(&'static str, &str)],
    value: Option<u64>,
) -> Option<Figure> {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Some(Figure { name, help, kind: Kind::Gauge, labels, value: value? })
}

fn of_namespace(proc: &Path, net: &Path, namespace: &str) -> Vec<Figure> {
    if !net.exists() {
        return Vec::new();
    }
    let labels = [("namespace", namespace)];
    let counters = read::network(net);
    let total = |(counter, name, help): (Counter, &'static str, &'static str)| {
        let figure = gauge(name, help, &labels, counters.get(counter).ok())?;
        Some(Figure { kind: Kind::Counter, ..figure })
    };
    let mut figures: Vec<Figure> = TOTALS.into_iter().filter_map(total).collect();
    let sysctl = |path: &str| read_text(&proc.join("sys/net").join(path)).ok();
    let number = |path: &str| sysctl(path)?.trim().parse::<u64>().ok();
    let level = |counter: Counter| counters.get(counter).ok();
    figures.extend(
        [
            gauge(
                "tunectl_somaxconn",
                "net.core.somaxconn, the longest accept queue.",
                &labels,
                number("core/somaxconn"),
            ),
            gauge(
                "tunectl_max_syn_backlog",
                "net.ipv4.tcp_max_syn_backlog.",
                &labels,
                number("ipv4/tcp_max_syn_backlog"),
            ),
            gauge(
                "tunectl_conntrack_entries",
                "Entries of the conntrack table.",
                &labels,
                level(Counter::ConntrackEntries),
            ),
            gauge(
                "tunectl_conntrack_max",
                "net.netfilter.nf_conntrack_max.",
                &labels,
                number("netfilter/nf_conntrack_max"),
            ),
            gauge("tunectl_time_wait_sockets", "TCP sockets in TIME_WAIT.", &labels, level(Counter::SocketsTimeWait)),
            gauge("tunectl_time_wait_max", "net.ipv4.tcp_max_tw_buckets.", &labels, number("ipv4/tcp_max_tw_buckets")),
        ]
        .into_iter()
        .flatten(),
    );
    figures.extend(of_sockets(&labels, &counters, available_ports(&sysctl)));
    figures
}

/// Ports of the range less the reserved ones.
fn available_ports(sysctl: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let range = sysctl("ipv4/ip_local_port_range")?;
    let ends: Vec<u32> = range.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [low, high] = ends[..] else { return None };
    let reserved = sysctl("ipv4/ip_local_reserved_ports").unwrap_or_default();
    let reserved = Ranges::parse(reserved.trim(), MAX_PORT).unwrap_or_default();
    Some(Ranges::between(low, high).without(&reserved).count())
}

/// The fullest accept queue, and ports towards the fullest destination.
fn of_sockets(labels: &[(&'static str, &str)], counters: &Snapshot, available: Option<u64>) -> Vec<Figure> {
    let Ok(mut connection) = Connection::open(Netlink::SockDiag) else { return Vec::new() };
    let listeners = listeners::all(&mut connection).unwrap_or_default();
    let left = |listener: &&listeners::Listener| i64::from(listener.backlog) - i64::from(listener.waiting);
    let fullest = listeners.iter().min_by_key(left);
    // Where there are few sockets, no destination is near the bound, and none is counted one by one.
    let sockets = [Counter::SocketsInUse, Counter::Sockets6InUse, Counter::SocketsTimeWait];
    let sockets: u64 = sockets.into_iter().filter_map(|counter| counters.get(counter).ok()).sum();
    let used = if available.is_some_and(|available| sockets * 4 < available) {
        Some(sockets)
    } else {
        fullest_destination(&mut connection, None, &[]).ok().map(|count| count.unwrap_or_default().used)
    };
    let queue = |of: fn(&listeners::Listener) -> u32| fullest.map(|listener| u64::from(of(listener)));
    let figures = [
        gauge(
            "tunectl_accept_queue_used",
            "Connections in the accept queue with the fewest places left.",
            labels,
            queue(|listener| listener.waiting),
        ),
        gauge("tunectl_accept_queue_limit", "The length of that queue.", labels, queue(|listener| listener.backlog)),
        gauge(
            "tunectl_local_ports_used",
            "Local ports in use towards the fullest destination; all sockets where those are few.",
            labels,
            used,
        ),
        gauge(
            "tunectl_local_ports_available",
            "Ports of ip_local_port_range less the reserved ones.",
            labels,
            available,
        ),
    ];
    figures.into_iter().flatten().collect()
}

/// The descriptors of the process, or of one that it has started, whichever has the fewest left.
fn of_processes(proc: &Path, pid: i32) -> Vec<Figure> {
    let uses = with_descendants(proc, &[pid]).into_iter().filter_map(|pid| {
        let (open, limit) = (open_descriptors(proc, pid).ok()?, descriptor_limit(proc, pid)?);
        Some((open, limit))
    });
    let fullest = uses.max_by_key(|(open, limit)| u128::from(*open) * 1_000_000 / u128::from((*limit).max(1)));
    let labels = [("of", "process")];
    descriptors(&labels, fullest)
}

fn of_machine(proc: &Path) -> Vec<Figure> {
    let text = read_text(&proc.join("sys/fs/file-nr")).unwrap_or_default();
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let machine = if let [open, _, most] = numbers[..] { Some((open, most)) } else { None };
    let own = own_pid();
    let ours = open_descriptors(proc, own).ok().zip(descriptor_limit(proc, own));
    [descriptors(&[("of", "machine")], machine), descriptors(&[("of", "tunectl")], ours)].concat()
}

fn descriptors(labels: &[(&'static str, &str)], its: Option<(u64, u64)>) -> Vec<Figure> {
    let figures = [
        gauge("tunectl_files_open", "Open files.", labels, its.map(|(open, _)| open)),
        gauge(
            "tunectl_files_limit",
            "The bound: nofile, of the machine fs.file-max.",
            labels,
            its.map(|(_, limit)| limit),
        ),
    ];
    figures.into_iter().flatten().collect()
}
