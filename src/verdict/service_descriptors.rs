//! `service-descriptors`: the service ran out of file descriptors.
//!
//! Nothing counts it and no load tester shows it: the rate may even rise, since the connections that were accepted get
//! all of the service. Its descriptors are at the limit, and connections that it can't accept wait in the queue. Some
//! services (libuv) keep a descriptor in reserve and close what they accept beyond the limit: then requests fail.

use super::fix::generous;
use super::observation::{Observation, Sample, Side, Use};
use super::sign::{Measure, Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit};

/// From this part of the limit on, in percent, a process is taken to be at it.
const AT_LIMIT: u64 = 97;
/// A process that sheds connections has so few left.
const LEFT: u64 = 3;

pub(super) fn judge(run: &Observation, _: &mut Vec<Note>) -> Judgement {
    let service = match run.service() {
        Ok(service) => service,
        Err(judgement) => return judgement,
    };
    let Some(peak) = run.peak(|sample| sample.service_descriptors) else {
        let unseen = if service.pid.is_none() { Unseen::ServiceProcess } else { Unseen::ServiceDescriptors };
        return Judgement::Unseen(unseen);
    };
    if !peak.at_least_percent(AT_LIMIT) {
        return Judgement::Clear;
    }
    let full = |sample: &&Sample| sample.service_descriptors.is_some_and(|its| its.at_least_percent(AT_LIMIT));
    let full: Vec<&Sample> = run.samples.iter().filter(full).collect();
    let standing = full.iter().filter(|sample| sample.accept_queue.is_some_and(|queue| queue.used > 0)).count();
    let sheds = peak.used + LEFT >= peak.limit && run.client.outcome.has_failures();
    if standing * 2 <= full.len() && !sheds {
        return Judgement::Clear;
    }
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let because = vec![
        Sign::of(Measure::Descriptors, Side::Service, peak.used, peak.limit),
        Sign::of(Measure::QueueSamples, Side::Service, count(standing), count(full.len())),
    ];
    Judgement::Limit(
        Limit { code: Code::ServiceDescriptors, bound: Bound::descriptors(), fixes: fixes(run, peak) },
        because,
    )
}

fn fixes(run: &Observation, peak: Use) -> Vec<Fix> {
    let waiting = run.peak(|sample| sample.accept_queue).map_or(0, |queue| queue.used);
    let needed = run.client.connections.unwrap_or(0).max(peak.limit.saturating_add(waiting));
    vec![Fix::raise_descriptors(generous(needed, 4096), Side::Service)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of};

    fn with(descriptors: Use, waiting: &[u64]) -> Observation {
        let mut run = healthy();
        for (sample, waiting) in run.samples.iter_mut().zip(waiting.iter().cycle()) {
            sample.service_descriptors = Some(descriptors);
            sample.accept_queue = Some(Use { used: *waiting, limit: 511 });
        }
        run
    }

    #[test]
    fn descriptors_at_the_limit_and_a_standing_queue() {
        assert_eq!(limit_of(judge, &with(Use { used: 64, limit: 64 }, &[145])), Some(Code::ServiceDescriptors));
        assert_eq!(limit_of(judge, &with(Use { used: 65, limit: 64 }, &[145, 145, 0])), Some(Code::ServiceDescriptors));
        assert_eq!(limit_of(judge, &with(Use { used: 210, limit: 4096 }, &[145])), None);
        assert_eq!(limit_of(judge, &with(Use { used: 1000, limit: 1024 }, &[0])), None, "the service keeps up");
    }

    #[test]
    fn a_service_that_closes_what_it_can_not_keep() {
        let mut run = with(Use { used: 63, limit: 64 }, &[0]);
        assert_eq!(limit_of(judge, &run), None);
        run.client.outcome.failed = Some(12);
        assert_eq!(limit_of(judge, &run), Some(Code::ServiceDescriptors));
    }

    #[test]
    fn what_was_not_seen_is_said() {
        let mut run = healthy();
        run.samples.iter_mut().for_each(|sample| sample.service_descriptors = None);
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::ServiceDescriptors));
        run.service = None;
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::Service));
    }
}
