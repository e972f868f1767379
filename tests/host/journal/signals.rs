//! A signal before any system call ends a command: with everything put back, or with all of it done.

use std::process::Command;

use super::kills::{entries, on_stage};
use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{this_test, with_default_signals};
use crate::support::stepper::signal_before;

/// Sends the signal before each system call in turn, `step` apart, and has `look` see the exit code each time. Returns
/// how many runs the signal ended, of how many that it reached.
fn at_every_call(
    signal: i32,
    step: usize,
    mut command: impl FnMut() -> Command,
    mut look: impl FnMut(usize, i32),
) -> (usize, usize) {
    let (mut ended, mut runs) = (0, 0);
    for call in (0..).step_by(step) {
        let (code, reached) = signal_before(with_default_signals(&mut command()), call, signal);
        look(call, code);
        if !reached {
            break;
        }
        runs += 1;
        ended += usize::from(code == 128 + signal);
    }
    (ended, runs)
}

#[test]
fn an_interrupted_apply_puts_back_what_it_changed() {
    on_stage(this_test!(), |scene, originals| {
        let mut applied = 0;
        let look = |call, code| {
            match code {
                143 => assert_eq!((scene.state().as_slice(), entries(&scene.journal())), (originals, 0), "{call}"),
                0 => {
                    applied += 1;
                    assert_ne!(scene.state(), originals, "{call}");
                    scene.revert();
                }
                other => panic!("exit code {other}, interrupted before system call {call}"),
            }
            assert_eq!(scene.state(), originals, "{call}");
        };
        let (ended, runs) = at_every_call(libc::SIGTERM, 2, || scene.apply(), look);
        // What comes after the last change is the report.
        assert!(runs > 150 && ended > runs * 3 / 4, "{ended} of {runs}");
        assert!(applied > 1, "{applied}");
    });
}

/// Until its service starts; then the signal is the service's.
#[test]
fn an_interrupted_run_puts_back_what_it_changed() {
    const KEYS: [(&str, &str); 4] = [
        ("net/core/somaxconn", "4096"),
        ("net/ipv4/tcp_syncookies", "1"),
        ("net/ipv4/tcp_rmem", "4096 131072 6291456"),
        ("net/ipv4/neigh/lo/retrans_time_ms", "1000"),
    ];
    const ASKED: &str = "[linux.sysctl.net]\ncore.somaxconn = 777\nipv4.tcp_syncookies = 0\n\
        ipv4.tcp_rmem = [4096, 131072, 8388608]\nipv4.neigh.lo.retrans_time_ms = 2000\n";
    on_stage(this_test!(), |scene, _| {
        scene.scratch.write("run.toml", ASKED);
        let original = || KEYS.iter().for_each(|(key, value)| put(key, value));
        for more in [&[][..], &["--init"], &["--best-effort"]] {
            let words: Vec<&str> =
                ["run", "-p", "./run.toml"].iter().chain(more).copied().chain(["--", "true"]).collect();
            let mut started = 0;
            original();
            let look = |call, code: i32| {
                let now = KEYS.map(|(key, _)| sysctl(key));
                let is_applied = now.iter().zip(KEYS).all(|(now, (_, original))| now != original);
                let is_original = now.iter().zip(KEYS).all(|(now, (_, original))| now == original);
                // The service itself may be the one that the signal ended: then all is applied.
                assert!(is_applied || is_original, "{words:?}: {call}: {now:?}");
                assert!(code == 0 && is_applied || code == 130, "{words:?}: {call}: {code} {now:?}");
                started += usize::from(is_applied);
                original();
            };
            let (ended, runs) = at_every_call(libc::SIGINT, 3, || scene.command(&words), look);
            assert!(runs > 40 && ended > runs / 2 && started > 0, "{words:?}: {ended} of {runs}, {started} started");
        }
    });
}

#[test]
fn an_interrupted_revert_can_be_repeated() {
    on_stage(this_test!(), |scene, originals| {
        let mut left = 0;
        let apply = || assert!(scene.apply().status().unwrap().success());
        apply();
        let look = |call, code| {
            match code {
                143 => {
                    left += usize::from(entries(&scene.journal()) > 0);
                    scene.revert();
                }
                0 => {}
                other => panic!("exit code {other}, interrupted before system call {call}"),
            }
            assert_eq!(scene.state(), originals, "{call}");
            apply();
        };
        let (ended, runs) = at_every_call(libc::SIGTERM, 2, || scene.command(&["revert"]), look);
        assert!(runs > 100 && ended > runs / 2 && left > runs / 3, "{ended} of {runs}, {left} left");
    });
}

/// One that changes nothing ends at once, wherever it is.
#[test]
fn commands_that_only_read_end_at_once() {
    on_stage(this_test!(), |scene, originals| {
        let commands: [&[&str]; 6] = [
            &["check", "-p", "./web.toml"],
            &["apply", "--dry-run", "-p", "./web.toml", "--no-rlimits"],
            &["revert", "--dry-run"],
            &["limits"],
            &["explain", "net.core.somaxconn"],
            &["profile", "list"],
        ];
        for words in commands {
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT] {
                let mut codes = Vec::new();
                let (ended, runs) = at_every_call(signal, 7, || scene.command(words), |_, code| codes.push(code));
                // Only the last calls of all, after the results, may come without it.
                assert!(ended + 1 >= runs, "{words:?}: {ended} of {runs} ended: {codes:?}");
            }
        }
        assert_eq!(scene.state(), originals);
    });
}

/// A signal that was ignored where it was started, by nohup(1) for example, ends nothing.
#[test]
fn ignored_signals_end_nothing() {
    on_stage(this_test!(), |_, _| {
        let script = "trap '' TERM; exec \"$0\" check --set net.core.somaxconn=777";
        let run = || {
            let mut command = Command::new("sh");
            command.args(["-c", script]).arg(crate::support::test::tunectl().get_program());
            command
        };
        let mut codes = Vec::new();
        at_every_call(libc::SIGTERM, 20, run, |_, code| codes.push(code));
        // Before the shell has set it, the signal ends the shell.
        codes.dedup();
        assert!(codes == [143, 1] || codes == [1], "{codes:?}");
    });
}
