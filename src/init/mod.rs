//! Staying as the service's parent: what PID 1 of a container owes it.
//!
//! The story is [`run`]: prepare, spawn, then supervise until the service has ended and nothing is left of it. All
//! signals have been blocked since the first statement of `main` and are taken one by one, so that none is lost and
//! nothing happens between two lines. Once the service runs, no failure ends the supervisor: its end would be that
//! of everything in the container.

mod config;
mod descendants;
mod forward;
mod orphans;
mod pause;
mod reap_throttle;
mod reexec;
mod shutdown;
mod spawn;
mod stderr_log;
mod supervise;
mod terminal;

pub use config::{Grouping, SupervisorConfig, Verbosity};
pub use pause::pause;
pub use reexec::resume;

use std::time::Duration;

use crate::exec::{self, Stage, TakeLimits};
use crate::sys::{self, Inherited};
use supervise::Watch;

/// The service was not started: the code to exit with. Why has been said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotStarted {
    /// 125, 126, 127, or 128+N for a signal that came first.
    pub code: i32,
}

/// Starts the service and stays until it has ended; returns the code to exit with.
///
/// `take_limits` is called in the child, while it still has every right of ours.
///
/// # Errors
/// The service was not started, so that all can be put back that was changed for it.
pub fn run(
    orders: SupervisorConfig,
    mut stage: Stage,
    inherited: &Inherited,
    take_limits: TakeLimits<'_>,
) -> Result<i32, NotStarted> {
    if let Some(signal) = exec::pending_fatal_signal(inherited) {
        stderr_log::error(&exec::ExecError::Interrupted { signal });
        return Err(NotStarted { code: 128 + signal });
    }
    prepare(&orders);
    if orders.die_with_supervisor {
        stage.set_parent_death_signal(sys::own_pid(), libc::SIGKILL);
    }
    let child = spawn::spawn(&orders, &mut stage, inherited, take_limits)?;
    settle(stage.other_uid());
    let mut watch = Watch { child, orders };
    // A command that is over at once is not worth the exec.
    sys::await_signal(BRIEF);
    if !sys::has_ended(child) {
        // Everything that reading profiles and tuning left in memory goes; where that can't be, we stay as we are.
        watch = reexec::exec_anew(watch, stage.command_name());
    }
    Ok(supervise::supervise(watch))
}

/// How long a service has run that has come to stay. A signal that comes earlier does not wait for it.
const BRIEF: Duration = Duration::from_millis(50);

/// What must stand before there is a child.
fn prepare(orders: &SupervisorConfig) {
    if let Some(signal) = orders.parent_death_signal {
        let parent = sys::parent();
        let set = sys::die_with_parent(signal);
        if let Err(error) = set {
            let reason = sys::reason(&error);
            stderr_log::warning(orders, &format_args!("no signal can be had when our parent dies: {reason}"));
        } else if sys::parent() != parent {
            // It died before the kernel knew that we wanted to be told. Blocked as all are, it waits for its turn.
            drop(sys::kill(sys::own_pid(), signal));
        }
    }
    if orders.subreaper && sys::own_pid() != 1 {
        if let Err(error) = sys::set_subreaper() {
            let reason = sys::reason(&error);
            stderr_log::warning(orders, &format_args!("orphans go to PID 1 and not to us: {reason}"));
        }
    }
}

/// The parent's part once the child is there: it needs no file and no place, and no right but to signal the child.
fn settle(other_user: Option<u32>) {
    drop(std::env::set_current_dir("/"));
    if let Some(uid) = other_user {
        let may_kill = sys::capabilities()
            .is_ok_and(|sets| sets.effective & crate::model::capability::Capability::KILL.bit() != 0);
        if !may_kill {
            // Root without CAP_KILL can't signal another user's process: nothing but a SIGKILL from outside would
            // ever stop the service (kill(2)). As that user we can.
            drop(sys::set_uid(uid));
        }
    }
}
