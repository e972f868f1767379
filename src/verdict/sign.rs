//! Evidence: the numbers that speak for a verdict, what came along, and what could not be seen.

use super::observation::{ClientError, Side};
use super::{Code, Reason};
use crate::counters::Counter;

/// A number that speaks for a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sign {
    /// What was measured.
    pub measure: Measure,
    /// Whose it is.
    pub side: Side,
    /// The number, in the unit of the measure.
    pub value: u64,
    /// The most that it can be, or what it is a part of, where there is such a number.
    pub of: Option<u64>,
}

/// What was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// How far a counter of the kernel's moved, or where it stood.
    Counter(Counter),
    /// Open descriptors, of the soft limit.
    Descriptors,
    /// Connections that waited in an accept queue, of its length.
    QueuedConnections,
    /// Samples in which a queue was not empty, or was full; of all that count.
    QueueSamples,
    /// What the listener itself dropped.
    ListenerDrops,
    /// What the UDP sockets of the service dropped.
    DatagramDrops,
    /// Local ports towards one destination, of the range without the reserved ones.
    PortsInUse,
    /// Those in `TIME_WAIT`, of all in use.
    PortsInTimeWait,
    /// An error that the load tester reported; the number of times where it is known, else 1.
    Error(ClientError),
    /// Connections that the load tester could not make.
    ConnectErrors,
    /// CPU time of the busiest thread, in thousandths of a CPU.
    BusiestThread,
    /// Time in which some task waited for a CPU, in thousandths of the run.
    CpuWait,
    /// CPU time given to other guests, in thousandths of all.
    Steal,
    /// Throttled periods, of all.
    ThrottledPeriods,
    /// Throttled time, in thousandths of the run.
    ThrottledTime,
    /// Time in which the receiver's window was closed, in thousandths of the time with data to send.
    WindowLimited,
    /// A receive buffer in bytes, of the most it can grow to.
    ReceiveBuffer,
    /// Memory of TCP sockets in bytes, of its bound.
    TcpMemory,
    /// The service's port, held by a socket that does not listen.
    PortHeld,
}

/// What came along with a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// Another limit was reached as well.
    Also(Code),
    /// Another run had this limit.
    OtherRun(Code),
    /// In another run none was found.
    OtherRunNone(Reason),
    /// Another run could not be judged.
    OtherRunUnknown,
    /// Something that a rule needs could not be seen.
    Unseen(Unseen),
    /// A few connections overflowed an accept queue: too few to hold the run back.
    FewOverflows(u64),
    /// Connections overflowed the accept queue of another listener of the namespace.
    OtherListener(u64),
    /// A longer accept queue won't raise the rate: the service used a whole CPU.
    ServiceCpuBound,
    /// SYN cookies were sent because the SYN queue was full. Nothing was lost.
    SynCookies(u64),
    /// The load tester had nearly as many descriptors open as it may, and nothing failed.
    DescriptorsNearLimit,
    /// Nearly all ports towards the destination were in use, and nothing failed.
    PortsNearLimit,
    /// A local address could not be assigned, and ports were left: there is no such address here.
    NoSuchAddress,
    /// Packets were dropped by conntrack while its table was not full.
    ConntrackDrops(u64),
    /// The conntrack table threw out entries to make room.
    ConntrackEarlyDrops(u64),
    /// UDP datagrams were dropped for a full receive buffer: too few, or by a socket that is not the service's.
    DatagramsDropped(u64),
    /// The queue of an interface dropped packets, which TCP sent again.
    InterfaceDrops(u64),
    /// The backlog of a CPU dropped packets, of whatever namespace.
    SoftnetDrops(u64),
    /// `TIME_WAIT` sockets were destroyed at once because there were too many. Harmless to the load.
    TimeWaitOverflow(u64),
    /// A control group was throttled now and then.
    Throttled(u64),
    /// Processes were killed somewhere on the machine for lack of memory.
    OomKillElsewhere(u64),
    /// The receiver's window was closed because the application did not read.
    SlowReader,
    /// Other guests of the hypervisor used so many thousandths of the CPU time.
    Steal(u64),
    /// The service ended during the run.
    ServiceDied,
}

