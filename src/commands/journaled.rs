//! The journal of the user who runs a command: where it is, and which boot and namespaces its values belong to.

use crate::environment::Environment;
use crate::journal::{self, BootIdentity, Journal, JournalError, JournalLocations, RevertedChange};

use super::{CommandError, FALLS_SHORT, World};

/// The journal can't be written, so nothing is.
pub(super) fn not_kept(error: &JournalError) -> CommandError {
    not_kept_with(FALLS_SHORT, error)
}

/// [`not_kept`] with the exit code of a subcommand that starts something.
pub(super) fn not_kept_with(code: i32, error: &JournalError) -> CommandError {
    CommandError::new(code, format!("{error}; nothing was changed"))
        .help(error.help())
        .help("`--no-journal` applies without a journal; `tunectl revert` can then undo nothing")
}

/// Where the journal is kept.
pub(super) fn places(environment: &Environment, world: &World<'_>) -> JournalLocations {
    JournalLocations::of(environment.system, environment.user, &|name| world.os.variable(name))
}

/// The boot and the namespaces that we are in.
pub(super) fn here(environment: &Environment, world: &mut World<'_>) -> BootIdentity {
    let (cookie, is_initial) = (world.os.network_cookie(), environment.initial.net == Some(true));
    BootIdentity::of(world.kernel, environment.version(), &world.processes, cookie, is_initial)
}

/// Warns of settings that could not be restored, and says whether there are any.
pub(super) fn warn_of_rest(reverted: &[RevertedChange]) -> bool {
    let rest: Vec<String> =
        reverted.iter().filter(|its| its.outcome.falls_short()).map(|its| its.change.setting.name()).collect();
    if !rest.is_empty() {
        log::warn!("not restored: {}; try `tunectl revert`", rest.join(", "));
    }
    !rest.is_empty()
}

/// Reverts what a benchmark left behind that was killed.
pub(super) fn revert_killed(journal: &Journal, here: &BootIdentity, world: &mut World<'_>) -> Result<(), CommandError> {
    let reverted = journal::revert_killed_benches(world.kernel, journal, here).map_err(|error| not_kept(&error))?;
    if !reverted.is_empty() {
        log::warn!("a benchmark was killed before its end: {} of its settings were reverted", reverted.len());
    }
    warn_of_rest(&reverted);
    Ok(())
}

/// The same in every journal, for a command that opens none itself. A journal that can't be opened or read is left as
/// it is. Where no benchmark has left anything this opens none and asks nothing of the system but which files there are.
pub(super) fn revert_killed_anywhere(environment: &Environment, world: &mut World<'_>) {
    let locations = places(environment, world);
    if !Journal::may_have_bench_entries(&locations) {
        return;
    }
    let journals = Journal::open_all(&locations);
    let here = here(environment, world);
    world.os.hold_signals();
    for journal in journals.into_iter().flatten() {
        if let Err(error) = revert_killed(&journal, &here, world) {
            log::debug!("{error}");
        }
    }
    world.os.release_signals();
}
