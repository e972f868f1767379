//! `ephemeral-ports`: no local port was left towards the destination.
//!
//! The kernel counts nothing. Load testers say "Cannot assign requested address" (ab ends with 99), but so does a
//! connection from an address that this machine does not have; wrk and h2load name no errno at all. So the ports in use
//! towards the destination decide, those in `TIME_WAIT` among them.

use super::observation::{ClientError, Observation, Outcome, PortUse, Side};
use super::sign::{Measure, Note, Sign, Unseen};
use super::{Bound, Code, Fix, Judgement, Limit};
use crate::counters::Counter;
use crate::model::expectation::Expectation;
use crate::model::value::Value;

/// From this part of the range on, in percent, it is taken to be used up: ports come and go between two looks.
const USED_UP: u64 = 97;
const RANGE: &str = "net.ipv4.ip_local_port_range";
/// As many ports as the range can have without those that only root may listen on.
const WIDEST: (u16, u16) = (1024, 65535);

pub(super) fn judge(run: &Observation, notes: &mut Vec<Note>) -> Judgement {
    let outcome = &run.client.outcome;
    let said = outcome.names(ClientError::NoLocalAddress);
    let failed = said || outcome.connect_errors.is_some_and(|count| count > 0) || !outcome.succeeded;
    let Some(ports) = run.client.ports else {
        return if said { limit(run, None) } else { unseen(outcome) };
    };
    if ports.as_use().at_least_percent(USED_UP) {
        if failed || outcome.failed.is_some_and(|count| count > 0) {
            return limit(run, Some(ports));
        }
        notes.push(Note::PortsNearLimit);
        return Judgement::Clear;
    }
    if !said {
        return Judgement::Clear;
    }
    // They may all have been closed before anyone looked: as many as were opened were in use at most.
    let opened = run.client.network.get(Counter::ActiveOpens).unwrap_or(u64::MAX);
    let most = PortUse { used: ports.before.saturating_add(opened).max(ports.used), ..ports };
    if most.as_use().at_least_percent(USED_UP) {
        return limit(run, Some(ports));
    }
    notes.push(Note::NoSuchAddress);
    Judgement::Clear
}

/// Connections failed, and nothing says why.
fn unseen(outcome: &Outcome) -> Judgement {
    let unexplained = outcome.errors.is_empty() && outcome.connect_errors.is_some_and(|count| count > 0);
    if unexplained { Judgement::Unseen(Unseen::Ports) } else { Judgement::Clear }
}

fn limit(run: &Observation, ports: Option<PortUse>) -> Judgement {
    let outcome = &run.client.outcome;
    let mut because = Vec::new();
    if outcome.names(ClientError::NoLocalAddress) {
        because.push(Sign::alone(Measure::Error(ClientError::NoLocalAddress), Side::Client, 1));
    }
    if let Some(PortUse { used, time_wait, available, .. }) = ports {
        because.push(Sign::of(Measure::PortsInUse, Side::Client, used, available));
        because.push(Sign::of(Measure::PortsInTimeWait, Side::Client, time_wait, used));
    }
    because.extend(outcome.connect_errors.map(|count| Sign::alone(Measure::ConnectErrors, Side::Client, count)));
    let settings = &run.client.settings;
    let wide = settings.port_range.is_some_and(|(low, high)| low <= WIDEST.0 && high == WIDEST.1);
    let held = ports.is_some_and(|ports| ports.time_wait * 2 > ports.used);
    let mut fixes = Vec::new();
    if !wide {
        let ports = Value::Numbers(vec![WIDEST.0.into(), WIDEST.1.into()]);
        fixes.extend(Fix::set(RANGE, Expectation::Covers(ports), Side::Client));
    }
    if wide || held {
        // Ports in TIME_WAIT are taken again after a second.
        let on = Expectation::Exactly(Value::Number(1));
        fixes.extend(Fix::set("net.ipv4.tcp_tw_reuse", on, Side::Client));
    }
    Judgement::Limit(Limit { code: Code::EphemeralPorts, bound: bound(settings.reserved_ports, ports), fixes }, because)
}

/// Where most of the range is reserved, widening it is not what is missing.
fn bound(reserved: Option<u64>, ports: Option<PortUse>) -> Bound {
    let available = ports.map_or(u64::MAX, |ports| ports.available);
    let name = if reserved.is_some_and(|count| count > available) { "net.ipv4.ip_local_reserved_ports" } else { RANGE };
    Bound::sysctl(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::{healthy, limit_of, set};

    fn with(used: u64, time_wait: u64, available: u64) -> Observation {
        let mut run = healthy();
        run.client.ports = Some(PortUse { used, time_wait, before: 0, available });
        run
    }

    #[test]
    fn the_range_is_used_up_and_connections_failed() {
        let mut run = with(200, 0, 200);
        assert_eq!(limit_of(judge, &run), None, "exactly as many as were needed");
        run.client.outcome.connect_errors = Some(201);
        assert_eq!(limit_of(judge, &run), Some(Code::EphemeralPorts), "wrk");
        run.client.ports = None;
        assert_eq!(judge(&run, &mut Vec::new()), Judgement::Unseen(Unseen::Ports));
        run.client.outcome.errors = vec![ClientError::NoLocalAddress];
        assert_eq!(limit_of(judge, &run), Some(Code::EphemeralPorts), "ab, by its errno alone");
    }

    #[test]
    fn many_ports_in_time_wait_are_no_limit_by_themselves() {
        assert_eq!(limit_of(judge, &with(6010, 6010, 28_232)), None);
        assert_eq!(limit_of(judge, &with(9990, 9990, 10_000)), None, "they are used again");
    }

    /// `connect()` to `::1` where the loopback interface has no such address.
    #[test]
    fn an_address_that_is_not_here_is_not_a_port_that_is_missing() {
        let mut run = with(3, 0, 28_232);
        run.client.outcome.errors = vec![ClientError::NoLocalAddress];
        set(&mut run.client.network, Counter::ActiveOpens, 0);
        let mut notes = Vec::new();
        assert_eq!(judge(&run, &mut notes), Judgement::Clear);
        assert_eq!(notes, [Note::NoSuchAddress]);
        // ab opened all that there are, failed, and closed them before anyone looked.
        set(&mut run.client.network, Counter::ActiveOpens, 28_232);
        assert_eq!(limit_of(judge, &run), Some(Code::EphemeralPorts));
    }

    #[test]
    fn what_to_do_hangs_on_what_holds_the_ports() {
        let fixes = |mut run: Observation| {
            run.client.outcome.connect_errors = Some(1);
            let Judgement::Limit(limit, _) = judge(&run, &mut Vec::new()) else { panic!() };
            let name = |fix: &Fix| match fix {
                Fix::Set(setting, ..) => setting.to_string(),
                other => format!("{other:?}"),
            };
            limit.fixes.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(fixes(with(200, 0, 200)), [RANGE]);
        assert_eq!(fixes(with(200, 195, 200)), [RANGE, "net.ipv4.tcp_tw_reuse"]);
        let mut run = with(64_512, 64_000, 64_512);
        run.client.settings.port_range = Some(WIDEST);
        assert_eq!(fixes(run), ["net.ipv4.tcp_tw_reuse"]);
    }
}
