//! The subcommands, one file each: its arguments, how it opens the kernel's settings, and its steps in order.
//!
//! To add one: its file with a type of arguments that is `Execute`, a `mod` line, and a line in [`Subcommand`].

mod apply;
#[cfg_attr(not(feature = "bench"), path = "left_out.rs")]
mod bench;
mod check;
mod diagnosis;
mod error;
mod explain;
mod host;
mod journaled;
mod limits;
mod persist;
mod preflight;
mod prepare;
mod profile;
mod revert;
mod run;
mod sticky_writer;
mod watch;
mod world;

pub use error::{CommandError, FALLS_SHORT, NOT_STARTED, USAGE};
pub use host::run_on_host;
pub use world::{OperatingSystem, World};

use std::io::{ErrorKind, Write};

use crate::cli::{DeferredArgs, LogOptions};
use crate::kernel::AccessMode;
use crate::output::Rendered;
use crate::sys;

/// What every subcommand does.
trait Execute {
    /// How the settings of the kernel are opened for it.
    fn access(&self) -> AccessMode {
        AccessMode::Read
    }

    /// Carries it out and returns the exit code. `run` returns only where the service was not started, or has ended.
    ///
    /// # Errors
    /// It failed before there was a result to print.
    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError>;
}

/// Declares [`Subcommand`] from one line for each: what it is for, as help shows it, its name, its arguments.
macro_rules! subcommands {
    ($(#[doc = $about:literal] $name:ident($arguments:ty),)+) => {
        /// The subcommands, with what was typed for them.
        #[derive(Debug, clap::Subcommand)]
        pub enum Subcommand {
            $(#[doc = $about] $name(DeferredArgs<$arguments>),)+
        }

        impl Subcommand {
            fn arguments(&self) -> &dyn Execute {
                match self {
                    $(Self::$name(arguments) => &**arguments,)+
                }
            }
        }
    };
}

subcommands! {
    /// Apply a profile, then exec the command.
    Run(run::RunArgs),
    /// Apply a profile to this machine and to the calling shell.
    Apply(apply::ApplyArgs),
    /// Undo what `apply` or `run` changed.
    Revert(revert::RevertArgs),
    /// Compare this machine with a profile; change nothing.
    Check(check::CheckArgs),
    /// Run a load test several times, and say whether the kernel was the limit.
    Bench(bench::BenchArgs),
    /// Watch for drift, report it, and with --repair undo it.
    Watch(watch::WatchArgs),
    /// Show the resource limits of a process, soft and hard.
    Limits(limits::LimitsArgs),
    /// Explain a setting, a limit, a cause or a warning.
    Explain(explain::ExplainArgs),
    /// List, show and validate profiles.
    Profile(profile::ProfileCommand),
}

impl Subcommand {
    /// How the settings of the kernel are opened for it.
    #[must_use]
    pub fn access(&self) -> AccessMode {
        self.arguments().access()
    }
}

/// Apply a tuning profile, verify it, start the service.
#[derive(Debug, clap::Parser)]
#[command(name = "tunectl", version, propagate_version = true, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit codes: 0 all required settings match; 1 a required setting falls short; 2 the command line or a \
    profile is wrong, nothing was changed. `run`: 125 the service was not started, 126 its command can't be \
    executed, 127 its command was not found, otherwise the service's own code."
)]
pub struct Cli {
    /// How much to log, and whether to colour.
    #[command(flatten)]
    pub log: LogOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Subcommand,
}

/// Carries out what was typed, prints why it failed, and returns the exit code.
#[must_use]
pub fn dispatch(cli: &Cli, world: &mut World<'_>) -> i32 {
    let code = cli.command.arguments().execute(world).unwrap_or_else(|error| {
        drop(write!(world.err, "{error}"));
        error.code
    });
    match world.out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let reason = sys::strerror(&error);
            let _ = writeln!(world.err, "tunectl: error: cannot write the results to standard output: {reason}");
            // Whoever reads them must not take half of them for all.
            if code == 0 { FALLS_SHORT } else { code }
        }
        _ => code,
    }
}

/// Writes what was rendered to both streams, first what is wrong.
fn show(rendered: &Rendered, world: &mut World<'_>) {
    drop(world.err.write_all(rendered.err.as_bytes()));
    print(world.out, &rendered.out);
}

/// Writes results. A failure shows in [`dispatch`], when they are flushed.
fn print(out: &mut dyn Write, text: &str) {
    drop(out.write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_from_the_command_on_is_its_own() {
        let cli = Cli::try_parse_from(["tunectl", "run", "-p", "base", "redis-server", "--version", "-v", "--", "-p"]);
        let Ok(Cli { command: Subcommand::Run(run), log }) = cli else { panic!("{cli:?}") };
        assert_eq!(run.command, ["redis-server", "--version", "-v", "--", "-p"]);
        assert_eq!(log.verbose, 0);
    }
}
