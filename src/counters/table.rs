//! The table of counters: a row each, in the order of [`Counter`].

use super::{Counter, Kind, Scope, Unit};

/// A counter and where it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) counter: Counter,
    /// As the kernel calls it, with its table in front.
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) scope: Scope,
    pub(super) kind: Kind,
    pub(super) source: Source,
}

/// The file that holds a counter, and what it is called there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `net/netstat`: table and name. A table or a name that is absent is unknown to the kernel.
    Netstat(&'static str, &'static str),
    /// `net/snmp`: table and name.
    Snmp(&'static str, &'static str),
    /// `net/snmp6`: the name.
    Snmp6(&'static str),
    /// `net/sockstat`: table and name.
    Sockstat(&'static str, &'static str),
    /// `net/sockstat6`: table and name.
    Sockstat6(&'static str, &'static str),
    /// `net/stat/nf_conntrack`: the column, summed over the CPUs.
    ConntrackSum(&'static str),
    /// `net/stat/nf_conntrack`: the column, which every CPU's line repeats.
    ConntrackOnce(&'static str),
    /// The queueing disciplines, by netlink.
    Qdisc,
    /// `net/softnet_stat`: the column by its number from 0, summed over the CPUs. Hexadecimal, without a header.
    Softnet(usize),
    /// `/proc/pressure/FILE`: the total of its line `some`.
    Pressure(&'static str),
    /// `/proc/stat`: a field of the line `cpu` by its number from 0.
    CpuTime(usize),
    /// `/proc/stat`: the sum of the line `cpu`.
    CpuTimeSum,
    /// `/proc/vmstat`: the name.
    Vmstat(&'static str),
    /// `/proc/sys/fs/file-nr`: the first number.
    FileNr,
    /// A file of a control group: see `counters/cgroup.rs`.
    Cgroup,
}

const fn network(counter: Counter, name: &'static str, source: Source) -> Row {
    Row { counter, name, unit: Unit::Count, scope: Scope::Network, kind: Kind::Total, source }
}

const fn host(counter: Counter, name: &'static str, source: Source) -> Row {
    Row { scope: Scope::Host, ..network(counter, name, source) }
}

const fn cgroup(counter: Counter, name: &'static str) -> Row {
    Row { scope: Scope::Cgroup, ..network(counter, name, Source::Cgroup) }
}

const fn level(row: Row) -> Row {
    Row { kind: Kind::Level, ..row }
}

const fn unit(unit: Unit, row: Row) -> Row {
    Row { unit, ..row }
}

/// All counters, in the order of [`Counter`].
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    network(Counter::ListenOverflows, "TcpExt.ListenOverflows", Source::Netstat("TcpExt", "ListenOverflows")),
    network(Counter::ListenDrops, "TcpExt.ListenDrops", Source::Netstat("TcpExt", "ListenDrops")),
    network(Counter::ReqQFullDrop, "TcpExt.TCPReqQFullDrop", Source::Netstat("TcpExt", "TCPReqQFullDrop")),
    network(Counter::ReqQFullDoCookies, "TcpExt.TCPReqQFullDoCookies", Source::Netstat("TcpExt", "TCPReqQFullDoCookies")),
    network(Counter::SyncookiesSent, "TcpExt.SyncookiesSent", Source::Netstat("TcpExt", "SyncookiesSent")),
    network(Counter::SynRetrans, "TcpExt.TCPSynRetrans", Source::Netstat("TcpExt", "TCPSynRetrans")),
    network(Counter::RcvQDrop, "TcpExt.TCPRcvQDrop", Source::Netstat("TcpExt", "TCPRcvQDrop")),
    network(Counter::PruneCalled, "TcpExt.PruneCalled", Source::Netstat("TcpExt", "PruneCalled")),
    network(Counter::MemoryPressures, "TcpExt.TCPMemoryPressures", Source::Netstat("TcpExt", "TCPMemoryPressures")),
    network(Counter::AbortOnMemory, "TcpExt.TCPAbortOnMemory", Source::Netstat("TcpExt", "TCPAbortOnMemory")),
    network(Counter::TimeWaitOverflow, "TcpExt.TCPTimeWaitOverflow", Source::Netstat("TcpExt", "TCPTimeWaitOverflow")),
    network(Counter::ActiveOpens, "Tcp.ActiveOpens", Source::Snmp("Tcp", "ActiveOpens")),
    network(Counter::PassiveOpens, "Tcp.PassiveOpens", Source::Snmp("Tcp", "PassiveOpens")),
    network(Counter::AttemptFails, "Tcp.AttemptFails", Source::Snmp("Tcp", "AttemptFails")),
    network(Counter::IpOutRequests, "Ip.OutRequests", Source::Snmp("Ip", "OutRequests")),
    network(Counter::IpOutDiscards, "Ip.OutDiscards", Source::Snmp("Ip", "OutDiscards")),
    network(Counter::Ip6OutDiscards, "Ip6.OutDiscards", Source::Snmp6("Ip6OutDiscards")),
    network(Counter::UdpInDatagrams, "Udp.InDatagrams", Source::Snmp("Udp", "InDatagrams")),
    network(Counter::UdpRcvbufErrors, "Udp.RcvbufErrors", Source::Snmp("Udp", "RcvbufErrors")),
    network(Counter::UdpOutDatagrams, "Udp.OutDatagrams", Source::Snmp("Udp", "OutDatagrams")),
    network(Counter::UdpSndbufErrors, "Udp.SndbufErrors", Source::Snmp("Udp", "SndbufErrors")),
    network(Counter::Udp6InDatagrams, "Udp6.InDatagrams", Source::Snmp6("Udp6InDatagrams")),
    network(Counter::Udp6RcvbufErrors, "Udp6.RcvbufErrors", Source::Snmp6("Udp6RcvbufErrors")),
    network(Counter::Udp6OutDatagrams, "Udp6.OutDatagrams", Source::Snmp6("Udp6OutDatagrams")),
    network(Counter::Udp6SndbufErrors, "Udp6.SndbufErrors", Source::Snmp6("Udp6SndbufErrors")),
    level(network(Counter::SocketsInUse, "sockstat.TCP.inuse", Source::Sockstat("TCP", "inuse"))),
    level(network(Counter::Sockets6InUse, "sockstat6.TCP6.inuse", Source::Sockstat6("TCP6", "inuse"))),
    level(network(Counter::SocketsTimeWait, "sockstat.TCP.tw", Source::Sockstat("TCP", "tw"))),
    level(host(Counter::SocketsOrphaned, "sockstat.TCP.orphan", Source::Sockstat("TCP", "orphan"))),
    level(unit(Unit::Pages, host(Counter::TcpMemory, "sockstat.TCP.mem", Source::Sockstat("TCP", "mem")))),
    level(network(Counter::ConntrackEntries, "nf_conntrack.entries", Source::ConntrackOnce("entries"))),
    network(Counter::ConntrackDrop, "nf_conntrack.drop", Source::ConntrackSum("drop")),
    network(Counter::ConntrackEarlyDrop, "nf_conntrack.early_drop", Source::ConntrackSum("early_drop")),
    network(Counter::ConntrackInsertFailed, "nf_conntrack.insert_failed", Source::ConntrackSum("insert_failed")),
    network(Counter::QdiscDrops, "qdisc.dropped", Source::Qdisc),
    host(Counter::SoftnetProcessed, "softnet.processed", Source::Softnet(0)),
    host(Counter::SoftnetDropped, "softnet.dropped", Source::Softnet(1)),
    host(Counter::SoftnetSqueezed, "softnet.time_squeeze", Source::Softnet(2)),
    unit(Unit::Microseconds, host(Counter::CpuPressure, "pressure.cpu.some", Source::Pressure("cpu"))),
    unit(Unit::Microseconds, host(Counter::MemoryPressure, "pressure.memory.some", Source::Pressure("memory"))),
    unit(Unit::Microseconds, host(Counter::IoPressure, "pressure.io.some", Source::Pressure("io"))),
    unit(Unit::Ticks, host(Counter::CpuSteal, "stat.cpu.steal", Source::CpuTime(7))),
    unit(Unit::Ticks, host(Counter::CpuTotal, "stat.cpu", Source::CpuTimeSum)),
    host(Counter::OomKills, "vmstat.oom_kill", Source::Vmstat("oom_kill")),
    level(host(Counter::FilesAllocated, "fs.file-nr", Source::FileNr)),
    cgroup(Counter::CgroupPeriods, "cpu.stat.nr_periods"),
    cgroup(Counter::CgroupThrottled, "cpu.stat.nr_throttled"),
    unit(Unit::Microseconds, cgroup(Counter::CgroupThrottledTime, "cpu.stat.throttled_usec")),
    cgroup(Counter::CgroupPidsMax, "pids.events.max"),
    cgroup(Counter::CgroupOomKills, "memory.events.oom_kill"),
    cgroup(Counter::CgroupMemoryMax, "memory.events.max"),
    level(unit(Unit::Bytes, cgroup(Counter::CgroupTcpMemory, "memory.kmem.tcp.usage_in_bytes"))),
];
