//! `pids`: a control group allowed no more processes and threads.

use super::observation::{Observation, moved};
use super::sign::{Note, Sign};
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::counters::Counter;

pub(super) fn judge(run: &Observation, _: &mut Vec<Note>) -> Judgement {
    let mut judgement = run.without_cgroup_limit();
    for (side, cgroup) in run.cgroups() {
        match moved(&cgroup.counters, Counter::CgroupPidsMax, side) {
            Ok(0) => {}
            Ok(refused) => {
                let because =
                    vec![Sign { of: cgroup.pids_max, ..Sign::counter(Counter::CgroupPidsMax, side, refused) }];
                let fixes = vec![Fix::RaiseCgroup { path: cgroup.path.clone(), file: "pids.max" }];
                return Judgement::Limit(Limit { code: Code::Pids, bound: Bound::Other("pids.max"), fixes }, because);
            }
            Err(unseen) => judgement = unseen,
        }
    }
    judgement
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::counters::Unknown;
    use crate::verdict::Side;
    use crate::verdict::sign::Unseen;
    use crate::verdict::tests::{healthy, limit_of};

    #[test]
    fn one_refused_fork_is_enough() {
        for (refused, limit) in [(0, None), (1, Some(Code::Pids)), (51_555, Some(Code::Pids))] {
            let mut run = healthy();
            let service = run.service.as_mut().unwrap();
            service.cgroups.as_mut().unwrap()[0].counters =
                [(Counter::CgroupPidsMax, Ok(refused))].into_iter().collect();
            assert_eq!(limit_of(judge, &run), limit, "{refused}");
        }
    }

    #[test]
    fn a_counter_that_can_not_be_read_is_told() {
        let mut run = healthy();
        let unreadable = Err(Unknown::Unreadable(Errno::EACCES));
        run.client.cgroups.as_mut().unwrap()[0].counters = [(Counter::CgroupPidsMax, unreadable)].into_iter().collect();
        let unseen = Unseen::Counter(Counter::CgroupPidsMax, Side::Client);
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(unseen));
    }
}
