//! `tcp-receive-buffer`: a receiver that reads at once had too small a buffer for the transfer.
//!
//! No counter of `netstat` tells. The sender knows for how long the window was closed (`tcp_info`), and the receiver's
//! buffer how full it is: where it is full, the application does not read, and a larger buffer would fill as well.

use super::fix::generous;
use super::observation::{NEARLY_FULL, Observation, Receiver, Settings, Side};
use super::sign::{Measure, Note, Sign, Unseen};
use super::udp_receive_buffer::larger_buffer;
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::model::expectation::Expectation;
use crate::model::value::Value;

/// Time with a closed window, of the time with data to send, in thousandths.
const WINDOW: u64 = 100;
/// Where the buffer was full for this part of the time with a closed window, in percent, that is what closed it: a
/// receiver that waits for a CPU now and then is no small buffer.
const UNREAD: u64 = 25;
/// A buffer of this part of the bound, in percent, has grown to it.
const GROWN: u64 = 95;
const RMEM: &str = "net.ipv4.tcp_rmem";

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let Some(transfer) = run.transfer.filter(|its| its.busy > 0) else { return Judgement::Clear };
    let share = u64::try_from(u128::from(transfer.window_limited) * 1000 / u128::from(transfer.busy)).unwrap_or(1000);
    if share < WINDOW {
        return Judgement::Clear;
    }
    let Some(receiver) = transfer.receiver else { return Judgement::Unseen(Unseen::Receiver) };
    let mostly_full = receiver.waiting * 100 >= receiver.buffer * NEARLY_FULL;
    if mostly_full || receiver.full * 100 >= share * UNREAD {
        notes.push(Note::SlowReader);
        return Judgement::Clear;
    }
    let (side, settings) = match (&run.service, receiver.is_service) {
        (Some(service), true) => (Side::Service, &service.settings),
        _ => (Side::Client, &run.client.settings),
    };
    let Some((bound, fixes)) = bound(receiver, settings, side) else { return Judgement::Clear };
    let because = vec![
        Sign::of(Measure::WindowLimited, side, share, 1000),
        Sign { of: settings.tcp_rmem_max, ..Sign::alone(Measure::ReceiveBuffer, side, receiver.buffer) },
    ];
    Judgement::Limit(Limit { code: Code::TcpReceiveBuffer, bound, fixes }, because)
}

/// Nothing where the buffer may still grow.
fn bound(receiver: Receiver, settings: &Settings, side: Side) -> Option<(Bound, Vec<Fix>)> {
    let grown = |max: u64| receiver.buffer * 100 >= max * GROWN;
    if settings.tcp_rmem_max.is_some_and(grown) {
        let default = settings.tcp_rmem_default.unwrap_or(0).max(131_072);
        let sizes = [4096, default, generous(receiver.buffer, 6 << 20)];
        let wanted = Value::Numbers(sizes.map(i128::from).to_vec());
        let wanted = Expectation::Bounds { at_least: Some(wanted), at_most: None };
        return Some((Bound::sysctl(RMEM), Fix::set(RMEM, wanted, side).into_iter().collect()));
    }
    // One that is smaller than what every socket starts with was asked for.
    let fixed = settings.tcp_rmem_default.is_some_and(|default| receiver.buffer < default);
    fixed.then(|| larger_buffer(Some(receiver.buffer), settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::observation::Transfer;
    use crate::verdict::tests::{healthy, limit_of};

    fn with(window_limited: u64, buffer: u64, waiting: u64, rmem: (u64, u64)) -> Observation {
        let mut run = healthy();
        let service = run.service.as_mut().unwrap();
        (service.settings.tcp_rmem_default, service.settings.tcp_rmem_max) = (Some(rmem.0), Some(rmem.1));
        (service.settings.rmem_default, service.settings.rmem_max) = (Some(212_992), Some(212_992));
        let receiver = Some(Receiver { buffer, waiting, full: 0, is_service: true });
        run.transfer = Some(Transfer { busy: 1000, window_limited, buffer_limited: 0, receiver });
        run
    }

    #[test]
    fn a_small_buffer_that_is_read_at_once() {
        const USUAL: (u64, u64) = (131_072, 33_554_432);
        for (window, buffer, waiting, rmem, limit) in [
            (140, 4608, 2880, (4608, 4608), Some(Code::TcpReceiveBuffer)),
            (250, 4608, 0, (4608, 4608), Some(Code::TcpReceiveBuffer)),
            (330, 1_300_000, 1_280_000, USUAL, None),
            (330, 1_300_000, 1_000, USUAL, None),
            (90, 4608, 0, (4608, 4608), None),
            (250, 9216, 0, USUAL, Some(Code::TcpReceiveBuffer)),
            (530, 4608, 4500, (4608, 4608), None),
        ] {
            assert_eq!(limit_of(judge, &with(window, buffer, waiting, rmem)), limit, "{window} {buffer} {waiting}");
        }
    }

    #[test]
    fn the_bound_and_what_was_not_seen() {
        let Judgement::Limit(limit, _) = judge(&with(200, 4608, 0, (4608, 4608)), &mut Vec::new()) else { panic!() };
        assert_eq!(limit.bound.to_string(), RMEM);
        let Judgement::Limit(limit, _) = judge(&with(200, 9216, 0, (131_072, 1 << 25)), &mut Vec::new()) else {
            panic!()
        };
        assert_eq!(limit.bound.to_string(), "SO_RCVBUF");
        let mut run = with(200, 4608, 0, (4608, 4608));
        run.transfer = run.transfer.map(|transfer| Transfer { receiver: None, ..transfer });
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::Receiver));
    }

    #[test]
    fn an_application_that_does_not_read_is_a_note() {
        // Grown to its bound while the reader waited for a CPU.
        let mut starved = with(218, 1 << 25, 1 << 20, (131_072, 1 << 25));
        for (full, limit) in [(0, Some(Code::TcpReceiveBuffer)), (54, Some(Code::TcpReceiveBuffer)), (100, None)] {
            starved.transfer.as_mut().unwrap().receiver.as_mut().unwrap().full = full;
            assert_eq!(limit_of(judge, &starved), limit, "{full}");
        }
        let mut notes = Vec::new();
        judge(&with(530, 1_300_000, 1_290_000, (131_072, 1 << 25)), &mut notes);
        assert_eq!(notes, [Note::SlowReader]);
    }
}
