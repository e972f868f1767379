//! Staying as the service's parent: what PID 1 of a container has to do for it.
//!
//! `run` lists the steps: prepare, start the child, then supervise until it has ended and no descendant is left. All
//! signals have been blocked since the first statement of `main` and are taken one by one, so that none is lost and
//! nothing happens between two lines. Once the service runs, no failure ends the supervisor: its end would be that
//! of everything in the container.

mod config;
mod descendants;
mod forward;
mod messages;
mod orphans;
mod reap_throttle;
mod reexec;
mod shutdown;
mod spawn;
mod supervise;
mod terminal;

pub use config::SupervisorConfig;
pub use reexec::resume;

use std::path::Path;
use std::time::Duration;

use crate::exec::{self, ExecError, Stage, TakeLimits};
use crate::linux::mountinfo;
use crate::model::capability::Capability;
use crate::sys::{self, Inherited};
use messages::{Event, Failure, fail, report};

/// The service was not started. Why has been printed on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotStarted {
    /// The exit code: 125, 126, 127, or 128+N for a signal that came first.
    pub(crate) code: i32,
}

/// How long a command runs before the supervisor executes itself anew for it, as a rule: one that has ended by then is
/// not worth the exec.
const SHORT_COMMAND: Duration = Duration::from_millis(50);

/// Starts the service and stays until it has ended; returns the exit code.
///
/// `take_limits` is called in the child, while it still has all of our privileges.
///
/// # Errors
/// The service was not started, so that everything can be undone that was changed for it.
pub(crate) fn run(
    config: SupervisorConfig,
    mut stage: Stage,
    inherited: &Inherited,
    take_limits: TakeLimits<'_>,
) -> Result<i32, NotStarted> {
    if let Some(signal) = exec::pending_fatal_signal(inherited) {
        fail(&Failure::Interrupted(ExecError::Interrupted { signal }));
        return Err(NotStarted { code: 128 + signal });
    }
    prepare(&config);
    if config.die_with_supervisor {
        stage.set_parent_death_signal(sys::own_pid(), libc::SIGKILL);
    }
    let child = spawn::spawn(&config, &mut stage, inherited, take_limits)?;
    release_resources(stage.other_uid());
    // Returns early when a signal comes, SIGCHLD among them.
    sys::poll_signal(SHORT_COMMAND);
    if sys::has_ended(child) == Some(false) {
        reexec::reexec(child, &config, stage.command_name());
    }
    drop_capabilities();
    Ok(supervise::supervise(child, config))
}

/// What must be set up before there is a child.
fn prepare(config: &SupervisorConfig) {
    if let Some(signal) = config.parent_death_signal {
        let parent = sys::parent();
        if let Err(error) = sys::die_with_parent(signal) {
            report(config.log_level, &Event::ParentDeathSignalUnavailable(&error));
        } else if sys::parent() != parent {
            // It died before the kernel knew of our wish. Blocked as all signals are, this one is pending until taken.
            drop(sys::kill(sys::own_pid(), signal));
        }
    }
    if config.subreaper && sys::own_pid() != 1 {
        if let Err(error) = sys::set_subreaper() {
            report(config.log_level, &Event::SubreaperUnavailable(&error));
        }
    }
}

/// Leaves the working directory, so that its file system can be unmounted, and becomes user `other_uid` where only
/// that one may signal the service: root without `CAP_KILL` can't signal another user's process, and nothing but a
/// `SIGKILL` from outside would ever stop the service (kill(2)).
fn release_resources(other_uid: Option<u32>) {
    drop(std::env::set_current_dir("/"));
    let may_kill = || sys::capabilities().is_ok_and(|sets| sets.effective & Capability::KILL.bit() != 0);
    if let Some(uid) = other_uid.filter(|_| !may_kill()) {
        drop(sys::set_uid(uid));
    }
}

/// Gives up every capability that a supervisor does not use: measured, it needs `CAP_KILL` alone, to signal processes of
/// other users, and where `/proc` hides those (`hidepid=`, proc(5)) `CAP_SYS_PTRACE` to find them. Called once nothing is
/// executed any more, which would give them back to user 0 (capabilities(7)).
///
/// User 0 without capabilities still owns the files beneath `/proc/sys`, and may write them.
fn drop_capabilities() {
    let Ok(sets) = sys::capabilities() else { return };
    if sets.permitted == 0 {
        return;
    }
    let mounts = sys::read_text(Path::new("/proc/self/mountinfo"));
    let hides = mounts.is_ok_and(|mounts| mountinfo::hides_processes(&mounts));
    let finds = if hides { Capability::SYS_PTRACE.bit() } else { 0 };
    let kept = sets.permitted & (Capability::KILL.bit() | finds);
    // Refused only by a filter of system calls: then they stay.
    drop(sys::set_capabilities(sys::Capabilities { effective: kept, permitted: kept, inheritable: 0 }));
}

/// Stays without a service, as `catatonit -P` does to hold the namespaces of a pod: reaps orphans until `SIGTERM` or
/// `SIGINT`, and drops every other signal. Returns the exit code.
#[must_use]
pub fn pause() -> i32 {
    if sys::own_pid() != 1 {
        if let Err(error) = sys::set_subreaper() {
            fail(&Failure::PauseSubreaper(&error));
            return 1;
        }
    }
    // Podman unmounts the directory in which it has started its pause process.
    drop(std::env::set_current_dir("/"));
    sys::close_range(3, u32::MAX);
    drop_capabilities();
    sys::madvise_dontneed();
    loop {
        while let Ok(Some(_)) = sys::wait_any() {}
        if sys::wait_signal(None).is_some_and(|info| [libc::SIGTERM, libc::SIGINT].contains(&info.signal())) {
            return 0;
        }
    }
}
