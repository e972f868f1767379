//! What goes wrong around a supervisor does not end it.

use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use tunectl::sys;

use crate::service::{As, BOTH, Service, children, command, init, outcome, probe, status, tunectl};
use crate::support::kernel::until;
use crate::support::namespaces::skip;

fn shell(place: As, script: &str) -> (i32, String, String) {
    let mut shell = command(place, "/bin/bash");
    shell.args(["-c", &script.replace("TUNECTL", tunectl().to_str().unwrap())]);
    outcome(shell)
}

#[test]
fn closed_standard_descriptors_are_tolerated() {
    for place in BOTH {
        for closed in ["0<&-", "0<&- 1>&-", "2>&-", "0<&- 1>&- 2>&-"] {
            assert_eq!(shell(place, &format!("exec TUNECTL run --init -- sh -c 'exit 7' {closed}")).0, 7, "{closed}");
        }
        assert_eq!(shell(place, "exec TUNECTL run --init -- /nonexistent 0<&- 1>&- 2>&-").0, 127);
    }
}

#[test]
fn init_works_without_proc() {
    let umount = "umount -l /proc || exit 50";
    for (script, code) in [
        ("exec TUNECTL run --init -- sh -c 'exit 7'", 7),
        ("exec TUNECTL run --init -- sh -c 'kill $$'", 143),
        ("exec TUNECTL run --init --group -- sh -c 'kill -TERM $PPID; sleep 60'", 143),
        ("exec TUNECTL run --init --signal-to all -- sh -c 'kill -TERM $PPID; sleep 60'", 143),
        ("exec TUNECTL run --init --orphan-timeout 300ms -- sh -c 'sleep 1000 & exit 6'", 6),
        ("exec TUNECTL run --init -- /nonexistent", 127),
    ] {
        assert_eq!(shell(As::First, &format!("{umount}; {script}")).0, code, "{script}");
    }
}

/// /proc of the namespace outside shows numbers that are somebody else's inside.
#[test]
fn proc_of_another_pid_namespace_is_ignored() {
    if sys::effective_ids().effective_uid != 0 {
        return skip("proc_of_another_pid_namespace_is_ignored", "needs a PID namespace without a user namespace");
    }
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(tunectl());
    command.args(["run", "--init", "--signal-to", "all", "--", "sh", "-c", "kill -TERM 1; sleep 60"]);
    assert_eq!(outcome(command).0, 143);
}

#[test]
fn service_starts_at_the_descriptor_limit() {
    for place in BOTH {
        assert_eq!(shell(place, "ulimit -n 4; exec TUNECTL run --init -- sh -c 'exit 7'").0, 7);
        assert_eq!(shell(place, "ulimit -n 4; exec TUNECTL run --init -- /etc").0, 126);
    }
}

/// Looking for them in /proc takes descriptors: with one, and with none.
#[test]
fn signal_for_all_arrives_at_the_descriptor_limit() {
    let tell = "kill -TERM $0; while :; do sleep 0.05; done";
    for place in BOTH {
        // The service's end brings the other one another SIGTERM, perhaps before it has ended by the first.
        let far = "trap \"trap : TERM; echo far; exit\" TERM";
        let service = format!("setsid sh -c '{far}; {tell}' $PPID & trap 'exit 9' TERM; wait");
        let script = format!("ulimit -n 4; exec TUNECTL run --init --signal-to all -- sh -c {service:?}");
        let (code, out, _) = shell(place, &script.replace('$', "\\$"));
        assert_eq!((code, out.as_str()), (9, "far\n"), "{place:?}");
        let mut service = Service::catching(place, &["--signal-to", "all"]);
        rlimit::prlimit(service.at_rest(), rlimit::Resource::NOFILE, Some((3, 3)), None).unwrap();
        service.send(libc::SIGUSR1);
        assert_eq!(service.line(), "10 -1", "{place:?}");
    }
}

#[test]
fn process_limit_is_reported() {
    if sys::effective_ids().effective_uid != 0 {
        return skip("process_limit_is_reported", "needs a user of its own, whose processes are counted");
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
            "tunectl: error: cannot start the service: fork: try again (the nproc limit of our user, or the \
             container's pids.max, is reached)\n"
                .to_owned()
        )
    );
}

