//! What `apply` and `revert` have in common: the journal of whoever we are.

use crate::apply::{self, Failure as OnFailure};
use crate::environment::Environment;
use crate::journal::{self, BootIdentity, Force, Journal, JournalError, JournalLocations, ProcessState, Recorder};
use crate::kernel::Process;
use crate::linux::process::NamedProcess;
use crate::plan::Plan;
use crate::report::Report;

use super::prepare::Prepared;
use super::{CommandError, FALLS_SHORT, USAGE, World};

/// Applies with the originals written down first.
pub(super) fn journaled(
    ready: &Prepared,
    whose: Option<&NamedProcess>,
    on_failure: OnFailure,
    world: &mut World<'_>,
) -> Result<Report, CommandError> {
    let places = places(&ready.environment, world);
    let store = Journal::open_or_create(&places).map_err(|trouble| not_kept(&trouble))?;
    let here = here(&ready.environment, world);
    let process = whose.map_or(Process::Own, |process| Process::Pid(process.pid));
    let whom = whose.and_then(|process| match here.process(process.pid, &process.name) {
        ProcessState::Running(process) => Some(process),
        ProcessState::Gone | ProcessState::Unknown(_) => None,
    });
    // Looked at once more now that no other tunectl can change anything in between.
    let mut plan = apply::make_plan(world.kernel, ready.requirements.clone(), process, ready.place);
    if whose.is_none() {
        plan.limits.clear();
    }
    let changes = journal::planned_changes(world.kernel, &plan, &here, whom.as_ref());
    let names = ready.profile.names.clone();
    let begun = Recorder::begin(world.kernel, &store, &here, names, changes);
    let mut recorder = begun.map_err(|trouble| not_kept(&trouble))?;
    let report = apply::apply(&mut recorder, &plan, process, on_failure);
    let kept = recorder.finish().and_then(|number| match number {
        // What was written is back already; what the kernel changed along with it only the journal knows.
        Some(number) if report.fails() && on_failure == OnFailure::PutsBack => {
            let entry = store.read(number)?;
            journal::revert(world.kernel, &store, number, entry, &here, Force::No).map(drop)
        }
        _ => Ok(()),
    });
    if let Err(trouble) = kept {
        log::warn!("{trouble}");
    }
    Ok(report)
}

pub(super) fn not_kept(trouble: &JournalError) -> CommandError {
    CommandError::new(FALLS_SHORT, format!("{trouble}; nothing was changed"))
        .help(trouble.help())
        .help("`--no-journal` goes without, and then `tunectl revert` can't put anything back")
}

/// What can't be undone is done only where that was said.
pub(super) fn refuse_irreversible(plan: &Plan) -> Result<(), CommandError> {
    let names: Vec<String> = plan.irreversible().map(|(key, value)| format!("`{key}` = {value}")).collect();
    match names.len() {
        0 => Ok(()),
        _ => Err(CommandError::new(USAGE, format!("{} can't be undone before the next boot", names.join(", ")))
            .help("nothing was changed; if it is meant for good, add `--allow-irreversible`")),
    }
}

/// Where the journal of whoever we are is kept.
pub(super) fn places(environment: &Environment, world: &World<'_>) -> JournalLocations {
    JournalLocations::of(environment.system, environment.user, &|name| world.os.variable(name))
}

/// Which boot and which namespaces this is.
pub(super) fn here(environment: &Environment, world: &mut World<'_>) -> BootIdentity {
    BootIdentity::of(world.kernel, environment.version(), &world.processes, world.os.network_cookie())
}
