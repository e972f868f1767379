//! What the service may not have is taken from it, and that is proved.

use std::process::Command;

use tunectl::sys;

use crate::service::{As, BOTH, Service, init, outcome, status, tunectl};
use crate::support::namespaces::skip;

/// What the kernel says of a service that `flags` were typed for, without and with a supervisor.
fn says(flags: &[&str], script: &str) -> Option<String> {
    if sys::effective_ids().effective_uid != 0 {
        skip("rights", "only root can become somebody else");
        return None;
    }
    let mut said = vec![];
    for words in [&["run", "--init"][..], &["run"]] {
        let mut command = Command::new(tunectl());
        command.args(words).args(flags).args(["--", "sh", "-c", script]).env("HOME", "/root");
        let (code, out, err) = outcome(command);
        assert_eq!((code, err.as_str()), (0, ""), "{flags:?}");
        said.push(out);
    }
    assert_eq!(said[0], said[1], "{flags:?}");
    said.pop()
}

#[test]
fn service_runs_as_the_requested_user() {
    for (user, expected) in [
        ("nobody", "65534 65534 65534 65534 /nonexistent\n"),
        ("65534", "65534 65534 65534 65534 /nonexistent\n"),
        ("nobody:daemon", "65534 1 1 65534 /nonexistent\n"),
        ("4711:4712", "4711 4712 4712 4711 /\n"),
        ("root:nogroup", "0 65534 65534 0 /root\n"),
    ] {
        let Some(said) = says(&["--user", user], "echo $(id -u) $(id -g) $(id -G) $(id -ru) $HOME") else { return };
        assert_eq!(said, expected, "{user}");
    }
    let groups = says(&["--user", "nobody", "--groups", "1,daemon,9"], "echo $(id -G)").unwrap();
    assert_eq!(groups, "65534 1 9\n");
}

#[test]
fn service_keeps_only_the_requested_capabilities() {
    let script = "grep -E '^(Cap|NoNew)' /proc/self/status | cut -f2 | xargs";
    let none = "0000000000000000";
    let bind = "0000000000000400";
    for (flags, expected) in [
        (&["--capabilities", "none"][..], format!("{none} {none} {none} {none} {none} 0\n")),
        (&["--capabilities", "net_bind_service"], format!("{bind} {bind} {bind} {bind} {bind} 0\n")),
        (
            &["--user", "nobody", "--capabilities", "CAP_NET_BIND_SERVICE"],
            format!("{bind} {bind} {bind} {bind} {bind} 0\n"),
        ),
        (
            &["--user", "nobody", "--capabilities", "none", "--no-new-privs"],
            format!("{none} {none} {none} {none} {none} 1\n"),
        ),
    ] {
        let Some(said) = says(flags, script) else { return };
        assert_eq!(said, expected, "{flags:?}");
    }
}

#[test]
fn service_has_the_requested_process_attributes() {
    let flags = [
        "--oom-score-adj",
        "300",
        "--nice",
        "7",
        "--umask",
        "027",
        "--working-directory",
        "/usr",
        "--env",
        "A=b,c",
        "--env",
        "HOME",
    ];
    let Some(said) = says(&flags, "echo $(cat /proc/self/oom_score_adj) $(nice) $(umask) $PWD $A ${HOME-none}") else {
        return;
    };
    assert_eq!(said, "300 7 0027 /usr b,c none\n");
}

