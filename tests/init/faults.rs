//! What goes wrong around a supervisor does not end it.

use std::process::Command;
use std::time::Duration;

use tunectl::sys;

use crate::service::{As, BOTH, Service, command, init, outcome, probe, status, tunectl};
use crate::support::kernel::until;
use crate::support::namespaces::skip;

fn shell(place: As, script: &str) -> (i32, String, String) {
    let mut shell = command(place, "/bin/bash");
    shell.args(["-c", &script.replace("TUNECTL", tunectl().to_str().unwrap())]);
    outcome(shell)
}

#[test]
fn closed_standard_descriptors_are_no_matter() {
    for place in BOTH {
        for closed in ["0<&-", "0<&- 1>&-", "2>&-", "0<&- 1>&- 2>&-"] {
            assert_eq!(shell(place, &format!("exec TUNECTL run --init -- sh -c 'exit 7' {closed}")).0, 7, "{closed}");
        }
        assert_eq!(shell(place, "exec TUNECTL run --init -- /nonexistent 0<&- 1>&- 2>&-").0, 127);
    }
}

#[test]
fn without_proc_everything_but_the_tree_works() {
    let umount = "umount -l /proc || exit 50";
    for (script, code) in [
        ("exec TUNECTL run --init -- sh -c 'exit 7'", 7),
        ("exec TUNECTL run --init -- sh -c 'kill $$'", 143),
        ("exec TUNECTL run --init --group -- sh -c 'kill -TERM $PPID; sleep 5'", 143),
        ("exec TUNECTL run --init --signal-to all -- sh -c 'kill -TERM $PPID; sleep 5'", 143),
        ("exec TUNECTL run --init --orphan-timeout 300ms -- sh -c 'sleep 1000 & exit 6'", 6),
        ("exec TUNECTL run --init -- /nonexistent", 127),
    ] {
        assert_eq!(shell(As::First, &format!("{umount}; {script}")).0, code, "{script}");
    }
}

/// /proc of the namespace outside shows numbers that are somebody else's inside.
#[test]
fn a_foreign_proc_is_not_believed() {
    if sys::effective_ids().effective_uid != 0 {
        return skip("a_foreign_proc_is_not_believed", "needs a PID namespace without a user namespace");
    }
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(tunectl());
    command.args(["run", "--init", "--signal-to", "all", "--", "sh", "-c", "kill -TERM 1; sleep 5"]);
    assert_eq!(outcome(command).0, 143);
}

#[test]
fn without_descriptors_the_service_still_starts() {
    for place in BOTH {
        assert_eq!(shell(place, "ulimit -n 4; exec TUNECTL run --init -- sh -c 'exit 7'").0, 7);
        assert_eq!(shell(place, "ulimit -n 4; exec TUNECTL run --init -- /etc").0, 126);
    }
}

#[test]
fn without_processes_we_say_so() {
    if sys::effective_ids().effective_uid != 0 {
        return skip("without_processes_we_say_so", "needs a user of its own, whose processes are counted");
    }
    // The limit does not hold for root.
    let copy = crate::support::scratch::Scratch::new();
    std::fs::copy(tunectl(), copy.path().join("tunectl")).unwrap();
    let mut shell = Command::new("setpriv");
    shell.args(["--reuid", "4713", "--regid", "4713", "--clear-groups", "bash", "-c"]);
    shell.arg(format!("ulimit -u 1; exec {}/tunectl run --init -- true", copy.path().display()));
    assert_eq!(
        outcome(shell),
        (
            125,
            String::new(),
            "tunectl: error: the service can't be started: fork: try again \
             (the limit nproc of our user, or pids.max of the container, is reached)\n"
                .to_owned()
        )
    );
}

#[test]
fn a_service_that_stops_itself_is_resumed_by_a_signal_to_us() {
    for place in BOTH {
        let mut command = init(place, &["--", probe().to_str().unwrap(), "stop"]);
        command.stdin(std::process::Stdio::null());
        let mut service = Service::start(place, command);
        assert_eq!(service.line(), "stopping");
        let pid = service.service();
        until("it does not stop", || status(pid, "State").starts_with('T'));
        // We did not stop with it, and so can be told.
        service.send(libc::SIGCONT);
        assert_eq!(service.line(), "resumed");
        assert_eq!(service.end(Duration::from_secs(5)), 0);
    }
}

#[test]
fn job_control_suspends_and_resumes() {
    for place in BOTH {
        for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            for flags in [&[][..], &["--session"]] {
                let mut command = init(place, flags);
                command.args(["--", "sh", "-c", "echo up; sleep 1000"]);
                let mut service = Service::start(place, command);
                assert_eq!(service.line(), "up");
                let pid = service.service();
                service.send(signal);
                until("it does not stop", || status(pid, "State").starts_with('T'));
                service.send(libc::SIGCONT);
                until("it is not resumed", || status(pid, "State").starts_with('S'));
            }
        }
    }
}

#[test]
fn a_service_that_ends_the_group_of_its_parent_does_not_end_us() {
    let mut command = init(As::First, &[]);
    command.arg("--").arg(probe()).arg("parricide");
    let (code, out, _) = outcome(command);
    assert_eq!((code, out.as_str()), (3, "sent\n"));
}

#[test]
fn a_reader_of_our_messages_that_goes_away_is_no_matter() {
    // Standard error is a pipe that nobody reads any more.
    let init = "run --init -vv -- sh -c 'trap : USR1; kill -USR1 $PPID; sleep 0.2; exit 7'";
    for words in [init, "run --nice 0 -vv -- sh -c 'exit 7'"] {
        let script = format!("(sleep 0.1; exec TUNECTL {words}) 2> >(true)");
        assert_eq!(shell(As::Other, &script).0, 7, "{words}");
    }
}
