//! The command line: what can be typed, and nothing of what is done.

pub mod dropin;
mod later;
mod service;

pub use later::DeferredArgs;
pub use service::ServiceFlags;

use std::convert::Infallible;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::duration;
use crate::model::run::CompatFlags;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Bring kernel settings and resource limits to a profile, prove it, and start the service.
#[derive(Debug, Parser)]
#[command(name = "tunectl", version, propagate_version = true, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "Exit codes: 0 all that is required holds; 1 something required falls short; 2 the command \
    line or a profile is wrong, nothing was changed; and of `run` 125 the service was not started, 126 its command \
    can't be executed, 127 was not found, else the service's own.")]
pub struct Cli {
    /// How much to say beside the results.
    #[command(flatten)]
    pub talk: LogOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How much is said, and how.
#[derive(Debug, Args)]
pub struct LogOptions {
    /// Say more on standard error: -v what is done, -vv each step, -vvv everything.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say nothing on standard error but errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Colour the results.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// When to colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Apply a profile, then become the command.
    Run(DeferredArgs<Run>),
    /// Apply a profile to this machine and to the shell that this is typed in.
    Apply(DeferredArgs<Apply>),
    /// Put back what `apply` changed.
    Revert(DeferredArgs<Revert>),
    /// Compare this machine with a profile; change nothing.
    Check(DeferredArgs<Check>),
    /// Stay and keep comparing; tell of each change, and put it back if asked to.
    Watch(DeferredArgs<Watch>),
    /// Show the resource limits of a process, soft and hard.
    Limits(DeferredArgs<Limits>),
    /// Say what is known of a setting, a limit, a cause or a warning.
    Explain(DeferredArgs<Explain>),
    /// List, show and validate profiles.
    #[command(subcommand)]
    Profile(Profile),
}

/// Which profile, and what is added to it.
#[derive(Debug, Args)]
pub struct ProfileArgs {
    /// Profile by name or path; later ones win key by key.
    #[arg(short = 'p', long = "profile", value_name = "PROFILE", env = "TUNECTL_PROFILE", value_delimiter = ',')]
    pub profiles: Vec<String>,
    /// Set a sysctl to exactly this value, as `docker run --sysctl`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Set a resource limit, as `docker run --ulimit`.
    #[arg(long = "rlimit", value_name = "NAME=SOFT[:HARD]")]
    pub rlimit: Vec<String>,
    /// A port or range that the service listens on: it is reserved.
    #[arg(long = "port", value_name = "PORTS")]
    pub port: Vec<String>,
}

impl ProfileArgs {
    /// The words that ask for the same again, for commands that are shown to be pasted.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let flags = [("-p", &self.profiles), ("--set", &self.set), ("--rlimit", &self.rlimit), ("--port", &self.port)];
        flags
            .iter()
            .flat_map(|(flag, values)| values.iter().flat_map(|value| [(*flag).to_owned(), value.clone()]))
            .collect()
    }
}

/// How far to go where not everything can be had.
#[derive(Debug, Args)]
pub struct ApplyPolicy {
    /// Go on where a required setting falls short, and keep what could be changed.
    #[arg(long, env = "TUNECTL_BEST_EFFORT", value_parser = is_on)]
    pub best_effort: bool,
    /// Write settings of the whole machine from inside a container or namespace too.
    #[arg(long, env = "TUNECTL_ALLOW_HOST_SETTINGS", value_parser = is_on)]
    pub allow_host_settings: bool,
}

/// What a switch's variable says: on, unless it is empty, `0`, `false`, `no`, `off`, `f` or `n`. As
/// `clap::builder::FalseyValueParser`, and without the table of all letters' small ones, 12 kB.
#[expect(clippy::unnecessary_wraps, reason = "as a parser must be")]
fn is_on(text: &str) -> Result<bool, Infallible> {
    const OFF: [&str; 7] = ["", "0", "false", "no", "off", "f", "n"];
    Ok(!OFF.iter().any(|off| text.eq_ignore_ascii_case(off)))
}

/// `tunectl run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Which profile.
    #[command(flatten)]
    pub asked: ProfileArgs,
    /// How far to go.
    #[command(flatten)]
    pub zeal: ApplyPolicy,
    /// How the service is started and supervised.
    #[command(flatten)]
    pub service: ServiceFlags,
    /// What goes with the name under which we were called.
    #[arg(skip)]
    pub manner: CompatFlags,
    /// The service's command; everything from here on is its own.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub command: Vec<OsString>,
}

/// Whether what is applied can be undone.
#[derive(Debug, Args)]
pub struct Undo {
    /// Change settings too that can't be put back before the next boot.
    #[arg(long)]
    pub allow_irreversible: bool,
    /// Keep no journal: `tunectl revert` will not know of this.
    #[arg(long)]
    pub no_journal: bool,
}

