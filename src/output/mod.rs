//! Reports for people and for programs.

mod colour;
mod combined_flags;
mod json;
mod limits;
mod persisted;
mod queues;
mod revert;
mod text;

pub use colour::Colour;
use combined_flags::together;
pub use json::{SCHEMA_VERSION, document, written};
pub use limits::{limits_document, limits_table};
pub use persisted::{PersistedFile, PersistedState};
pub use queues::Queues;
pub use revert::{RevertEvent, RevertSummary, revert_document, revert_errors, revert_text};
pub use text::{changes, paragraph, shortfalls, table, to_type};

use crate::diagnose::{self, Diagnosis, DiagnosisContext};
use crate::environment::{Environment, EnvironmentDetails};
use crate::linux::process::NamedProcess;
use crate::model::setting::Setting;
use crate::report::{Outcome, Report};

/// How much is said under a finding that falls short.
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
    /// Whose limits the report speaks of, where they are not our own.
    pub process: Option<&'a NamedProcess>,
    /// What was found.
    pub report: &'a Report,
    /// For each finding, why it falls short, where it does.
    pub diagnoses: Vec<Option<Diagnosis>>,
    /// The queues of listening sockets that are too short, where they were looked at.
    pub queues: Option<Queues>,
    /// The files that `--persist` asks for, and what became of each.
    pub files: Option<&'a [PersistedFile]>,
    /// What is around us; looked at only where something falls short.
    pub around: Option<EnvironmentDetails>,
    /// How much is said of each finding.
    pub detail: Detail,
}

impl<'a> DiagnosedReport<'a> {
    /// Diagnoses every finding of `report`. `asked` are the words that asked for it, for commands to paste.
    #[must_use]
    pub fn new(
        command: &'static str,
        profiles: &'a [String],
        environment: &'a Environment,
        process: Option<&'a NamedProcess>,
        report: &'a Report,
        asked: &[String],
    ) -> Self {
        let short: Vec<&Outcome> = report.outcomes.iter().filter(|finding| finding.falls_short()).collect();
        let around = (!short.is_empty()).then(|| environment.details());
        let diagnoses = around.as_ref().map_or_else(
            || report.outcomes.iter().map(|_| None).collect(),
            |around| {
                // Whose limits another process's are is not told by our own login and unit.
                let settings = short.iter().map(|finding| &finding.requirement.setting);
                let ours = |setting: &&Setting| process.is_none() || matches!(setting, Setting::Key(_));
                let elsewhere = environment.config_lines(&settings.filter(ours).collect::<Vec<_>>(), around);
                let own_limits = process.is_none();
                let scene = DiagnosisContext { environment, around, elsewhere: &elsewhere, report, own_limits, asked };
                diagnose::all(&scene)
            },
        );
        let detail = if log::max_level() >= log::LevelFilter::Info { Detail::Full } else { Detail::Short };
        Self { command, profiles, environment, process, report, diagnoses, around, detail, queues: None, files: None }
    }
}
