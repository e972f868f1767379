//! The service starts as clean as if it had been started without us.

use std::process::Command;

use crate::service::{As, BOTH, Service, command, init, outcome, status, tunectl};
use crate::support::kernel::until;

/// What of a process's state is its signals'.
const SIGNALS: &str = "grep -E '^Sig(Blk|Ign)' /proc/self/status";

fn through(place: As, before: &str, flags: &str, what: &str) -> String {
    let script = format!("{before}; exec {} run --init {flags} -- {what}", tunectl().display());
    let mut shell = command(place, "/bin/bash");
    shell.args(["-c", &script]);
    let (code, out, err) = outcome(shell);
    assert_eq!((code, err.as_str()), (0, ""), "{script}");
    out
}

/// The same without tunectl.
fn bare(place: As, before: &str, what: &str) -> String {
    let mut shell = command(place, "/bin/bash");
    shell.args(["-c", &format!("{before}; exec {what}")]);
    outcome(shell).1
}

#[test]
fn service_inherits_signal_mask_and_dispositions() {
    for place in BOTH {
        for before in ["true", "trap '' HUP PIPE", "trap '' CHLD", "trap '' TTIN TTOU TSTP TERM 40"] {
            for flags in ["", "--session", "--group"] {
                assert_eq!(through(place, before, flags, SIGNALS), bare(place, before, SIGNALS), "{before}, {flags}");
            }
        }
    }
}

#[test]
fn service_end_is_seen_with_sigchld_ignored() {
    assert_eq!(through(As::First, "trap '' CHLD", "", "sh -c 'sleep 0.1; echo over'"), "over\n");
}

#[test]
fn service_inherits_descriptors_and_supervisor_closes_them() {
    let list = "ls /proc/self/fd";
    for before in ["exec 7</dev/null", "exec 0<&-", "exec 0<&- 2>&-", "exec 5</dev/null 9</dev/zero"] {
        assert_eq!(through(As::Other, before, "", list), bare(As::Other, before, list), "{before}");
    }
    let script = format!("exec 7</dev/null; exec {} run --init -- sh -c 'echo up; sleep 1000'", tunectl().display());
    let mut shell = Command::new("/bin/bash");
    shell.args(["-c", &script]);
    let mut service = Service::start(As::Other, shell);
    assert_eq!(service.line(), "up");
    let held = |pid: i32| {
        let names = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| entry.unwrap().file_name());
        let mut numbers: Vec<i32> = names.map(|name| name.to_str().unwrap().parse().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    };
    let supervisor = service.supervisor();
    until("it holds more", || held(supervisor) == [0, 1, 2]);
    assert!(held(service.service()).contains(&7));
}

#[test]
fn service_inherits_environment_and_working_directory() {
    for place in BOTH {
        assert_eq!(
            through(place, "cd /tmp; export A=1 B= ; unset _ OLDPWD", "", "env"),
            bare(place, "cd /tmp; export A=1 B= ; unset _ OLDPWD", "env")
        );
        assert_eq!(through(place, "cd /tmp", "", "pwd"), "/tmp\n");
    }
}

#[test]
fn listen_pid_is_set_to_the_service() {
    let mut shell = command(As::First, "/bin/bash");
    shell.args([
        "-c",
        &format!(
            "LISTEN_PID=$$ LISTEN_FDS=1 exec {} run --init -- sh -c 'echo $((LISTEN_PID - $$))'",
            tunectl().display()
        ),
    ]);
    assert_eq!(outcome(shell).1, "0\n");
    let mut other = init(As::Other, &["--", "sh", "-c", "echo $LISTEN_PID"]);
    other.env("LISTEN_PID", "1");
    assert_eq!(outcome(other).1, "1\n");
}

#[test]
fn service_has_its_own_group_or_session() {
    let ids = "ps -o pid=,pgid=,sid= -p $$ | xargs";
    for (flags, own_session) in [(&[][..], false), (&["--session"], true)] {
        let mut command = init(As::First, flags);
        command.args(["--", "sh", "-c", ids]);
        let (_, out, _) = outcome(command);
        let ids: Vec<&str> = out.split_whitespace().collect();
        assert_eq!(ids[0], ids[1]);
        assert_eq!(ids[0] == ids[2], own_session, "{out}");
    }
}

#[test]
fn idle_supervisor_never_wakes_up() {
    let service = Service::catching(As::First, &[]);
    let supervisor = service.supervisor();
    let wake_ups = || status(supervisor, "voluntary_ctxt_switches");
    until("it still wakes up", || {
        let before = wake_ups();
        std::thread::sleep(std::time::Duration::from_secs(3));
        wake_ups() == before
    });
    assert_eq!(status(supervisor, "Name"), "tunectl");
}

#[test]
fn limits_apply_to_the_service_and_not_the_supervisor() {
    let script = "echo $(ulimit -Sn) $(ulimit -Hn) $(grep 'open files' /proc/$PPID/limits)";
    let own = bare(As::Other, "ulimit -n 256", "sh -c \"echo $(grep 'open files' /proc/self/limits)\"");
    let words = format!("exec {} run --init --rlimit nofile=100:200 -- sh -c {script:?}", tunectl().display());
    let mut shell = Command::new("/bin/bash");
    shell.args(["-c", &format!("ulimit -n 256; {}", words.replace('$', "\\$"))]);
    assert_eq!(outcome(shell), (0, format!("100 200 {own}"), String::new()));
}

/// A limit that can't be had is found out in the child, and what was set before it is put back by the parent.
#[test]
fn service_is_not_started_when_a_limit_falls_short() {
    let mut command = command(As::First, tunectl());
    command.args(["run", "--init", "--rlimit", "nofile=2000000000:2000000000", "--", "echo", "started"]);
    let (code, out, err) = outcome(command);
    assert_eq!((code, out.as_str()), (125, ""), "{err}");
    assert!(err.contains("nofile"), "{err}");
    assert!(err.ends_with("tunectl: error: a required setting falls short: `echo` was not started\n"), "{err}");
}
