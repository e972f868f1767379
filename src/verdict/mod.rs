//! Was the kernel the limit? From what was seen of a run to what bounded it. Pure: counters and samples in, verdict out.
//!
//! One file a limit. Each says whether its limit held the run back, that it did not, or that this could not be seen;
//! the first of `RULES` that holds is the limit, since the later ones are often its consequence. "None" is an answer
//! too, and is given only where every rule could see what it needs.
#![forbid(unsafe_code)]

mod accept_queue;
mod client_descriptors;
mod conntrack;
mod cpu_quota;
mod ephemeral_ports;
mod fix;
mod interface_queue;
mod memory;
pub mod observation;
mod overall;
mod pids;
mod port_taken;
mod reason;
mod service_descriptors;
mod sign;
mod syn_queue;
mod tcp_memory;
mod tcp_receive_buffer;
#[cfg(test)]
mod tests;
mod udp_receive_buffer;
mod unix_accept_queue;

pub use fix::{Bound, Fix};
pub use observation::{ClientError, Observation, Side};
pub use overall::overall;
pub use sign::{Measure, Note, Sign, Unseen};

/// What can hold a load test back. The order is that of precedence: what comes first is often the cause of what comes
/// later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The load tester ran out of file descriptors.
    ClientDescriptors,
    /// The service ran out of file descriptors.
    ServiceDescriptors,
    /// A control group allowed no more processes.
    Pids,
    /// A process was killed for lack of memory.
    Memory,
    /// A control group was throttled by its CPU quota.
    CpuQuota,
    /// The conntrack table was full.
    Conntrack,
    /// No local port was left towards the destination.
    EphemeralPorts,
    /// An outgoing connection had the service's port.
    PortTaken,
    /// The accept queue of the service's listener was full.
    AcceptQueue,
    /// The SYN queue was full, with SYN cookies off.
    SynQueue,
    /// The queue of the service's unix(7) listener was full.
    UnixAcceptQueue,
    /// The receive buffer of a UDP socket was full.
    UdpReceiveBuffer,
    /// The receive buffer of a TCP socket was smaller than the connection could use.
    TcpReceiveBuffer,
    /// There was no memory left for TCP sockets.
    TcpMemory,
    /// The queue of a network interface was full.
    InterfaceQueue,
}

/// Why no kernel limit held the run back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A thread of the service used a whole CPU.
    ServiceCpu,
    /// A thread of the load tester used a whole CPU.
    ClientCpu,
    /// Other processes, or other guests of the hypervisor, used the CPUs.
    CpuContention,
    /// The service waited for something else: the machine was idle.
    SlowApplication,
    /// Connections were refused: nothing listened.
    Refused,
    /// None of these.
    Unexplained,
}

/// What a run was held back by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The answer to that.
    pub answer: Answer,
    /// The numbers that speak for it.
    pub because: Vec<Sign>,
    /// What came along.
    pub notes: Vec<Note>,
}

/// The answer to whether the kernel was the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was: this limit, the setting that bounds it, and what to do.
    Limit(Limit),
    /// It was not, and this is why the run was no faster.
    None(Reason),
    /// Something could not be seen.
    Unknown,
}

/// A limit that held a run back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Which limit it is.
    pub code: Code,
    /// What bounds it.
    pub bound: Bound,
    /// What to do, in order; all of them are needed.
    pub fixes: Vec<Fix>,
}

/// What one rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Judgement {
    /// This was the limit.
    Limit(Limit, Vec<Sign>),
    /// It was not.
    Clear,
    /// Something that the rule needs could not be seen.
    Unseen(Unseen),
}

/// A rule: looks at a run, and may add notes whatever it says.
type Rule = fn(&Observation, &mut Vec<Note>) -> Judgement;

/// All rules, in the order of precedence.
const RULES: [Rule; 15] = [
    client_descriptors::judge,
    service_descriptors::judge,
    pids::judge,
    memory::judge,
    cpu_quota::judge,
    conntrack::judge,
    ephemeral_ports::judge,
    port_taken::judge,
    accept_queue::judge,
    syn_queue::judge,
    unix_accept_queue::judge,
    udp_receive_buffer::judge,
    tcp_receive_buffer::judge,
    tcp_memory::judge,
    interface_queue::judge,
];

/// The verdict over one run.
#[must_use]
pub fn judge(run: &Observation) -> Verdict {
    let mut notes = Vec::new();
    let mut limit = None;
    let mut unseen = Vec::new();
    for rule in RULES {
        match rule(run, &mut notes) {
            Judgement::Limit(its, because) if limit.is_none() => limit = Some((its, because)),
            Judgement::Limit(its, _) => notes.push(Note::Also(its.code)),
            Judgement::Unseen(what) if !unseen.contains(&what) => unseen.push(what),
            Judgement::Unseen(_) | Judgement::Clear => {}
        }
    }
    notes.extend(reason::notes(run));
    let complete = unseen.is_empty();
    notes.extend(unseen.into_iter().map(Note::Unseen));
    match limit {
        Some((limit, because)) => Verdict { answer: Answer::Limit(limit), because, notes },
        None if complete => {
            let (reason, because) = reason::reason(run);
            Verdict { answer: Answer::None(reason), because, notes }
        }
        None => Verdict { answer: Answer::Unknown, because: Vec::new(), notes },
    }
}

impl Code {
    /// All of them, in the order of precedence.
    #[cfg(test)]
    const ALL: [Self; 15] = [
        Self::ClientDescriptors,
        Self::ServiceDescriptors,
        Self::Pids,
        Self::Memory,
        Self::CpuQuota,
        Self::Conntrack,
        Self::EphemeralPorts,
        Self::PortTaken,
        Self::AcceptQueue,
        Self::SynQueue,
        Self::UnixAcceptQueue,
        Self::UdpReceiveBuffer,
        Self::TcpReceiveBuffer,
        Self::TcpMemory,
        Self::InterfaceQueue,
    ];

    /// The word of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ClientDescriptors => "client-descriptors",
            Self::ServiceDescriptors => "service-descriptors",
            Self::Pids => "pids",
            Self::Memory => "memory",
            Self::CpuQuota => "cpu-quota",
            Self::Conntrack => "conntrack",
            Self::EphemeralPorts => "ephemeral-ports",
            Self::PortTaken => "port-taken",
            Self::AcceptQueue => "accept-queue",
            Self::SynQueue => "syn-queue",
            Self::UnixAcceptQueue => "unix-accept-queue",
            Self::UdpReceiveBuffer => "udp-receive-buffer",
            Self::TcpReceiveBuffer => "tcp-receive-buffer",
            Self::TcpMemory => "tcp-memory",
            Self::InterfaceQueue => "interface-queue",
        }
    }
}

impl Reason {
    /// The word of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::ServiceCpu => "service-cpu",
            Self::ClientCpu => "client-cpu",
            Self::CpuContention => "cpu-contention",
            Self::SlowApplication => "slow-application",
            Self::Refused => "refused",
            Self::Unexplained => "unexplained",
        }
    }
}

impl Answer {
    /// The word of the JSON output: `verdict.limit`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limit(limit) => limit.code.code(),
            Self::None(_) => "none",
            Self::Unknown => "unknown",
        }
    }
}
