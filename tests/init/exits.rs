//! The code that we exit with is the service's.

use crate::service::{As, BOTH, init, outcome, probe};

fn shell(place: As, flags: &[&str], script: &str) -> (i32, String, String) {
    let mut command = init(place, flags);
    command.args(["--", "sh", "-c", script]);
    outcome(command)
}

#[test]
fn exit_code_of_the_service_is_passed_on() {
    for code in (0..=255).step_by(15).chain([1, 2, 125, 126, 127, 128, 143]) {
        assert_eq!(shell(As::Other, &[], &format!("exit {code}")), (code, String::new(), String::new()));
    }
    assert_eq!(shell(As::First, &[], "exit 42").0, 42);
}

#[test]
fn service_killed_by_a_signal_exits_128_plus_signal() {
    let ending = |signal: &i32| {
        ![libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH].contains(signal)
            && ![libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU].contains(signal)
    };
    // Two are the C library's own, and ignored in what a test harness starts.
    for signal in (1..=64).filter(ending).filter(|signal| ![32, 33].contains(signal)) {
        let mut command = init(As::First, &[]);
        command.arg("--").arg(probe()).args(["die", &signal.to_string()]);
        assert_eq!(outcome(command), (128 + signal, String::new(), String::new()));
    }
}

#[test]
fn expected_codes_are_remapped() {
    for (flags, script, code) in [
        (&["--expect-exit", "143=0"][..], "kill $$", 0),
        (&["--expect-exit", "143"], "kill $$", 0),
        (&["--expect-exit", "143=0"], "exit 1", 1),
        (&["--expect-exit", "1=2,2=3"], "exit 1", 2),
        (&["--expect-exit", "1=2", "--expect-exit", "1=7"], "exit 1", 7),
    ] {
        assert_eq!(shell(As::Other, flags, script).0, code, "{flags:?}");
    }
}

#[test]
fn command_not_executable_exits_126() {
    for place in BOTH {
        for (command, code, message) in [
            ("/nonexistent", 127, "tunectl: error: `/nonexistent` does not exist\n"),
            ("/etc", 126, "tunectl: error: `/etc` can't be executed: it is a directory\n"),
            (
                "/etc/passwd",
                126,
                "tunectl: error: `/etc/passwd` can't be executed: its mode 0644 has no execute permission: `chmod +x` it\n",
            ),
        ] {
            let mut init = init(place, &["--expect-exit", "127=0,126=0"]);
            init.args(["--", command]);
            assert_eq!(outcome(init), (code, String::new(), message.to_owned()), "{place:?}");
        }
    }
}

#[test]
fn exec_errors_are_reported_by_the_child() {
    let scratch = crate::support::scratch::Scratch::new();
    let script = scratch.write("script", "#!/no/such/shell\n");
    scratch.mode("script", 0o755);
    let mut command = init(As::First, &["--expect-exit", "126=0"]);
    command.arg("--").arg(&script);
    let message = format!(
        "tunectl: error: `{}` can't be executed: its interpreter `/no/such/shell` does not exist or can't be executed\n",
        script.display()
    );
    assert_eq!(outcome(command), (126, String::new(), message));
}

#[test]
fn service_is_killed_after_the_stop_timeout() {
    for signal in ["TERM", "INT", "QUIT"] {
        let script = format!("trap '' {signal}; kill -{signal} $PPID; while :; do sleep 0.05; done");
        assert_eq!(
            shell(As::Other, &["--stop-timeout", "200ms"], &script),
            (
                137,
                String::new(),
                "tunectl: warning: the service did not end within stop_timeout: sending SIGKILL\n".to_owned()
            )
        );
    }
    // Nobody is killed who was not asked for it.
    assert_eq!(shell(As::Other, &[], "trap '' TERM; kill -TERM $PPID; sleep 1; exit 5").0, 5);
    // Another signal asks for nothing.
    let script = "trap '' HUP; kill -HUP $PPID; sleep 0.5; exit 5";
    assert_eq!(shell(As::Other, &["--stop-timeout", "100ms"], script).0, 5);
}

#[test]
fn options_after_the_command_belong_to_it() {
    for flag in ["-v", "--version", "-g", "--init", "--", "-h"] {
        let mut command = init(As::Other, &[]);
        command.args(["printf", "%s\n", flag]);
        assert_eq!(outcome(command), (0, format!("{flag}\n"), String::new()));
    }
}

#[test]
fn options_can_be_set_by_environment_variables() {
    let mut command = init(As::Other, &[]);
    command.args(["--", "sh", "-c", "kill $$"]);
    command.env("TUNECTL_EXPECT_EXIT", "143=9");
    assert_eq!(outcome(command).0, 9);
    let mut command = init(As::Other, &[]);
    command.args(["--", "true"]).env("TUNECTL_STOP_TIMEOUT", "soon");
    assert_eq!(
        outcome(command),
        (
            2,
            String::new(),
            "tunectl: error: TUNECTL_STOP_TIMEOUT: expected a duration such as `10s`, `500ms` or `2m` but found `soon`\n"
                .to_owned()
        )
    );
}
