//! Orphans: adopted, reaped, ended.
#![allow(unsafe_code, reason = "a filter of system calls for the supervisor")]

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tunectl::sys;

use crate::service::{As, BOTH, Service, children, init, outcome, probe, status};
use crate::support::kernel::until;

#[test]
fn many_orphans_are_all_reaped() {
    for (place, count) in [(As::First, "20000"), (As::Other, "2000")] {
        let mut command = init(place, &[]);
        command.arg("--").arg(probe()).args(["storm", count]);
        let mut service = Service::start(place, command);
        assert_eq!(service.line(), "done");
        let (supervisor, main) = (service.supervisor(), service.service());
        until("some are left", || children(supervisor) == [main]);
        service.send(libc::SIGTERM);
        assert_eq!(service.end(), 7, "{place:?}");
    }
}

#[test]
fn exit_code_survives_a_burst_of_orphans() {
    for place in BOTH {
        let mut command = init(place, &[]);
        command.arg("--").arg(probe()).args(["storm", "2000", "end"]);
        assert_eq!(outcome(command), (7, String::new(), String::new()), "{place:?}");
    }
}

/// To be woken costs more than to reap; and when it is over, nobody wakes up any more.
#[test]
fn bursts_of_orphans_are_reaped_in_batches() {
    let mut command = init(As::Other, &[]);
    command.arg("--").arg(probe()).args(["storm", "20000"]);
    let start = Instant::now();
    let mut service = Service::start(As::Other, command);
    assert_eq!(service.line(), "done");
    let (supervisor, main) = (service.supervisor(), service.service());
    until("some are left", || children(supervisor) == [main]);
    let wake_ups = || status(supervisor, "voluntary_ctxt_switches").parse::<u128>().unwrap();
    // Twice a millisecond: at the end of a rest, and for the orphan that begins the next.
    let (took, woken) = (start.elapsed().as_millis(), wake_ups());
    assert!(woken < 2 * took + 50, "{woken} in {took} ms");
    until("it still wakes up", || {
        let before = wake_ups();
        std::thread::sleep(Duration::from_millis(500));
        wake_ups() == before
    });
}

#[test]
fn orphans_are_adopted_and_reaped() {
    for place in BOTH {
        let mut command = init(place, &[]);
        command.args(["--", "sh", "-c", "(sleep 0.2 & sleep 1000 &); echo up; sleep 1000"]);
        let mut service = Service::start(place, command);
        assert_eq!(service.line(), "up");
        let supervisor = service.supervisor();
        until("they were not adopted and reaped", || {
            let children = children(supervisor);
            children.len() == 2 && children.iter().all(|&pid| status(pid, "State").starts_with('S'))
        });
    }
}

#[test]
fn subreaper_can_be_turned_off() {
    let mut command = init(As::Other, &["--subreaper=false"]);
    command.args(["--", "sh", "-c", "(sleep 1000 & echo $!); sleep 1000"]);
    let mut service = Service::start(As::Other, command);
    let orphan: i32 = service.line().parse().unwrap();
    let supervisor = service.supervisor().to_string();
    until("it is still ours", || status(orphan, "PPid") != supervisor && status(orphan, "Name") == "sleep");
    sys::kill(orphan, libc::SIGKILL).unwrap();
}

/// Every kernel can since Linux 3.4, so a filter of system calls refuses it here.
#[test]
fn failing_to_become_a_subreaper_is_warned_of() {
    let mut command = init(As::Other, &["--", "sh", "-c", "exit 7"]);
    // SAFETY: what runs between fork and exec makes two system calls and allocates nothing.
    unsafe { command.pre_exec(refuse_subreaper) };
    let said = "tunectl: warning: cannot become a subreaper: orphans go to PID 1: operation not permitted\n";
    assert_eq!(outcome(command), (7, String::new(), said.to_owned()));
}

/// `PR_SET_CHILD_SUBREAPER` gives EPERM from now on, seccomp(2).
fn refuse_subreaper() -> std::io::Result<()> {
    refuse(libc::SYS_prctl, Some(36))
}

