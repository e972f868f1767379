//! Becoming the service: finding its program, giving up privileges, restoring the signal state, execve(2).

mod accounts;
mod attributes;
mod error;
mod file_format;
mod find;
mod messages;
mod privileges;
mod rehearsal;
mod stage;

pub use error::LimitsFallShort;
pub(crate) use error::{ExecError, StageError};
pub(crate) use rehearsal::rehearse;
pub use stage::{Stage, TakeLimits};

use std::convert::Infallible;
use std::ffi::CString;

use crate::sys::{self, CStringArray, Inherited};

/// A command that is ready to be executed: nothing more has to be allocated for it.
#[derive(Debug)]
struct PreparedCommand {
    /// The name by which it was asked for, for messages.
    name: String,
    /// The paths to try, in the order of `PATH`.
    candidates: Vec<CString>,
    arguments: CStringArray,
    /// `NAME=value` each; `None` for our own environment.
    environment: Option<CStringArray>,
}

impl PreparedCommand {
    /// The environment that it was given; `None` for our own.
    fn environment(&self) -> Option<Vec<CString>> {
        self.environment.as_ref().map(|environment| environment.strings().to_vec())
    }

    /// Gives it another environment than our own, `NAME=value` each.
    fn set_environment(&mut self, environment: Vec<CString>) {
        self.environment = Some(CStringArray::new(environment));
    }
}

/// Restores the signal state as it was when tunectl was started, and becomes the service; returns only on failure.
///
/// # Errors
/// [`ExecError::Interrupted`] when a signal has come in the meantime that would have ended the service: PID 1 would
/// lose it on unblocking. Else what execve(2) answered, explained.
fn exec_service(command: &PreparedCommand, inherited: &Inherited) -> Result<Infallible, ExecError> {
    if let Some(signal) = pending_fatal_signal(inherited) {
        return Err(ExecError::Interrupted { signal });
    }
    inherited.restore_signals();
    let error = execute(command);
    inherited.reblock_signals();
    Err(error)
}

/// The first pending signal that would have ended the service, had it been there already.
pub(crate) fn pending_fatal_signal(inherited: &Inherited) -> Option<i32> {
    let pending = sys::pending();
    let is_ignored = |signal| {
        let changed = inherited.dispositions().into_iter().find(|&(changed, _)| changed == signal);
        let disposition = changed.map_or_else(|| sys::disposition(signal), |(_, as_it_was)| as_it_was);
        disposition == sys::Disposition::Ignored
    };
    (1..=sys::HIGHEST).find(|&signal| {
        pending.contains(signal)
            && sys::ends_by_default(signal)
            // Most likely our own, for a message that nobody reads.
            && signal != libc::SIGPIPE
            && !inherited.mask().contains(signal)
            && !is_ignored(signal)
    })
}

/// Whether one of the candidates may be executed by whoever we are now, as far as faccessat(2) tells: execve(2) may still
/// not know its format.
fn check_executable(command: &PreparedCommand) -> Result<(), ExecError> {
    let mut passed_over = None;
    for path in &command.candidates {
        match sys::check_execute_access(path) {
            Ok(()) => return Ok(()),
            Err(error) => passed_over = passed_over.or(Some((path, error))),
        }
    }
    passed_over.map_or(Ok(()), |(path, error)| Err(ExecError::from_exec(path, &error)))
}

/// Tries each candidate as execvp(3) does: one that does not exist or may not be executed is passed over, any other
/// failure ends the search. Unlike execvp(3), a text without `#!` is not handed to a shell.
fn execute(command: &PreparedCommand) -> ExecError {
    let mut passed_over = None;
    for path in &command.candidates {
        let error = sys::execve(path, &command.arguments, command.environment.as_ref());
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR | libc::EACCES) => passed_over = passed_over.or(Some((path, error))),
            _ => return ExecError::from_exec(path, &error),
        }
    }
    match passed_over {
        Some((path, error)) => ExecError::from_exec(path, &error),
        None => ExecError::NotFound { command: command.name.clone(), searched: None },
    }
}
