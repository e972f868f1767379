//! The sentences of a benchmark: of a verdict and its evidence, of runs, and of what happens while they go on.

use std::time::Duration;

use crate::counters::{Counter, Unit};
use crate::model::setting::Setting;
use crate::snippet::visible;
use crate::verdict::observation::{Observation, Service};
use crate::verdict::{Answer, Bound, ClientError, Code, Limit, Measure, Note, Reason, Side, Sign, Unseen, Verdict};

use super::runs::{End, Event, RunFailure};
use super::testers::Remark;
use crate::preflight::load::Target;

/// The verdict in one sentence. `run` is one that it is of.
#[must_use]
pub fn answer(verdict: &Verdict, run: Option<&Observation>) -> String {
    let service = run.and_then(|run| run.service.as_ref());
    match &verdict.answer {
        Answer::Limit(limit) => limited(limit, service),
        Answer::None(reason) => format!("The kernel was not the limit: {}.", why_none(*reason, verdict, service)),
        Answer::Unknown => {
            "It is not known whether the kernel was the limit: not all counters could be read.".to_owned()
        }
    }
}

/// `nginx (pid 4242)`, or `the service`.
fn named(service: Option<&Service>) -> String {
    match service {
        Some(Service { pid: Some(pid), name, .. }) if !name.is_empty() => format!("{} (pid {pid})", visible(name)),
        Some(Service { pid: Some(pid), .. }) => format!("the service (pid {pid})"),
        _ => "the service".to_owned(),
    }
}

fn limited(limit: &Limit, service: Option<&Service>) -> String {
    let whose = named(service);
    let at =
        service.and_then(|service| service.address.as_ref()).map(|at| format!(", which listens on {}", visible(at)));
    let at = at.unwrap_or_default();
    let what = match limit.code {
        Code::ClientDescriptors if limit.bound == Bound::descriptors() => {
            "the load tester's file descriptors: it had as many open as it may".to_owned()
        }
        Code::ClientDescriptors => "the machine's file descriptors".to_owned(),
        Code::ServiceDescriptors => format!("the file descriptors of {whose}: it could not accept more connections"),
        Code::Pids => "the number of processes that a control group allows: forks were refused".to_owned(),
        Code::Memory => "memory: a process was killed for lack of it".to_owned(),
        Code::CpuQuota => "the CPU quota of a control group".to_owned(),
        Code::Conntrack => "the conntrack table: it was full, and packets were dropped".to_owned(),
        Code::EphemeralPorts => "local ports: none was left towards the destination".to_owned(),
        Code::PortTaken => {
            "the service's port: another connection had been given it, and the service could not listen".to_owned()
        }
        Code::AcceptQueue => format!("the accept queue of {whose}{at}: it was full, and connections were dropped"),
        Code::SynQueue => format!("the SYN queue of {whose}{at}: it was full, and connection requests were dropped"),
        Code::UnixAcceptQueue => format!("the accept queue of {whose}{at}: it was full"),
        Code::UdpReceiveBuffer => format!("the UDP receive buffer of {whose}: it was full, and datagrams were dropped"),
        Code::TcpReceiveBuffer => {
            "the TCP receive buffer: the sender waited for a receiver that reads at once".to_owned()
        }
        Code::TcpMemory => "the memory for TCP sockets".to_owned(),
        Code::InterfaceQueue => "the queue of a network interface: it was full, and packets were lost".to_owned(),
    };
    format!("The limit was {what}.")
}

