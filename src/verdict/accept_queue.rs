//! `accept-queue`: connections were dropped because the accept queue of the service's listener was full.
//!
//! `ListenOverflows` counts them in the whole network namespace, `sk_drops` of the listener says whose they were. They
//! cost little throughput: each comes again a second later, so that the harm shows in the tail, and the verdict must not
//! hang on the rate.

use super::fix::generous;
use super::observation::{Observation, Service, Side, moved};
use super::sign::{Measure, Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::counters::Counter;

/// So many overflows hold a run back, or this part of the connections, in thousandths.
const OVERFLOWS: u64 = 10;
const SHARE: u64 = 1;
/// A thread of the service that uses so many thousandths of a CPU serves no faster for a longer queue.
const WHOLE_CPU: u64 = 900;

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let service = match run.service() {
        Ok(service) => service,
        Err(judgement) => return judgement,
    };
    let overflows = match moved(&service.network, Counter::ListenOverflows, Side::Service) {
        Ok(0) => return Judgement::Clear,
        Ok(overflows) => overflows,
        Err(unseen) => return unseen,
    };
    let Some(drops) = service.listener_drops else { return Judgement::Unseen(Unseen::Listener) };
    // The listener drops for other reasons too, and others of the namespace overflow.
    let own = overflows.min(drops);
    if own == 0 {
        notes.push(Note::OtherListener(overflows));
        return Judgement::Clear;
    }
    let opened = service.network.get(Counter::PassiveOpens).unwrap_or(u64::MAX);
    let asked = opened.saturating_add(overflows);
    if own < OVERFLOWS && own.saturating_mul(1000) < asked.saturating_mul(SHARE) {
        notes.push(Note::FewOverflows(own));
        return Judgement::Clear;
    }
    if service.busiest_thread.is_some_and(|share| share >= WHOLE_CPU) {
        notes.push(Note::ServiceCpuBound);
    }
    let mut because = vec![
        Sign {
            of: (asked < u64::MAX).then_some(asked),
            ..Sign::counter(Counter::ListenOverflows, Side::Service, overflows)
        },
        Sign::alone(Measure::ListenerDrops, Side::Service, drops),
    ];
    let peak = run.peak(|sample| sample.accept_queue);
    because.extend(peak.map(|peak| Sign::of(Measure::QueuedConnections, Side::Service, peak.used, peak.limit)));
    let (bound, fixes) = longer_queue(run, service, peak.map(|peak| peak.limit));
    Judgement::Limit(Limit { code: Code::AcceptQueue, bound, fixes }, because)
}

/// What bounds the queue of a listener, and what makes it longer. The kernel cuts what the service asks for down to
/// `net.core.somaxconn`, at listen(2): a queue that is shorter is what the service asked for, or what it was cut to
/// before the setting was raised.
pub(super) fn longer_queue(run: &Observation, service: &Service, length: Option<u64>) -> (Bound, Vec<Fix>) {
    let somaxconn = service.settings.somaxconn;
    let needed = generous(run.client.connections.unwrap_or(0).max(length.unwrap_or(0)), 4096);
    let capped = match (length, somaxconn) {
        (Some(length), Some(somaxconn)) => length >= somaxconn,
        _ => false,
    };
    let bound = if capped { Bound::sysctl(SOMAXCONN) } else { Bound::Backlog };
    let raise = somaxconn.is_none_or(|somaxconn| somaxconn < needed);
    let raise = raise.then(|| Fix::raise(SOMAXCONN, needed, Side::Service)).flatten();
    (bound, raise.into_iter().chain([Fix::RaiseBacklog(needed)]).collect())
}

const SOMAXCONN: &str = "net.core.somaxconn";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::observation::Use;
    use crate::verdict::tests::{healthy, limit_of, set};

    fn with(overflows: u64, opened: u64, drops: u64) -> Observation {
        let mut run = healthy();
        let service = run.service.as_mut().unwrap();
        set(&mut service.network, Counter::ListenOverflows, overflows);
        set(&mut service.network, Counter::PassiveOpens, opened);
        service.listener_drops = Some(drops);
        run.samples[2].accept_queue = Some(Use { used: 17, limit: 16 });
        run
    }

    #[test]
    fn the_listener_that_was_tested_overflowed() {
        for (overflows, opened, drops, limit) in [
            (589, 1880, 705, Some(Code::AcceptQueue)),
            (2750, 62_000, 2750, Some(Code::AcceptQueue)),
            (10, 1_000_000, 10, Some(Code::AcceptQueue)),
            (3, 1000, 3, Some(Code::AcceptQueue)),
            (9, 1_000_000, 9, None),
            (404, 5000, 0, None),
            (404, 1_000_000, 3, None),
            (0, 5000, 0, None),
        ] {
            let run = with(overflows, opened, drops);
            assert_eq!(limit_of(judge, &run), limit, "{overflows} of {opened}, {drops} of its own");
        }
    }

    #[test]
    fn another_listener_and_a_few_overflows_are_notes() {
        let notes = |run: &Observation| {
            let mut notes = Vec::new();
            judge(run, &mut notes);
            notes
        };
        assert_eq!(notes(&with(404, 5000, 0)), [Note::OtherListener(404)]);
        assert_eq!(notes(&with(9, 1_000_000, 9)), [Note::FewOverflows(9)]);
        let mut busy = with(404, 5000, 404);
        busy.service.as_mut().unwrap().busiest_thread = Some(980);
        assert_eq!(notes(&busy), [Note::ServiceCpuBound]);
    }

    #[test]
    fn a_full_queue_is_named_by_what_bounds_it() {
        let bound = |somaxconn: u64| {
            let mut run = with(589, 1880, 589);
            run.service.as_mut().unwrap().settings.somaxconn = Some(somaxconn);
            let Judgement::Limit(limit, _) = judge(&run, &mut Vec::new()) else { panic!() };
            (limit.bound.to_string(), limit.fixes.len())
        };
        assert_eq!(bound(16), ("net.core.somaxconn".to_owned(), 2));
        assert_eq!(bound(32_768), ("backlog".to_owned(), 1));
        assert_eq!(bound(128), ("backlog".to_owned(), 2), "both are too low");
    }

    #[test]
    fn what_was_not_seen_is_said() {
        let mut run = with(589, 1880, 589);
        run.service.as_mut().unwrap().listener_drops = None;
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::Listener));
        let quiet = Observation { service: None, ..healthy() };
        assert_eq!(judge(&quiet, &mut Vec::new()), Judgement::Unseen(Unseen::Service));
    }
}
