//! `interface-queue`: the queue of a network interface was full, and what was sent was lost.
//!
//! TCP sends such packets again at the same rate: that is a note. Datagrams are gone.

use super::fix::generous;
use super::observation::{Observation, moved};
use super::sign::{Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit, Side};
use crate::counters::Counter;

/// Packets dropped by a CPU's backlog, of all, in thousandths. The whole machine counts in one number.
const SHARE: u64 = 1;
const BACKLOG: &str = "net.core.netdev_max_backlog";

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let mut judgement = Judgement::Clear;
    for (side, network, _) in run.networks() {
        let read = |counter| moved(network, counter, side);
        let counters =
            [Counter::IpOutDiscards, Counter::Ip6OutDiscards, Counter::UdpSndbufErrors, Counter::Udp6SndbufErrors];
        let lost = counters.map(read);
        if let Some(unseen) = lost.iter().find_map(|read| read.clone().err()) {
            judgement = unseen;
            continue;
        }
        let lost: u64 = lost.iter().flatten().fold(0, |sum, number| sum.saturating_add(*number));
        match network.get(Counter::QdiscDrops) {
            Ok(0) => {}
            Ok(dropped) if lost > 0 => {
                let because = vec![
                    Sign::counter(Counter::QdiscDrops, side, dropped),
                    Sign::counter(Counter::IpOutDiscards, side, lost),
                ];
                let fixes = interface(run, side).map(Fix::RaiseInterfaceQueue).into_iter().collect();
                let limit = Limit { code: Code::InterfaceQueue, bound: Bound::Other("txqueuelen"), fixes };
                return Judgement::Limit(limit, because);
            }
            Ok(dropped) => notes.push(Note::InterfaceDrops(dropped)),
            Err(_) if lost == 0 => {}
            Err(_) => judgement = Judgement::Unseen(Unseen::Counter(Counter::QdiscDrops, side)),
        }
    }
    match backlog(run, notes) {
        Judgement::Clear => judgement,
        limit => limit,
    }
}

/// The interface that dropped most, on one side.
fn interface(run: &Observation, side: Side) -> Option<String> {
    match side {
        Side::Service => run.service.as_ref()?.dropping_interface.clone(),
        Side::Client | Side::Host => run.client.dropping_interface.clone(),
    }
}

/// The backlog of a CPU (`netdev_max_backlog`), between the interface and the protocols.
fn backlog(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let Ok(dropped @ 1..) = run.host.get(Counter::SoftnetDropped) else { return Judgement::Clear };
    let processed = run.host.get(Counter::SoftnetProcessed).unwrap_or(u64::MAX);
    if dropped.saturating_mul(1000) < processed.saturating_mul(SHARE) {
        notes.push(Note::SoftnetDrops(dropped));
        return Judgement::Clear;
    }
    let fixes = Fix::raise(BACKLOG, generous(0, 16_384), Side::Host).into_iter().collect();
    let because = vec![Sign { of: Some(processed), ..Sign::counter(Counter::SoftnetDropped, Side::Host, dropped) }];
    Judgement::Limit(Limit { code: Code::InterfaceQueue, bound: Bound::sysctl(BACKLOG), fixes }, because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of, set};

    fn with(dropped: u64, discards: u64) -> Observation {
        let mut run = healthy();
        set(&mut run.client.network, Counter::QdiscDrops, dropped);
        set(&mut run.client.network, Counter::IpOutDiscards, discards);
        run
    }

    #[test]
    fn datagrams_are_lost_and_tcp_sends_again() {
        assert_eq!(limit_of(judge, &with(13_570, 13_570)), Some(Code::InterfaceQueue));
        let mut notes = Vec::new();
        assert_eq!(judge(&with(11_400, 0), &mut notes), Judgement::Clear);
        assert_eq!(notes, [Note::InterfaceDrops(11_400)]);
        assert_eq!(limit_of(judge, &with(0, 13_570)), None, "no route, or a filter");
    }

    #[test]
    fn discards_that_no_queue_could_be_asked_for() {
        let mut run = with(0, 5);
        run.client.network = run.client.network.iter().filter(|(counter, _)| *counter != Counter::QdiscDrops).collect();
        let unseen = Unseen::Counter(Counter::QdiscDrops, Side::Client);
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(unseen));
    }

    #[test]
    fn the_backlog_of_a_cpu() {
        let mut run = healthy();
        run.host = [(Counter::SoftnetDropped, Ok(2000)), (Counter::SoftnetProcessed, Ok(50_000))].into_iter().collect();
        let Judgement::Limit(limit, _) = judge(&run, &mut Vec::new()) else { panic!() };
        assert_eq!(limit.bound.to_string(), BACKLOG);
        run.host = [(Counter::SoftnetDropped, Ok(2)), (Counter::SoftnetProcessed, Ok(50_000))].into_iter().collect();
        assert_eq!(limit_of(judge, &run), None);
    }
}
