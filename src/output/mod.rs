//! Reports for people and for programs: all text is made here, from types. Pure.
#![forbid(unsafe_code)]

mod causes;
mod colour;
mod json;
mod limits;
mod persisted;
mod queues;
mod quote;
mod remedies;
mod revert;
mod text;

pub use causes::why;
pub use colour::Colour;
pub use json::{SCHEMA_VERSION, document, document_with, written};
pub use limits::{limits_document, limits_table};
pub use persisted::{PersistedFile, PersistedState};
pub use queues::Queues;
pub use quote::shell;
pub use remedies::{Place, RemedyText};
pub use revert::{RevertEvent, RevertSummary, revert_document, revert_errors, revert_text};
pub use text::{changes, paragraph, shortfalls, table, to_type};

use crate::diagnose::Diagnosis;
use crate::environment::{Environment, EnvironmentDetails};
use crate::linux::process::NamedProcess;
use crate::model::capability::Capability;
use crate::report::Report;

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
    /// Which subcommand: `check`, `apply`, `run`.
    pub command: &'static str,
    /// The profiles, as they were asked for.
    pub profiles: &'a [String],
    /// Where we run.
    pub environment: &'a Environment,
    /// What else is known of that place; gathered only where something falls short.
    pub details: Option<EnvironmentDetails>,
    /// Whose limits the report speaks of, where they are not our own.
    pub process: Option<&'a NamedProcess>,
    /// The outcomes.
    pub report: &'a Report,
    /// For each outcome, why it falls short, where it does.
    pub diagnoses: Vec<Option<Diagnosis>>,
    /// The queues of listening sockets that are too short, where they were looked at.
    pub queues: Option<Queues>,
    /// The files that `--persist` asks for, and what became of each.
    pub files: Option<&'a [PersistedFile]>,
    /// How much is said of each setting.
    pub detail: Detail,
}

/// `CAP_NET_ADMIN`.
fn capability(capability: Capability) -> String {
    format!("CAP_{}", capability.to_string().to_ascii_uppercase())
}