/// What a rule needs and could not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unseen {
    /// No service was named, and none was found.
    Service,
    /// The process of the service.
    ServiceProcess,
    /// The descriptors of the load tester.
    ClientDescriptors,
    /// The descriptors of the service.
    ServiceDescriptors,
    /// The control groups of one side.
    Cgroups(Side),
    /// A counter of the kernel's, on one side.
    Counter(Counter, Side),
    /// The sockets of the service: `sock_diag(7)`.
    Listener,
    /// How many ports are in use towards the destination.
    Ports,
    /// The receiving end of the transfers.
    Receiver,
    /// A bound that is needed to name what limits.
    Bound,
}

impl Sign {
    /// How far a counter moved.
    #[must_use]
    pub fn counter(counter: Counter, side: Side, value: u64) -> Self {
        Self { measure: Measure::Counter(counter), side, value, of: None }
    }

    /// A number with what it is compared with.
    #[must_use]
    pub fn of(measure: Measure, side: Side, value: u64, of: u64) -> Self {
        Self { measure, side, value, of: Some(of) }
    }

    /// A number by itself.
    #[must_use]
    pub fn alone(measure: Measure, side: Side, value: u64) -> Self {
        Self { measure, side, value, of: None }
    }
}

impl Measure {
    /// The word of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Counter(counter) => counter.name(),
            Self::Descriptors => "descriptors",
            Self::QueuedConnections => "queue",
            Self::QueueSamples => "queue-samples",
            Self::ListenerDrops => "listener.sk_drops",
            Self::DatagramDrops => "udp.sk_drops",
            Self::PortsInUse => "ports",
            Self::PortsInTimeWait => "ports-in-time-wait",
            Self::Error(error) => error.code(),
            Self::ConnectErrors => "connect-errors",
            Self::BusiestThread => "busiest-thread",
            Self::CpuWait => "cpu-wait",
            Self::Steal => "steal",
            Self::ThrottledPeriods => "throttled-periods",
            Self::ThrottledTime => "throttled-time",
            Self::WindowLimited => "tcp_info.rwnd_limited",
            Self::ReceiveBuffer => "receive-buffer",
            Self::TcpMemory => "tcp-memory",
            Self::PortHeld => "port-held",
        }
    }
}

impl ClientError {
    /// The name of its errno.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooManyFiles => "EMFILE",
            Self::TooManyFilesInSystem => "ENFILE",
            Self::NoLocalAddress => "EADDRNOTAVAIL",
            Self::Refused => "ECONNREFUSED",
            Self::Reset => "ECONNRESET",
            Self::TimedOut => "ETIMEDOUT",
            Self::WouldBlock => "EAGAIN",
            Self::NoMemory => "ENOBUFS",
        }
    }
}

impl Note {
    /// The word of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Also(_) => "also",
            Self::OtherRun(_) | Self::OtherRunNone(_) | Self::OtherRunUnknown => "other-run",
            Self::Unseen(_) => "could-not-see",
            Self::FewOverflows(_) => "few-overflows",
            Self::OtherListener(_) => "other-listener",
            Self::ServiceCpuBound => "service-cpu-bound",
            Self::SynCookies(_) => "syn-cookies",
            Self::DescriptorsNearLimit => "descriptors-near-limit",
            Self::PortsNearLimit => "ports-near-limit",
            Self::NoSuchAddress => "no-such-address",
            Self::ConntrackDrops(_) => "conntrack-drops",
            Self::ConntrackEarlyDrops(_) => "conntrack-early-drops",
            Self::DatagramsDropped(_) => "datagrams-dropped",
            Self::InterfaceDrops(_) => "interface-drops",
            Self::SoftnetDrops(_) => "softnet-drops",
            Self::TimeWaitOverflow(_) => "time-wait-overflow",
            Self::Throttled(_) => "throttled",
            Self::OomKillElsewhere(_) => "oom-kill-elsewhere",
            Self::SlowReader => "slow-reader",
            Self::Steal(_) => "steal",
            Self::ServiceDied => "service-died",
        }
    }
}
