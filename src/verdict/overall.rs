//! The verdict over all runs: that of most of them.

use super::{Answer, Note, Verdict};

/// The verdict of most runs; of a tie, the one higher in the order of precedence. What the others found goes to the
/// notes. Unknown where no run was judged.
#[must_use]
pub fn overall(runs: &[&Verdict]) -> Verdict {
    let count = |verdict: &Verdict| runs.iter().filter(|run| kind(run) == kind(verdict)).count();
    // The last of equals is taken, so precedence is turned round.
    let chosen = runs.iter().max_by_key(|verdict| (count(verdict), std::cmp::Reverse(kind(verdict))));
    let Some(chosen) = chosen else {
        return Verdict { answer: Answer::Unknown, because: Vec::new(), notes: Vec::new() };
    };
    // Of the runs with that answer, the one with the most evidence speaks for all.
    let same = runs.iter().filter(|run| kind(run) == kind(chosen));
    let chosen = same.max_by_key(|run| run.because.iter().map(|sign| sign.value).max()).unwrap_or(chosen);
    let mut notes = Vec::new();
    let others = runs.iter().filter(|run| kind(run) != kind(chosen)).map(|run| match &run.answer {
        Answer::Limit(limit) => Note::OtherRun(limit.code),
        Answer::None(reason) => Note::OtherRunNone(*reason),
        Answer::Unknown => Note::OtherRunUnknown,
    });
    for note in runs.iter().flat_map(|run| run.notes.iter().copied()).chain(others) {
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Verdict { answer: chosen.answer.clone(), because: chosen.because.clone(), notes }
}

/// The place of an answer in the order of precedence: limits first, then what is not known, then none.
fn kind(verdict: &Verdict) -> usize {
    match &verdict.answer {
        Answer::Limit(limit) => limit.code as usize,
        Answer::Unknown => usize::MAX - 1,
        Answer::None(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Bound, Code, Limit, Reason};

    fn limit(code: Code) -> Verdict {
        let limit = Limit { code, bound: Bound::Backlog, fixes: vec![] };
        Verdict { answer: Answer::Limit(limit), because: vec![], notes: vec![] }
    }

    fn other(answer: Answer) -> Verdict {
        Verdict { answer, because: vec![], notes: vec![] }
    }

    #[test]
    fn the_limit_of_most_runs_and_of_a_tie_the_higher() {
        let accept = limit(Code::AcceptQueue);
        let ports = limit(Code::EphemeralPorts);
        let none = other(Answer::None(Reason::ServiceCpu));
        let unknown = other(Answer::Unknown);
        for (runs, expected) in [
            (vec![&accept, &accept, &ports], "accept-queue"),
            (vec![&accept, &ports], "ephemeral-ports"),
            (vec![&none, &accept], "accept-queue"),
            (vec![&none, &none, &accept], "none"),
            (vec![&none, &unknown], "unknown"),
            (vec![], "unknown"),
        ] {
            assert_eq!(overall(&runs).answer.code(), expected, "{runs:?}");
        }
    }

    #[test]
    fn what_the_other_runs_found_is_noted_once() {
        let accept = limit(Code::AcceptQueue);
        let none = other(Answer::None(Reason::ServiceCpu));
        let verdict = overall(&[&none, &accept, &none, &none, &accept]);
        assert_eq!(verdict.notes, [Note::OtherRun(Code::AcceptQueue)]);
    }
}
