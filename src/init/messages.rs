//! What the supervisor reports on standard error: its events as facts, and the one place that makes their sentences.
//! Nothing comes of a failure to write them.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};
use std::time::Duration;

use log::LevelFilter;

use crate::exec::{ExecError, StageError};
use crate::model::signal::Signal;
use crate::sys::{self, Ended};

/// Why the service was not started, or why there is nothing to supervise. Always printed.
pub(super) enum Failure<'a> {
    /// A signal came before the child was made that would have ended the service.
    Interrupted(ExecError),
    /// fork(2) of the child failed.
    Fork(&'a io::Error),
    /// The child could not become the service.
    Stage(&'a StageError),
    /// `catatonit -P` could not become a subreaper.
    PauseSubreaper(&'a io::Error),
    /// Someone typed the command line by which tunectl executes itself.
    NotACommand,
}

/// What happened while a service was supervised.
pub(super) enum Event<'a> {
    /// `PR_SET_PDEATHSIG` failed: no signal comes when our own parent dies.
    ParentDeathSignalUnavailable(&'a io::Error),
    /// `PR_SET_CHILD_SUBREAPER` failed: orphans are reparented to PID 1.
    SubreaperUnavailable(&'a io::Error),
    /// A signal could not be forwarded.
    ForwardFailed { signal: i32, error: &'a io::Error },
    /// `stop_timeout` has passed; the service gets `SIGKILL`.
    StopTimeout,
    /// So many orphans were left after their grace period and get `SIGKILL`; 0 where they can't be counted.
    OrphansKilled { count: usize, after: Duration },
    /// Orphans are left after `SIGKILL`.
    OrphansNotKilled,
    /// An orphan is asked to end (`reap_kill`).
    OrphanTerminated { pid: i32 },
    /// An orphan has ended, and was waited for.
    OrphanReaped { pid: i32, ended: Ended },
    /// A signal was forwarded, perhaps rewritten.
    Forwarded { received: i32, sent: i32 },
    /// A signal was not forwarded: it is rewritten to none, or the service has had it from the terminal.
    NotForwarded { signal: i32 },
}

impl Event<'_> {
    /// From which level of the log on it is printed.
    fn level(&self) -> LevelFilter {
        match self {
            Self::ParentDeathSignalUnavailable(_)
            | Self::SubreaperUnavailable(_)
            | Self::ForwardFailed { .. }
            | Self::StopTimeout
            | Self::OrphansKilled { .. }
            | Self::OrphansNotKilled => LevelFilter::Warn,
            Self::OrphanTerminated { .. } | Self::OrphanReaped { .. } => LevelFilter::Info,
            Self::Forwarded { .. } | Self::NotForwarded { .. } => LevelFilter::Debug,
        }
    }
}

/// Prints a failure.
pub(super) fn fail(failure: &Failure<'_>) {
    write_line(format_args!("tunectl: error: {failure}\n"));
}

/// Prints an event, if `log_level` includes it.
pub(super) fn report(log_level: LevelFilter, event: &Event<'_>) {
    match event.level() {
        level if level > log_level => {}
        LevelFilter::Warn => write_line(format_args!("tunectl: warning: {event}\n")),
        _ => write_line(format_args!("tunectl: {event}\n")),
    }
}

/// Writes a line in one write(2), so that lines of several processes do not mix, from a buffer of fixed size, so that
/// nothing is allocated. What is longer than 1024 bytes is cut off.
fn write_line(line: fmt::Arguments<'_>) {
    let mut buffer = [0_u8; 1024];
    let mut rest = &mut buffer[..];
    drop(rest.write_fmt(line));
    let unused = rest.len();
    let used = buffer.len() - unused;
    if let Some(text) = buffer.get(..used) {
        drop(io::stderr().write_all(text));
    }
}

impl Display for Failure<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted(error) => error.fmt(f),
            Self::Fork(error) => {
                write!(f, "cannot start the service: fork: {}{}", sys::strerror(error), fork_hint(error))
            }
            Self::Stage(error) => error.fmt(f),
            Self::PauseSubreaper(error) => {
                write!(f, "cannot become a subreaper, so orphans would go to PID 1: {}", sys::strerror(error))
            }
            Self::NotACommand => f.write_str("this is an internal command line of tunectl, not a command"),
        }
    }
}

fn fork_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EAGAIN) => " (the nproc limit of our user, or the container's pids.max, is reached)",
        Some(libc::ENOMEM) => " (no memory)",
        _ => "",
    }
}

impl Display for Event<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::ParentDeathSignalUnavailable(error) => {
                write!(f, "cannot set the parent-death signal: {}", sys::strerror(error))
            }
            Self::SubreaperUnavailable(error) => {
                write!(f, "cannot become a subreaper: orphans go to PID 1: {}", sys::strerror(error))
            }
            Self::ForwardFailed { signal, error } => {
                let hint = if error.raw_os_error() == Some(libc::EPERM) { " (CAP_KILL is missing)" } else { "" };
                write!(f, "{} could not be forwarded: {}{hint}", SignalName(*signal), sys::strerror(error))
            }
            Self::StopTimeout => f.write_str("the service did not end within stop_timeout: sending SIGKILL"),
            Self::OrphansKilled { count, after } => {
                let (what, seconds) = (Leftover(*count), after.as_secs_f64());
                write!(f, "{what} after {seconds} s with SIGKILL; --orphan-timeout gives more time")
            }
            Self::OrphansNotKilled => f.write_str("some leftover processes of the service could not be killed"),
            Self::OrphanTerminated { pid } => write!(f, "sending SIGTERM to orphan {pid}"),
            Self::OrphanReaped { pid, ended } => write!(f, "reaped orphan {pid}: {ended}"),
            Self::Forwarded { received, sent } => {
                write!(f, "{} forwarded as {}", SignalName(*received), SignalName(*sent))
            }
            Self::NotForwarded { signal } => write!(f, "{} is not forwarded", SignalName(*signal)),
        }
    }
}

/// So many processes that the service left behind, and that they are killed.
struct Leftover(usize);

impl Display for Leftover {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("the leftover processes of the service are killed"),
            1 => f.write_str("1 leftover process of the service is killed"),
            count => write!(f, "{count} leftover processes of the service are killed"),
        }
    }
}

/// A signal's name, or its number where it has none.
struct SignalName(i32);

impl Display for SignalName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match Signal::new(self.0) {
            Some(signal) => signal.fmt(f),
            None => self.0.fmt(f),
        }
    }
}
