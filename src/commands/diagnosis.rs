//! What `run`, `apply` and `check` end with: why settings fall short, for the report.

use crate::diagnose::{self, DiagnosisContext};
use crate::linux::process::NamedProcess;
use crate::model::setting::Setting;
use crate::output::{self, Detail, DiagnosedReport, ReportOf};
use crate::report::{Outcome, Report};

use super::prepare::Prepared;
use super::{CommandError, World};

/// Diagnoses every outcome of `report`. Gathers what that takes only where something falls short: what is known of the
/// place beside its namespaces, and which configuration files set what falls short. `process` is the one whose limits
/// are meant, where they are not our own; `args` and `pid` are what was typed, for commands to paste.
pub(super) fn diagnosed<'a>(
    command: ReportOf,
    ready: &'a Prepared,
    process: Option<&'a NamedProcess>,
    report: &'a Report,
    args: &[String],
    pid: Option<i32>,
) -> DiagnosedReport<'a> {
    let environment = &ready.environment;
    let short: Vec<&Outcome> = report.outcomes.iter().filter(|outcome| outcome.falls_short()).collect();
    let details = (!short.is_empty()).then(|| environment.details(&diagnose::runtime_files()));
    let diagnoses = details.as_ref().map_or_else(
        || report.outcomes.iter().map(|_| None).collect(),
        |details| {
            // What another process's limits are is not told by our own login and unit.
            let settings = short.iter().map(|outcome| &outcome.requirement.setting);
            let ours = |setting: &&Setting| process.is_none() || matches!(setting, Setting::Key(_));
            let config_lines = environment.config_lines(&settings.filter(ours).collect::<Vec<_>>(), details);
            let mut context = DiagnosisContext::new(environment, details, report);
            context.config_lines = &config_lines;
            context.own_limits = process.is_none();
            (context.args, context.pid) = (args, pid);
            diagnose::diagnose_all(&context)
        },
    );
    let detail = if log::max_level() >= log::LevelFilter::Info { Detail::Full } else { Detail::Short };
    let profiles = &ready.profile.names;
    let (queues, files, preflight, budget) = (None, None, None, None);
    DiagnosedReport {
        command,
        profiles,
        environment,
        details,
        process,
        report,
        diagnoses,
        queues,
        preflight,
        budget,
        files,
        detail,
    }
}

/// `signal` asked us to end while a plan was carried out, which was undone then; says what could not be put back.
pub(super) fn interrupted_by(signal: i32, report: &Report, world: &mut World<'_>) -> CommandError {
    let rest = output::not_restored(report, world.colour_err);
    drop(world.err.write_all(rest.as_bytes()));
    let what = if rest.is_empty() {
        "everything that had been changed was put back"
    } else {
        "not everything that had been changed could be put back"
    };
    CommandError::interrupted(signal, what)
}
