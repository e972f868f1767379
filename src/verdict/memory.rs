//! `memory`: the kernel killed a process for lack of memory.
//!
//! That a control group ran into its limit proves nothing: reclaiming the page cache moves that counter too.

use super::observation::{Observation, moved};
use super::sign::{Note, Sign};
use super::{Bound, Code, Fix, Judgement, Limit, Side};
use crate::counters::Counter;

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let mut judgement = run.without_cgroup_limit();
    for (side, cgroup) in run.cgroups() {
        match moved(&cgroup.counters, Counter::CgroupOomKills, side) {
            Ok(0) => {}
            Ok(kills) => {
                let file = if cgroup.unified { "memory.max" } else { "memory.limit_in_bytes" };
                let fixes = vec![Fix::RaiseCgroup { path: cgroup.path.clone(), file }];
                let because = vec![Sign::counter(Counter::CgroupOomKills, side, kills)];
                return Judgement::Limit(Limit { code: Code::Memory, bound: Bound::Other(file), fixes }, because);
            }
            Err(unseen) => judgement = unseen,
        }
    }
    let killed = run.host.get(Counter::OomKills).unwrap_or(0);
    if killed == 0 {
        return judgement;
    }
    if !run.service.as_ref().is_some_and(|service| service.died) {
        notes.push(Note::OomKillElsewhere(killed));
        return judgement;
    }
    // Not by the group's limit, but the service is gone: the machine had no more.
    let because = vec![Sign::counter(Counter::OomKills, Side::Host, killed)];
    Judgement::Limit(Limit { code: Code::Memory, bound: Bound::Other("MemTotal"), fixes: Vec::new() }, because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of};

    fn with(counter: Counter, number: u64) -> Observation {
        let mut run = healthy();
        run.service.as_mut().unwrap().cgroups.as_mut().unwrap()[0].counters =
            [(counter, Ok(number))].into_iter().collect();
        run
    }

    #[test]
    fn a_killed_process_and_not_a_full_group() {
        assert_eq!(limit_of(judge, &with(Counter::CgroupOomKills, 1)), Some(Code::Memory));
        assert_eq!(limit_of(judge, &with(Counter::CgroupMemoryMax, 63)), None);
        assert_eq!(limit_of(judge, &with(Counter::CgroupOomKills, 0)), None);
    }

    #[test]
    fn the_machine_itself_ran_out() {
        let mut run = healthy();
        run.host = [(Counter::OomKills, Ok(1))].into_iter().collect();
        let mut notes = Vec::new();
        assert_eq!(judge(&run, &mut notes), Judgement::Clear);
        assert_eq!(notes, [Note::OomKillElsewhere(1)]);
        run.service.as_mut().unwrap().died = true;
        assert_eq!(limit_of(judge, &run), Some(Code::Memory));
    }
}
