//! One run of tunectl, or of a shell that calls it, compared with what is expected of it: standard output,
//! standard error and the exit code, each exactly.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::scratch::Scratch;
use super::{expected, pattern};

/// Names another program to test than the one that cargo has built.
const BINARY: &str = "TUNECTL_TEST_BINARY";
/// Names a program that runs it, `qemu-aarch64`.
const RUNNER: &str = "TUNECTL_TEST_RUNNER";

/// A run that is being put together. Nothing is expected of it but silence and success, unless it is said.
#[must_use = "nothing is tested before `run`"]
pub(crate) struct Test {
    scratch: Scratch,
    command: Command,
    /// What a person would type for it.
    typed: String,
    stdin: Vec<u8>,
    stdout: Option<String>,
    stderr: Option<String>,
    code: i32,
}

/// What came of it.
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Where it was run, for what it left there.
    pub(crate) scratch: Scratch,
}

/// The program under test, without arguments.
pub(crate) fn tunectl() -> Command {
    let (runner, binary) = program();
    match runner {
        Some(runner) => {
            let mut command = Command::new(runner);
            command.arg(binary);
            command
        }
        None => Command::new(binary),
    }
}

/// What runs the program under test, if anything has to, and where that is.
pub(crate) fn program() -> (Option<OsString>, PathBuf) {
    let binary = env::var_os(BINARY).map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_tunectl")), PathBuf::from);
    (env::var_os(RUNNER), binary.canonicalize().unwrap())
}

impl Test {
    /// tunectl with these arguments.
    pub(crate) fn new<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Self {
        let mut command = tunectl();
        let mut typed = vec!["tunectl".to_owned()];
        for argument in arguments {
            typed.push(quoted(&argument.as_ref().to_string_lossy()));
            command.arg(argument);
        }
        Self { typed: typed.join(" "), ..Self::of(command) }
    }

    /// A script of sh(1) that finds `tunectl` in its PATH.
    pub(crate) fn shell(script: &str) -> Self {
        Self::shell_named("sh", script)
    }

    /// The same for another shell.
    pub(crate) fn shell_named(shell: &str, script: &str) -> Self {
        let mut command = Command::new(shell);
        command.arg("-c").arg(script);
        let test = Self { typed: script.to_owned(), ..Self::of(command) };
        let (runner, binary) = program();
        let runner = runner.map_or_else(String::new, |runner| format!("{} ", runner.to_string_lossy()));
        let script = format!("#!/bin/sh\nexec {runner}'{}' \"$@\"\n", binary.display());
        test.file("bin/tunectl", script).mode("bin/tunectl", 0o755)
    }

    /// Another program.
    pub(crate) fn of(mut command: Command) -> Self {
        let scratch = Scratch::new();
        let path = env::var("PATH").unwrap_or_default();
        command.env_clear().env("PATH", format!("{}:{path}", scratch.path().join("bin").display()));
        // Not the machine's own journal, which tests would share.
        command.env("TUNECTL_JOURNAL", scratch.path().join("journal")).current_dir(scratch.path());
        let (stdout, stderr) = (Some(String::new()), Some(String::new()));
        let typed = format!("{command:?}");
        Self { scratch, command, typed, stdin: Vec::new(), stdout, stderr, code: 0 }
    }

    /// A file in the directory that it runs in.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        self.scratch.write(name, content);
        self
    }

    /// The permission bits of such a file.
    pub(crate) fn mode(self, name: &str, mode: u32) -> Self {
        self.scratch.mode(name, mode);
        self
    }

    /// A name that leads to another file.
    pub(crate) fn link(self, name: &str, to: impl AsRef<Path>) -> Self {
        std::os::unix::fs::symlink(to, self.scratch.path().join(name)).unwrap();
        self
    }

    pub(crate) fn folder(self, name: &str) -> Self {
        self.scratch.folder(name);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = text.as_bytes().to_vec();
        self
    }

    /// What it prints; `[..]` stands for anything within a line.
    pub(crate) fn stdout(mut self, text: &str) -> Self {
        self.stdout = Some(text.to_owned());
        self
    }

    /// What it prints is for the test itself to look at.
    pub(crate) fn stdout_is_anything(mut self) -> Self {
        self.stdout = None;
        self
    }

    /// What it says on standard error.
    pub(crate) fn stderr(mut self, text: &str) -> Self {
        self.stderr = Some(text.to_owned());
        self
    }

    /// What it says on standard error is for the test itself to look at.
    pub(crate) fn stderr_is_anything(mut self) -> Self {
        self.stderr = None;
        self
    }

    /// Its exit code.
    pub(crate) fn code(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// Runs it and compares all that it prints and its exit code with `tests/expected/NAME.txt`.
    #[track_caller]
    pub(crate) fn expected(mut self, name: &str) -> Ran {
        let output = self.output();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let end = (!output.status.success()).then(|| output.status.to_string().replace("exit status:", "exit code"));
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        expected::compare(name, &expected::transcript(&self.typed, &stdout, &stderr, end.as_deref()));
        Ran { stdout, stderr, scratch: self.scratch }
    }

    /// Runs it and compares.
    #[track_caller]
    pub(crate) fn run(mut self) -> Ran {
        let output = self.output();
        let differences = self.differences(&output);
        assert!(differences.is_empty(), "{:?}\n{differences}", self.command);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { stdout: text(output.stdout), stderr: text(output.stderr), scratch: self.scratch }
    }

    fn output(&mut self) -> Output {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", self.command));
        // Whoever does not read its input is not tested for that.
        drop(child.stdin.take().unwrap().write_all(&self.stdin));
        child.wait_with_output().unwrap()
    }

    fn differences(&self, output: &Output) -> String {
        let mut text = String::new();
        let streams = [("output", &self.stdout, &output.stdout), ("error", &self.stderr, &output.stderr)];
        for (name, expected, found) in streams {
            let found = String::from_utf8_lossy(found);
            let expected = expected.as_deref().unwrap_or(&found);
            if !pattern::matches(expected, &found) {
                writeln!(text, "--- expected on standard {name}\n{expected}\n--- found\n{found}\n---").unwrap();
            }
        }
        if output.status.code() != Some(self.code) {
            let (stderr, expected) = (String::from_utf8_lossy(&output.stderr), self.code);
            writeln!(text, "expected exit code {expected}, found {}; it said:\n{stderr}", output.status).unwrap();
        }
        text
    }
}

/// A word as a shell would have to get it.
fn quoted(word: &str) -> String {
    if word.contains([' ', '>', '<', '*', '\n']) { format!("'{word}'") } else { word.to_owned() }
}
