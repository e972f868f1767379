//! Reports for people and for programs: all text is made here, from types. Pure.
#![forbid(unsafe_code)]

mod causes;
mod colour;
mod explain;
mod json;
mod limits;
mod notes;
mod persisted;
mod preflight;
mod queues;
mod quote;
mod remedies;
mod revert;
mod rows;
mod table;
mod text;
mod wrap;

pub use causes::why;
pub use colour::Colour;
pub use explain::{Candidate, Explained, ExplainedSetting, SettingState, explain};
pub use json::{SCHEMA_VERSION, document_with, written};
pub use limits::limits;
pub use persisted::{PersistedFile, PersistedState};
pub use preflight::{Budget, unmet, waiting_for};
pub use queues::Queues;
pub use quote::shell;
pub use remedies::{Place, RemedyText, backlog_line};
pub use revert::{RevertEvent, RevertSummary, revert};
pub use text::{applied, not_restored, nothing_changed, shortfalls};
pub use wrap::paragraph;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::diagnose::Diagnosis;
use crate::environment::{Environment, EnvironmentDetails};
use crate::formats::prometheus;
use crate::linux::process::NamedProcess;
use crate::model::capability::Capability;
use crate::preflight::Finding;
use crate::report::Report;

/// In what form results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Text,
    /// One JSON document.
    Json,
    /// Metrics in Prometheus's text format; of `check` alone.
    Prometheus,
}

impl Format {
    /// Reads the name of a format on the command line of a subcommand that has no metrics.
    #[must_use]
    pub fn text_or_json() -> impl TypedValueParser<Value = Self> {
        let values = [Self::Text, Self::Json].iter().filter_map(Self::to_possible_value);
        // No other name gets so far.
        PossibleValuesParser::new(values).map(|name| Self::from_str(&name, false).unwrap_or(Self::Text))
    }
}

/// Whether each of the two streams is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colours {
    /// That of standard output.
    pub out: Colour,
    /// That of standard error.
    pub err: Colour,
}

/// What goes to each of the two streams.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// For standard output.
    pub out: String,
    /// For standard error.
    pub err: String,
}

/// A report in one of the forms.
#[must_use]
pub fn render(diagnosed: &DiagnosedReport<'_>, format: Format, colours: Colours) -> Rendered {
    match format {
        Format::Text => text::text(diagnosed, colours),
        Format::Json => Rendered { out: json::document(diagnosed), err: String::new() },
        Format::Prometheus => {
            let samples = prometheus::samples(diagnosed.report);
            Rendered { out: prometheus::exposition(&samples, diagnosed.profiles, None), err: String::new() }
        }
    }
}

/// The subcommand that a report is of, and what the text of it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOf {
    /// The report of `check`.
    Check,
    /// The report of `apply`.
    Apply {
        /// Whether nothing was to be written.
        dry_run: bool,
        /// Whether what was changed was restored, because something required falls short.
        undone: bool,
    },
    /// The report of `run`.
    Run {
        /// Whether the service is not started, because something required falls short.
        refused: bool,
    },
    /// The report of `bench`.
    Bench,
}

impl ReportOf {
    /// The name of the subcommand.
    fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Apply { .. } => "apply",
            Self::Run { .. } => "run",
            Self::Bench => "bench",
        }
    }
}

/// How much is said under a setting that falls short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The cause in one sentence, and the most fitting remedy.
    Short,
    /// The cause at length, and every remedy: `-v`.
    Full,
}

/// A report with all that is said beside it.
#[derive(Clone, Debug)]
pub struct DiagnosedReport<'a> {
    /// The subcommand that it is of.
    pub command: ReportOf,
    /// The profiles, as they were asked for.
    pub profiles: &'a [String],
    /// Where we run.
    pub environment: &'a Environment,
    /// What else is known of that place; gathered only where something falls short.
    pub details: Option<EnvironmentDetails>,
    /// Whose limits the report speaks of, where they are not our own.
    pub process: Option<&'a NamedProcess>,
    /// The outcomes, in the order of the plan.
    pub report: &'a Report,
    /// For each outcome, why it falls short, where it does.
    pub diagnoses: Vec<Option<Diagnosis>>,
    /// The queues of listening sockets that are too short, where they were looked at.
    pub queues: Option<Queues>,
    /// The conditions of the machine for a load test that the profiles ask for, where they were looked at.
    pub preflight: Option<Vec<Finding>>,
    /// What a load test needs, where that was asked.
    pub budget: Option<Budget>,
    /// The files that `--persist` asks for, and what became of each.
    pub files: Option<&'a [PersistedFile]>,
    /// How much is said of each setting.
    pub detail: Detail,
}

/// Its name in messages, `CAP_NET_ADMIN`.
fn capability(capability: Capability) -> String {
    format!("CAP_{}", capability.to_string().to_ascii_uppercase())
}
