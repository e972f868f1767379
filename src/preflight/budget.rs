//! What a load test needs of both sides, by its command line, and whether the machine has it.

use std::fmt::Write;
use std::time::Duration;

use super::load::{Load, Target};
use super::stock::{Stock, Supply, is_local};

/// What a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// File descriptors of the load tester, or of the service.
    Descriptors,
    /// Local ports towards one destination.
    LocalPorts,
    /// Places in the accept queue of the service's listener.
    AcceptQueue,
    /// Entries of the conntrack table.
    ConntrackEntries,
    /// Memory for sockets, in bytes.
    Memory,
}

/// Whose need it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The load tester's.
    Client,
    /// That of the service.
    Service,
}

/// One need of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetItem {
    /// What is needed.
    pub need: Need,
    /// Whose need it is.
    pub side: Side,
    /// What bounds it: a setting, or `backlog` for what the service asks listen(2) for.
    pub setting: &'static str,
    /// How much the run needs.
    pub wanted: u64,
    /// How much there is.
    pub found: Supply,
}

impl BudgetItem {
    /// Whether the machine is known to have less than the run needs.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        matches!(self.found, Supply::Found(found) if found < self.wanted)
    }
}

/// A tester and a service have descriptors of their own beside those of connections: standard streams, epoll, libraries.
const OTHER_DESCRIPTORS: u64 = 32;
/// How long a connection that this side closed first holds its port (`TCP_TIMEWAIT_LEN`), and with `tcp_tw_reuse`.
const TIME_WAIT: Duration = Duration::from_secs(60);
const REUSED_AFTER: Duration = Duration::from_secs(1);
/// How long a closed connection stays in the conntrack table (`nf_conntrack_tcp_timeout_time_wait`).
const TRACKED: Duration = Duration::from_secs(120);
/// An estimate of the memory of a socket with small buffers, in bytes.
const SOCKET: u64 = 16 << 10;

/// What a run needs, beside what there is of it.
#[must_use]
pub fn budget(load: &Load, stock: &Stock) -> Vec<BudgetItem> {
    let connections = load.connections.unwrap_or(1);
    let known = |number: Option<u64>| number.map_or(Supply::Unknown, Supply::Found);
    let over_tcp = !matches!(load.target, Some(Target::Unix(_)));
    let item = |need, side, setting, wanted, found| BudgetItem { need, side, setting, wanted, found };
    let files = connections.saturating_add(OTHER_DESCRIPTORS);
    let mut items = vec![
        item(Need::Descriptors, Side::Client, DESCRIPTORS, files, known(stock.client_descriptors)),
        item(Need::Descriptors, Side::Service, DESCRIPTORS, files, known(stock.service_descriptors)),
    ];
    if over_tcp {
        let held = if stock.reuses_ports { REUSED_AFTER } else { TIME_WAIT };
        let closed = if load.closes_first { closed_within(load, held) } else { 0 };
        items.push(item(
            Need::LocalPorts,
            Side::Client,
            PORT_RANGE,
            connections.saturating_add(closed),
            known(stock.free_ports),
        ));
    }
    let (queue, bound) = match (stock.queue, stock.somaxconn) {
        (Some(queue), Some(somaxconn)) if queue < somaxconn => (Some(queue), "backlog"),
        (queue, somaxconn) => (queue.or(somaxconn), SOMAXCONN),
    };
    items.push(item(Need::AcceptQueue, Side::Service, bound, connections, known(queue)));
    if over_tcp {
        let tracked = connections.saturating_add(closed_within(load, TRACKED));
        items.push(item(Need::ConntrackEntries, Side::Client, CONNTRACK, tracked, stock.conntrack.clone()));
    }
    let sides = if stock.is_local { 2 } else { 1 };
    let memory = connections.saturating_mul(SOCKET * sides);
    items.push(item(Need::Memory, Side::Client, "memory", memory, known(stock.memory)));
    items
}

const DESCRIPTORS: &str = "nofile (soft)";
const PORT_RANGE: &str = "net.ipv4.ip_local_port_range";
const SOMAXCONN: &str = "net.core.somaxconn";
const CONNTRACK: &str = "net.netfilter.nf_conntrack_max";