/// A system call gives EPERM from now on, with any first argument or with this one.
fn refuse(call: libc::c_long, argument: Option<u32>) -> std::io::Result<()> {
    const LOAD: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS
    const IS: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    let step = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let mut steps = [
        // The call's number, and the lower half of its first argument (`struct seccomp_data`).
        step(LOAD, 0, 0, 0),
        step(IS, 0, 3, u32::try_from(call).unwrap_or(0)),
        step(LOAD, 0, 0, 16),
        // Without an argument to compare both ways lead to the refusal.
        step(IS, 0, u8::from(argument.is_some()), argument.unwrap_or(0)),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | 1),
        step(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 6, filter: steps.as_mut_ptr() };
    // SAFETY: takes numbers.
    let bound = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: the program and its steps outlive the call.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    if bound == 0 && set == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Whatever a filter refuses, the supervisor stays as long as the service runs.
#[test]
fn supervisor_stays_where_waiting_is_refused() {
    for (call, code) in [
        (libc::SYS_waitid, 7),
        // How the service ended is not known then, only that it did.
        (libc::SYS_wait4, 125),
        (libc::SYS_rt_sigtimedwait, 7),
        (libc::SYS_signalfd4, 7),
        (libc::SYS_pidfd_open, 7),
        (libc::SYS_close_range, 7),
    ] {
        let scratch = crate::support::scratch::Scratch::new();
        let file = scratch.path().join("end");
        // A shell that needs none of these calls: it starts no other program.
        let script = format!("echo up; until [ -e {} ]; do :; done; echo end; exit 7", file.display());
        let mut command = init(As::Other, &["--orphan-timeout", "off", "--", "sh", "-c", &script]);
        // SAFETY: what runs between fork and exec makes two system calls and allocates nothing.
        unsafe { command.pre_exec(move || refuse(call, None)) };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "up", "{call}");
        // Long enough for a supervisor that would end by it.
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(child.try_wait().unwrap(), None, "{call}");
        std::fs::write(&file, "").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), "end", "{call}");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{call}: {said}");
    }
}

#[test]
fn leftover_processes_get_sigterm_and_time() {
    for place in BOTH {
        let script = "trap up=1 USR1; \
            setsid sh -c 'trap \"sleep 0.3; echo done; exit\" TERM; echo up; kill -USR1 $PPID; while :; do sleep 0.05; done' & \
            while [ -z \"$up\" ]; do sleep 0.01; done; exit 5";
        let mut command = init(place, &[]);
        command.args(["--", "sh", "-c", script]);
        let (code, out, _) = outcome(command);
        assert_eq!((code, out.as_str()), (5, "up\ndone\n"), "{place:?}");
    }
}

#[test]
fn leftover_processes_are_killed_after_the_timeout() {
    for place in BOTH {
        let start = Instant::now();
        let script = "trap up=1 USR1; \
            setsid sh -c 'trap \"\" TERM; echo up; kill -USR1 $PPID; while :; do sleep 0.05; done' & \
            while [ -z \"$up\" ]; do sleep 0.01; done; exit 5";
        let mut command = init(place, &["--orphan-timeout", "500ms"]);
        command.args(["--", "sh", "-c", script]);
        let (code, out, err) = outcome(command);
        assert_eq!((code, out.as_str()), (5, "up\n"), "{place:?}");
        let said = "killed after 0.5 s with SIGKILL; --orphan-timeout gives more time\n";
        assert!(err.starts_with("tunectl: warning: ") && err.ends_with(said), "{place:?}: {err}");
        assert!(start.elapsed() >= Duration::from_millis(500), "it did not have its time to end");
    }
}

/// A shell that starts the service and does not become it dies at SIGTERM: the service below it has the time to stop that
/// was set for it.
#[test]
fn what_a_wrapper_started_has_the_stop_timeout() {
    for place in BOTH {
        let slow = "trap 'sleep 0.6; echo stopped; exit' TERM; echo up; while :; do sleep 0.05; done";
        let mut command = init(place, &["--orphan-timeout", "1ms", "--stop-timeout", "1h", "--signal-to", "group"]);
        command.args(["--", "sh", "-c", &format!("sh -c \"{slow}\"; true")]);
        let mut service = Service::start(place, command);
        assert_eq!(service.line(), "up");
        service.send(libc::SIGTERM);
        assert_eq!(service.line(), "stopped", "{place:?}");
        service.end();
    }
}

