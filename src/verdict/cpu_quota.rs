//! `cpu-quota`: a control group was throttled by its CPU quota.

use super::observation::{Observation, moved};
use super::sign::{Measure, Note, Sign};
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::counters::Counter;

/// Throttled periods of all, in percent, from which on the quota is the limit.
const PERIODS: u64 = 10;
/// Throttled time of the run, in thousandths, likewise.
const TIME: u64 = 50;

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let mut judgement = run.without_cgroup_limit();
    for (side, cgroup) in run.cgroups() {
        let read = |counter| moved(&cgroup.counters, counter, side);
        let [periods, throttled, time] =
            [Counter::CgroupPeriods, Counter::CgroupThrottled, Counter::CgroupThrottledTime].map(read);
        let (periods, throttled, time) = match (periods, throttled, time) {
            (Ok(periods), Ok(throttled), Ok(time)) => (periods, throttled, run.thousandths(time)),
            (Err(unseen), _, _) | (_, Err(unseen), _) | (_, _, Err(unseen)) => {
                judgement = unseen;
                continue;
            }
        };
        if throttled == 0 {
            continue;
        }
        if throttled * 100 < periods * PERIODS || time < TIME {
            notes.push(Note::Throttled(throttled));
            continue;
        }
        let file = if cgroup.unified { "cpu.max" } else { "cpu.cfs_quota_us" };
        let fixes = vec![Fix::RaiseCgroup { path: cgroup.path.clone(), file }];
        let because = vec![
            Sign::of(Measure::ThrottledPeriods, side, throttled, periods),
            Sign::of(Measure::ThrottledTime, side, time, 1000),
        ];
        return Judgement::Limit(Limit { code: Code::CpuQuota, bound: Bound::Other(file), fixes }, because);
    }
    judgement
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of};

    /// The healthy run takes four seconds.
    #[test]
    fn many_periods_and_much_time() {
        for (periods, throttled, microseconds, limit) in [
            (40, 40, 2_400_000, Some(Code::CpuQuota)),
            (40, 4, 200_000, Some(Code::CpuQuota)),
            (40, 3, 2_000_000, None),
            (40, 40, 100_000, None),
            (40, 0, 0, None),
            (0, 0, 0, None),
        ] {
            let mut run = healthy();
            run.service.as_mut().unwrap().cgroups.as_mut().unwrap()[0].counters = [
                (Counter::CgroupPeriods, Ok(periods)),
                (Counter::CgroupThrottled, Ok(throttled)),
                (Counter::CgroupThrottledTime, Ok(microseconds)),
            ]
            .into_iter()
            .collect();
            assert_eq!(limit_of(judge, &run), limit, "{throttled} of {periods} periods, {microseconds} µs");
        }
    }
}
