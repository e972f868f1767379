//! Every signal that can be caught reaches the service, whoever it is for.
#![allow(unsafe_code, reason = "sigqueue(3)")]

use std::time::{Duration, Instant};

use tunectl::sys;

use crate::service::{As, BOTH, Service, init, probe, status};
use crate::support::kernel::until;

/// All that kill(2) takes, but for the two that nobody can catch, and the one that says that a child has changed.
fn catchable() -> impl Iterator<Item = i32> {
    (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, libc::SIGCHLD].contains(signal))
}

#[test]
fn every_catchable_signal_is_forwarded() {
    for place in BOTH {
        for target in ["child", "group", "all"] {
            let mut service = Service::catching(place, &["--signal-to", target]);
            for signal in catchable() {
                service.send(signal);
                assert_eq!(service.line(), format!("{signal} -1"), "{place:?}, to {target}");
            }
        }
    }
}

#[test]
fn job_control_signals_stop_a_service_in_its_own_session() {
    let mut service = Service::catching(As::First, &["--session", "--group"]);
    let job_control = [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];
    for signal in catchable() {
        service.send(signal);
        if job_control.contains(&signal) {
            let pid = service.service();
            until("it does not stop", || status(pid, "State").starts_with('T'));
            service.send(libc::SIGCONT);
            assert_eq!(service.line(), format!("{} -1", libc::SIGCONT));
        } else {
            assert_eq!(service.line(), format!("{signal} -1"));
        }
    }
}

#[test]
fn signals_are_rewritten_and_dropped() {
    let pairs: Vec<(i32, i32)> = catchable().zip(catchable().skip(1)).filter(|(from, _)| *from != 33).collect();
    let flags: Vec<String> = pairs.iter().map(|(from, to)| format!("--rewrite={from}={to}")).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).chain(["--rewrite", "33=0"]).collect();
    let mut service = Service::catching(As::First, &flags);
    service.send(33);
    for (from, to) in pairs {
        service.send(from);
        assert_eq!(service.line(), format!("{to} -1"), "sent {from}");
    }
}

#[test]
fn realtime_signals_are_forwarded_with_their_values() {
    for (flags, through) in
        [(&[][..], "the child"), (&["--group"], "its group"), (&["--signal-to", "all"], "all that descend from us")]
    {
        let mut service = Service::catching(As::First, flags);
        let supervisor = service.supervisor();
        for value in 0..100 {
            let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(value) };
            // SAFETY: sigqueue(3) takes two numbers and a value that it does not look at.
            assert_eq!(unsafe { libc::sigqueue(supervisor, 40, value) }, 0);
        }
        for value in 0..100 {
            assert_eq!(service.line(), format!("40 {value}"), "through {through}");
        }
    }
}

#[test]
fn signal_targets_child_group_and_all_differ() {
    // A child in the group, one in a session of its own, and an orphan.
    let script = "trap 'echo main' USR1; \
        (trap 'echo child; exit' USR1; echo up; while :; do sleep 0.05; done) & \
        setsid sh -c 'trap \"echo session; exit\" USR1; echo up; while :; do sleep 0.05; done' & \
        (setsid sh -c 'trap \"echo orphan; exit\" USR1; echo up; while :; do sleep 0.05; done' &); \
        wait; wait; echo over; while :; do sleep 0.05; done";
    for place in BOTH {
        for (target, expected) in
            [("child", &["main"][..]), ("group", &["child", "main"]), ("all", &["child", "main", "orphan", "session"])]
        {
            let mut command = init(place, &["--signal-to", target, "--orphan-timeout", "0"]);
            command.args(["--", "sh", "-c", script]);
            let mut service = Service::start(place, command);
            for _ in 0..3 {
                assert_eq!(service.line(), "up");
            }
            service.send(libc::SIGUSR1);
            let mut said: Vec<String> = vec![];
            while said.len() < expected.len() {
                said.extend(Some(service.line()).filter(|line| line != "over"));
            }
            said.sort();
            assert_eq!(said, expected, "{place:?}, {target}");
            sys::kill(service.service(), libc::SIGKILL).unwrap_or_default();
            assert_eq!(service.end(), 137, "{place:?}, {target}");
        }
    }
}

/// tini -g, dumb-init and catatonit -g lose one in twenty of these.
#[test]
fn no_signal_is_lost_while_the_service_starts() {
    for flags in [&[][..], &["--group"], &["--session", "--group"]] {
        for round in 0..40_u64 {
            let mut command = init(As::Other, flags);
            command.arg("--").arg(probe()).arg("catch");
            let service = Service::start(As::Other, command);
            std::thread::sleep(Duration::from_micros(round * 150));
            service.send(libc::SIGTERM);
            // Before the service runs it ends us; after, it is caught, and said.
            let mut service = service;
            let said: Vec<String> = (0..2).map(|_| service.line()).take_while(|line| !line.is_empty()).collect();
            match said.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                [] => assert_eq!(service.end(), 143, "{flags:?}"),
                ["ready", "15 -1"] => {}
                other => panic!("{flags:?}: {other:?}"),
            }
        }
    }
}

/// The value goes further than to a child of ours.
#[test]
fn signal_value_reaches_a_grandchild() {
    let mut command = init(As::First, &["--signal-to", "all"]);
    command.args(["--", "sh", "-c", "trap : 40; \"$0\" catch; sleep 1000"]).arg(probe());
    let mut service = Service::start(As::First, command);
    assert_eq!(service.line(), "ready");
    let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(77) };
    // SAFETY: sigqueue(3) takes two numbers and a value that it does not look at.
    assert_eq!(unsafe { libc::sigqueue(service.supervisor(), 40, value) }, 0);
    assert_eq!(service.line(), "40 77");
}

/// In our group and session, but no child of ours.
#[test]
fn signal_target_all_is_limited_to_descendants() {
    for flags in [&["--signal-to", "all"][..], &["--signal-to", "all", "--subreaper=false"], &["--group"]] {
        let mut bystander = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let mut service = Service::catching(As::Other, flags);
        service.send(libc::SIGUSR1);
        assert_eq!(service.line(), "10 -1");
        service.send(libc::SIGUSR2);
        assert_eq!(service.line(), "12 -1");
        assert_eq!(bystander.try_wait().unwrap(), None, "{flags:?}");
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    }
}

/// For ten seconds, and two of each: one of those that wait in a queue, and one of which only one can wait.
#[test]
fn two_thousand_signals_a_second_are_all_forwarded() {
    const EACH: u32 = 10_000;
    let mut service = Service::catching(As::First, &[]);
    let supervisor = service.supervisor();
    let sender = std::thread::spawn(move || {
        let start = Instant::now();
        for round in 0..EACH {
            sys::kill(supervisor, 35).unwrap();
            sys::kill(supervisor, libc::SIGUSR1).unwrap();
            std::thread::sleep(Duration::from_millis(round.into()).saturating_sub(start.elapsed()));
        }
        sys::kill(supervisor, libc::SIGUSR2).unwrap();
    });
    // An ordinary one goes before a realtime one that waits.
    let (mut realtime, mut ordinary, mut over) = (0, 0, false);
    while !over || realtime < EACH {
        match service.line().as_str() {
            "35 -1" => realtime += 1,
            "10 -1" => ordinary += 1,
            "12 -1" => over = true,
            other => panic!("{other} after {realtime}"),
        }
    }
    sender.join().unwrap();
    assert!(ordinary > 0 && ordinary <= EACH, "{ordinary}");
    sys::kill(service.service(), libc::SIGKILL).unwrap();
    assert_eq!(service.end(), 137);
}
