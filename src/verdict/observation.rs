//! What was seen of one run: counters of both sides, samples in between, and what the load tester said. What could not
//! be seen is `None`, or a reading that says why.

use std::time::Duration;

use super::{Judgement, Unseen};
use crate::counters::{Counter, Difference, Unknown};

/// All that the rules look at.
#[derive(Clone, Debug, Default)]
pub struct Observation {
    /// From the start of the load tester to its end.
    pub duration: Duration,
    /// The load tester's side.
    pub client: Client,
    /// The service's side; nothing where no service was named and none was found.
    pub service: Option<Service>,
    /// What moved on the whole machine.
    pub host: Difference,
    /// Some ten a second, in order.
    pub samples: Vec<Sample>,
    /// The port that the load tester was told to connect to, where that is known and on this machine.
    pub target: Option<Target>,
    /// How the busiest bulk transfers were held up.
    pub transfer: Option<Transfer>,
}

/// The load tester.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// What it said, and how it ended.
    pub outcome: Outcome,
    /// What moved in its network namespace.
    pub network: Difference,
    /// The bounds of its network namespace.
    pub settings: Settings,
    /// Its control group and those above it, innermost first; nothing where they could not be read.
    pub cgroups: Option<Vec<Cgroup>>,
    /// The CPU time of its busiest thread, in thousandths of a CPU.
    pub busiest_thread: Option<u64>,
    /// Local ports in use towards the destination that used most of them, at the peak.
    pub ports: Option<PortUse>,
    /// How many connections it was asked to hold at once, where its command line says so.
    pub connections: Option<u64>,
    /// The interface of its network namespace that dropped most, where one did.
    pub dropping_interface: Option<String>,
}

/// How the load tester ended, and what it reported.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it ended by itself with exit code 0.
    pub succeeded: bool,
    /// Completed requests, where its output says so.
    pub requests: Option<u64>,
    /// Requests that failed.
    pub failed: Option<u64>,
    /// Connections that could not be made, where its output tells them apart.
    pub connect_errors: Option<u64>,
    /// The errors that its output or its exit code names.
    pub errors: Vec<ClientError>,
}

/// An error of a system call that a load tester reports, by its errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientError {
    /// `EMFILE`: the process has no descriptor left.
    TooManyFiles,
    /// `ENFILE`: the machine has none left.
    TooManyFilesInSystem,
    /// `EADDRNOTAVAIL`: no local port is left towards this destination, or no such local address.
    NoLocalAddress,
    /// `ECONNREFUSED`: nothing listens there.
    Refused,
    /// `ECONNRESET` or `EPIPE`: the other side closed the connection.
    Reset,
    /// `ETIMEDOUT`, or a time limit of the load tester's own.
    TimedOut,
    /// `EAGAIN`: what would have to wait; connect(2) on a unix(7) socket whose queue is full.
    WouldBlock,
    /// `ENOBUFS` or `ENOMEM`.
    NoMemory,
}

/// The service under test.
#[derive(Clone, Debug, Default)]
pub struct Service {
    /// Its process, where it could be found.
    pub pid: Option<i32>,
    /// The name of that process.
    pub name: String,
    /// What moved in its network namespace.
    pub network: Difference,
    /// The bounds of its network namespace.
    pub settings: Settings,
    /// Its control group and those above it, innermost first; nothing where they could not be read.
    pub cgroups: Option<Vec<Cgroup>>,
    /// The CPU time of its busiest thread, in thousandths of a CPU.
    pub busiest_thread: Option<u64>,
    /// Connection requests that its own TCP listeners dropped (`sk_drops`); nothing where they could not be seen.
    pub listener_drops: Option<u64>,
    /// Datagrams that its own UDP sockets dropped; nothing where they could not be seen, or it has none.
    pub datagram_drops: Option<u64>,
    /// The receive buffer of the UDP socket that dropped most, in bytes as the kernel accounts them.
    pub datagram_buffer: Option<u64>,
    /// Where it listens, for people: `127.0.0.1:8080`.
    pub address: Option<String>,
    /// The interface of its network namespace that dropped most, where one did.
    pub dropping_interface: Option<String>,
    /// Whether its process was gone at the end of the run.
    pub died: bool,
}