fn why_none(reason: Reason, verdict: &Verdict, service: Option<&Service>) -> String {
    let share = |side: Side| {
        let sign = verdict.because.iter().find(|sign| sign.measure == Measure::BusiestThread && sign.side == side);
        sign.map_or_else(|| "a whole".to_owned(), |sign| format!("{} % of one", sign.value / 10))
    };
    match reason {
        Reason::ServiceCpu => format!("a thread of {} used {} CPU", named(service), share(Side::Service)),
        Reason::ClientCpu => format!("a thread of the load tester used {} CPU", share(Side::Client)),
        Reason::CpuContention => "other processes, or other guests of the hypervisor, used the CPUs".to_owned(),
        Reason::SlowApplication => format!("the machine was idle while {} was slow to answer", named(service)),
        Reason::Refused => "nothing listened on the address that the requests were sent to".to_owned(),
        Reason::Unexplained => "nothing that it counts was near a limit, and no thread used a whole CPU".to_owned(),
    }
}

/// A piece of evidence.
#[must_use]
pub fn sign(sign: &Sign) -> String {
    let Sign { measure, side, value, of } = *sign;
    let of_many = |what: &str| of.map_or_else(|| format!("{what}: {value}"), |of| format!("{what}: {value} of {of}"));
    let share = |what: &str| format!("{what}: {} %", percent(value));
    let side = side.code();
    match measure {
        Measure::Counter(counter) => of_many(&format!("{counter} ({side}){}", unit(counter))),
        Measure::Descriptors => of_many(&format!("descriptors of the {side}'s process")),
        Measure::QueuedConnections => of_many("connections that waited in the queue, at the peak"),
        Measure::QueueSamples => of_many("samples in which connections waited"),
        Measure::ListenerDrops => of_many("connection requests that the listener itself dropped"),
        Measure::DatagramDrops => of_many("datagrams that the service's sockets dropped"),
        Measure::PortsInUse => of_many("local ports in use towards the destination"),
        Measure::PortsInTimeWait => of_many("those of them in TIME_WAIT"),
        Measure::Error(error) => format!("the load tester reports {}: {}", error.code(), error_text(error)),
        Measure::ConnectErrors => of_many("connections that the load tester could not make"),
        Measure::BusiestThread => share(&format!("CPU of the {side}'s busiest thread")),
        Measure::CpuWait => share("time in which some task waited for a CPU"),
        Measure::Steal => share("CPU time given to other guests of the hypervisor"),
        Measure::ThrottledPeriods => of_many("scheduling periods in which the control group was throttled"),
        Measure::ThrottledTime => share("time for which it was throttled"),
        Measure::WindowLimited => share("time in which the receiver's window was closed, of that with data to send"),
        Measure::ReceiveBuffer => of_many("the receive buffer in bytes"),
        Measure::TcpMemory => of_many("bytes of memory of TCP sockets"),
        Measure::PortHeld => format!("port {value} is the local port of another connection"),
    }
}

/// Thousandths as percent with one digit.
fn percent(thousandths: u64) -> String {
    format!("{}.{}", thousandths / 10, thousandths % 10)
}

fn unit(counter: Counter) -> &'static str {
    match counter.unit() {
        Unit::Count => "",
        Unit::Microseconds => " in microseconds",
        Unit::Ticks => " in ticks",
        Unit::Bytes => " in bytes",
        Unit::Pages => " in pages",
    }
}

fn error_text(error: ClientError) -> &'static str {
    match error {
        ClientError::TooManyFiles => "too many open files",
        ClientError::TooManyFilesInSystem => "too many open files in the system",
        ClientError::NoLocalAddress => "cannot assign requested address",
        ClientError::Refused => "connection refused",
        ClientError::Reset => "connection reset",
        ClientError::TimedOut => "timed out",
        ClientError::WouldBlock => "resource temporarily unavailable",
        ClientError::NoMemory => "no buffer space available",
    }
}

