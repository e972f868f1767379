//! `conntrack`: the table of tracked connections was full, and packets were dropped for that.
//!
//! A load tester that opens one connection first and waits for its answer makes only a few drops: one is enough.

use super::fix::generous;
use super::observation::{Observation, Use, moved};
use super::sign::{Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit, Side};
use crate::counters::Counter;

/// From this part of the table on, in percent, it is taken to be full: entries are freed before they are counted.
const FULL: u64 = 95;
const MAX: &str = "net.netfilter.nf_conntrack_max";

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let mut judgement = Judgement::Clear;
    for (side, network, settings) in run.networks() {
        let read = |counter| moved(network, counter, side);
        let (drops, failed) = match (read(Counter::ConntrackDrop), read(Counter::ConntrackInsertFailed)) {
            (Ok(drops), Ok(failed)) => (drops, failed),
            (Err(unseen), _) | (_, Err(unseen)) => {
                judgement = unseen;
                continue;
            }
        };
        if let Ok(thrown_out @ 1..) = network.get(Counter::ConntrackEarlyDrop) {
            notes.push(Note::ConntrackEarlyDrops(thrown_out));
        }
        if drops == 0 && failed == 0 {
            continue;
        }
        let Some(limit) = settings.conntrack_max else {
            judgement = Judgement::Unseen(Unseen::Bound);
            continue;
        };
        let entries = run.samples.iter().filter_map(|sample| sample.conntrack);
        let used = entries.chain(network.get(Counter::ConntrackEntries).ok()).max().unwrap_or(0);
        if !(Use { used, limit }).at_least_percent(FULL) {
            notes.push(Note::ConntrackDrops(drops.saturating_add(failed)));
            continue;
        }
        let fixes = Fix::raise(MAX, generous(limit, 1 << 18), Side::Host).into_iter().collect();
        let because = vec![
            Sign::counter(Counter::ConntrackDrop, side, drops),
            Sign { of: Some(limit), ..Sign::counter(Counter::ConntrackEntries, side, used) },
        ];
        return Judgement::Limit(Limit { code: Code::Conntrack, bound: Bound::sysctl(MAX), fixes }, because);
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of, set};

    fn with(entries: u64, drops: u64) -> Observation {
        let mut run = healthy();
        set(&mut run.client.network, Counter::ConntrackDrop, drops);
        run.client.settings.conntrack_max = Some(262_144);
        run.samples[0].conntrack = Some(entries);
        run
    }

    #[test]
    fn one_drop_and_a_full_table() {
        for (entries, drops, limit) in [
            (262_144, 4, Some(Code::Conntrack)),
            (250_000, 1, Some(Code::Conntrack)),
            (262_144, 0, None),
            (900, 4, None),
        ] {
            assert_eq!(limit_of(judge, &with(entries, drops)), limit, "{entries} entries, {drops} drops");
        }
    }

    #[test]
    fn drops_of_a_table_that_is_not_full_are_a_note() {
        let mut notes = Vec::new();
        judge(&with(900, 4), &mut notes);
        assert_eq!(notes, [Note::ConntrackDrops(4)]);
    }

    #[test]
    fn the_bound_has_to_be_known() {
        let mut run = with(262_144, 4);
        run.client.settings.conntrack_max = None;
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::Bound));
    }
}
