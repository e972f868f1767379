//! `bench` waits until the conditions of `[preflight]` hold, and starts nothing where they do not come to.

use std::fs;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::scene::{Background, loopback_up, wait_for_listener};
use crate::support::kernel::{put, sysctl, until};
use crate::support::namespaces::{dies_with_us, inside, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

/// Benchmarks `touch ran` with a profile that also changes a setting.
fn bench(scratch: &Scratch, conditions: &str, options: &[&str]) -> Command {
    scratch.write("p.toml", format!("[linux.sysctl]\nnet.core.somaxconn = 777\n[preflight]\n{conditions}\n"));
    let mut bench = tunectl();
    bench.args(["bench", "-p", "p.toml", "--runs", "1", "--warmup", "0", "-o", "result.json"]).args(options);
    bench
        .args(["--", "touch", "ran"])
        .current_dir(scratch.path())
        .env("TUNECTL_JOURNAL", scratch.path().join("journal"));
    dies_with_us(&mut bench);
    bench
}

fn somaxconn() -> String {
    sysctl("net/core/somaxconn")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Nothing ever has no open file.
const NEVER: &str = "process_files_in_use = { at_most = \"0%\" }";

#[test]
fn what_does_not_come_to_hold_starts_nothing() {
    inside(this_test!(), || {
        put("net/core/somaxconn", "500");
        for (condition, options, code, ran) in [
            (NEVER, &["--wait", "300ms"][..], 125, false),
            (NEVER, &["--wait", "0s"], 125, false),
            (NEVER, &["--wait", "300ms", "--no-preflight"], 0, true),
            ("process_files_in_use = { at_most = \"0%\", required = false }", &["--wait", "300ms"], 0, true),
            // What no waiting changes is not waited for: a warning, or the end at once.
            ("address_space_randomization = \"no\"", &["--wait", "1h"], 0, true),
            ("address_space_randomization = { exactly = \"no\", required = true }", &["--wait", "1h"], 125, false),
            ("process_files_in_use = { at_most = \"99%\", required = true }", &["--wait", "1h"], 0, true),
        ] {
            let scratch = Scratch::new();
            let output = bench(&scratch, condition, options).output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{condition} {options:?}: {}", said(&output));
            assert_eq!(scratch.path().join("ran").exists(), ran, "{condition} {options:?}");
            assert_eq!(somaxconn(), "500", "{condition}: the profile is reverted");
            if code == 125 {
                assert!(said(&output).contains("the command was not started"), "{}", said(&output));
                assert!(said(&output).contains("BEFORE A LOAD TEST"), "{}", said(&output));
            }
        }
    });
}

#[test]
fn what_was_found_is_in_the_result() {
    inside(this_test!(), || {
        for (options, expected) in [(&[][..], true), (&["--no-preflight"], false)] {
            let scratch = Scratch::new();
            let output = bench(&scratch, "time_wait_sockets = { at_most = 0 }", options).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            let text = fs::read_to_string(scratch.path().join("result.json")).unwrap();
            let result: Value = serde_json::from_str(&text).unwrap();
            let rows = result["preflight"].as_array().map(Vec::as_slice).unwrap_or_default();
            let found: Vec<_> = rows.iter().map(|row| (&row["setting"], &row["found"], &row["verdict"])).collect();
            let holds = ("time_wait_sockets".into(), 0.into(), "holds".into());
            assert_eq!(found, if expected { vec![(&holds.0, &holds.1, &holds.2)] } else { vec![] });
        }
    });
}

/// Another listener on the service's port ends while it is waited for.
#[test]
fn what_passes_is_waited_for() {
    inside(this_test!(), || {
        loopback_up();
        let (service, other) = (Background::start("serve port=8081"), Background::start("serve port=8080"));
        wait_for_listener("port=8080");
        let scratch = Scratch::new();
        let pid = service.pid().to_string();
        let options = ["--pid", &pid, "--wait", "60s", "--port", "8080"];
        let mut command = bench(&scratch, "other_listeners = { at_most = 0 }", &options);
        let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until("the profile is not applied", || somaxconn() == "777");
        // It goes on waiting for as long as the other listens.
        thread::sleep(Duration::from_millis(300));
        assert!(running.try_wait().unwrap().is_none() && !scratch.path().join("ran").exists());
        drop(other);
        assert_eq!(running.wait().unwrap().code(), Some(0));
        assert!(scratch.path().join("ran").exists());
    });
}

#[test]
fn a_signal_ends_the_wait_and_reverts_the_profile() {
    inside(this_test!(), || {
        put("net/core/somaxconn", "500");
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let scratch = Scratch::new();
            let mut command = bench(&scratch, NEVER, &["--wait", "1h"]);
            let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            until("the profile is not applied", || somaxconn() == "777");
            let sent = Command::new("kill").args([&format!("-{signal}"), &running.id().to_string()]).status().unwrap();
            assert!(sent.success());
            assert_eq!(running.wait().unwrap().code(), Some(code));
            assert!(!scratch.path().join("ran").exists() && somaxconn() == "500", "{signal}");
        }
    });
}