/// What came along.
#[must_use]
pub fn note(note: &Note) -> String {
    match note {
        Note::Also(code) => format!("{} was reached as well", code.code()),
        Note::OtherRun(code) => format!("in another run the limit was {}", code.code()),
        Note::OtherRunNone(reason) => format!("in another run the kernel was not the limit ({})", reason.code()),
        Note::OtherRunUnknown => "another run could not be judged".to_owned(),
        Note::Unseen(what) => format!("could not see {}", unseen(*what)),
        Note::FewOverflows(count) => format!("{count} connections overflowed the accept queue: too few to matter"),
        Note::OtherListener(count) => format!("{count} connections overflowed the queue of another listener"),
        Note::ServiceCpuBound => "a longer queue won't raise the rate: the service used a whole CPU".to_owned(),
        Note::SynCookies(count) => {
            format!("{count} SYN cookies were sent because the SYN queue was full; nothing was lost")
        }
        Note::DescriptorsNearLimit => "the load tester had nearly as many descriptors open as it may".to_owned(),
        Note::PortsNearLimit => "nearly all local ports towards the destination were in use".to_owned(),
        Note::NoSuchAddress => {
            "the load tester used an address that this machine does not have; ports were left".to_owned()
        }
        Note::ConntrackDrops(count) => format!("conntrack dropped {count} packets while its table was not full"),
        Note::ConntrackEarlyDrops(count) => format!("the conntrack table threw out {count} entries to make room"),
        Note::DatagramsDropped(count) => {
            format!("{count} UDP datagrams were dropped for a full receive buffer: too few, or not the service's")
        }
        Note::InterfaceDrops(count) => {
            format!("the queue of an interface dropped {count} packets, which TCP sent again")
        }
        Note::SoftnetDrops(count) => format!("the backlog of a CPU dropped {count} packets, somewhere on this machine"),
        Note::TimeWaitOverflow(count) => format!("{count} TIME_WAIT sockets were destroyed at once, which is harmless"),
        Note::Throttled(count) => format!("a control group was throttled in {count} periods: too few to matter"),
        Note::OomKillElsewhere(count) => {
            format!("{count} processes were killed for lack of memory somewhere on this machine")
        }
        Note::SlowReader => {
            "the receiver's buffer was full: the application read too slowly, a larger one would fill as well"
                .to_owned()
        }
        Note::Steal(share) => format!("other guests of the hypervisor had {} % of the CPU time", percent(*share)),
        Note::ServiceDied => "the service ended during the run".to_owned(),
    }
}

fn unseen(what: Unseen) -> String {
    match what {
        Unseen::Service => "the service: name its process with `--pid PID`".to_owned(),
        Unseen::ServiceProcess => "which process the service is: name it with `--pid PID`".to_owned(),
        Unseen::ClientDescriptors => "the load tester's descriptors".to_owned(),
        Unseen::ServiceDescriptors => "the service's descriptors".to_owned(),
        Unseen::Cgroups(side) => format!("the control groups of the {}", side.code()),
        Unseen::Counter(counter, side) => format!("{counter} of the {}", side.code()),
        Unseen::Listener => "the service's sockets".to_owned(),
        Unseen::Ports => "how many local ports are in use".to_owned(),
        Unseen::Receiver => "the receiving end of the transfers".to_owned(),
        Unseen::Bound => "the bound of what was reached".to_owned(),
    }
}

/// Why a run failed.
#[must_use]
pub fn failure(failure: RunFailure) -> String {
    match failure {
        RunFailure::ExitCode(code) => format!("exit code {code}"),
        RunFailure::Signal(signal) => format!("ended by signal {signal}"),
        RunFailure::TimeLimit => "took too long and was ended (`--timeout`)".to_owned(),
        RunFailure::AllFailed => "no request succeeded".to_owned(),
        RunFailure::NoMetric => "its output does not have the metric".to_owned(),
        RunFailure::NoRate => "its output has no result".to_owned(),
    }
}

/// What has to be known to read a tester's numbers.
#[must_use]
pub fn remark(remark: Remark) -> String {
    match remark {
        Remark::LengthsDiffer(count) => {
            format!(
                "{count} answers differ in length from the first, and ab calls them failed; its option `-l` stops that"
            )
        }
        Remark::FailuresCountedTwice => "ab counts a failure up to three times with `-r`".to_owned(),
        Remark::SeveralTests(count) => {
            format!("the output has the results of {count} tests; these are the first one's")
        }
    }
}

