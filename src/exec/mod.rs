//! Becoming the service: finding its program, giving the signal state back, execve(2).

mod accounts;
mod attributes;
mod find;
mod privileges;
mod program;
mod refusal;
mod stage;

pub use find::find;
pub use program::Program;
pub use refusal::{ExecError, Obstacle};
pub use stage::{Stage, StageError};

use std::convert::Infallible;
use std::ffi::CString;

use crate::sys::{self, CStringArray, Inherited};

/// A command that is ready to be executed: nothing more has to be allocated for it.
#[derive(Debug)]
pub struct Command {
    name: String,
    candidates: Vec<CString>,
    arguments: CStringArray,
    environment: Option<CStringArray>,
}

impl Command {
    /// The name by which it was asked for, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The environment that it was given, if it was given one.
    #[must_use]
    pub fn environment(&self) -> Option<Vec<CString>> {
        self.environment.as_ref().map(|environment| environment.strings().to_vec())
    }

    /// Gives it another environment, `NAME=value` each, instead of the one that we were given.
    pub fn set_environment(&mut self, environment: Vec<CString>) {
        self.environment = Some(CStringArray::new(environment));
    }
}

/// Gives back the signal state as it was found and becomes the service; returns only to say why not.
///
/// # Errors
/// [`ExecError::Interrupted`] when a signal that would have ended the service has come in the meantime: PID 1 would
/// lose it on unblocking. Else what execve(2) says, explained.
pub fn become_service(command: &Command, inherited: &Inherited) -> Result<Infallible, ExecError> {
    if let Some(signal) = awaited_end(inherited) {
        return Err(ExecError::Interrupted { signal });
    }
    inherited.restore_signals();
    let error = execute(command);
    inherited.shield_again();
    Err(error)
}

/// The first signal that waits for us and would have ended the service, had it been there already.
#[must_use]
pub fn awaited_end(inherited: &Inherited) -> Option<i32> {
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

/// Tries each place as execvp(3) does: what isn't there or may not be entered is passed over, all else ends it.
///
/// Without execvp's last resort, though: a text without `#!` is not handed to a shell.
fn execute(command: &Command) -> ExecError {
    let mut refused = None;
    for path in &command.candidates {
        let error = sys::execve(path, &command.arguments, command.environment.as_ref());
        match error.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR | libc::EACCES) => refused = refused.or(Some((path, error))),
            _ => return ExecError::from_exec(path, &error),
        }
    }
    match refused {
        Some((path, error)) => ExecError::from_exec(path, &error),
        None => ExecError::NotFound { command: command.name.clone(), searched: None },
    }
}
