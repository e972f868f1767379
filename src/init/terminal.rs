//! The controlling terminal: handing its foreground to the service, and taking it back.
//!
//! We never take a foreground that isn't ours: in `tunectl run --init … &` the shell keeps it.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::OpenOptionsExt;

use super::config::Grouping;
use crate::sys;

/// Our controlling terminal.
pub(super) struct Terminal {
    fd: i32,
    /// Where none of the standard descriptors is that terminal.
    _opened: Option<File>,
}

impl Terminal {
    /// Finds it on a standard descriptor, or opens it by its name; `None` if there is none.
    pub(super) fn find() -> Option<Self> {
        if let Some(fd) = (0..3).find(|&fd| sys::foreground(fd).is_ok()) {
            return Some(Self { fd, _opened: None });
        }
        let file = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open("/dev/tty").ok()?;
        Some(Self { fd: file.as_raw_fd(), _opened: Some(file) })
    }

    /// Whether process group `group` is in the foreground.
    pub(super) fn is_in_front(&self, group: i32) -> bool {
        sys::foreground(self.fd).is_ok_and(|front| front == group)
    }

    /// Puts `group` into the foreground. `SIGTTOU` is blocked, so that we may from the background too.
    pub(super) fn bring_to_front(&self, group: i32) {
        drop(sys::set_foreground(self.fd, group));
    }
}

/// What the child does about the terminal between fork and exec.
#[derive(Clone, Copy)]
pub(super) enum TtyHandover<'a> {
    /// Nothing.
    None,
    /// Takes the foreground with its new group.
    Foreground(&'a Terminal),
    /// Makes the terminal on standard input that of its new session.
    Terminal,
}

impl TtyHandover<'_> {
    pub(super) fn take(self) {
        match self {
            TtyHandover::None => {}
            TtyHandover::Foreground(terminal) => terminal.bring_to_front(sys::own_group()),
            TtyHandover::Terminal => drop(sys::acquire_terminal(0)),
        }
    }
}

/// What the child is to get; for a session of its own the terminal is given up here.
pub(super) fn gift(terminal: Option<&Terminal>, grouping: Grouping) -> TtyHandover<'_> {
    let Some(terminal) = terminal else { return TtyHandover::None };
    match grouping {
        // In a pipeline (`tunectl run --init … | less`) the others of our group need the foreground just as much. The
        // service gets it when it asks: when SIGTTIN or SIGTTOU stops it.
        Grouping::Group if terminal.is_in_front(sys::own_group()) && !writes_to_pipe() => {
            TtyHandover::Foreground(terminal)
        }
        Grouping::Session if leads_session() => {
            // The kernel sends the foreground, which we are, SIGHUP and SIGCONT for it. Neither is for the service,
            // unless it had come before.
            let before = sys::pending();
            if sys::release_terminal(terminal.fd).is_ok() {
                for signal in [libc::SIGHUP, libc::SIGCONT].into_iter().filter(|&signal| !before.contains(signal)) {
                    sys::discard_signal(signal);
                }
            }
            TtyHandover::Terminal
        }
        _ => TtyHandover::None,
    }
}

fn leads_session() -> bool {
    sys::session(0).is_ok_and(|session| session == sys::own_pid())
}

/// Whether standard output is a pipe.
fn writes_to_pipe() -> bool {
    let copy = std::io::stdout().as_fd().try_clone_to_owned();
    copy.and_then(|fd| File::from(fd).metadata()).is_ok_and(|found| found.file_type().is_fifo())
}
