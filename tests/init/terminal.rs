//! On a terminal: who is in its foreground, what Ctrl-C and Ctrl-Z do, and an interactive shell around us.
#![allow(unsafe_code, reason = "a pseudo-terminal of our own, openpty(3)")]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use tunectl::sys;

use crate::service::{As, command, probe, tunectl};
use crate::support::kernel::{PATIENCE, until};
use crate::support::namespaces::with_default_signals;
use crate::support::scratch::Scratch;

/// A terminal with a session on it, and what it has shown so far.
struct Terminal {
    master: File,
    child: Child,
    shown: String,
}

impl Terminal {
    /// Runs `command` as the leader of a session with a terminal of its own.
    fn with(command: Command) -> Self {
        Self::of(command, || {
            sys::start_session()?;
            sys::acquire_terminal(0)
        })
    }

    /// Runs tunectl as Docker does with `-it`: PID 1 itself leads the session.
    fn docker(words: &[&str]) -> Self {
        let mut command = command(As::First, "setsid");
        command.arg("--ctty").arg(tunectl()).args(["run", "--init"]).args(words);
        command.env("PS1", "> ").env("TERM", "dumb");
        Self::of(command, sys::start_session)
    }

    fn of(mut command: Command, before: fn() -> std::io::Result<()>) -> Self {
        let (mut master, mut slave) = (-1, -1);
        let none = std::ptr::null_mut();
        // SAFETY: the two numbers are ours to write; no name and no settings are asked for.
        let opened = unsafe { libc::openpty(&raw mut master, &raw mut slave, none, none.cast(), none.cast()) };
        assert_eq!(opened, 0);
        // SAFETY: the call above has just given us this number, and nobody else has it.
        let master = unsafe { OwnedFd::from_raw_fd(master) };
        // SAFETY: as above.
        let slave = unsafe { OwnedFd::from_raw_fd(slave) };
        // SAFETY: F_SETFD and F_SETFL take numbers.
        unsafe { libc::fcntl(master.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        // SAFETY: as above.
        unsafe { libc::fcntl(master.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) };
        command.stdin(slave.try_clone().unwrap()).stdout(slave.try_clone().unwrap()).stderr(slave);
        // SAFETY: what runs between fork and exec makes a system call or two and allocates nothing.
        unsafe { command.pre_exec(before) };
        let child = with_default_signals(&mut command).spawn().unwrap();
        Self { master: File::from(master), child, shown: String::new() }
    }

    fn type_in(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until all in the foreground sleep, and one of them is `name`.
    fn foreground_rests(&self, name: &str) {
        let rests = || {
            let group = sys::foreground(self.master.as_raw_fd()).unwrap_or(0);
            let members: Vec<Process> = processes().into_iter().filter(|process| process.group == group).collect();
            members.iter().any(|process| process.name == name) && members.iter().all(|process| process.state == 'S')
        };
        until(&format!("`{name}` does not come to rest in the foreground"), rests);
    }

    /// Waits until a process of the session that is called `name` is in this state.
    fn has(&self, name: &str, state: char) {
        let session = i32::try_from(self.child.id()).unwrap();
        let is = |process: &Process| (process.session, process.state) == (session, state) && process.name == name;
        until(&format!("no `{name}` is in state {state}"), || processes().iter().any(is));
    }

    /// Ctrl-Z, when `name` has come to rest: a shell that is just starting a program with vfork(2) can't be stopped, with
    /// or without us.
    fn stop(&mut self, name: &str) {
        self.foreground_rests(name);
        self.type_in("\x1a");
    }

    /// Waits until it shows `text`, and gives what it showed before that.
    fn see(&mut self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.shown.find(text) {
                let rest = self.shown.split_off(at + text.len());
                let mut before = std::mem::replace(&mut self.shown, rest);
                before.truncate(at);
                return before;
            }
            let mut buffer = [0; 4096];
            match self.master.read(&mut buffer) {
                Ok(count) if count > 0 => self.shown.push_str(&String::from_utf8_lossy(&buffer[..count])),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
            assert!(Instant::now() < end, "`{text}` is not shown, but {:?}; there are {:#?}", self.shown, processes());
        }
    }
}

/// What /proc/PID/stat says of a process.
#[derive(Debug)]
struct Process {
    #[expect(dead_code, reason = "shown where a test fails")]
    pid: i32,
    name: String,
    state: char,
    group: i32,
    session: i32,
}

/// All processes that are not threads of the kernel.
fn processes() -> Vec<Process> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = text.split_once(" (")?.1.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        let (group, session) = (fields[2].parse().ok()?, fields[3].parse().ok()?);
        Some(Process { pid, name: name.to_owned(), state: fields[0].chars().next()?, group, session })
    };
    std::fs::read_dir("/proc").unwrap().filter_map(read).filter(|process| process.session != 0).collect()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).unwrap();
        // The whole session: what a test leaves stopped would stay.
        let left =
            std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        for other in left.filter(|&other: &i32| sys::session(other).is_ok_and(|session| session == pid)) {
            drop(sys::kill(other, libc::SIGKILL));
        }
        drop(self.child.wait());
    }
}

const FRONT: &str = "ps -o pgid=,tpgid= -p $$ | xargs";

/// A script under `docker run -it`.
fn init(flags: &str, script: &str) -> Terminal {
    let words: Vec<&str> = flags.split_whitespace().chain(["--", "sh", "-c", script]).collect();
    Terminal::docker(&words)
}

