//! Why a run was no faster, where no limit of the kernel's held it back.

use super::Reason;
use super::observation::{ClientError, Observation, Side};
use super::sign::{Measure, Note, Sign};
use crate::counters::Counter;

/// A thread that uses so many thousandths of a CPU is bound by it.
const WHOLE_CPU: u64 = 900;
/// A thread that shares its CPU with others is, from here on.
const SHARED_CPU: u64 = 400;
/// Time in which some task waited for a CPU, in thousandths of the run: all day, and enough to matter.
const CROWDED: u64 = 500;
const CONTENDED: u64 = 200;
/// CPU time taken by other guests, in thousandths.
const STOLEN: u64 = 100;
/// Both sides below this leave the machine idle.
const IDLE: u64 = 300;

/// The reason, and the numbers that speak for it.
pub(super) fn reason(run: &Observation) -> (Reason, Vec<Sign>) {
    let outcome = &run.client.outcome;
    if outcome.names(ClientError::Refused) || run.target.is_some_and(|target| !target.listening) {
        return (Reason::Refused, vec![Sign::alone(Measure::Error(ClientError::Refused), Side::Client, 1)]);
    }
    let waited = run.host.get(Counter::CpuPressure).ok().map(|time| run.thousandths(time).min(1000));
    let service = run.service.as_ref().and_then(|service| service.busiest_thread);
    let client = run.client.busiest_thread;
    let stolen = steal(run);
    let threads = [(Side::Service, service), (Side::Client, client)];
    let mut because: Vec<Sign> = threads
        .into_iter()
        .filter_map(|(side, share)| Some(Sign::of(Measure::BusiestThread, side, share?, 1000)))
        .collect();
    because.extend(waited.map(|share| Sign::of(Measure::CpuWait, Side::Host, share, 1000)));
    because.extend(stolen.map(|share| Sign::of(Measure::Steal, Side::Host, share, 1000)));
    let crowded = waited.is_some_and(|share| share >= CROWDED);
    let bound = |share: Option<u64>, bound: u64| share.is_some_and(|share| share >= bound);
    // A whole CPU first: a thread that has half of one may do so because the other side has the rest.
    let reason = if bound(service, WHOLE_CPU) {
        Reason::ServiceCpu
    } else if bound(client, WHOLE_CPU) {
        Reason::ClientCpu
    } else if bound(stolen, STOLEN) {
        Reason::CpuContention
    } else if crowded && bound(service, SHARED_CPU) && service >= client {
        Reason::ServiceCpu
    } else if crowded && bound(client, SHARED_CPU) {
        Reason::ClientCpu
    } else if bound(waited, CONTENDED) {
        Reason::CpuContention
    } else if service.is_some_and(|share| share < IDLE) && !bound(client, IDLE) && outcome.requests != Some(0) {
        Reason::SlowApplication
    } else {
        Reason::Unexplained
    };
    (reason, because)
}

/// CPU time that went to other guests of the hypervisor, in thousandths of all.
fn steal(run: &Observation) -> Option<u64> {
    let (stolen, total) = (run.host.get(Counter::CpuSteal).ok()?, run.host.get(Counter::CpuTotal).ok()?);
    stolen.saturating_mul(1000).checked_div(total)
}

/// What is worth knowing whatever the verdict is.
pub(super) fn notes(run: &Observation) -> Vec<Note> {
    let mut notes = Vec::new();
    if let Some(service) = &run.service {
        if service.died {
            notes.push(Note::ServiceDied);
        }
    }
    for (_, network, _) in run.networks() {
        if let Ok(count @ 1..) = network.get(Counter::TimeWaitOverflow) {
            notes.push(Note::TimeWaitOverflow(count));
            break;
        }
    }
    notes.extend(steal(run).filter(|share| *share >= STOLEN / 2).map(Note::Steal));
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::healthy;

    /// Shares of a CPU in thousandths; the healthy run takes four seconds.
    fn with(service: u64, client: u64, waited: u64) -> Observation {
        let mut run = healthy();
        run.service.as_mut().unwrap().busiest_thread = Some(service);
        run.client.busiest_thread = Some(client);
        run.host = [(Counter::CpuPressure, Ok(waited * 4000))].into_iter().collect();
        run
    }

    #[test]
    fn the_reasons() {
        for (service, client, waited, expected) in [
            (980, 300, 30, Reason::ServiceCpu),
            (920, 950, 400, Reason::ServiceCpu),
            (700, 950, 30, Reason::ClientCpu),
            (480, 200, 970, Reason::ServiceCpu),
            (300, 340, 970, Reason::CpuContention),
            (10, 20, 30, Reason::SlowApplication),
            (10, 20, 250, Reason::CpuContention),
            (600, 400, 30, Reason::Unexplained),
        ] {
            assert_eq!(reason(&with(service, client, waited)).0, expected, "{service} {client} {waited}");
        }
    }

    #[test]
    fn nothing_listened() {
        let mut run = with(0, 0, 0);
        run.client.outcome.errors = vec![ClientError::Refused];
        assert_eq!(reason(&run).0, Reason::Refused);
    }

    #[test]
    fn other_guests_took_the_cpu() {
        let mut run = with(500, 300, 600);
        run.host = [(Counter::CpuSteal, Ok(30)), (Counter::CpuTotal, Ok(100))].into_iter().collect();
        assert_eq!(reason(&run).0, Reason::CpuContention);
        assert_eq!(notes(&run), [Note::Steal(300)]);
    }

    #[test]
    fn without_a_number_nothing_is_made_up() {
        let mut run = with(0, 0, 0);
        run.service.as_mut().unwrap().busiest_thread = None;
        run.client.busiest_thread = None;
        run.host = crate::counters::Difference::default();
        assert_eq!(reason(&run), (Reason::Unexplained, vec![]));
    }
}
