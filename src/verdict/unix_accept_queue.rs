//! `unix-accept-queue`: the queue of the service's unix(7) listener was full.
//!
//! Nothing counts it. Who connects without waiting gets `EAGAIN`; who waits just waits, and only a sample shows it.

use super::accept_queue::longer_queue;
use super::observation::{ClientError, Observation, Sample, Side};
use super::sign::{Measure, Note, Sign};
use super::{Code, Judgement, Limit};

pub(super) fn judge(run: &Observation, _: &mut Vec<Note>) -> Judgement {
    let service = match run.service() {
        Ok(service) => service,
        Err(judgement) => return judgement,
    };
    // The kernel lets one more in than the queue is long.
    let full = |sample: &&Sample| sample.unix_queue.is_some_and(|queue| queue.used > queue.limit);
    let seen = run.samples.iter().filter(|sample| sample.unix_queue.is_some()).count();
    let full = run.samples.iter().filter(full).count();
    let said = run.client.outcome.names(ClientError::WouldBlock);
    let Some(peak) = run.peak(|sample| sample.unix_queue).filter(|_| full > 0 || said) else {
        return Judgement::Clear;
    };
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let mut because = vec![
        Sign::of(Measure::QueuedConnections, Side::Service, peak.used, peak.limit),
        Sign::of(Measure::QueueSamples, Side::Service, count(full), count(seen)),
    ];
    if said {
        because.push(Sign::alone(Measure::Error(ClientError::WouldBlock), Side::Client, 1));
    }
    let (bound, fixes) = longer_queue(run, service, Some(peak.limit));
    Judgement::Limit(Limit { code: Code::UnixAcceptQueue, bound, fixes }, because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::observation::Use;
    use crate::verdict::tests::{healthy, limit_of};

    #[test]
    fn one_sample_that_shows_it_full_or_an_error_of_the_load_tester() {
        for (used, length, errors, limit) in [
            (5, 4, vec![], Some(Code::UnixAcceptQueue)),
            (4, 4, vec![], None),
            (1, 4, vec![ClientError::WouldBlock], Some(Code::UnixAcceptQueue)),
            (1, 128, vec![], None),
        ] {
            let mut run = healthy();
            run.samples[1].unix_queue = Some(Use { used, limit: length });
            run.client.outcome.errors = errors;
            assert_eq!(limit_of(judge, &run), limit, "{used} of {length}");
        }
    }

    #[test]
    fn an_error_without_such_a_listener_is_another() {
        let mut run = healthy();
        run.client.outcome.errors = vec![ClientError::WouldBlock];
        assert_eq!(limit_of(judge, &run), None);
    }
}