/// Why the runs ended before all were made; nothing where they did not.
#[must_use]
pub fn end(end: &End) -> Option<String> {
    match end {
        End::Done => None,
        End::NotYet => Some("not all runs were made yet".to_owned()),
        End::Signal(signal) => Some(format!("ended by signal {signal}")),
        End::Before(number, ended) => Some(format!("the command of `--before` failed before run {number}: {ended}")),
        End::NotReady(number, to) => {
            Some(format!("nothing accepted connections at {} in time, before run {number}", target(to)))
        }
        End::NoProcess(error) => Some(format!("cannot start a process: {}", crate::sys::strerror(error))),
    }
}

/// The address of a service, `127.0.0.1:8080` or a path.
#[must_use]
pub fn target(target: &Target) -> String {
    match target {
        Target::Tcp(host, port) if host.contains(':') => format!("[{}]:{port}", visible(host)),
        Target::Tcp(host, port) => format!("{}:{port}", visible(host)),
        Target::Unix(path) => visible(path),
    }
}

/// What is shown on a terminal while the runs go on; nothing where the line stays as it is.
#[must_use]
pub fn progress(event: &Event<'_>, run: (u32, u32), expected: Option<Duration>) -> Option<String> {
    let (number, all) = run;
    let head = if number == 0 { "warming up".to_owned() } else { format!("run {number} of {all}") };
    match event {
        Event::Restarting => Some("restarting the service".to_owned()),
        Event::WaitingFor(to) => Some(format!("waiting until {} accepts connections", target(to))),
        Event::Started(..) => Some(head),
        Event::Sampled(elapsed, sample) => {
            let queue = sample.accept_queue.or(sample.unix_queue);
            let queue = queue.map_or_else(String::new, |queue| format!("  queue {}/{}", queue.used, queue.limit));
            let files = sample.service_descriptors;
            let files = files.map_or_else(String::new, |its| format!("  descriptors {}/{}", its.used, its.limit));
            let done = expected.filter(|expected| !expected.is_zero()).map(|expected| bar(*elapsed, expected));
            let done = done.unwrap_or_else(|| format!("{} s", elapsed.as_secs()));
            Some(format!("{head}  {done}{queue}{files}"))
        }
        Event::Finished(_) | Event::SoFar(_) => None,
    }
}

/// `[=====>    ] 61 %`: how much of a run is over, by how long it is expected to take.
fn bar(elapsed: Duration, expected: Duration) -> String {
    const WIDTH: usize = 20;
    // One that takes longer is nearly over.
    let percent = (elapsed.as_millis() * 100 / expected.as_millis().max(1)).min(99);
    let filled = usize::try_from(percent).unwrap_or(99) * WIDTH / 100;
    format!("[{}>{}] {percent} %", "=".repeat(filled), " ".repeat(WIDTH - 1 - filled))
}

/// What bounds a limit, with its value where that is known.
#[must_use]
pub fn bound(bound: &Bound) -> String {
    match bound {
        Bound::Setting(Setting::Key(key)) => format!("bounded by {key}"),
        Bound::Setting(limit @ Setting::Limit(..)) => format!("bounded by the limit {limit}"),
        Bound::Backlog => "bounded by the backlog that the service asks for, listen(2)".to_owned(),
        Bound::Other(name) => format!("bounded by {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_another() {
        let bar = |elapsed, expected| bar(Duration::from_secs(elapsed), Duration::from_secs(expected));
        assert_eq!(bar(0, 100), "[>                   ] 0 %");
        assert_eq!(bar(61, 100), "[============>       ] 61 %");
        for elapsed in [0, 1, 50, 99, 100, 1000] {
            assert_eq!(bar(elapsed, 100).find(']'), Some(21), "{elapsed}");
        }
    }
}