#[test]
fn sigcont_to_the_supervisor_resumes_the_service() {
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
        assert_eq!(service.end(), 0);
    }
}

#[test]
fn job_control_signals_suspend_and_resume() {
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
fn killing_the_parent_group_spares_the_supervisor() {
    // A group of ours, so that nobody else is in it. As PID 1 we can't be hit like that: -1 is no group to kill(2).
    let mut command = init(As::Other, &["--"]);
    command.arg(probe()).arg("parricide").process_group(0);
    assert_eq!(outcome(command), (3, "sent\n".to_owned(), String::new()));
}

/// What the processor raises in us can't be waited for like a signal that is sent: it ends us, and says so.
#[test]
fn crash_of_the_supervisor_exits_with_its_signal() {
    // At address 0, and all zeros: `add %al,(%rax)`, where the kernel's answer is no address; on ARM no instruction.
    let fault = if cfg!(target_arch = "x86_64") { libc::SIGSEGV } else { libc::SIGILL };
    for place in BOTH {
        let service = Service::catching(place, &[]);
        let (supervisor, child) = (service.at_rest(), service.service());
        let memory = std::fs::OpenOptions::new().write(true).open(format!("/proc/{supervisor}/mem")).unwrap();
        memory.write_all_at(&[0; 16], pc(supervisor).unwrap()).unwrap();
        service.send(libc::SIGUSR1);
        assert_eq!(service.end(), 128 + fault, "{place:?}");
        drop(sys::kill(child, libc::SIGKILL));
    }
}

/// The second life takes its orders from its arguments. Whoever types them must not have us signal a stranger's group,
/// and least of all everybody: where this fails, it does so in a PID namespace of its own.
#[test]
fn reexec_arguments_of_another_process_are_refused() {
    let script = r#"
        sleep 60 & stranger=$!
        for child in 1 $stranger 99999; do
            bash -c 'exec -a "tunectl: supervisor" "$0" "child=$1 x" x' "$TUNECTL" $child
            bash -c 'exec -a "tunectl: supervisor" "$0" "child=$1" x' "$TUNECTL" $child
            echo $?
        done
        kill -0 $stranger && echo alive
        kill $stranger"#;
    let mut command = command(As::First, "bash");
    command.args(["-c", script]).env("TUNECTL", tunectl());
    let (code, out, err) = outcome(command);
    assert_eq!((code, out.as_str()), (0, "2\n2\n2\nalive\n"), "{err}");
    assert_eq!(err.matches("this is an internal command line of tunectl, not a command").count(), 6, "{err}");
}

/// Where a process goes on when the system call that it waits in returns: the last word of /proc/PID/syscall.
fn pc(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
    u64::from_str_radix(text.trim().rsplit_once(' ')?.1.strip_prefix("0x")?, 16).ok()
}

/// No memory can be had any more, and what is done for signals and orphans needs none.
#[test]
fn supervisor_works_without_memory() {
    for place in BOTH {
        let mut command = init(place, &["-vv"]);
        let script = "trap 'go=on' USR1; echo up; while [ -z $go ]; do sleep 0.05; done; exec \"$0\" storm 1000";
        command.args(["--", "sh", "-c", script]).arg(probe()).stderr(Stdio::null());
        let mut service = Service::start(place, command);
        assert_eq!(service.line(), "up");
        let supervisor = service.at_rest();
        for resource in [rlimit::Resource::AS, rlimit::Resource::DATA] {
            rlimit::prlimit(supervisor, resource, Some((0, 0)), None).unwrap();
        }
        service.send(libc::SIGUSR1);
        assert_eq!(service.line(), "done");
        let main = service.service();
        until("some are left", || children(supervisor) == [main]);
        service.send(libc::SIGTERM);
        assert_eq!(service.end(), 7, "{place:?}");
    }
}

#[test]
fn closed_standard_error_pipe_is_tolerated() {
    // Standard error is a pipe that nobody reads any more.
    let init = "run --init -vv -- sh -c 'trap : USR1; kill -USR1 $PPID; sleep 0.2; exit 7'";
    for words in [init, "run --nice 19 -vv -- sh -c 'exit 7'"] {
        let script = format!("(sleep 0.1; exec TUNECTL {words}) 2> >(true)");
        assert_eq!(shell(As::Other, &script).0, 7, "{words}");
    }
}
