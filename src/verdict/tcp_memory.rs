//! `tcp-memory`: there was no memory left for TCP sockets, of the machine (`net.ipv4.tcp_mem`) or of a control group.

use super::observation::{Observation, Use, moved};
use super::sign::{Measure, Note, Sign};
use super::{Bound, Code, Fix, Judgement, Limit, Side};
use crate::counters::Counter;

/// From this part of the bound of a control group on, in percent, it is taken to be reached.
const REACHED: u64 = 90;
const TCP_MEM: &str = "net.ipv4.tcp_mem";
const GROUP_LIMIT: &str = "memory.kmem.tcp.limit_in_bytes";

pub(super) fn judge(run: &Observation, _: &mut Vec<Note>) -> Judgement {
    let mut judgement = Judgement::Clear;
    for (side, network, _) in run.networks() {
        let read = |counter| moved(network, counter, side);
        let counters = [Counter::MemoryPressures, Counter::RcvQDrop, Counter::PruneCalled].map(read);
        let (pressures, dropped, pruned) = match counters {
            [Ok(pressures), Ok(dropped), Ok(pruned)] => (pressures, dropped, pruned),
            [Err(unseen), ..] | [_, Err(unseen), _] | [.., Err(unseen)] => {
                judgement = unseen;
                continue;
            }
        };
        if pressures > 0 {
            let because = vec![Sign::counter(Counter::MemoryPressures, Side::Host, pressures)];
            let limit = Limit { code: Code::TcpMemory, bound: Bound::sysctl(TCP_MEM), fixes: Vec::new() };
            return Judgement::Limit(limit, because);
        }
        if dropped == 0 || pruned == 0 {
            continue;
        }
        let Some(peak) = run.peak(|sample| sample.tcp_memory).filter(|peak| peak.at_least_percent(REACHED)) else {
            continue;
        };
        let because = vec![
            Sign::counter(Counter::RcvQDrop, side, dropped),
            Sign::counter(Counter::PruneCalled, side, pruned),
            Sign::of(Measure::TcpMemory, side, peak.used, peak.limit),
        ];
        let limit = Limit { code: Code::TcpMemory, bound: Bound::Other(GROUP_LIMIT), fixes: fixes(run, peak) };
        return Judgement::Limit(limit, because);
    }
    judgement
}

/// The group whose bound it is.
fn fixes(run: &Observation, peak: Use) -> Vec<Fix> {
    let group = run.cgroups().map(|(_, group)| group).find(|group| group.tcp_memory_limit == Some(peak.limit));
    group.map(|group| Fix::RaiseCgroup { path: group.path.clone(), file: GROUP_LIMIT }).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of, set};

    fn with(dropped: u64, pruned: u64, used: u64) -> Observation {
        let mut run = healthy();
        let service = run.service.as_mut().unwrap();
        set(&mut service.network, Counter::RcvQDrop, dropped);
        set(&mut service.network, Counter::PruneCalled, pruned);
        service.cgroups.as_mut().unwrap()[0].tcp_memory_limit = Some(1 << 20);
        run.samples[2].tcp_memory = Some(Use { used, limit: 1 << 20 });
        run
    }

    #[test]
    fn the_bound_of_a_group_is_reached_and_packets_are_dropped() {
        const MIB: u64 = 1 << 20;
        for (dropped, pruned, used, limit) in [
            (20, 130, MIB, Some(Code::TcpMemory)),
            (20, 130, MIB / 2, None),
            (0, 130, MIB, None),
            (20, 0, MIB, None),
            (0, 0, 0, None),
        ] {
            assert_eq!(limit_of(judge, &with(dropped, pruned, used)), limit, "{dropped} {pruned} {used}");
        }
    }

    #[test]
    fn the_machine_has_no_more() {
        let mut run = healthy();
        set(&mut run.client.network, Counter::MemoryPressures, 1);
        let Judgement::Limit(limit, _) = judge(&run, &mut Vec::new()) else { panic!() };
        assert_eq!((limit.code, limit.bound.to_string().as_str()), (Code::TcpMemory, TCP_MEM));
    }
}
