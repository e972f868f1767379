//! Faults injected into each system call of each command, by strace(1): never exit code 0 with a value that is not in
//! place, never an original value that is lost, never a hang.
//!
//! Run by `.ci/faults`. `TUNECTL_FAULTS` is `all`, or a seed by which a tenth of the cases is chosen.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::journal::kills::{DiagnosisContext, on_stage};
use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{dies_with_us, skip, this_test};
use crate::support::random::{Random, seed};

/// What a system call fails with. Not ENOENT: that a file is not there is an answer.
const ERRORS: [&str; 7] = ["EPERM", "EACCES", "EIO", "EINTR", "ENOSPC", "EMFILE", "ENOSYS"];

/// Calls whose failure nobody can handle, or that have none: close(2) closes whatever it says, which a fault can't do.
const LEFT_OUT: [&str; 6] = ["close", "exit_group", "exit", "rt_sigreturn", "execve", "arch_prctl"];

/// How long a run may take under strace on a machine that is busy: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A system call of a run: its name, and which one of that name in its process it is, from 1.
type Call = (String, usize);

fn strace(log: &std::path::Path, options: &[String], command: &Command) -> Command {
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-o"])
        .arg(log)
        .args(options)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced.current_dir(command.get_current_dir().unwrap());
    traced.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    traced
}

/// Runs it to its end; `None` where it has none.
fn output(mut command: Command) -> Option<Output> {
    let mut child = dies_with_us(&mut command).spawn().unwrap();
    let end = Instant::now() + PATIENCE;
    // What is printed fits into the pipes.
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Some(child.wait_with_output().unwrap())
}

/// The exit code of a run, and its system calls from `main` on, each once, as many as the process that makes most of them has.
fn calls(scene: &DiagnosisContext, command: &Command) -> (Vec<Call>, i32) {
    let log = scene.scratch.path().join("strace");
    let run = output(strace(&log, &[], command)).expect("it ends without a fault");
    let text = fs::read_to_string(&log).unwrap();
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    let mut calls = Vec::new();
    let mut in_main = false;
    for line in text.lines() {
        let Some((pid, rest)) = line.split_once(' ') else { continue };
        let Some((name, arguments)) = rest.trim_start().split_once('(') else { continue };
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            continue;
        }
        let count = counts.entry((pid.to_owned(), name.to_owned())).or_default();
        *count += 1;
        // The first statement of `main`; what comes before is the loader's.
        in_main |= name == "rt_sigprocmask" && arguments.starts_with("SIG_SETMASK, ~[]");
        let highest = most.entry(name.to_owned()).or_default();
        if in_main && !LEFT_OUT.contains(&name) && *count > *highest {
            calls.push((name.to_owned(), *count));
        }
        *highest = (*highest).max(*count);
    }
    assert!(calls.len() > 50, "{text}");
    (calls, run.status.code().unwrap_or(-1))
}

/// Every case, or the tenth of them that the seed chooses.
fn cases(calls: &[Call]) -> Vec<(Call, &'static str)> {
    let all = calls.iter().flat_map(|call| ERRORS.map(|error| (call.clone(), error)));
    match seed() {
        None => all.collect(),
        Some(seed) => {
            let mut random = Random::new(seed);
            all.filter(|_| random.below(10) == 0).collect()
        }
    }
}

/// Runs a command with each fault in turn. `begin` sets the scene, and `look` sees what came of it: the exit code, 128+N
/// for a signal, and standard error.
fn at_every_fault(
    scene: &DiagnosisContext,
    begin: &mut dyn FnMut(),
    command: &dyn Fn() -> Command,
    look: &mut dyn FnMut(&str, i32, &str),
) {
    begin();
    let (calls, code) = calls(scene, &command());
    look("no fault", code, "");
    let cases = cases(&calls);
    let log = scene.scratch.path().join("strace");
    let mut broken = Vec::new();
    for ((name, number), error) in &cases {
        begin();
        let fault = format!("{name}:error={error}:when={number}");
        let options = [format!("--trace={name}"), format!("--inject={fault}")];
        let Some(output) = output(strace(&log, &options, &command())) else {
            panic!("{fault}: it hangs:\n{}", fs::read_to_string(&log).unwrap_or_default())
        };
        let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
        let code = signal.map_or(output.status.code(), |signal| Some(128 + signal)).unwrap_or(-1);
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        // std itself ends the program where no random numbers can be had.
        let is_of_std = name == "getrandom";
        // All that is broken is told at the end.
        let kept = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            assert!(is_of_std || !stderr.contains("panicked"), "{fault}: {code}: {stderr}");
            look(&fault, code, &stderr);
        }));
        if kept.is_err() {
            broken.push(fault);
        }
    }
    assert!(broken.is_empty(), "{} of {} faults: {broken:#?}", broken.len(), cases.len());
    eprintln!(
        "{}: {} faults in {} system calls",
        command().get_args().next().unwrap().to_string_lossy(),
        cases.len(),
        calls.len()
    );
}

/// By hand what a command has said that nobody will: a key that changes along and could not be read before.
fn put_back(originals: &[(String, String)]) {
    for (key, value) in originals.iter().filter(|(key, _)| key.starts_with("net/")) {
        put(key, value);
    }
}

