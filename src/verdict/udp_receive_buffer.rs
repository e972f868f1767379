//! `udp-receive-buffer`: datagrams were dropped because the receive buffer of a UDP socket was full. The sender sees
//! nothing of it.

use super::fix::generous;
use super::observation::{Observation, Settings, Side, moved};
use super::sign::{Measure, Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::counters::{Counter, Difference};

/// Dropped datagrams of all that arrived, in thousandths, that hold a run back.
const SHARE: u64 = 1;
const DEFAULT: &str = "net.core.rmem_default";
const MAX: &str = "net.core.rmem_max";

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let Some(service) = &run.service else { return unknown_service(run) };
    let (dropped, arrived) = match datagrams(&service.network, Side::Service) {
        Ok(numbers) => numbers,
        Err(unseen) => return unseen,
    };
    if dropped == 0 {
        return Judgement::Clear;
    }
    // One that is known to have dropped none is not the one.
    let own = service.datagram_drops.map_or(dropped, |drops| drops.min(dropped));
    if own * 1000 < arrived * SHARE || own == 0 {
        notes.push(Note::DatagramsDropped(dropped));
        return Judgement::Clear;
    }
    let mut because =
        vec![Sign { of: Some(arrived), ..Sign::counter(Counter::UdpRcvbufErrors, Side::Service, dropped) }];
    because.extend(service.datagram_drops.map(|drops| Sign::alone(Measure::DatagramDrops, Side::Service, drops)));
    let (bound, fixes) = larger_buffer(service.datagram_buffer, &service.settings);
    Judgement::Limit(Limit { code: Code::UdpReceiveBuffer, bound, fixes }, because)
}

/// Without a service nobody can say whose datagrams were dropped, if any were.
fn unknown_service(run: &Observation) -> Judgement {
    match datagrams(&run.client.network, Side::Client) {
        Ok((0, _)) => Judgement::Clear,
        Ok(_) => Judgement::Unseen(Unseen::Service),
        Err(unseen) => unseen,
    }
}

/// Dropped for a full buffer, and all that arrived, of both versions of IP.
fn datagrams(network: &Difference, side: Side) -> Result<(u64, u64), Judgement> {
    let read = |counter| moved(network, counter, side);
    let dropped = read(Counter::UdpRcvbufErrors)?.saturating_add(read(Counter::Udp6RcvbufErrors)?);
    let delivered = read(Counter::UdpInDatagrams)?.saturating_add(read(Counter::Udp6InDatagrams)?);
    Ok((dropped, delivered.saturating_add(dropped)))
}

/// A socket starts with `rmem_default`; what it asks for by `SO_RCVBUF` is doubled, and cut down to twice `rmem_max`
/// (socket(7)).
pub(super) fn larger_buffer(buffer: Option<u64>, settings: &Settings) -> (Bound, Vec<Fix>) {
    let needed = generous(buffer.unwrap_or(0), 4 << 20);
    let raise = |name| Fix::raise(name, needed, Side::Service).into_iter().collect::<Vec<_>>();
    let at_max = buffer.zip(settings.rmem_max).is_some_and(|(buffer, max)| buffer >= max.saturating_mul(2));
    if buffer.is_none() || buffer == settings.rmem_default {
        return (Bound::sysctl(DEFAULT), raise(DEFAULT));
    }
    let ask = Fix::RaiseReceiveBuffer(needed);
    if at_max {
        (Bound::sysctl(MAX), raise(MAX).into_iter().chain([ask]).collect())
    } else {
        let low = settings.rmem_max.is_none_or(|max| max < needed);
        let fixes = if low { raise(MAX) } else { Vec::new() };
        (Bound::Other("SO_RCVBUF"), fixes.into_iter().chain([ask]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of, set};

    fn with(dropped: u64, delivered: u64, own: Option<u64>) -> Observation {
        let mut run = healthy();
        let service = run.service.as_mut().unwrap();
        set(&mut service.network, Counter::UdpRcvbufErrors, dropped);
        set(&mut service.network, Counter::UdpInDatagrams, delivered);
        service.datagram_drops = own;
        run
    }

    #[test]
    fn one_in_a_thousand_and_its_own() {
        for (dropped, delivered, own, limit) in [
            (7153, 12_847, Some(7153), Some(Code::UdpReceiveBuffer)),
            (7153, 12_847, None, Some(Code::UdpReceiveBuffer)),
            (7153, 12_847, Some(0), None),
            (1, 20_000, Some(1), None),
            (0, 20_000, Some(0), None),
        ] {
            assert_eq!(limit_of(judge, &with(dropped, delivered, own)), limit, "{dropped} of {delivered}");
        }
    }

    #[test]
    fn the_bound_is_found_by_the_size_of_the_buffer() {
        let settings = Settings { rmem_default: Some(212_992), rmem_max: Some(500_000), ..Settings::default() };
        for (buffer, bound) in
            [(Some(212_992), DEFAULT), (None, DEFAULT), (Some(1_000_000), MAX), (Some(4608), "SO_RCVBUF")]
        {
            assert_eq!(larger_buffer(buffer, &settings).0.to_string(), bound, "{buffer:?}");
        }
    }

    #[test]
    fn without_a_service_it_is_not_known_whose_they_were() {
        let mut run = healthy();
        run.service = None;
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Clear);
        set(&mut run.client.network, Counter::Udp6RcvbufErrors, 3);
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::Service));
    }
}
