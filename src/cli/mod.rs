//! The parts of the command line that several subcommands share. What belongs to one subcommand only is in its file
//! in `commands/`.

pub mod compat;
mod deferred_args;
mod service_flags;

pub use deferred_args::DeferredArgs;
pub(crate) use service_flags::ServiceFlags;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};

use crate::apply::OnFailure;

/// The section of help for what is applied and how far to go.
pub(crate) const PROFILE: &str = "Profile";

/// How much is logged, and whether text is coloured.
#[derive(Debug, Args)]
pub struct LogOptions {
    /// Log more to standard error: -v what is done, -vv each write, -vvv each read.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Log only errors.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Whether to colour the output.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

/// When to colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always, whatever the stream is.
    Always,
    /// Never, not on a terminal either.
    Never,
}

/// Which profiles, and what is added to them.
#[derive(Debug, Args)]
pub(crate) struct ProfileArgs {
    /// Profile, by name or path; later profiles override earlier ones.
    #[arg(help_heading = PROFILE, short = 'p', long = "profile", value_name = "PROFILE", env = "TUNECTL_PROFILE", value_delimiter = ',')]
    pub(crate) profiles: Vec<String>,
    /// Require a sysctl to have exactly this value, as in `docker run --sysctl`.
    #[arg(help_heading = PROFILE, long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Require a resource limit, as in `docker run --ulimit`.
    #[arg(help_heading = PROFILE, long = "rlimit", value_name = "NAME=SOFT[:HARD]")]
    pub(crate) rlimit: Vec<String>,
    /// Port or range that the service listens on: reserve it from the ephemeral range.
    #[arg(help_heading = PROFILE, long = "port", env = "TUNECTL_PORT", value_name = "PORTS")]
    pub(crate) port: Vec<String>,
}

impl ProfileArgs {
    /// The arguments that ask for the same again, for commands that are printed to be pasted.
    pub(crate) fn to_args(&self) -> Vec<String> {
        let flags = [("-p", &self.profiles), ("--set", &self.set), ("--rlimit", &self.rlimit), ("--port", &self.port)];
        flags
            .iter()
            .flat_map(|(flag, values)| values.iter().flat_map(|value| [(*flag).to_owned(), value.clone()]))
            .collect()
    }
}

/// How far to go where not everything can be had.
#[derive(Debug, Args)]
pub(crate) struct ApplyPolicy {
    /// Continue if a required setting falls short, and keep what was changed.
    #[arg(help_heading = PROFILE, long, env = "TUNECTL_BEST_EFFORT", value_parser = FalseyValueParser::new())]
    pub(crate) best_effort: bool,
    /// Write settings of the whole machine, even from inside a container or namespace.
    #[arg(help_heading = PROFILE, long, env = "TUNECTL_ALLOW_HOST_SETTINGS", value_parser = FalseyValueParser::new())]
    pub(crate) allow_host_settings: bool,
}

impl ApplyPolicy {
    /// What becomes of the changes where a required setting falls short.
    #[must_use]
    pub(crate) fn on_failure(&self) -> OnFailure {
        if self.best_effort { OnFailure::Keep } else { OnFailure::Undo }
    }
}
