//! A healthy run to start from, and the verdict as a whole.

use std::time::Duration;

use super::observation::{Cgroup, Client, Outcome, PortUse, Sample, Service, Settings, Target, Use};
use super::*;
use crate::counters::{Counter, Difference};

/// A run of four seconds in which nothing was near a limit and everything could be seen.
pub(super) fn healthy() -> Observation {
    let settings = Settings {
        somaxconn: Some(4096),
        max_syn_backlog: Some(1024),
        syncookies: Some(1),
        port_range: Some((32_768, 60_999)),
        ..Settings::default()
    };
    let network: Difference = Counter::all()
        .filter(|counter| counter.scope() == crate::counters::Scope::Network)
        .map(|c| (c, Ok(0)))
        .collect();
    let sample = |at: u64| Sample {
        at: Duration::from_millis(at),
        accept_queue: Some(Use { used: 0, limit: 511 }),
        service_descriptors: Some(Use { used: 60, limit: 1024 }),
        client_descriptors: Some(Use { used: 55, limit: 1024 }),
        ..Sample::default()
    };
    Observation {
        duration: Duration::from_secs(4),
        client: Client {
            outcome: Outcome { succeeded: true, requests: Some(20_000), failed: Some(0), ..Outcome::default() },
            network: network.clone(),
            settings: settings.clone(),
            cgroups: Some(vec![Cgroup::default()]),
            busiest_thread: Some(500),
            ports: Some(PortUse { used: 50, time_wait: 0, before: 0, available: 28_232 }),
            connections: Some(50),
            dropping_interface: None,
        },
        service: Some(Service {
            pid: Some(77),
            name: "nginx".to_owned(),
            network,
            settings,
            cgroups: Some(vec![Cgroup::default()]),
            busiest_thread: Some(600),
            listener_drops: Some(0),
            ..Service::default()
        }),
        host: Difference::default(),
        samples: [0, 1000, 2000, 3000].map(sample).to_vec(),
        target: Some(Target { port: 8080, listening: true, taken: false }),
        transfer: None,
    }
}

/// Sets one counter.
pub(super) fn set(network: &mut Difference, counter: Counter, number: u64) {
    *network = network.iter().filter(|(other, _)| *other != counter).chain([(counter, Ok(number))]).collect();
}

/// The limit that a rule names.
pub(super) fn limit_of(rule: Rule, run: &Observation) -> Option<Code> {
    match rule(run, &mut Vec::new()) {
        Judgement::Limit(limit, because) => {
            assert!(!because.is_empty(), "{:?} without evidence", limit.code);
            Some(limit.code)
        }
        Judgement::Clear | Judgement::Unseen(_) => None,
    }
}

#[test]
fn a_healthy_run_has_no_limit() {
    let verdict = judge(&healthy());
    assert_eq!(verdict.answer, Answer::None(Reason::Unexplained));
    assert_eq!(verdict.notes, []);
}

/// A full queue is the consequence where the service has no descriptors left.
#[test]
fn the_first_rule_that_holds_is_the_limit_and_the_others_are_notes() {
    let mut run = healthy();
    for sample in &mut run.samples {
        sample.service_descriptors = Some(Use { used: 64, limit: 64 });
        sample.accept_queue = Some(Use { used: 257, limit: 256 });
    }
    let service = run.service.as_mut().unwrap();
    set(&mut service.network, Counter::ListenOverflows, 352);
    service.listener_drops = Some(352);
    let verdict = judge(&run);
    assert_eq!(verdict.answer.code(), "service-descriptors");
    assert!(verdict.notes.contains(&Note::Also(Code::AcceptQueue)), "{:?}", verdict.notes);
}

#[test]
fn without_a_service_none_is_not_claimed() {
    let run = Observation { service: None, target: None, ..healthy() };
    let verdict = judge(&run);
    assert_eq!(verdict.answer, Answer::Unknown);
    assert_eq!(verdict.notes, [Note::Unseen(Unseen::Service)]);
}

/// The load tester's own side can be judged nevertheless.
#[test]
fn a_limit_is_named_though_something_else_was_not_seen() {
    let mut run = Observation { service: None, target: None, ..healthy() };
    run.client.outcome.errors = vec![ClientError::TooManyFiles];
    assert_eq!(judge(&run).answer.code(), "client-descriptors");
}

#[test]
fn where_nothing_listened_the_service_needs_not_be_seen() {
    let mut run = Observation { service: None, ..healthy() };
    run.target = Some(Target { port: 8080, listening: false, taken: false });
    assert_eq!(judge(&run).answer, Answer::None(Reason::Refused));
}

#[test]
fn the_rules_stand_in_the_order_of_the_codes() {
    assert!(Code::ALL.is_sorted());
    assert_eq!(Code::ALL.len(), RULES.len());
}
