//! One run of a command: its process group, its output, its time limit, and what ends it early.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout};

use super::capture::Capture;
use crate::exec::{Stage, TakeLimits};
use crate::sys::{self, Ended, Fork, Inherited};

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// For what the command has written before it ended and nobody has read yet; a background process may hold the other end
/// for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// Where the output of a command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// To be kept.
    Captured,
    /// To our standard error, both its streams: a service that is started there may outlive us.
    StandardError,
}

/// How a command came to its end.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code, or the signal that ended it.
    pub ended: Ended,
    /// Why it was ended early.
    pub stopped: Option<Stopped>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
    /// From the fork to the end.
    pub duration: Duration,
}

/// Why a command was ended before it did so by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Its time was over.
    TimeLimit,
    /// We got this signal.
    Signal(i32),
}

/// What goes on while a command runs.
pub trait Watcher {
    /// The command runs, as this process.
    fn started(&mut self, pid: i32);
    /// It is time to look; says for how long not to.
    fn look(&mut self) -> Duration;
}

/// A watcher that does not look.
#[derive(Debug)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn started(&mut self, _pid: i32) {}

    fn look(&mut self) -> Duration {
        Duration::from_secs(1)
    }
}

/// Runs a command to its end. Signals are blocked meanwhile, as they are from the start of the program on: one that asks
/// us to end is handed to the command's process group.
///
/// # Errors
/// No process could be made for it.
pub fn run(
    stage: &Stage,
    inherited: &Inherited,
    destination: Destination,
    time_limit: Option<Duration>,
    take_limits: TakeLimits<'_>,
    watcher: &mut dyn Watcher,
) -> io::Result<Finished> {
    let mut pipes = match destination {
        Destination::Captured => vec![sys::pipe()?, sys::pipe()?],
        Destination::StandardError => Vec::new(),
    };
    let started = Instant::now();
    let child = match sys::fork()? {
        Fork::Parent(child) => child,
        Fork::Child => {
            let Err(error) = become_command(stage, inherited, &pipes, take_limits);
            // Its own standard error is where it goes.
            drop(io::Write::write_all(&mut io::stderr(), format!("tunectl: error: {error}\n").as_bytes()));
            sys::exit_now(error.exit_code())
        }
    };
    // Here and in the child, whoever is first.
    drop(sys::set_group(child, child));
    watcher.started(child);
    let streams: Vec<Stream> = pipes.drain(..).map(|(reader, _)| Stream::new(reader)).collect();
    let mut running = Running { child, streams, stopped: None, bell: sys::signalfd()? };
    let ended = running.wait_for_end(started, time_limit, watcher)?;
    let duration = started.elapsed();
    running.drain();
    let stopped = running.stopped.map(|(why, _)| why);
    let mut texts = running.streams.into_iter().map(|stream| stream.capture.text());
    let (out, err) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
    Ok(Finished { ended, stopped, out, err, duration })
}

/// In the child: its group, its standard streams, and then the command.
fn become_command(
    stage: &Stage,
    inherited: &Inherited,
    pipes: &[(OwnedFd, OwnedFd)],
    take_limits: TakeLimits<'_>,
) -> Result<std::convert::Infallible, crate::exec::StageError> {
    drop(sys::set_group(0, 0));
    if let Ok(null) = File::open("/dev/null") {
        let _ = dup2_stdin(&null);
    }
    match pipes {
        [(_, out), (_, err)] => {
            let _ = dup2_stdout(out);
            let _ = dup2_stderr(err);
        }
        _ => {
            let _ = dup2_stdout(io::stderr().as_fd());
        }
    }
    stage.exec(inherited, take_limits)
}

/// A stream that is read.
struct Stream {
    reader: Option<File>,
    capture: Capture,
}

impl Stream {
    fn new(reader: OwnedFd) -> Self {
        Self { reader: Some(File::from(reader)), capture: Capture::default() }
    }

    /// Takes what is there, of which there is some, or the end.
    fn read(&mut self) {
        let mut buffer = [0; 16 << 10];
        let count = self.reader.as_mut().map_or(Ok(0), |reader| reader.read(&mut buffer)).unwrap_or(0);
        self.capture.push(buffer.get(..count).unwrap_or_default());
        if count == 0 {
            self.reader = None;
        }
    }
}