/// The bounds that are a network namespace's, or that it shows of the host's. Read in that namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `net.core.somaxconn`, in connections.
    pub somaxconn: Option<u64>,
    /// `net.ipv4.tcp_max_syn_backlog`, in connections.
    pub max_syn_backlog: Option<u64>,
    /// `net.ipv4.tcp_syncookies`: 0 off, 1 on, 2 always.
    pub syncookies: Option<u64>,
    /// The highest of `net.ipv4.tcp_rmem`, in bytes.
    pub tcp_rmem_max: Option<u64>,
    /// The middle one of `net.ipv4.tcp_rmem`, which a socket starts with, in bytes.
    pub tcp_rmem_default: Option<u64>,
    /// `net.core.rmem_default`, in bytes.
    pub rmem_default: Option<u64>,
    /// `net.core.rmem_max`, in bytes.
    pub rmem_max: Option<u64>,
    /// `net.netfilter.nf_conntrack_max`, in connections.
    pub conntrack_max: Option<u64>,
    /// How many ports of `net.ipv4.ip_local_port_range` are reserved by `net.ipv4.ip_local_reserved_ports`.
    pub reserved_ports: Option<u64>,
    /// `net.ipv4.ip_local_port_range`, lowest and highest.
    pub port_range: Option<(u16, u16)>,
}

/// A control group that may bound a process.
#[derive(Clone, Debug, Default)]
pub struct Cgroup {
    /// The group's folder, for people.
    pub path: String,
    /// Whether it is of cgroup v2: the names of its files hang on that.
    pub unified: bool,
    /// What moved in it.
    pub counters: Difference,
    /// The bound on the memory of TCP sockets, cgroup v1, in bytes.
    pub tcp_memory_limit: Option<u64>,
    /// `pids.max` of its control group, in processes.
    pub pids_max: Option<u64>,
}

/// What was seen at one moment of the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sample {
    /// Since the start of the run.
    pub at: Duration,
    /// The accept queue of the service's TCP listener that was fullest.
    pub accept_queue: Option<Use>,
    /// The same of its unix(7) listeners.
    pub unix_queue: Option<Use>,
    /// Descriptors of the service's process that is nearest to its soft limit.
    pub service_descriptors: Option<Use>,
    /// Descriptors of the load tester's process that is nearest to its soft limit.
    pub client_descriptors: Option<Use>,
    /// Entries in the conntrack table, of the side that has more.
    pub conntrack: Option<u64>,
    /// Memory of TCP sockets in the control group of the side that is nearest to its bound, in bytes.
    pub tcp_memory: Option<Use>,
}

/// How much is used of what there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// How much is in use.
    pub used: u64,
    /// The most there can be.
    pub limit: u64,
}

/// Local ports in use towards one destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortUse {
    /// In use at the peak, those in `TIME_WAIT` among them.
    pub used: u64,
    /// Those of them that were in `TIME_WAIT`.
    pub time_wait: u64,
    /// In use before the run.
    pub before: u64,
    /// The range without the reserved ones.
    pub available: u64,
}

/// The port that requests were sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The number of the port.
    pub port: u16,
    /// Whether anything listened on it.
    pub listening: bool,
    /// Whether a socket that does not listen had it as its local port while nothing listened.
    pub taken: bool,
}

/// How the busiest bulk transfers were held up: `struct tcp_info` of the senders, `SK_MEMINFO` of the receivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Time with data to send, in microseconds, of all that were looked at.
    pub busy: u64,
    /// Time of that in which the receiver's window was closed.
    pub window_limited: u64,
    /// Time of that in which the sender's own buffer was the bound.
    pub buffer_limited: u64,
    /// The receivers' side, where it is on this machine.
    pub receiver: Option<Receiver>,
}

/// A receive buffer that is filled so far, in percent, belongs to an application that does not read fast enough.
pub const NEARLY_FULL: u64 = 80;

/// The receiving end of transfers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Receiver {
    /// The receive buffer, in bytes as the kernel accounts them (`sk_rcvbuf`).
    pub buffer: u64,
    /// What waited in it to be read, in most samples at most so many bytes.
    pub waiting: u64,
    /// Samples in which it was nearly full ([`NEARLY_FULL`]), in thousandths of all.
    pub full: u64,
    /// Whether it is the service's end.
    pub is_service: bool,
}

