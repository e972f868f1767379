//! Trying in a child what the start of the service will do, while there is nothing to undo yet.

use super::error::StageError;
use super::stage::Stage;
use crate::sys::{self, Ended, Fork};

/// Whether the service can be started, as far as a child finds out that takes on its user, groups, capabilities,
/// attributes and working directory, and asks whether it may execute the program. Without any of these there is no
/// child: the program was looked at already. What a child can't find out (there is no process left, it was killed)
/// shows at the start itself.
///
/// # Errors
/// The exit code; the child has told why with `print`.
pub(crate) fn rehearse(stage: &Stage, print: &dyn Fn(&StageError)) -> Result<(), i32> {
    if !stage.changes_process() {
        return Ok(());
    }
    let is_pending = || sys::pending().contains(libc::SIGCHLD);
    let was_pending = is_pending();
    match sys::fork() {
        Ok(Fork::Child) => {
            let code = stage.try_without_exec().map_or_else(
                |error| {
                    print(&error);
                    error.exit_code()
                },
                |()| 0,
            );
            sys::exit_now(code)
        }
        Ok(Fork::Parent(child)) => {
            let ended = sys::wait_for(child);
            // Of a child that the service does not know.
            if !was_pending && is_pending() {
                sys::discard_signal(libc::SIGCHLD);
            }
            match ended {
                Ok(Ended::Code(code)) if code != 0 => Err(code),
                _ => Ok(()),
            }
        }
        Err(_) => Ok(()),
    }
}