#[test]
fn no_leftover_processes_no_wait() {
    for place in BOTH {
        let mut command = init(place, &["--orphan-timeout", "1h"]);
        command.args(["--", "sh", "-c", "(sleep 0.1 &); sleep 0.3"]);
        assert_eq!(outcome(command).0, 0);
    }
}

#[test]
fn reap_kill_ends_orphans_while_the_service_runs() {
    let mut command = init(As::First, &["--reap-kill", "--orphan-timeout", "500ms"]);
    // The one that says so is an orphan only when it is ready to.
    let script = "(trap exit USR1; \
        sh -c 'trap \"echo asked; exit\" TERM; kill -USR1 $PPID; while :; do sleep 0.05; done' & \
        while :; do sleep 0.01; done); \
        (sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' &); sleep 1000 & wait; sleep 1000";
    command.args(["--", "sh", "-c", script]);
    let mut service = Service::start(As::First, command);
    assert_eq!(service.line(), "asked");
    let (supervisor, main) = (service.supervisor(), service.service());
    until("an orphan lives", || children(supervisor) == [main]);
    assert_eq!(children(main).len(), 1, "a child that is no orphan was ended");
}

/// Whoever ends leaves its children to us: they are looked for then. Only a second later each, it would take longer than
/// `until` waits.
#[test]
fn reap_kill_follows_chains_of_orphans() {
    const LENGTH: &str = "70";
    // The last of the chain ends what keeps the first from being an orphan.
    let chain = "if [ $1 = 0 ]; then kill -USR1 $2; else sh -c \"$0\" \"$0\" $(($1 - 1)) $2 & fi; exec sleep 1000";
    let script = "sh -c 'trap \"exit 0\" USR1; sh -c \"$0\" \"$0\" $1 $$ & while :; do sleep 0.01; done' \"$0\" $1; \
        echo made; exec sleep 1000";
    let mut command = init(As::First, &["--reap-kill"]);
    command.args(["--", "sh", "-c", script, chain, LENGTH]);
    let mut service = Service::start(As::First, command);
    assert_eq!(service.line(), "made");
    let (supervisor, main) = (service.supervisor(), service.service());
    until("an orphan lives", || children(supervisor) == [main]);
}

#[test]
fn die_with_supervisor_kills_the_service() {
    for (flags, dies) in [(&["--die-with-supervisor"][..], true), (&[], false)] {
        let service = Service::catching(As::Other, flags);
        let pid = service.service();
        service.send(libc::SIGKILL);
        if dies {
            until("it lives", || !matches!(status(pid, "State").get(..1), Some("S" | "R")));
        } else {
            std::thread::sleep(Duration::from_millis(200));
            assert!(status(pid, "State").starts_with('S'));
            sys::kill(pid, libc::SIGKILL).unwrap();
        }
    }
}

/// A parent that ends when it is sent `SIGUSR2`.
const UNTIL_ASKED: &str = "trap exit USR2; while :; do sleep 0.01; done";

#[test]
fn parent_death_signal_works_without_init() {
    let tunectl = crate::service::tunectl();
    let script =
        format!("{} run --parent-death-signal USR1 -- {} catch & {UNTIL_ASKED}", tunectl.display(), probe().display());
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]);
    let mut service = Service::start(As::Other, command);
    assert_eq!(service.line(), "ready");
    let pid = service.service();
    service.send(libc::SIGUSR2);
    assert_eq!(service.line(), "10 -1");
    sys::kill(pid, libc::SIGKILL).unwrap();
}

#[test]
fn parent_death_signal_is_forwarded_by_init() {
    let script = format!(
        "{} run --init --parent-death-signal USR1 -- {} catch & {UNTIL_ASKED}",
        crate::service::tunectl().display(),
        probe().display()
    );
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &script]);
    let mut service = Service::start(As::Other, command);
    assert_eq!(service.line(), "ready");
    // Of the shell.
    let supervisor = service.service();
    service.send(libc::SIGUSR2);
    assert_eq!(service.line(), "10 -1");
    for pid in children(supervisor) {
        sys::kill(pid, libc::SIGKILL).unwrap();
    }
}
