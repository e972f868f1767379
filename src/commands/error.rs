//! Why a subcommand failed, and the exit codes of all of them.

use std::fmt;

use crate::model::signal::Signal;
use crate::profile::problem::Problems;
use crate::snippet::visible;

/// Exit code: something required falls short, or the files or the journal could not be had.
pub const FALLS_SHORT: i32 = 1;
/// Exit code: the command line or a profile is wrong; nothing was changed.
pub const USAGE: i32 = 2;
/// Exit code of `run`: tunectl itself could not do what the profile requires; the command was not started.
pub const NOT_STARTED: i32 = 125;

/// Why a subcommand failed. Its `Display` is the whole text for standard error, with newlines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError {
    /// The exit code of the README's table.
    pub code: i32,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// It has been printed already, by the child that was to become the service.
    Reported,
    /// One sentence and lines of help.
    Message { message: String, help: Vec<String> },
    /// Errors in profiles, each with its place.
    Problems(Problems),
}

impl CommandError {
    /// Prints as `tunectl: error: MESSAGE`.
    #[must_use]
    pub fn new(code: i32, message: impl fmt::Display) -> Self {
        Self { code, reason: Reason::Message { message: message.to_string(), help: Vec::new() } }
    }

    /// `signal` asked us to end before all was done; exit code 128+N. `what` says what became of the changes.
    #[must_use]
    pub(super) fn interrupted(signal: i32, what: &str) -> Self {
        let name = Signal::new(signal).map_or_else(|| format!("signal {signal}"), |signal| signal.to_string());
        Self::new(128 + signal, format!("interrupted by {name}: {what}"))
    }

    /// Prints nothing: the reason has been printed already.
    #[must_use]
    pub(super) fn reported(code: i32) -> Self {
        Self { code, reason: Reason::Reported }
    }

    /// Errors in profiles or in what the command line adds to them; exit code [`USAGE`].
    #[must_use]
    pub(super) fn problems(problems: Problems) -> Self {
        Self { code: USAGE, reason: Reason::Problems(problems) }
    }

    /// The same with another exit code.
    #[must_use]
    pub(super) fn with_code(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// Adds a line `  = help: HELP`.
    #[must_use]
    pub fn help(mut self, line: impl fmt::Display) -> Self {
        if let Reason::Message { help, .. } = &mut self.reason {
            help.push(line.to_string());
        }
        self
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Reported => Ok(()),
            Reason::Message { message, help } => {
                // They repeat what was typed, and names of files and processes, which may hold anything.
                writeln!(f, "tunectl: error: {}", visible(message))?;
                help.iter().try_for_each(|help| writeln!(f, "  = help: {}", visible(help)))
            }
            Reason::Problems(problems) => writeln!(f, "{problems}"),
        }
    }
}

impl std::error::Error for CommandError {}
