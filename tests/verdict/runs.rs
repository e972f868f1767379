//! The runs themselves: how often, what counts, what ends them early, and what becomes of the profile.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::{Background, loopback_up, wait_for_listener};
use crate::support::kernel::until;
use crate::support::namespaces::{dies_with_us, inside, inside_of, this_test, with_default_signals};
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

struct Place {
    scratch: Scratch,
}

impl Place {
    fn new() -> Self {
        Self { scratch: Scratch::new() }
    }

    fn command(&self, options: &[&str], command: &[&str]) -> Command {
        let mut bench = tunectl();
        let warmup: &[&str] = if options.contains(&"--warmup") { &[] } else { &["--warmup", "0"] };
        bench.args(["bench", "--no-preflight", "-o", "result.json"]).args(warmup);
        bench.args(options).arg("--").args(command);
        bench.current_dir(self.scratch.path()).env("TUNECTL_JOURNAL", self.journal());
        dies_with_us(&mut bench);
        bench
    }

    fn journal(&self) -> PathBuf {
        self.scratch.path().join("journal")
    }

    fn run(&self, options: &[&str], command: &[&str]) -> Output {
        self.command(options, command).output().unwrap()
    }

    fn result(&self) -> Value {
        serde_json::from_str(&fs::read_to_string(self.scratch.path().join("result.json")).unwrap()).unwrap()
    }

    /// A line for the shell that does something else each time: what stands behind its number.
    fn each_time(&self, lines: &[&str]) -> String {
        let counter = self.scratch.path().join("count");
        let cases: Vec<String> = lines.iter().enumerate().map(|(at, line)| format!("{}) {line};;", at + 1)).collect();
        let counter = counter.display();
        format!(
            "n=$(($(cat {counter} 2>/dev/null || echo 0) + 1)); echo $n >{counter}; case $n in {} esac",
            cases.join(" ")
        )
    }
}

fn somaxconn() -> String {
    fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap().trim().to_owned()
}

#[test]
fn of_five_the_best_and_the_worst_are_dropped() {
    let place = Place::new();
    let line = place.each_time(&["echo tps 10", "echo tps 30", "echo tps 20", "echo tps 21", "echo tps 19"]);
    let output = place.run(&["--metric", "tps=tps (.*)"], &["sh", "-c", &line]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result = place.result();
    let counted: Vec<bool> =
        result["runs"].as_array().unwrap().iter().map(|run| run["counted"].as_bool().unwrap()).collect();
    assert_eq!(counted, [false, false, true, true, true]);
    assert_eq!(result["summary"]["mean"], 20.0);
    assert_eq!((&result["runs"][0]["dropped"], &result["runs"][1]["dropped"]), (&"worst".into(), &"best".into()));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("mean of 3: 20.00 tps, spread 5.0 %"), "{text}");
}

#[test]
fn a_run_that_fails_is_saved_and_left_out() {
    let place = Place::new();
    let line = place.each_time(&["echo tps 10", "echo tps 12", "echo tps 999; exit 7"]);
    let output = place.run(&["--runs", "3", "--metric", "tps=tps (.*)"], &["sh", "-c", &line]);
    assert_eq!(output.status.code(), Some(1));
    let result = place.result();
    assert_eq!((&result["summary"]["mean"], &result["passes"]), (&11.0.into(), &false.into()));
    let failed = &result["runs"][2];
    assert_eq!((&failed["exit_code"], &failed["failure"]["code"]), (&7.into(), &"exit-code".into()));
    assert_eq!(failed["output"], "tps 999\n");
}

#[test]
fn what_can_not_be_read_is_measured_by_its_time() {
    let place = Place::new();
    let output = place.run(&["--runs", "2"], &["sh", "-c", "echo nothing to read"]);
    assert_eq!(output.status.code(), Some(0));
    let result = place.result();
    assert_eq!(
        (&result["summary"]["metric"], &result["summary"]["lower_is_better"]),
        (&"seconds".into(), &true.into())
    );
    assert_eq!(result["runs"][0]["value"], result["runs"][0]["seconds"]);
    // Nobody knows which process would be the service.
    assert_eq!(result["verdict"]["limit"], "unknown");
}

