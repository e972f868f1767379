//! A daemon that a test has started: its lines as they come, and what it holds.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Instant;

use crate::support::kernel::PATIENCE;
use crate::support::namespaces::dies_with_us;
use crate::support::pattern;
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

pub(crate) struct Daemon {
    child: Child,
    lines: Receiver<(Instant, String)>,
    pub(crate) scratch: Scratch,
}

impl Daemon {
    /// Starts one with this profile, `p.toml`, and these arguments; `@` in them stands for its directory.
    pub(crate) fn start(profile: &str, arguments: &[&str]) -> Self {
        Self::start_in(Scratch::new(), profile, arguments, &[])
    }

    pub(crate) fn start_in(scratch: Scratch, profile: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let file = scratch.write("p.toml", profile);
        let folder = scratch.path().to_str().unwrap().to_owned();
        let mut command = tunectl();
        command.args(["watch", "-p"]).arg(file);
        command.args(arguments.iter().map(|argument| argument.replace('@', &folder)));
        command.env("TUNECTL_JOURNAL", scratch.path().join("journal"));
        command.env_remove("NOTIFY_SOCKET").envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = dies_with_us(&mut command).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let streams: [Box<dyn std::io::Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for stream in streams {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines() {
                    drop(sender.send((Instant::now(), line.unwrap())));
                }
            });
        }
        Self { child, lines, scratch }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line like this, and says when it came and what it was; lines before it are passed over.
    #[track_caller]
    pub(crate) fn line(&self, expected: &str) -> (Instant, String) {
        let mut passed = Vec::new();
        let end = Instant::now() + PATIENCE;
        while let Ok((at, line)) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if pattern::matches(expected, &line) {
                return (at, line);
            }
            passed.push(line);
        }
        panic!("no line `{expected}` came after {passed:#?}");
    }

    /// All lines that have come.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.lines.try_iter().map(|(_, line)| line).collect()
    }

    pub(crate) fn signal(&self, signal: i32) {
        let pid = i32::try_from(self.pid()).unwrap();
        tunectl::sys::kill(pid, signal).unwrap();
    }

    /// Puts another profile in the place of the one that is there, as an editor does.
    pub(crate) fn profile(&self, text: &str) {
        let file = self.scratch.write("p.toml.new", text);
        fs::rename(file, self.scratch.path().join("p.toml")).unwrap();
    }

    /// Ends it and gives its exit code.
    pub(crate) fn end(mut self, signal: i32) -> Option<i32> {
        self.signal(signal);
        self.child.wait().unwrap().code()
    }

    /// Ends it where it is.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How many descriptors it has open, and how many that only hold a place in a tree, of which it keeps the last few.
    pub(crate) fn descriptors(&self) -> (usize, usize) {
        let folder = Path::new("/proc").join(self.pid().to_string()).join("fdinfo");
        let (places, others): (Vec<u32>, Vec<u32>) = fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| fs::read_to_string(entry.unwrap().path()).ok())
            .map(|text| u32::from_str_radix(text.lines().nth(1).unwrap().split_once('\t').unwrap().1, 8).unwrap())
            .partition(|flags| flags & u32::try_from(libc::O_PATH).unwrap() != 0);
        (others.len(), places.len())
    }

    /// What it holds in memory that is no file, in KiB.
    pub(crate) fn anonymous_kib(&self) -> u64 {
        let text = crate::support::kernel::status(self.pid()).remove("RssAnon").unwrap();
        text.strip_suffix("kB").unwrap().trim().parse().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// ip(8), in a network namespace of the test's own.
pub(crate) fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Whether there is an ip(8) to make interfaces with; says so if there is none.
pub(crate) fn has_ip(name: &str) -> bool {
    let found = Command::new("ip").arg("-V").output().is_ok();
    if !found {
        crate::support::namespaces::skip(name, "ip(8) of iproute2 is not here");
    }
    found
}
