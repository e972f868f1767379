//! The journal of the user who runs a command: where it is, and which boot and namespaces its values belong to.

use crate::environment::Environment;
use crate::journal::{BootIdentity, JournalError, JournalLocations};

use super::{CommandError, FALLS_SHORT, World};

/// The journal can't be written, so nothing is.
pub(super) fn not_kept(error: &JournalError) -> CommandError {
    CommandError::new(FALLS_SHORT, format!("{error}; nothing was changed"))
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
