//! One file a subcommand, each of which reads like its section of the README.

mod apply;
mod check;
mod explain;
mod journaled;
mod limits;
mod persist;
mod prepare;
mod profile;
mod revert;
mod revert_json;
mod run;
mod sticky_writer;
mod watch;

pub use sticky_writer::Results;

use std::fmt;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use crate::cli::{Cli, Command};
use crate::environment::Environment;
use crate::exec::Stage;
use crate::init::{self, NotStarted, SupervisorConfig};
use crate::kernel::Kernel;
use crate::linux::listeners::Listener;
use crate::linux::namespaces::{EnterError, EnteredNamespaces};
use crate::model::amount::Machine;
use crate::output::Colour;
use crate::profile_store::ProfileStore;
use crate::sys::{self, Inherited};

/// All that a subcommand can see of the world outside. A test makes one of its own.
pub struct World<'a> {
    /// The kernel.
    pub kernel: &'a mut dyn Kernel,
    /// Where we run; asked for where it matters.
    pub environment: &'a dyn Fn() -> Environment,
    /// How large the machine is, for us or for the process with this number; asked for where an amount hangs on it.
    pub machine: &'a dyn Fn(Option<i32>) -> Machine,
    /// Where profiles are found.
    pub library: ProfileStore,
    /// Where processes are found, `/proc`.
    pub processes: PathBuf,
    /// Enters the namespaces of the process with this number.
    pub enter: &'a dyn Fn(i32) -> Result<EnteredNamespaces, EnterError>,
    /// The sockets that listen in our network namespace, those whose queues are shorter than this.
    pub listeners: &'a dyn Fn(u64) -> io::Result<Vec<Listener>>,
    /// An environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Becomes the service or supervises it.
    pub start: Start<'a>,
    /// Standard output, for results; its `flush` tells of an earlier failure too.
    pub out: &'a mut dyn Write,
    /// Standard error, for what went wrong.
    pub err: &'a mut dyn Write,
    /// Whether results are coloured.
    pub colour: Colour,
    /// Whether what is said on standard error is.
    pub colour_err: Colour,
}

impl fmt::Debug for World<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("library", &self.library).finish_non_exhaustive()
    }
}

/// Why a subcommand came to nothing: what to say, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code of the README's table.
    pub code: i32,
    /// What to print, with its newline.
    pub message: String,
}

/// The exit code of a wrong command line or profile: nothing was changed.
pub const USAGE: i32 = 2;
/// The exit code of a required setting that falls short.
pub const FALLS_SHORT: i32 = 1;
/// The exit code of `run` where tunectl itself could not do what the profile requires.
pub const NOT_STARTED: i32 = 125;

/// The exit code of results that could not be written, where there is no worse: whoever reads them must not take half
/// of them for all.
const RESULTS_LOST: i32 = FALLS_SHORT;

impl Failure {
    /// `error: …`, and lines of help.
    #[must_use]
    pub fn new(code: i32, message: impl fmt::Display) -> Self {
        Self { code, message: format!("error: {message}\n") }
    }

    /// The same with one more line of help.
    #[must_use]
    pub fn help(mut self, help: impl fmt::Display) -> Self {
        self.message = format!("{}  = help: {help}\n", self.message);
        self
    }
}

/// Carries out what was typed and returns the exit code. Of `run`, returns only where the service was not started.
pub fn dispatch(cli: &Cli, world: &mut World<'_>) -> i32 {
    let outcome = match &cli.command {
        Command::Run(run) => run::run(run, world),
        Command::Apply(apply) => apply::apply(apply, world),
        Command::Revert(revert) => revert::revert(revert, world),
        Command::Check(check) => check::check(check, world),
        Command::Watch(watch) => watch::watch(watch, world),
        Command::Limits(limits) => limits::limits(limits, world),
        Command::Explain(explain) => explain::explain(explain, world),
        Command::Profile(profile) => profile::profile(profile, world),
    };
    let code = outcome.unwrap_or_else(|failure| {
        drop(world.err.write_all(failure.message.as_bytes()));
        failure.code
    });
    match world.out.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let reason = sys::reason(&error);
            let _ = writeln!(world.err, "error: the results could not be written to standard output: {reason}");
            if code == 0 { RESULTS_LOST } else { code }
        }
        _ => code,
    }
}

/// Writes results. What comes of a failure is decided once, in [`dispatch`].
fn print(out: &mut dyn Write, text: &str) {
    drop(out.write_all(text.as_bytes()));
}

/// Becomes the service, or with orders supervises it and returns its exit code. What it is given last takes the
/// limits where the service takes them in a process of its own.
pub type Start<'a> = &'a mut dyn FnMut(Stage, Option<SupervisorConfig>, TakeLimits<'_>) -> Result<i32, Failure>;

/// Takes the limits of the calling process; fails in words that have been said already, if they are empty.
pub type TakeLimits<'a> = &'a mut dyn FnMut() -> Result<(), String>;

/// What starts the service in the real world.
pub fn real_start(
    inherited: &Inherited,
) -> impl FnMut(Stage, Option<SupervisorConfig>, TakeLimits<'_>) -> Result<i32, Failure> {
    let inherited = *inherited;
    move |stage, orders, limits| {
        if let Some(orders) = orders {
            // The child has said why, in its own words.
            let silent = |NotStarted { code }| Failure { code, message: String::new() };
            return init::run(orders, stage, &inherited, limits).map_err(silent);
        }
        let Err(error) = stage.enter(&inherited, limits);
        Err(Failure::new(error.exit_code(), error))
    }
}
