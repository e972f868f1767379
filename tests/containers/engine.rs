//! The Docker command line, with names of our own and nothing left behind.

use std::env;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A container that has not ended by then never will: `timeout(1)` ends the client, the guard the container.
const PATIENCE: &str = "120";

/// What a command of Docker, or the container it ran, came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The same, if the code is `code`; else the test fails and shows everything.
    ///
    /// Docker has a 125 of its own. It is none of ours, so it fails the test whatever was expected.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert!(!self.stderr.starts_with("docker:"), "the engine did not start the container:\n{}", self.stderr);
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// The same, if standard error holds every one of `words`.
    #[track_caller]
    pub(crate) fn expect_said(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "expected `{word}` in standard error, found\n{}", self.stderr);
        }
        self
    }

    /// The rest of the line of the probe's report that starts with `name`.
    #[track_caller]
    pub(crate) fn reported(&self, name: &str) -> &str {
        let line = self.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix([' ', ':', '=']));
        line.map_or_else(
            || panic!("expected a line `{name}` in the report, found\n{}\n{}", self.stdout, self.stderr),
            |rest| rest.trim_start_matches([' ', '=']),
        )
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// A name that is ours: nothing else on the engine has it, and what is left of a killed run can be told.
pub(crate) fn name() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("tunectl-test-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Runs `docker` with these arguments to its end; fails the test where no engine answers.
pub(crate) fn docker(arguments: &[&str]) -> Ran {
    require_engine();
    client(arguments)
}

/// [`docker`], where anything but success fails the test.
#[track_caller]
pub(crate) fn docker_ok(arguments: &[&str]) -> String {
    let ran = docker(arguments);
    assert_eq!(ran.code, 0, "`docker {}` failed:\n{}", arguments.join(" "), ran.stderr);
    ran.stdout.trim_end().to_owned()
}

fn client(arguments: &[&str]) -> Ran {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", PATIENCE, "docker"]).args(arguments);
    match command.output() {
        Ok(output) => output.into(),
        Err(error) => panic!("cannot run `timeout` (coreutils): {error}"),
    }
}

fn require_engine() {
    static MISSING: OnceLock<Option<String>> = OnceLock::new();
    let missing = MISSING.get_or_init(|| {
        let version = client(&["version", "--format", "{{.Server.Version}}"]);
        (version.code != 0).then_some(version.stderr)
    });
    if let Some(reason) = missing {
        let host = env::var("DOCKER_HOST").unwrap_or_else(|_| "its default socket".to_owned());
        panic!("no Docker engine answers at {host}; `.ci/containers` installs and starts one:\n{reason}");
    }
}

/// Asks until it holds; fails the test where it doesn't in time.
#[track_caller]
pub(crate) fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "not after 60 s: {what}");
        sleep(Duration::from_millis(100));
    }
}

/// A container, removed when this goes out of scope, also when the test has failed.
#[derive(Debug)]
pub(crate) struct Container {
    name: String,
}

impl Container {
    /// Runs a container to its end: `docker run OPTIONS IMAGE COMMAND`.
    pub(crate) fn run(options: &[&str], image: &str, command: &[&str]) -> Ran {
        let container = Self { name: name() };
        docker(&[&["run", "--name", &container.name], options, &[image], command].concat())
    }

    /// Starts a container and leaves it running.
    #[track_caller]
    pub(crate) fn start(options: &[&str], image: &str, command: &[&str]) -> Self {
        let container = Self { name: name() };
        docker_ok(&[&["run", "--detach", "--name", &container.name], options, &[image], command].concat());
        container
    }

    /// Runs a command beside the service.
    pub(crate) fn exec(&self, command: &[&str]) -> Ran {
        docker(&[&["exec", &self.name], command].concat())
    }

    /// The number of its first process on the host.
    #[track_caller]
    pub(crate) fn pid(&self) -> String {
        docker_ok(&["inspect", "--format", "{{.State.Pid}}", &self.name])
    }

    /// Everything that the service has said.
    pub(crate) fn logs(&self) -> String {
        let ran = docker(&["logs", &self.name]);
        ran.stdout + &ran.stderr
    }

    /// Waits until the service has said `words`.
    #[track_caller]
    pub(crate) fn wait_for(&self, words: &str) {
        wait_until(&format!("the service says `{words}`"), || self.logs().contains(words));
    }

    /// `docker stop`: the stop signal, and SIGKILL after `grace` seconds. The code that the service ended with.
    #[track_caller]
    pub(crate) fn stop(&self, grace: u32) -> i32 {
        docker_ok(&["stop", "--time", &grace.to_string(), &self.name]);
        let code = docker_ok(&["inspect", "--format", "{{.State.ExitCode}}", &self.name]);
        code.parse().unwrap_or_else(|_| panic!("expected an exit code, found `{code}`"))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        client(&["rm", "--force", "--volumes", &self.name]);
    }
}
