//! What the kernel counts: each counter with its name, its unit and whose it is; snapshots of them, and what moved
//! between two.
//!
//! Parsing is pure; [`read`] reads the files below a root. A counter that this kernel does not have, that could not be
//! read, or that went backwards between two snapshots is unknown, and never 0.

pub mod cgroup;
pub mod parse;
pub mod processes;
pub mod read;
pub mod snapshot;
pub mod sockets;
mod table;

use std::fmt;

pub use snapshot::{Difference, Reading, Snapshot, Unknown};

/// A number that the kernel keeps. Each has a row in the table of counters, which says where it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counter {
    /// Connections that were dropped because the accept queue of a listener was full.
    ListenOverflows,
    /// Connection requests that a listener dropped, for whatever reason; overflows are among them.
    ListenDrops,
    /// Connection requests dropped because the SYN queue was full, with SYN cookies off.
    ReqQFullDrop,
    /// Connection requests answered with a SYN cookie because the SYN queue was full.
    ReqQFullDoCookies,
    /// SYN cookies sent.
    SyncookiesSent,
    /// SYNs sent again.
    SynRetrans,
    /// Packets dropped because no memory was available for the receive queue.
    RcvQDrop,
    /// How often the receive queue of a socket was pruned for lack of memory.
    PruneCalled,
    /// How often TCP came under memory pressure; of the whole host.
    MemoryPressures,
    /// Connections aborted for lack of memory, or because too many are orphaned.
    AbortOnMemory,
    /// `TIME_WAIT` sockets that were destroyed at once because there were too many.
    TimeWaitOverflow,
    /// Connections opened by this side.
    ActiveOpens,
    /// Connections accepted, `Tcp: PassiveOpens`.
    PassiveOpens,
    /// Connections that were refused or given up before they were established.
    AttemptFails,
    /// IP packets that this side sent.
    IpOutRequests,
    /// IP packets dropped on the way out, of IPv4.
    IpOutDiscards,
    /// IP packets dropped on the way out, of IPv6.
    Ip6OutDiscards,
    /// UDP datagrams delivered, over IPv4.
    UdpInDatagrams,
    /// UDP datagrams dropped because the receive buffer of a socket was full, over IPv4.
    UdpRcvbufErrors,
    /// UDP datagrams sent, over IPv4.
    UdpOutDatagrams,
    /// UDP datagrams that could not be queued for sending, over IPv4.
    UdpSndbufErrors,
    /// UDP datagrams delivered, over IPv6.
    Udp6InDatagrams,
    /// UDP datagrams dropped because the receive buffer of a socket was full, over IPv6.
    Udp6RcvbufErrors,
    /// UDP datagrams sent, over IPv6.
    Udp6OutDatagrams,
    /// UDP datagrams that could not be queued for sending, over IPv6.
    Udp6SndbufErrors,
    /// IPv4 TCP sockets in use, without those in `TIME_WAIT`.
    SocketsInUse,
    /// IPv6 TCP sockets in use, without those in `TIME_WAIT`.
    Sockets6InUse,
    /// TCP sockets in `TIME_WAIT`, of IPv4 and IPv6.
    SocketsTimeWait,
    /// TCP sockets that no process has open any more; of the whole host.
    SocketsOrphaned,
    /// Memory of all TCP sockets, of the whole host.
    TcpMemory,
    /// Connections in the conntrack table.
    ConntrackEntries,
    /// Packets dropped because no conntrack entry could be made.
    ConntrackDrop,
    /// Entries dropped to make room for new ones.
    ConntrackEarlyDrop,
    /// Entries that could not be inserted.
    ConntrackInsertFailed,
    /// Packets dropped by the queueing disciplines of all interfaces.
    QdiscDrops,
    /// Packets taken from the interfaces; of the whole host.
    SoftnetProcessed,
    /// Packets dropped because the backlog of a CPU was full; of the whole host.
    SoftnetDropped,
    /// How often the receive loop gave up with packets left; of the whole host.
    SoftnetSqueezed,
    /// Time in which some task waited for a CPU.
    CpuPressure,
    /// Time in which some task waited for memory.
    MemoryPressure,
    /// Time in which some task waited for a disk.
    IoPressure,
    /// CPU time that the hypervisor gave to others.
    CpuSteal,
    /// CPU time of all kinds, idle time included.
    CpuTotal,
    /// Processes killed for lack of memory; of the whole host.
    OomKills,
    /// File descriptors allocated; of the whole host.
    FilesAllocated,
    /// Scheduling periods in which a control group with a CPU quota ran.
    CgroupPeriods,
    /// Those of them in which it was throttled.
    CgroupThrottled,
    /// For how long it was throttled.
    CgroupThrottledTime,
    /// Forks refused by `pids.max`.
    CgroupPidsMax,
    /// Processes of the control group killed for lack of memory.
    CgroupOomKills,
    /// How often the control group ran into its memory limit. Reclaiming the page cache moves it too.
    CgroupMemoryMax,
    /// Memory of the TCP sockets of the control group, cgroup v1.
    CgroupTcpMemory,
}

/// What a counter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Events or things: connections, packets, processes.
    Count,
    /// Time in microseconds.
    Microseconds,
    /// Ticks of the kernel's accounting, `sysconf(_SC_CLK_TCK)` to a second.
    Ticks,
    /// An amount in bytes.
    Bytes,
    /// Pages of memory.
    Pages,
}

/// Whose a counter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One network namespace.
    Network,
    /// The whole machine, whoever reads it.
    Host,
    /// One control group.
    Cgroup,
}

/// Whether a number grows or says how much there is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows: what counts is the difference of two readings.
    Total,
    /// It goes up and down: what counts is the reading.
    Level,
}

impl Counter {
    /// All of them, in the order of the table.
    #[cfg(test)]
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        table::ROWS.iter().map(|row| row.counter)
    }

    /// As the kernel calls it, with its table in front: `TcpExt.ListenOverflows`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What it counts.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// Whose it is.
    #[must_use]
    pub fn scope(self) -> Scope {
        self.row().scope
    }

    /// Whether it only grows.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.row().kind
    }

    fn row(self) -> &'static table::Row {
        &table::ROWS[self as usize]
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_counter_has_its_own_row() {
        for (index, row) in table::ROWS.iter().enumerate() {
            assert_eq!(row.counter as usize, index, "{}", row.name);
        }
        assert_eq!(Counter::CgroupTcpMemory as usize + 1, table::ROWS.len());
        let names: std::collections::BTreeSet<&str> = Counter::all().map(Counter::name).collect();
        assert_eq!(names.len(), table::ROWS.len(), "two counters have the same name");
    }
}
