//! The controlling terminal: giving its foreground to the service, and taking it back.
//!
//! A foreground that is not ours is never taken: in `tunectl run --init … &` the shell keeps it.

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::OpenOptionsExt;

use super::config::Grouping;
use crate::sys;

/// Our controlling terminal.
pub(super) struct Terminal {
    fd: i32,
    /// Keeps `fd` open, where none of the standard descriptors is that terminal.
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

    /// Whether process group `group` is the foreground one, tcgetpgrp(3).
    pub(super) fn is_foreground(&self, group: i32) -> bool {
        sys::foreground(self.fd).is_ok_and(|foreground| foreground == group)
    }

    /// Makes `group` the foreground process group, tcsetpgrp(3): from the background too, for `SIGTTOU` is blocked.
    pub(super) fn set_foreground(&self, group: i32) {
        drop(sys::set_foreground(self.fd, group));
    }
}

/// What the child does about the terminal between fork and exec.
#[derive(Clone, Copy)]
pub(super) enum TtyHandover<'a> {
    /// There is no terminal to hand over.
    None,
    /// Takes the foreground with its new group.
    Foreground(&'a Terminal),
    /// Makes the terminal on standard input the controlling one of its new session.
    ControllingTerminal,
}

impl TtyHandover<'_> {
    /// Carries it out, in the child.
    pub(super) fn take(self) {
        match self {
            TtyHandover::None => {}
            TtyHandover::Foreground(terminal) => terminal.set_foreground(sys::own_group()),
            TtyHandover::ControllingTerminal => drop(sys::acquire_terminal(0)),
        }
    }
}

/// Decides what the child gets. For a session of its own the terminal is given up here.
pub(super) fn prepare_handover(terminal: Option<&Terminal>, grouping: Grouping) -> TtyHandover<'_> {
    let Some(terminal) = terminal else { return TtyHandover::None };
    match grouping {
        // In a pipeline (`tunectl run --init … | less`) the others of our group need the foreground just as much. The
        // service gets it when SIGTTIN or SIGTTOU stops it.
        Grouping::Group if terminal.is_foreground(sys::own_group()) && !writes_to_pipe() => {
            TtyHandover::Foreground(terminal)
        }
        Grouping::Session if leads_session() => {
            // The kernel sends SIGHUP and SIGCONT to the foreground, which we are, for it (ioctl_tty(2)). Neither is for
            // the service, unless it had come before.
            let pending_before = sys::pending();
            if sys::release_terminal(terminal.fd).is_ok() {
                for signal in
                    [libc::SIGHUP, libc::SIGCONT].into_iter().filter(|&signal| !pending_before.contains(signal))
                {
                    sys::discard_signal(signal);
                }
            }
            TtyHandover::ControllingTerminal
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