/// An interactive shell, in which `t` is `tunectl run --init`.
fn shell() -> Terminal {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "--noprofile", "-i"]).env("PS1", "> ").env("TERM", "dumb");
    let mut terminal = Terminal::with(bash);
    terminal.see("> ");
    terminal.type_in(&format!(
        "t() {{ {} run --init \"$@\"; }}; bind 'set enable-bracketed-paste off'\n",
        tunectl().display()
    ));
    terminal.see("> ");
    terminal
}

#[test]
fn service_in_the_foreground_gets_one_interrupt() {
    for flags in ["", "--group", "--session", "--signal-to=all"] {
        let script = format!(
            "trap 'echo interrupted' INT; trap 'echo quitting; exit' QUIT; {FRONT}; echo up; while :; do sleep 0.05; done"
        );
        let mut terminal = init(flags, &script);
        terminal.see("2 2");
        terminal.see("up");
        terminal.type_in("\x03");
        terminal.see("interrupted");
        std::thread::sleep(Duration::from_millis(300));
        terminal.type_in("\x1c");
        let between = terminal.see("quitting");
        assert!(!between.contains("interrupted"), "{flags}: twice");
    }
}

#[test]
fn service_reads_from_the_terminal() {
    let mut terminal = init("", "echo name?; read name; echo \"hello $name\"");
    terminal.see("name?");
    terminal.type_in("you\n");
    terminal.see("hello you");
    assert!(terminal.child.wait().unwrap().success());
}

#[test]
fn interactive_shell_as_the_service_has_job_control() {
    for flags in ["", "--session"] {
        let bash = ["--", "bash", "--norc", "--noprofile", "-i"];
        let words: Vec<&str> = flags.split_whitespace().chain(bash).collect();
        let mut terminal = Terminal::docker(&words);
        terminal.see("> ");
        assert!(!terminal.shown.contains("no job control"), "{flags}");
        terminal.type_in("sleep 1000\n");
        terminal.stop("sleep");
        terminal.see("Stopped");
        terminal.type_in("fg\n");
        terminal.see("sleep 1000");
        terminal.foreground_rests("sleep");
        terminal.type_in("\x03");
        terminal.see("> ");
        terminal.type_in("exit 7\n");
        terminal.see("exit");
        assert_eq!(terminal.child.wait().unwrap().code(), Some(7), "{flags}");
    }
}

#[test]
fn ctrl_z_and_fg_work_in_an_interactive_shell() {
    let mut terminal = shell();
    terminal.type_in("t -- sh -c 'echo up; read line; echo \"read $line\"'\n");
    terminal.see("\r\nup");
    for _ in 0..2 {
        terminal.stop("sh");
        terminal.see("Stopped");
        terminal.see("> ");
        terminal.type_in("fg\n");
        terminal.see("run --init");
    }
    terminal.foreground_rests("sh");
    terminal.type_in("a line\n");
    terminal.see("read a line");
    terminal.see("> ");
    // The foreground is the shell's again.
    terminal.type_in("echo $((40 + 2))\n");
    terminal.see("42");
}

#[test]
fn ctrl_z_and_bg_work_in_an_interactive_shell() {
    let mut terminal = shell();
    let scratch = Scratch::new();
    let pipe = scratch.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    terminal.type_in(&format!("t -- sh -c 'echo up; read line <{}; echo $line'\n", pipe.display()));
    terminal.see("\r\nup");
    terminal.stop("sh");
    terminal.see("Stopped");
    terminal.type_in("bg\n");
    std::fs::write(&pipe, "over\n").unwrap();
    terminal.see("over");
}

#[test]
fn background_job_leaves_the_foreground_alone() {
    let mut terminal = shell();
    terminal.type_in("t -- sh -c 'echo up; sleep 1' &\n");
    terminal.see("up\r\n");
    // The shell still reads.
    terminal.type_in("echo $((40 + 2))\n");
    terminal.see("42");
    // One that wants to read is stopped, as any job would be, and goes on in front.
    terminal.type_in("t -- sh -c 'read line; echo \"read $line\"' &\n");
    terminal.has("sh", 'T');
    terminal.has("tunectl", 'T');
    // The shell's own child too, the copy of it that runs `t`: it is the one that `jobs` tells of.
    terminal.has("bash", 'T');
    terminal.type_in("jobs\n");
    terminal.see("Stopped");
    terminal.type_in("fg\n");
    terminal.foreground_rests("sh");
    terminal.type_in("a line\n");
    terminal.see("read a line");
}

#[test]
fn reader_of_a_pipeline_keeps_the_terminal() {
    let mut terminal = shell();
    terminal.type_in(
        "t -- sh -c 'echo from the service; sleep 0.5' | sh -c 'cat; read line </dev/tty; echo \"read $line\"'\n",
    );
    terminal.see("\r\nfrom the service");
    terminal.type_in("a line\n");
    terminal.see("read a line");
    // And Ctrl-C reaches both.
    terminal.see("> ");
    terminal.type_in(&format!("t -- {} wait | cat\n", probe().display()));
    terminal.see("\r\nup");
    terminal.type_in("\x03");
    terminal.see("> ");
    terminal.type_in("echo $((40 + 2))\n");
    terminal.see("42");
}

#[test]
fn closed_terminal_sends_sighup_to_the_service() {
    let scratch = Scratch::new();
    let file = scratch.path().join("hung-up");
    let script = format!("trap 'echo gone > {}; exit' HUP; echo up; while :; do sleep 0.05; done", file.display());
    let mut terminal = init("", &script);
    terminal.see("up");
    let master = std::mem::replace(&mut terminal.master, File::open("/dev/null").unwrap());
    drop(master);
    until("no SIGHUP came", || file.exists());
}
