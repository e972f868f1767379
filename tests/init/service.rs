//! A service under tunectl, as PID 1 or not, and what a test can do with it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tunectl::sys;

use crate::support::example::example;
use crate::support::kernel::{PATIENCE, until};
use crate::support::namespaces::with_default_signals;

/// What tunectl is in its PID namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    /// The first process of a new one.
    First,
    /// One of many in ours.
    Other,
}

pub(crate) const BOTH: [As; 2] = [As::First, As::Other];

/// The service of these tests.
pub(crate) fn probe() -> PathBuf {
    example("init-probe", "tests/init/probe.rs")
}

/// The program under test.
pub(crate) fn tunectl() -> PathBuf {
    std::env::var_os("TUNECTL_TEST_BINARY").map_or_else(|| env!("CARGO_BIN_EXE_tunectl").into(), PathBuf::from)
}

/// `unshare(1)` with what it takes to be PID 1 here.
fn unshare() -> Command {
    static AS_ROOT: OnceLock<bool> = OnceLock::new();
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    if !*AS_ROOT.get_or_init(|| sys::effective_ids().effective_uid == 0) {
        command.args(["--user", "--map-root-user"]);
    }
    command
}

/// A command that runs `program` as `place` says.
pub(crate) fn command(place: As, program: impl Into<PathBuf>) -> Command {
    match place {
        As::First => {
            let mut command = unshare();
            command.arg(program.into());
            command
        }
        As::Other => Command::new(program.into()),
    }
}

/// `tunectl run --init`, with these words behind it.
pub(crate) fn init(place: As, words: &[&str]) -> Command {
    let mut command = command(place, tunectl());
    command.args(["run", "--init"]).args(words);
    command
}

/// How `command` ended, and what it said.
pub(crate) fn outcome(mut command: Command) -> (i32, String, String) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = with_default_signals(&mut command).spawn().unwrap();
    let pid = child.id();
    let guard = Guard(Some(pid));
    let output = child.wait_with_output().unwrap();
    std::mem::forget(guard);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (code(output.status), text(output.stdout), text(output.stderr))
}

struct Guard(Option<u32>);

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.and_then(|pid| i32::try_from(pid).ok()).map(|pid| sys::kill(pid, 9)));
    }
}

/// The code by which a shell knows it.
pub(crate) fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// A service that runs.
pub(crate) struct Service {
    outer: Child,
    lines: Receiver<String>,
    place: As,
}

impl Service {
    /// Starts `command`, whose standard output is read line by line.
    pub(crate) fn start(place: As, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut outer = with_default_signals(&mut command).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let out = BufReader::new(outer.stdout.take().unwrap());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { outer, lines, place }
    }

    /// The probe under `run --init` with `flags`, once it is ready.
    pub(crate) fn catching(place: As, flags: &[&str]) -> Self {
        let mut command = init(place, flags);
        command.arg("--").arg(probe()).arg("catch");
        let mut service = Self::start(place, command);
        assert_eq!(service.line(), "ready");
        service
    }

    /// The next line that it says; empty when it has said all.
    pub(crate) fn line(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => panic!("it says nothing"),
        }
    }

    /// Waits until the supervisor has executed itself anew, and waits for signals; gives its number.
    pub(crate) fn at_rest(&self) -> i32 {
        let pid = self.supervisor();
        let words = || fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let named = || words().starts_with("tunectl: supervisor") && status(pid, "Name") == "tunectl";
        until("it has not come to rest", || named() && status(pid, "State").starts_with('S'));
        pid
    }

    /// The supervisor's number, as it is known out here.
    pub(crate) fn supervisor(&self) -> i32 {
        let outer = i32::try_from(self.outer.id()).unwrap();
        match self.place {
            As::First => first_child(outer),
            As::Other => outer,
        }
    }

    /// The service's: its first child, for others may have been adopted.
    pub(crate) fn service(&self) -> i32 {
        first_child(self.supervisor())
    }

    pub(crate) fn send(&self, signal: i32) {
        sys::kill(self.supervisor(), signal).unwrap();
    }

    /// How it ended.
    pub(crate) fn end(mut self) -> i32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.outer.try_wait().unwrap() {
                return code(status);
            }
            assert!(Instant::now() < end, "it has not ended after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.outer.try_wait().unwrap().is_none() {
            for pid in descendants(i32::try_from(self.outer.id()).unwrap()) {
                drop(sys::kill(pid, 9));
            }
            self.outer.kill().unwrap();
            self.outer.wait().unwrap();
        }
    }
}

pub(crate) fn children(pid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn descendants(pid: i32) -> Vec<i32> {
    let children = children(pid);
    children.iter().flat_map(|&child| descendants(child)).chain(children.iter().copied()).collect()
}

fn first_child(pid: i32) -> i32 {
    let mut found = vec![];
    until(&format!("{pid} has no child"), || {
        found = children(pid);
        !found.is_empty()
    });
    found[0]
}

/// A field of /proc/PID/status.
pub(crate) fn status(pid: i32, field: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(":"));
    line.unwrap_or("").trim().to_owned()
}
