//! `client-descriptors`: the load tester ran out of file descriptors.
//!
//! No counter tells. Load testers say "Too many open files" (ab ends with 24), but wrk and h2load name no errno: then
//! descriptors at the limit and connections that failed go together.

use super::fix::generous;
use super::observation::{ClientError, Observation, Side, Use};
use super::sign::{Measure, Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit};

/// A process that has so few descriptors left is taken to have run out: it closed one before the sample was taken.
const LEFT: u64 = 3;

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let outcome = &run.client.outcome;
    let peak = run.peak(|sample| sample.client_descriptors);
    if outcome.names(ClientError::TooManyFilesInSystem) {
        return whole_machine(run);
    }
    let mut because = Vec::new();
    if outcome.names(ClientError::TooManyFiles) {
        because.push(Sign::alone(Measure::Error(ClientError::TooManyFiles), Side::Client, 1));
    }
    match peak {
        Some(Use { used, limit }) if used + LEFT >= limit => {
            because.push(Sign::of(Measure::Descriptors, Side::Client, used, limit));
            if outcome.is_clean() && !outcome.names(ClientError::TooManyFiles) {
                notes.push(Note::DescriptorsNearLimit);
                return Judgement::Clear;
            }
        }
        // Errors that are named are others.
        None if outcome.errors.is_empty() && outcome.connect_errors.is_some_and(|count| count > 0) => {
            return Judgement::Unseen(Unseen::ClientDescriptors);
        }
        _ => {}
    }
    if because.is_empty() {
        return Judgement::Clear;
    }
    because.extend(outcome.connect_errors.map(|count| Sign::alone(Measure::ConnectErrors, Side::Client, count)));
    let needed = run.client.connections.unwrap_or(0).max(peak.map_or(0, |peak| peak.limit));
    let fixes = vec![Fix::raise_descriptors(generous(needed, 4096), Side::Client)];
    Judgement::Limit(Limit { code: Code::ClientDescriptors, bound: Bound::descriptors(), fixes }, because)
}

/// `ENFILE`: not the process but the machine has none left.
fn whole_machine(run: &Observation) -> Judgement {
    let used = run.host.get(crate::counters::Counter::FilesAllocated).unwrap_or(0);
    let bound = Bound::sysctl("fs.file-max");
    let fixes = Fix::raise("fs.file-max", generous(used, 1 << 20), Side::Host).into_iter().collect();
    let because = vec![Sign::alone(Measure::Error(ClientError::TooManyFilesInSystem), Side::Host, 1)];
    Judgement::Limit(Limit { code: Code::ClientDescriptors, bound, fixes }, because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of};

    fn at(used: u64, limit: u64) -> Observation {
        let mut run = healthy();
        run.samples[1].client_descriptors = Some(Use { used, limit });
        run
    }

    #[test]
    fn the_load_tester_says_so() {
        let mut run = healthy();
        run.client.outcome.errors = vec![ClientError::TooManyFiles];
        assert_eq!(limit_of(judge, &run), Some(Code::ClientDescriptors));
        run.samples.clear();
        assert_eq!(limit_of(judge, &run), Some(Code::ClientDescriptors), "without a sample too");
    }

    /// wrk -c200 with 64 descriptors: "connect 141", exit code 0.
    #[test]
    fn descriptors_at_the_limit_and_connections_that_failed() {
        let mut run = at(64, 64);
        run.client.outcome.connect_errors = Some(141);
        run.client.outcome.failed = None;
        assert_eq!(limit_of(judge, &run), Some(Code::ClientDescriptors));
        run = at(60, 64);
        run.client.outcome.connect_errors = Some(141);
        assert_eq!(limit_of(judge, &run), None, "ports have run out, or nothing listens");
    }

    #[test]
    fn descriptors_at_the_limit_without_a_failure_are_a_note() {
        let mut notes = Vec::new();
        assert_eq!(judge(&at(62, 64), &mut notes), Judgement::Clear);
        assert_eq!(notes, [Note::DescriptorsNearLimit]);
    }

    #[test]
    fn connections_failed_and_descriptors_were_not_seen() {
        let mut run = healthy();
        run.samples.iter_mut().for_each(|sample| sample.client_descriptors = None);
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Clear);
        run.client.outcome.connect_errors = Some(1);
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::ClientDescriptors));
        run.client.outcome.errors = vec![ClientError::Refused];
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Clear, "that is why");
    }

    #[test]
    fn the_machine_has_none_left() {
        let mut run = healthy();
        run.client.outcome.errors = vec![ClientError::TooManyFilesInSystem];
        let Judgement::Limit(limit, _) = judge(&run, &mut Vec::new()) else { panic!() };
        assert_eq!(limit.bound.to_string(), "fs.file-max");
    }
}
