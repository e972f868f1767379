//! Reports for people and for programs.

mod colour;
mod json;
mod limits;
mod queues;
mod text;

pub use colour::Colour;
pub use json::document;
pub use limits::{limits_document, limits_table};
pub use queues::Queues;
pub use text::{changes, shortfalls, table, to_type};

use crate::context::Context;
use crate::context::ancestry::Ancestor;
use crate::diagnose::{self, Diagnosis, Scene};
use crate::report::Report;

/// A report with all that is said beside it.
#[derive(Clone, Debug)]
pub struct Account<'a> {
    /// Which subcommand: `check`, `apply`, `run`.
    pub command: &'static str,
    /// The profiles, as they were asked for.
    pub profiles: &'a [String],
    /// Where we run.
    pub context: &'a Context,
    /// Whose limits the report speaks of, where they are not our own.
    pub process: Option<&'a Ancestor>,
    /// What was found.
    pub report: &'a Report,
    /// For each finding, why it falls short, where it does.
    pub diagnoses: Vec<Option<Diagnosis>>,
    /// The queues of listening sockets that are too short, where they were looked at.
    pub queues: Option<Queues>,
}

impl<'a> Account<'a> {
    /// Diagnoses every finding of `report`. `asked` are the words that asked for it, for commands to paste.
    #[must_use]
    pub fn new(
        command: &'static str,
        profiles: &'a [String],
        context: &'a Context,
        process: Option<&'a Ancestor>,
        report: &'a Report,
        asked: &[String],
    ) -> Self {
        let scene = Scene { context, asked };
        let diagnoses = report.findings.iter().map(|finding| diagnose::diagnose(finding, &scene)).collect();
        Self { command, profiles, context, process, report, diagnoses, queues: None }
    }
}