#[test]
fn a_metric_that_is_not_there_fails_the_run() {
    let place = Place::new();
    let output = place.run(&["--runs", "1", "--metric", "tps=absent (.*)"], &["true"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(place.result()["runs"][0]["failure"]["code"], "no-metric");
    for wrong in ["tps", "=x", "tps=("] {
        assert_eq!(place.run(&["--metric", wrong], &["true"]).status.code(), Some(2), "{wrong}");
    }
}

#[test]
fn a_tester_that_ends_with_0_and_failed_altogether() {
    let place = Place::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/outputs/real");
    for (tester, sample) in
        [("hey", "hey-refused"), ("h2load", "h2load-refused"), ("siege", "siege-refused"), ("wrk", "wrk-nofile")]
    {
        // Of siege the summary is on standard error.
        let line = format!("cd {}; cat {sample}.out; cat {sample}.err 2>/dev/null >&2; true", samples.display());
        let output = place.run(&["--runs", "1"], &["sh", "-c", &line]);
        let run = &place.result()["runs"][0];
        assert_eq!(run["tester"], tester, "{run:#}");
        let all = sample.ends_with("refused");
        assert_eq!(output.status.code(), Some(i32::from(all)), "{sample}: {output:?}");
        let code = if all { "all-failed".into() } else { Value::Null };
        assert_eq!(run["failure"]["code"], code, "{sample}: {run:#}");
    }
}

#[test]
fn a_run_that_never_ends_is_ended() {
    let place = Place::new();
    let started = Instant::now();
    // It does not listen to SIGTERM either.
    let line = "trap '' TERM; while :; do sleep 1; done";
    let output = place.run(&["--runs", "1", "--timeout", "300ms"], &["sh", "-c", line]);
    assert_eq!(output.status.code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(place.result()["runs"][0]["failure"]["code"], "timeout");
}

#[test]
fn of_gigabytes_the_start_and_the_end_are_kept() {
    let place = Place::new();
    let line = "echo first; head -c 300000000 /dev/zero | tr '\\0' x; echo; echo last";
    let output = place.run(&["--runs", "1"], &["sh", "-c", line]);
    assert_eq!(output.status.code(), Some(0));
    let result = place.result();
    let text = result["runs"][0]["output"].as_str().unwrap();
    assert!(text.starts_with("first\nxxx") && text.ends_with("x\nlast\n"), "{} bytes", text.len());
    assert!(text.contains(" bytes left out]") && text.len() < 1_000_000);
}

#[test]
fn commands_that_can_not_be_started() {
    let place = Place::new();
    let script = place.scratch.write("script", "no program");
    assert_eq!(place.run(&[], &["no-such-program-anywhere"]).status.code(), Some(127));
    assert_eq!(place.run(&[], &[script.to_str().unwrap()]).status.code(), Some(126));
    assert_eq!(place.run(&["--before", "exit 3"], &["true"]).status.code(), Some(1));
    assert_eq!(place.run(&["--ready", "nowhere"], &["true"]).status.code(), Some(2));
    let started = Instant::now();
    let output = place.run(&["--ready", "127.0.0.1:1", "--wait", "300ms"], &["true"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(place.result()["runs"], Value::Array(vec![]));
}

/// The service is another process in each run, and is found by where the load tester connects to.
#[test]
fn a_service_that_is_restarted_before_each_run() {
    inside(this_test!(), || {
        loopback_up();
        let place = Place::new();
        let probe = crate::scene::probe();
        let probe = probe.display();
        let pid = place.scratch.path().join("pid");
        let before = format!(
            "kill -9 $(cat {0}) 2>/dev/null; {probe} serve port=8080 >/dev/null 2>&1 & echo $! >{0}",
            pid.display()
        );
        let load = format!("{probe} load port=8080 connections=20 requests=5");
        let options = ["--runs", "3", "--before", &before];
        let output = place.run(&options, &["sh", "-c", &load, "http://127.0.0.1:8080/"]);
        drop(Command::new("kill").args(["-9", fs::read_to_string(&pid).unwrap().trim()]).status());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let result = place.result();
        assert_eq!(result["runs"].as_array().unwrap().len(), 3);
        assert_eq!(result["verdict"]["limit"], "none", "{:#}", result["verdict"]);
    });
}

#[test]
fn the_profile_is_there_during_the_runs_and_gone_after_them() {
    inside(this_test!(), || {
        let place = Place::new();
        let before = somaxconn();
        let line = "cat /proc/sys/net/core/somaxconn; ulimit -Sn";
        let options = ["--runs", "1", "--set", "net.core.somaxconn=777", "--rlimit", "nofile=99"];
        let output = place.run(&options, &["sh", "-c", line]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(place.result()["runs"][0]["output"], "777\n99\n");
        assert_eq!(somaxconn(), before);
        assert!(String::from_utf8_lossy(&output.stdout).contains("settings are back at their previous values"));
        // With `--keep` it stays until `revert`.
        let kept = [&options[..], &["--keep"]].concat();
        assert_eq!(place.run(&kept, &["true"]).status.code(), Some(0));
        assert_eq!(somaxconn(), "777");
        let reverted = tunectl().arg("revert").env("TUNECTL_JOURNAL", place.journal()).status().unwrap();
        assert_eq!((reverted.code(), somaxconn()), (Some(0), before));
    });
}

#[test]
fn a_profile_that_falls_short() {
    inside(this_test!(), || {
        let place = Place::new();
        let before = somaxconn();
        let marker = place.scratch.path().join("ran");
        let command = ["touch", marker.to_str().unwrap()];
        let options = ["--runs", "1", "--set", "net.core.somaxconn=777", "--set", "net.core.no_such_key=1"];
        let output = place.run(&options, &command);
        assert_eq!(output.status.code(), Some(125), "{output:?}");
        assert!(!marker.exists() && somaxconn() == before);
        let tried = [&options[..], &["--best-effort"]].concat();
        let output = place.run(&tried, &command);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(marker.exists() && somaxconn() == before);
        // A limit that nobody can have is found out before anything is started.
        fs::remove_file(&marker).unwrap();
        let output = place.run(&["--runs", "1", "--rlimit", "nofile=999999999999"], &command);
        assert_eq!(output.status.code(), Some(125), "{output:?}");
        assert!(!marker.exists());
    });
}

/// Starts a benchmark whose second run waits, and says when that has begun.
fn interrupted(place: &Place, options: &[&str]) -> Child {
    let marker = place.scratch.path().join("second");
    let line = place.each_time(&["echo tps 5", &format!("touch {}; sleep 600", marker.display())]);
    let all = [&["--runs", "3", "--metric", "tps=tps (.*)", "--set", "net.core.somaxconn=777"], options].concat();
    let mut bench = place.command(&all, &["sh", "-c", &line]);
    let child = bench.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("the second run has not begun", || marker.exists());
    child
}

#[test]
fn an_interrupted_benchmark_saves_what_was_finished_and_reverts_its_profile() {
    inside(this_test!(), || {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let place = Place::new();
            let before = somaxconn();
            let mut child = interrupted(&place, &[]);
            assert_eq!(somaxconn(), "777");
            let pid = child.id().to_string();
            assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(code), "SIG{signal}");
            assert_eq!(somaxconn(), before);
            let mut text = String::new();
            child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
            assert!(text.contains("not all runs were made"), "{text}");
            let result = place.result();
            assert_eq!(result["runs"].as_array().unwrap().len(), 1, "{result:#}");
            assert_eq!(result["runs"][0]["value"], 5.0);
        }
    });
}

/// Whoever writes next puts its settings back, and `revert` does.
#[test]
fn a_killed_benchmark_is_reverted_by_the_next_command_that_writes() {
    inside(this_test!(), || {
        for next in [&["apply", "--set", "net.ipv4.tcp_syncookies=1"][..], &["revert"]] {
            let place = Place::new();
            let before = somaxconn();
            let mut child = interrupted(&place, &[]);
            child.kill().unwrap();
            child.wait().unwrap();
            assert_eq!(somaxconn(), "777");
            // The run that was finished is there, whatever ended tunectl.
            let result = place.result();
            assert_eq!((result["runs"].as_array().unwrap().len(), &result["runs"][0]["value"]), (1, &5.0.into()));
            assert_eq!(
                (&result["ended_early"], &result["passes"]),
                (&"not all runs were made yet".into(), &false.into())
            );
            let output = tunectl().args(next).env("TUNECTL_JOURNAL", place.journal()).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{output:?}");
            assert_eq!(somaxconn(), before, "{next:?}: {output:?}");
        }
    });
}

/// Results that are printed leave no file behind; what is killed before that does.
#[test]
fn a_result_on_standard_output_leaves_no_file() {
    let place = Place::new();
    let bench = |line: &str| {
        let mut bench = tunectl();
        bench.args(["bench", "--warmup", "0", "--runs", "2", "--format", "json", "--", "sh", "-c", line]);
        bench.current_dir(place.scratch.path()).env("TUNECTL_JOURNAL", place.journal());
        dies_with_us(&mut bench);
        bench
    };
    let saved = || {
        let names = fs::read_dir(place.scratch.path()).unwrap().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|ending| ending == "json")).collect::<Vec<_>>()
    };
    let output = bench("true").output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((document["runs"].as_array().unwrap().len(), saved().len()), (2, 0), "{:?}", saved());
    let line = place.each_time(&["true", "touch second; sleep 600"]);
    let mut killed = bench(&line).stdout(Stdio::null()).spawn().unwrap();
    until("the second run has not begun", || place.scratch.path().join("second").exists());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let [file] = &saved()[..] else { panic!("{:?}", saved()) };
    let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(document["runs"].as_array().unwrap().len(), 1);
}

/// At whatever step a signal comes: the exit code says so, and the profile is reverted.
#[test]
fn a_signal_at_each_step() {
    inside(this_test!(), || {
        let before = somaxconn();
        let steps: [(&str, &[&str], &str); 4] = [
            ("the command before a run", &["--before", "touch here; sleep 600"], "true"),
            ("the wait for the service", &["--before", "touch here", "--ready", "127.0.0.1:1"], "true"),
            ("a run to warm up", &["--warmup", "1"], "touch here; sleep 600"),
            ("a run that ignores it", &[], "trap '' INT TERM; touch here; while :; do sleep 1; done"),
        ];
        for (step, options, line) in steps {
            for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
                let place = Place::new();
                let set = ["--set", "net.core.somaxconn=777", "--wait", "1h"];
                let mut bench = place.command(&[&set, options].concat(), &["sh", "-c", line]);
                with_default_signals(&mut bench);
                let mut child = bench.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
                until(step, || place.scratch.path().join("here").exists());
                let pid = child.id().to_string();
                assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
                assert_eq!(child.wait().unwrap().code(), Some(code), "SIG{signal} in {step}");
                assert_eq!(somaxconn(), before, "SIG{signal} in {step}");
            }
        }
    });
}

/// The runs are made all the same; of what held them back nothing is claimed.
#[test]
fn without_procfs() {
    inside_of(this_test!(), &["--net", "--mount", "--ipc", "--uts"], || {
        let place = Place::new();
        // Hides what is mounted there, for us and for all that we start.
        let tmpfs = Command::new("mount").args(["-t", "tmpfs", "none", "/proc"]).status().unwrap();
        assert!(tmpfs.success());
        let output = place.run(&["--runs", "1", "--pid", "1"], &["true"]);
        let shown = format!("{output:?}");
        drop(Command::new("umount").arg("/proc").status());
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert_eq!(place.result()["verdict"]["limit"], "unknown", "{shown}");
    });
}

#[test]
fn a_service_that_dies_in_a_run() {
    inside(this_test!(), || {
        loopback_up();
        let place = Place::new();
        let service = Background::start("serve port=8080");
        wait_for_listener("port=8080");
        let probe = crate::scene::probe();
        let line = format!(
            "{0} load port=8080 connections=5; kill -9 {1}; {0} load port=8080 connections=5 patience=300",
            probe.display(),
            service.pid()
        );
        let pid = service.pid().to_string();
        let words = ["sh", "-c", &line, "http://127.0.0.1:8080/"];
        let output = place.run(&["--runs", "1", "--pid", &pid], &words);
        let result = place.result();
        let notes = result["runs"][0]["verdict"]["notes"].as_array().unwrap();
        assert!(notes.iter().any(|note| note["code"] == "service-died"), "{notes:?} {output:?}");
        // Another run finds nobody at that port.
        let output = place.run(&["--runs", "1", "--pid", &pid], &words);
        assert!(output.status.code().is_some(), "{output:?}");
        let verdict = &place.result()["verdict"];
        assert!(["none", "unknown"].contains(&verdict["limit"].as_str().unwrap()), "{verdict:#}");
    });
}