/// Everything is put back. Where the fault kept the boot or a namespace from being noted, that takes `--force`.
fn revert_all(scene: &DiagnosisContext) {
    if !scene.command(&["revert", "--all"]).status().unwrap().success() {
        let output = scene.command(&["revert", "--all", "--force"]).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn faults(test: &str, body: impl FnOnce(&DiagnosisContext, &[(String, String)])) {
    if Command::new("strace").arg("-V").output().is_err() {
        return skip(test, "strace(1) is not installed");
    }
    on_stage(test, body);
}

#[test]
#[ignore = "thousands of runs: .ci/faults"]
fn apply() {
    faults(this_test!(), |scene, originals| {
        at_every_fault(
            scene,
            &mut || assert_eq!(scene.state(), originals),
            &|| scene.apply(),
            &mut |fault, code, stderr| {
                let state = scene.state();
                if code == 0 {
                    let check = scene.command(&["check", "-p", "./keys.toml"]).output().unwrap();
                    assert!(check.status.success(), "{fault}: {stderr}");
                }
                if state != originals {
                    revert_all(scene);
                }
                if stderr.contains("changes with this setting, but can't be") {
                    put_back(originals);
                }
                assert_eq!(scene.state(), originals, "{fault}: {code}: {stderr}");
                drop(fs::remove_dir_all(scene.journal()));
            },
        );
    });
}

#[test]
#[ignore = "thousands of runs: .ci/faults"]
fn revert() {
    faults(this_test!(), |scene, originals| {
        let mut begin = || {
            assert_eq!(scene.state(), originals);
            drop(fs::remove_dir_all(scene.journal()));
            assert!(scene.apply().status().unwrap().success());
        };
        at_every_fault(scene, &mut begin, &|| scene.command(&["revert"]), &mut |fault, code, stderr| {
            if code == 0 {
                assert_eq!(scene.state(), originals, "{fault}: {stderr}");
            } else {
                revert_all(scene);
                assert_eq!(scene.state(), originals, "{fault}: {code}: {stderr}");
            }
        });
    });
}

#[test]
#[ignore = "thousands of runs: .ci/faults"]
fn check() {
    faults(this_test!(), |scene, _| {
        scene
            .scratch
            .write("check.toml", "[linux.sysctl]\n'net.core.somaxconn' = 777\n'net.ipv4.tcp_rmem' = [1, 2, 3]\n");
        for more in [
            &["check"][..],
            &["watch", "--once"],
            &["check", "--format", "json"],
            &["apply", "--dry-run", "--no-rlimits"],
        ] {
            for wrong in [true, false] {
                let mut begin = || {
                    put("net/core/somaxconn", if wrong { "776" } else { "777" });
                    put("net/ipv4/tcp_rmem", "1 2 3");
                };
                let command = || scene.command(&[more, &["-p", "./check.toml"]].concat());
                at_every_fault(scene, &mut begin, &command, &mut |fault, code, stderr| {
                    // What is to come is told by a dry run, not by its exit code.
                    let is_dry = more[0] == "apply";
                    assert!(code != 0 || !wrong || is_dry, "{more:?}: {fault}: {stderr}");
                });
            }
        }
    });
}

/// All that the service of a run does is to make a file.
fn run_with(test: &str, more: &[&str]) {
    const KEYS: [(&str, &str, &str); 3] = [
        ("net/core/somaxconn", "4096", "777"),
        ("net/ipv4/tcp_syncookies", "1", "0"),
        ("net/ipv4/tcp_rmem", "4096 131072 6291456", "4096 131072 8388608"),
    ];
    faults(test, |scene, _| {
        let settings = "core.somaxconn = 777\nipv4.tcp_syncookies = 0\nipv4.tcp_rmem = [4096, 131072, 8388608]\n";
        scene.scratch.write("run.toml", format!("[linux.sysctl.net]\n{settings}[rlimit]\ncore = {{ soft = 0 }}\n"));
        let marker = scene.scratch.path().join("marker");
        let mut begin = || {
            for (key, original, _) in KEYS {
                put(key, original);
            }
            drop(fs::remove_file(&marker));
        };
        let service = ["--", "/bin/sh", "-c", ": > marker"];
        let command = || scene.command(&[&["run", "-p", "./run.toml"], more, &service].concat());
        at_every_fault(scene, &mut begin, &command, &mut |fault, code, stderr| {
            let now = KEYS.map(|(key, ..)| sysctl(key));
            let in_place = now.iter().zip(KEYS).all(|(now, (_, _, wanted))| now == wanted);
            let original = now.iter().zip(KEYS).all(|(now, (_, original, _))| now == original);
            let told = format!("{more:?}: {fault}: {code}: {now:?}: {stderr}");
            let started = marker.exists();
            assert!(!started || in_place, "{told}");
            assert!(code != 0 || in_place, "{told}");
            // Where the service did not start, everything is as it was; or what is not is told.
            let is_ours = stderr.contains("error: ") && !started;
            assert!(!is_ours || original || stderr.contains("could not be put back"), "{told}");
        });
    });
}

#[test]
#[ignore = "thousands of runs: .ci/faults"]
fn run() {
    run_with(this_test!(), &[]);
}

#[test]
#[ignore = "thousands of runs: .ci/faults"]
fn run_init() {
    run_with(this_test!(), &["--init"]);
}

#[test]
#[ignore = "thousands of runs: .ci/faults"]
fn watch_repair() {
    faults(this_test!(), |scene, originals| {
        let words = ["watch", "--once", "--repair", "-p", "./keys.toml"];
        at_every_fault(
            scene,
            &mut || assert_eq!(scene.state(), originals),
            &|| scene.command(&words),
            &mut |fault, code, stderr| {
                if code == 0 {
                    let check = scene.command(&["check", "-p", "./keys.toml"]).output().unwrap();
                    assert!(check.status.success(), "{fault}: {stderr}");
                }
                if scene.state() != originals {
                    revert_all(scene);
                }
                if stderr.contains("changes with this setting, but can't be") {
                    put_back(originals);
                }
                assert_eq!(scene.state(), originals, "{fault}: {code}: {stderr}");
                drop(fs::remove_dir_all(scene.journal()));
            },
        );
    });
}