impl Use {
    /// Whether at least so many of a hundred are used.
    #[must_use]
    pub fn at_least_percent(self, percent: u64) -> bool {
        self.limit > 0 && u128::from(self.used) * 100 >= u128::from(self.limit) * u128::from(percent)
    }
}

impl PortUse {
    /// As a use of what there is.
    #[must_use]
    pub fn as_use(self) -> Use {
        Use { used: self.used, limit: self.available }
    }
}

impl Outcome {
    /// Whether the load tester named this error.
    #[must_use]
    pub fn names(&self, error: ClientError) -> bool {
        self.errors.contains(&error)
    }

    /// Whether it is known that nothing failed.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.succeeded && self.failed == Some(0) && self.connect_errors.unwrap_or(0) == 0 && self.errors.is_empty()
    }

    /// Whether something is known to have failed.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        !self.succeeded
            || self.failed.is_some_and(|count| count > 0)
            || self.connect_errors.is_some_and(|count| count > 0)
            || !self.errors.is_empty()
    }
}

impl Observation {
    /// The sides whose network namespaces were read, the service's first; one where both are in the same.
    pub fn networks(&self) -> impl Iterator<Item = (Side, &Difference, &Settings)> {
        let service = self.service.as_ref().map(|service| (Side::Service, &service.network, &service.settings));
        service.into_iter().chain([(Side::Client, &self.client.network, &self.client.settings)])
    }

    /// The control groups of both sides, the service's first.
    pub(super) fn cgroups(&self) -> impl Iterator<Item = (Side, &Cgroup)> {
        let service = self.service.as_ref().and_then(|service| service.cgroups.as_ref());
        let service = service.into_iter().flatten().map(|cgroup| (Side::Service, cgroup));
        service.chain(self.client.cgroups.iter().flatten().map(|cgroup| (Side::Client, cgroup)))
    }

    /// What a rule about control groups says where none of those that could be read is the limit.
    pub(super) fn without_cgroup_limit(&self) -> Judgement {
        match self.service() {
            Ok(service) if service.cgroups.is_none() => Judgement::Unseen(Unseen::Cgroups(Side::Service)),
            Ok(_) if self.client.cgroups.is_none() => Judgement::Unseen(Unseen::Cgroups(Side::Client)),
            Ok(_) => Judgement::Clear,
            Err(judgement) => judgement,
        }
    }

    /// The fullest use of something among the samples.
    pub fn peak(&self, of: impl Fn(&Sample) -> Option<Use>) -> Option<Use> {
        // By what is left, as limits differ from process to process.
        let share = |its: &Use| u128::from(its.used) * 1_000_000 / u128::from(its.limit.max(1));
        self.samples.iter().filter_map(of).max_by_key(share)
    }

    /// The service, for a rule that needs it. Where nothing listened on the port there is none, and nothing of it can
    /// have been the limit.
    pub(super) fn service(&self) -> Result<&Service, Judgement> {
        let refused = self.target.is_some_and(|target| !target.listening);
        self.service.as_ref().ok_or(if refused { Judgement::Clear } else { Judgement::Unseen(Unseen::Service) })
    }

    /// A time in microseconds as thousandths of the run.
    #[must_use]
    pub fn thousandths(&self, microseconds: u64) -> u64 {
        let whole = self.duration.as_micros().max(1);
        u64::try_from(u128::from(microseconds) * 1000 / whole).unwrap_or(u64::MAX)
    }
}

/// Which end of the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The load tester's.
    Client,
    /// The side of the service.
    Service,
    /// The whole machine.
    Host,
}

impl Side {
    /// The word of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Service => "service",
            Self::Host => "host",
        }
    }
}

/// How far a counter moved, for a rule that needs it. One that the kernel does not have did not move.
pub(super) fn moved(network: &Difference, counter: Counter, side: Side) -> Result<u64, Judgement> {
    match network.get(counter) {
        Ok(number) => Ok(number),
        Err(Unknown::Absent) => Ok(0),
        Err(_) => Err(Judgement::Unseen(Unseen::Counter(counter, side))),
    }
}
