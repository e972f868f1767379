//! A supervisor that runs, with a service under it that answers on a pipe.

use super::harness::Outcome;
use std::fs;
use std::io::Read;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use tunectl::sys;

pub(crate) struct Running {
    outer: Child,
    /// The number of the supervisor itself.
    pub(crate) supervisor: u32,
    answers: ChildStdout,
}

impl Running {
    /// Starts a supervisor and waits for its service's first byte.
    pub(crate) fn start(mut command: Command) -> Outcome<Self> {
        let mut outer = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let answers = outer.stdout.take().ok_or("the service has no standard output")?;
        let mut running = Self { supervisor: outer.id(), outer, answers };
        running.answers.read_exact(&mut [0])?;
        Ok(running)
    }

    /// The same for one that [`descend`] made the first process of a namespace.
    pub(crate) fn first(command: Command) -> Outcome<Self> {
        let mut running = Self::start(command)?;
        let pid = running.outer.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        running.supervisor = children.trim().parse().map_err(|_| format!("expected one child, found `{children}`"))?;
        Ok(running)
    }

    /// How long it takes from a signal to the service's answer.
    pub(crate) fn answer(&mut self) -> Outcome<Duration> {
        let supervisor = i32::try_from(self.supervisor)?;
        let start = Instant::now();
        sys::kill(supervisor, libc::SIGUSR1)?;
        self.answers.read_exact(&mut [0])?;
        Ok(start.elapsed())
    }

    /// How often it has been woken so far.
    pub(crate) fn wake_ups(&self) -> Outcome<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.supervisor))?;
        let line = text.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        Ok(line.ok_or("no count of context switches")?.trim().parse()?)
    }

    /// How long it has run between its service's first byte, when it has come to rest, and the next.
    pub(crate) fn processor_time(&mut self) -> Outcome<Duration> {
        std::thread::sleep(Duration::from_millis(200));
        let before = self.ran()?;
        self.answers.read_exact(&mut [0])?;
        // Until all is reaped.
        std::thread::sleep(Duration::from_millis(300));
        Ok(self.ran()?.saturating_sub(before))
    }

    /// How long it has run so far: the first field, in nanoseconds (Documentation/scheduler/sched-stats.rst).
    fn ran(&self) -> Outcome<Duration> {
        let text = fs::read_to_string(format!("/proc/{}/schedstat", self.supervisor))?;
        Ok(Duration::from_nanos(text.split(' ').next().ok_or("an empty schedstat")?.parse()?))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // First the service, which would outlive some of them.
        let path = format!("/proc/{0}/task/{0}/children", self.supervisor);
        let children = fs::read_to_string(path).unwrap_or_default();
        for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
            drop(sys::kill(child, libc::SIGKILL));
        }
        drop(self.outer.kill());
        drop(self.outer.wait());
    }
}

/// The command as the first process of a PID namespace.
pub(crate) fn descend(command: &Command) -> Command {
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--kill-child"]);
    if sys::effective_ids().effective_uid != 0 {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.arg(command.get_program()).args(command.get_args());
    unshare.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    unshare
}
