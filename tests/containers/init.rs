//! `run --init` as PID 1 of real containers.

use std::time::{Duration, Instant};

use crate::engine::{Container, docker_ok, name};
use crate::images;

/// What a shell in the image is called.
const SH: [&str; 3] = ["busybox", "sh", "-c"];

/// A script that a shell in the image runs.
pub(crate) fn line<'a>(before: &[&'a str], script: &'a str) -> Vec<&'a str> {
    [before, &SH, &[script]].concat()
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn init_is_the_parent_and_passes_on_the_exit_code() {
    let image = images::redis();
    let init = ["/tunectl", "run", "--init", "--"];
    for options in [&[][..], &["--user", "1000", "--cap-drop", "ALL", "--read-only"], &["--network", "none"]] {
        let ran = Container::run(options, &image.name, &line(&init, "echo \"child of $PPID\"; exit 42"));
        assert_eq!(ran.expect_code(42).stdout, "child of 1\n", "{options:?}");
    }
    Container::run(&[], &image.name, &line(&init, "kill -9 $$")).expect_code(137);
    Container::run(&[], &image.name, &["/tunectl", "run", "--init", "--", "/absent"]).expect_code(127);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn docker_stop_reaches_a_service_of_any_user() {
    let image = images::redis();
    let script = "trap 'echo stopping; exit 3' TERM; echo up; while :; do busybox sleep 0.1; done";
    for (options, flags) in [
        (&[][..], &["--init"][..]),
        (&[], &["--init", "--user", "1000:1000", "--capabilities", "none", "--no-new-privs"]),
        // Without CAP_KILL root may not signal another user.
        (&["--cap-drop", "ALL", "--cap-add", "SETUID", "--cap-add", "SETGID"], &["--init", "--user", "1000:1000"]),
    ] {
        let container = name();
        let command = [
            &["run", "--detach", "--name", &container],
            options,
            &[&image.name],
            &["/tunectl", "run"],
            flags,
            &["--"],
            &SH,
            &[script],
        ];
        docker_ok(&command.concat());
        for _ in 0..100 {
            if docker_ok(&["logs", &container]).contains("up") {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let start = Instant::now();
        docker_ok(&["stop", "--time", "60", &container]);
        let took = start.elapsed();
        let code = docker_ok(&["inspect", "--format", "{{.State.ExitCode}}", &container]);
        let said = docker_ok(&["logs", &container]);
        docker_ok(&["rm", "--force", &container]);
        assert_eq!((code.as_str(), said.as_str()), ("3", "up\nstopping"), "{flags:?}");
        assert!(took < Duration::from_secs(30), "{took:?}");
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn privileges_are_dropped_in_the_container() {
    let image = images::redis();
    let flags = ["/tunectl", "run", "--init", "--user", "1000:1001", "--capabilities", "net_bind_service", "--"];
    let script = "set -- $(busybox id -u) $(busybox id -g); echo $* $HOME; \
        while read name value; do case $name in Cap*) echo $value;; esac; done </proc/self/status";
    let ran = Container::run(&[], &image.name, &line(&flags, script)).expect_code(0);
    assert_eq!(ran.stdout, format!("1000 1001 /\n{}", "0000000000000400\n".repeat(5)));
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn service_is_in_the_foreground_of_the_container_terminal() {
    let image = images::redis();
    let script = "read pid name state parent group session terminal front rest </proc/self/stat; echo $(($group - $$)) $(($front - $$))";
    for flags in [&["/tunectl", "run", "--init", "--"][..], &["/tunectl", "run", "--init", "--session", "--"]] {
        let ran = Container::run(&["--tty"], &image.name, &line(flags, script)).expect_code(0);
        assert_eq!(ran.stdout, "0 0\r\n", "{flags:?}");
    }
}

/// Each of the supervisor's duties once more where it has them for good: the flags, what the service does, its output,
/// and the container's exit code. The finer points are shown in PID namespaces, by `tests/init`.
const DUTIES: [(&[&str], &str, &str, i32); 13] = [
    (&["--group"], "busybox sh -c \"$FAR\" & busybox sleep 0.3; $NEAR", "far\n", 9),
    (&["--signal-to", "all"], "busybox setsid busybox sh -c \"$FAR\" & busybox sleep 0.3; $NEAR", "far\n", 9),
    (&["--rewrite", "TERM=USR1"], "trap 'exit 5' USR1; kill -TERM 1; while :; do busybox sleep 0.1; done", "", 5),
    (&["--rewrite", "15=0"], "trap 'exit 5' TERM; kill -TERM 1; busybox sleep 0.3; exit 6", "", 6),
    (&["--stop-timeout", "300ms"], "trap '' TERM; kill -TERM 1; while :; do busybox sleep 0.1; done", "", 137),
    (&["--expect-exit", "3=0"], "exit 3", "", 0),
    (&[], "kill -SEGV $$", "", 139),
    (&[], "busybox setsid busybox sh -c \"$FAR\" & busybox sleep 0.3; exit 4", "far\n", 4),
    (&["--orphan-timeout", "0"], "busybox setsid busybox sh -c \"$FAR\" & busybox sleep 0.3; exit 4", "", 4),
    (
        &["--reap-kill"],
        "orphan=$(busybox sh -c 'busybox tail -f /dev/null >/dev/null 2>&1 & echo $!'); n=0
         while [ $n -lt 100 ]; do kill -0 $orphan || exit 8; busybox sleep 0.1; n=$((n + 1)); done 2>/dev/null",
        "",
        8,
    ),
    (
        &[],
        "n=0; while [ $n -lt 300 ]; do busybox sh -c 'busybox true &'; n=$((n + 1)); done; busybox sleep 0.2
         for stat in /proc/[0-9]*/stat; do
             read pid name state rest <$stat && [ $state = Z ] && exit 1
         done 2>/dev/null; exit 2",
        "",
        2,
    ),
    (
        &["--session"],
        "read pid name state parent group session rest </proc/self/stat; echo $((session - $$))",
        "0\n",
        0,
    ),
    (
        &[
            "--nice",
            "5",
            "--oom-score-adj",
            "500",
            "--umask",
            "027",
            "--working-directory",
            "/profiles",
            "--env",
            "A=b",
        ],
        "read a b c d e f g h i j k l m n o p q r nice rest </proc/self/stat; echo $nice
         busybox cat /proc/self/oom_score_adj; umask; pwd; echo $A",
        "5\n500\n0027\n/profiles\nb\n",
        0,
    ),
];

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn init_forwards_signals_and_reaps_in_a_container() {
    let image = images::redis();
    let far = "FAR=trap 'trap : TERM; echo far; exit' TERM; while :; do busybox sleep 0.05; done";
    let near = "NEAR=trap 'wait; exit 9' TERM; kill -TERM 1; while :; do busybox sleep 0.05; done";
    for (flags, script, out, code) in DUTIES {
        let script = script.replace("$NEAR", "eval \"$NEAR\"");
        let command = [&["/tunectl", "run", "--init"], flags, &["--"]].concat();
        let ran = Container::run(&["--env", far, "--env", near], &image.name, &line(&command, &script));
        assert_eq!(ran.expect_code(code).stdout, out, "{flags:?} {script}");
    }
}