/// It keeps `CAP_KILL` alone, and with that does all of its work: signals for a service of another user and for all of its
/// descendants, SIGKILL after a time, orphans of other users ended while the service runs and after it.
#[test]
fn supervisor_keeps_one_capability() {
    if sys::effective_ids().effective_uid != 0 {
        return skip("supervisor_keeps_one_capability", "only root has capabilities that others have not");
    }
    for place in BOTH {
        for flags in [&[][..], &["--user", "nobody"], &["--signal-to", "all"], &["--reap-kill"]] {
            let service = Service::catching(place, flags);
            let supervisor = service.at_rest();
            let sets = ["CapPrm", "CapEff", "CapInh", "CapAmb"].map(|field| status(supervisor, field));
            let (kill, none) = ("0000000000000020", "0000000000000000");
            assert_eq!(sets, [kill, kill, none, none], "{place:?} {flags:?}");
        }
        let as_nobody = |more: &[&str], script: &str| {
            let mut command = init(place, more);
            command.args(["--user", "nobody", "--", "sh", "-c", script]);
            outcome(command)
        };
        let (code, out, err) = as_nobody(&["--signal-to", "all"], "trap 'echo got; exit 9' TERM; kill -TERM $$; wait");
        assert_eq!((code, out.as_str(), err.as_str()), (9, "got\n", ""), "{place:?}");
        let deaf = "trap '' TERM; echo up; while :; do sleep 0.05; done";
        let mut service = Service::start(place, {
            let mut command = init(place, &["--stop-timeout", "200ms", "--user", "nobody", "--", "sh", "-c", deaf]);
            command.stdin(std::process::Stdio::null());
            command
        });
        assert_eq!(service.line(), "up");
        service.send(libc::SIGTERM);
        assert_eq!(service.end(), 137, "{place:?}");
        // An orphan of another user than the service, who has gone before it.
        let orphan =
            "setpriv --reuid 4713 sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.05; done' & sleep 0.3; exit 6";
        let mut command = init(place, &["--orphan-timeout", "100ms", "--", "sh", "-c", orphan]);
        command.stdin(std::process::Stdio::null());
        let (code, out, err) = outcome(command);
        assert_eq!((code, out.as_str()), (6, "up\n"), "{place:?}: {err}");
        assert!(err.contains("killed after 0.1 s with SIGKILL") && err.lines().count() == 1, "{place:?}: {err}");
    }
}

/// What is for the service is not for us: we could not do our work any more.
#[test]
fn supervisor_keeps_its_own_attributes() {
    if sys::effective_ids().effective_uid != 0 {
        return skip("supervisor_keeps_its_own_attributes", "only root can become somebody else");
    }
    let own = std::process::id().try_into().unwrap();
    let flags = ["--user", "nobody", "--capabilities", "none", "--no-new-privs", "--umask", "027", "--nice", "7"];
    let more = ["--oom-score-adj", "300", "--env", "A=b", "--session", "--rlimit", "core=0:0"];
    let service = Service::catching(As::Other, &[&flags[..], &more].concat());
    let supervisor = service.supervisor();
    for field in ["Uid", "Gid", "Groups", "CapBnd", "NoNewPrivs", "Umask"] {
        assert_eq!(status(supervisor, field), status(own, field), "{field}");
        assert!(status(service.service(), field) != status(own, field), "{field}");
    }
    let read = |pid: i32, name: &str| std::fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
    assert_eq!(read(supervisor, "oom_score_adj"), read(own, "oom_score_adj"));
    assert_eq!(read(supervisor, "limits"), read(own, "limits"));
    // The fourth and fifth fields behind the name are the group and the session, the seventeenth the nice value.
    let fields =
        |pid: i32, at: usize| read(pid, "stat").rsplit_once(')').unwrap().1.split(' ').nth(at).unwrap().to_owned();
    for at in [4, 17] {
        assert_eq!(fields(supervisor, at), fields(own, at));
        assert_ne!(fields(service.service(), at), fields(own, at));
    }
}

#[test]
fn impossible_attributes_fail_before_the_start() {
    for (flags, message) in [
        (&["--user", "nobodyatall"][..], "tunectl: error: user `nobodyatall` is not in /etc/passwd"),
        (&["--groups", "nogroupatall"], "tunectl: error: group `nogroupatall` is not in /etc/group"),
        (
            &["--working-directory", "/nonexistent"],
            "cannot change to the working directory `/nonexistent`: no such file or directory",
        ),
    ] {
        let mut command = init(As::Other, flags);
        command.args(["--", "/bin/echo", "started"]);
        let (code, out, err) = outcome(command);
        assert_eq!((code, out.as_str()), (125, ""), "{flags:?}");
        assert!(err.contains(message), "{err}");
    }
}

/// `--cap-drop ALL` with a user of its own: tini exits, and dumb-init lets nobody stop the service.
#[test]
fn supervisor_without_cap_kill_becomes_the_service_user() {
    if sys::effective_ids().effective_uid != 0 {
        return skip("a_supervisor_that_may_not_signal…", "only root can become somebody else");
    }
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", "-kill", "--inh-caps", "-kill"]).arg(tunectl());
    command.args([
        "run",
        "--init",
        "--user",
        "nobody",
        "--",
        "sh",
        "-c",
        "until kill -TERM $PPID 2>/dev/null; do sleep 0.01; done; sleep 60; echo lived",
    ]);
    // The service may signal us, for we are its user now; and what we hand on ends it.
    assert_eq!(outcome(command), (143, String::new(), String::new()));
}