/// Connections that are closed within such a time: by the rate where one is asked for, at most one for each request. A
/// run whose length and rate are both left to the service closes an unknown number, and none is counted.
fn closed_within(load: &Load, time: Duration) -> u64 {
    if load.keepalive {
        return 0;
    }
    let seconds = load.duration.map_or(time, |duration| duration.min(time)).as_secs_f64();
    let by_rate = load.rate.map(|rate| whole(rate * seconds));
    match (by_rate, load.requests) {
        (Some(by_rate), Some(requests)) => by_rate.min(requests),
        (one, other) => one.or(other).unwrap_or(0),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be within")]
fn whole(number: f64) -> u64 {
    if (0.0..1e15).contains(&number) { number.ceil() as u64 } else { u64::MAX }
}

/// The words of a profile that has what a run needs, as TOML.
#[must_use]
pub fn profile(command: &str, load: &Load, items: &[BudgetItem]) -> String {
    let wanted = |need: Need| items.iter().filter(|item| item.need == need).map(|item| item.wanted).max();
    let mut text = format!("description = {}\n\n[linux.sysctl]\n", quoted(&format!("What this needs: {command}")));
    if let Some(queue) = wanted(Need::AcceptQueue) {
        let _ = writeln!(text, "\"{SOMAXCONN}\" = {{ at_least = {} }}", queue.clamp(128, MOST_IN_QUEUE));
    }
    if let Some(ports) = wanted(Need::LocalPorts) {
        let (low, high) = range(ports);
        if u64::from(high - low) + 1 < ports {
            text += "# One address has fewer ports towards one destination: keep connections open, or use more addresses.\n";
        }
        let _ = writeln!(text, "\"{PORT_RANGE}\" = {{ covers = [{low}, {high}] }}");
    }
    let tracked = items.iter().find(|item| item.need == Need::ConntrackEntries);
    if let Some(item) = tracked.filter(|item| item.found != Supply::NotApplicable) {
        let most = item.wanted.clamp(65_536, u64::from(u32::MAX >> 1));
        let _ = writeln!(text, "\"{CONNTRACK}\" = {{ at_least = {most}, required = false }}");
    }
    if let Some(files) = wanted(Need::Descriptors) {
        let _ = writeln!(text, "\n[rlimit]\nnofile = {{ soft = {{ at_least = {} }} }}", files.clamp(1024, MOST_FILES));
    }
    if let Some(Target::Tcp(host, port)) = &load.target {
        if *port > 0 && is_local(host) {
            let _ = writeln!(text, "\n[service]\nports = [{port}]");
        }
    }
    text + "\n[preflight]\nephemeral_ports_in_use = { at_most = \"10%\" }\n"
}

/// Above this `net.core.somaxconn` is of no use, and before Linux 4.1 wrong: the queue had 16 bits.
const MOST_IN_QUEUE: u64 = 65_535;
/// `fs.nr_open` where nobody has raised it.
const MOST_FILES: u64 = 1_048_576;

/// The range that has so many ports: the kernel's own where that is enough, else the largest.
fn range(ports: u64) -> (u16, u16) {
    if ports <= 28_232 { (32_768, 60_999) } else { (1024, 65_535) }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(line: &str) -> Load {
        Load::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn wanted(line: &str, stock: &Stock, need: Need) -> Vec<u64> {
        budget(&load(line), stock).into_iter().filter(|item| item.need == need).map(|item| item.wanted).collect()
    }

    #[test]
    fn what_each_command_needs() {
        let stock = Stock::default();
        let reuse = Stock { reuses_ports: true, ..Stock::default() };
        for (line, stock, ports, tracked) in [
            ("ab -r -n 40000 -c 4000 http://h/", &stock, 4000, 44_000),
            ("ab -k -n 40000 -c 4000 http://h/", &stock, 4000, 4000),
            ("redis-benchmark -c 50 -n 1000 -k 0", &stock, 1050, 1050),
            ("redis-benchmark -c 50 -n 1000 -k 1", &stock, 50, 50),
            ("redis-benchmark -c 50 -n 1000 -k 0", &reuse, 1050, 1050),
            ("wrk -c 400 -d 30s http://h/", &stock, 400, 400),
            ("hey -c 10 -z 10s -q 100 -disable-keepalive http://h/", &stock, 10, 1010),
        ] {
            assert_eq!(wanted(line, stock, Need::LocalPorts), [ports], "{line}");
            assert_eq!(wanted(line, stock, Need::ConntrackEntries), [tracked], "{line}");
        }
        assert_eq!(wanted("ab -c 4000 http://h/", &stock, Need::Descriptors), [4032, 4032]);
        assert_eq!(wanted("redis-benchmark -s /run/r -c 9", &stock, Need::LocalPorts), [0; 0], "no ports of unix(7)");
    }

    #[test]
    fn a_rate_holds_as_many_ports_as_a_minute_closes() {
        let mut load = Load { connections: Some(10), rate: Some(100.0), closes_first: true, ..Load::default() };
        let ports = |load: &Load, reuses_ports| {
            let items = budget(load, &Stock { reuses_ports, ..Stock::default() });
            items.iter().find(|item| item.need == Need::LocalPorts).unwrap().wanted
        };
        assert_eq!((ports(&load, false), ports(&load, true)), (6010, 110));
        load.duration = Some(Duration::from_secs(5));
        assert_eq!(ports(&load, false), 510);
        load.rate = Some(f64::INFINITY);
        assert_eq!(ports(&load, false), u64::MAX);
    }

    #[test]
    fn what_is_not_seen_is_not_lacking() {
        let items = budget(&load("ab -c 4000 http://192.0.2.1/"), &Stock::default());
        assert!(items.iter().all(|item| !item.is_lacking()));
        let queue = |queue, somaxconn| {
            let items = budget(&load("ab -c 4000 http://h/"), &Stock { queue, somaxconn, ..Stock::default() });
            let item = items.into_iter().find(|item| item.need == Need::AcceptQueue).unwrap();
            (item.setting, item.is_lacking())
        };
        assert_eq!(queue(Some(511), Some(4096)), ("backlog", true));
        assert_eq!(queue(Some(128), Some(128)), (SOMAXCONN, true));
        assert_eq!(queue(None, Some(4096)), (SOMAXCONN, false));
    }
}