struct Running {
    child: i32,
    streams: Vec<Stream>,
    /// Why it is to end, and since when.
    stopped: Option<(Stopped, Instant)>,
    bell: OwnedFd,
}

impl Running {
    fn wait_for_end(
        &mut self,
        started: Instant,
        time_limit: Option<Duration>,
        watcher: &mut dyn Watcher,
    ) -> io::Result<Ended> {
        let mut next_look = Instant::now() + watcher.look();
        loop {
            if let Some(ended) = self.take_end()? {
                return Ok(ended);
            }
            let now = Instant::now();
            if now >= next_look {
                next_look = now + watcher.look();
            }
            let over = time_limit.is_some_and(|limit| started.elapsed() >= limit);
            if over && self.stopped.is_none() {
                self.stop(Stopped::TimeLimit, libc::SIGTERM);
            }
            if self.stopped.is_some_and(|(_, since)| since.elapsed() >= GRACE) {
                drop(sys::kill(-self.child, libc::SIGKILL));
            }
            let deadline = time_limit.filter(|_| self.stopped.is_none()).map(|limit| started + limit);
            let kill = self.stopped.map(|(_, since)| since + GRACE);
            let wake = [Some(next_look), deadline, kill].into_iter().flatten().min().unwrap_or(next_look);
            // Where it does not end by SIGKILL at once, it is asked again soon.
            self.wait(wake.saturating_duration_since(now).max(Duration::from_millis(1)))?;
            self.wait_signals();
        }
    }

    /// Waits for output, for a signal, or until it is time to look.
    fn wait(&mut self, time: Duration) -> io::Result<()> {
        let bell = self.bell.as_fd();
        let open: Vec<usize> = (0..self.streams.len()).filter(|at| self.streams[*at].reader.is_some()).collect();
        let readers = open.iter().filter_map(|at| self.streams[*at].reader.as_ref()).map(File::as_fd);
        let descriptors: Vec<BorrowedFd<'_>> = std::iter::once(bell).chain(readers).collect();
        let ready = match sys::wait_for_any(&descriptors, Some(time)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            ready => ready?,
        };
        for (bit, at) in open.into_iter().enumerate() {
            if ready & (2 << bit) != 0 {
                self.streams[at].read();
            }
        }
        Ok(())
    }

    /// How the child ended, if it has. Others that were started by it and given to us are none of our business.
    fn take_end(&self) -> io::Result<Option<Ended>> {
        while let Some((pid, status)) = sys::wait_any()? {
            if let Some(ended) = status.ended().filter(|_| pid == self.child) {
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    fn wait_signals(&mut self) {
        while let Some(signal) = sys::wait_signal(Some(Duration::ZERO)).map(|info| info.signal()) {
            if asks_to_end(signal) && self.stopped.is_none() {
                self.stop(Stopped::Signal(signal), signal);
            }
        }
    }

    fn stop(&mut self, why: Stopped, signal: i32) {
        self.stopped = Some((why, Instant::now()));
        drop(sys::kill(-self.child, signal));
    }

    /// What was written before the end.
    fn drain(&mut self) {
        let until = Instant::now() + DRAIN;
        for stream in &mut self.streams {
            while let Some(reader) = &stream.reader {
                let ready = sys::wait_for_any(&[reader.as_fd()], Some(Duration::ZERO)).unwrap_or(0);
                if ready == 0 || Instant::now() >= until {
                    break;
                }
                stream.read();
            }
        }
    }
}

/// The signals by which a person or a manager asks us to end.
pub(super) fn asks_to_end(signal: i32) -> bool {
    [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT].contains(&signal)
}

/// Waits for so long, or until a signal asks us to end: which.
#[must_use]
pub fn pause(time: Duration) -> Option<i32> {
    let until = Instant::now() + time;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match sys::wait_signal(Some(left)).map(|info| info.signal()) {
            Some(signal) if asks_to_end(signal) => return Some(signal),
            None if Instant::now() >= until => return None,
            _ => {}
        }
    }
}