/// What is to last beyond the boot.
#[derive(Debug, Args)]
pub struct Persist {
    /// Write it for the next boot too: sysctl.d, limits.d, modules-load.d, tmpfiles.d; launchd jobs on macOS.
    #[arg(long)]
    pub persist: bool,
    /// Give a systemd service the limits too; can be given several times.
    #[arg(long, value_name = "NAME", requires = "persist")]
    pub unit: Vec<String>,
    /// Write beneath this directory instead of /.
    #[arg(long, value_name = "DIR", requires = "persist")]
    pub root: Option<PathBuf>,
}

/// What was to last beyond the boot.
#[derive(Debug, Args)]
pub struct TakeAway {
    /// Take away the files too that `apply --persist` wrote.
    #[arg(long)]
    pub persist: bool,
    /// Look beneath this directory instead of /.
    #[arg(long, value_name = "DIR", requires = "persist")]
    pub root: Option<PathBuf>,
}

/// `tunectl apply`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub struct Apply {
    /// Which profile.
    #[command(flatten)]
    pub asked: ProfileArgs,
    /// How far to go.
    #[command(flatten)]
    pub zeal: ApplyPolicy,
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The process to set the limits of, instead of the shell that this is typed in, in its namespaces.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..), conflicts_with = "persist")]
    pub pid: Option<i32>,
    /// Leave the resource limits out.
    #[arg(long)]
    pub no_rlimits: bool,
    /// What of it is to be undone.
    #[command(flatten)]
    pub undo: Undo,
    /// What is to last.
    #[command(flatten)]
    pub lasting: Persist,
    /// How to show what was done.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `tunectl revert`.
#[derive(Debug, Args)]
pub struct Revert {
    /// Everything that was applied since the boot, not the newest only.
    #[arg(long)]
    pub all: bool,
    /// Put back too what somebody else has changed since.
    #[arg(long)]
    pub force: bool,
    /// Show what would be put back, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// What lasts.
    #[command(flatten)]
    pub lasting: TakeAway,
    /// How to show what was done.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `tunectl check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Which profile.
    #[command(flatten)]
    pub asked: ProfileArgs,
    /// The process to check the limits of, instead of our own, which are the shell's, in its namespaces.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: Option<i32>,
    /// How to show what was found.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Findings,
}

/// `tunectl watch`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub struct Watch {
    /// Which profile.
    #[command(flatten)]
    pub asked: ProfileArgs,
    /// Put back what falls short, and give up what someone else insists on.
    #[arg(long)]
    pub repair: bool,
    /// With `--repair`, keep no journal: `tunectl revert` will not know of it.
    #[arg(long, requires = "repair")]
    pub no_journal: bool,
    /// With `--repair`, write settings of the whole machine from inside a container or namespace too.
    #[arg(long, env = "TUNECTL_ALLOW_HOST_SETTINGS", value_parser = is_on)]
    pub allow_host_settings: bool,
    /// Look once and say by the exit code whether all that is required holds: for cron and CI.
    #[arg(long)]
    pub once: bool,
    /// Time between two looks at everything; a write that inotify sees is looked at at once.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = interval)]
    pub interval: Duration,
    /// Write metrics to this file after each look, for the textfile collector of Prometheus's `node_exporter`.
    #[arg(long, value_name = "FILE")]
    pub metrics: Option<PathBuf>,
}

/// Reads the time between two looks.
fn interval(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    let time = duration::parse(text)?;
    if time < SHORTEST { Err("expected 100ms or more".to_owned()) } else { Ok(time) }
}

/// `tunectl limits`.
#[derive(Debug, Args)]
pub struct Limits {
    /// The process, instead of our own, which are the shell's.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: Option<i32>,
    /// How to show them.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// `tunectl explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// A sysctl, a path beneath /sys, the name of a limit, or a code such as read-only-mount or W001.
    #[arg(value_name = "KEY|LIMIT|CODE")]
    pub subject: String,
}

/// `tunectl profile`.
#[derive(Debug, Subcommand)]
pub enum Profile {
    /// List the profiles that can be named.
    List,
    /// Print a profile's text.
    Show {
        /// Name or path.
        name: String,
    },
    /// Read profiles and say what is wrong or doubtful in them; change nothing.
    Validate {
        /// Names or paths.
        #[arg(required = true, value_name = "PROFILE")]
        profiles: Vec<String>,
    },
}

/// How results are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}

/// How the findings of `check` are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Findings {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// Metrics in Prometheus's text format.
    Prometheus,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn everything_from_the_command_on_is_its_own() {
        let cli = Cli::try_parse_from(["tunectl", "run", "-p", "base", "redis-server", "--version", "-v", "--", "-p"]);
        let Ok(Cli { command: Command::Run(run), talk }) = cli else { panic!("{cli:?}") };
        assert_eq!(run.command, ["redis-server", "--version", "-v", "--", "-p"]);
        assert_eq!(talk.verbose, 0);
    }
}
