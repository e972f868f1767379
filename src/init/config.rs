//! How to supervise: what the options come to, in the form that the supervisor works with.
#![forbid(unsafe_code)]

use std::time::Duration;

use crate::model::run::{CompatFlags, OrphanPolicy, RunOptions, SignalTarget};

/// How the service stands to our process group and session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grouping {
    /// In a process group of its own, which is in the foreground of our terminal if we were.
    #[default]
    Group,
    /// In a session of its own, with the terminal if we led the session that had it.
    Session,
    /// In our own group, as `dumb-init --single-child` leaves it.
    Shared,
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only why the service was not started.
    Errors,
    /// Also what could not be done for it.
    #[default]
    Warnings,
    /// Also each orphan that was reaped.
    Reaping,
    /// Also each signal.
    Everything,
}

/// How to supervise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisorConfig {
    /// Who gets the signals that reach us.
    pub target: SignalTarget,
    /// What each signal is handed on as, by number; 0 for not at all.
    pub rewrite: [u8; 65],
    /// Exit codes and what to exit with instead.
    pub expect_exit: Vec<(u8, u8)>,
    /// From a signal that asks the service to end to `SIGKILL`; zero: never.
    pub stop_timeout: Duration,
    /// What happens to those whom the service leaves behind.
    pub leftovers: OrphanPolicy,
    /// End adopted orphans while the service lives.
    pub reap_kill: bool,
    /// Adopt orphans though we are not PID 1.
    pub subreaper: bool,
    /// The signal that we get when our parent dies.
    pub parent_death_signal: Option<i32>,
    /// The kernel kills the service when we die.
    pub die_with_supervisor: bool,
    /// How the service stands to our group and session.
    pub grouping: Grouping,
    /// The exit code when the command can't be executed, where it is not that of the shell.
    pub exec_failure: Option<u8>,
    /// What we say.
    pub verbosity: Verbosity,
}

impl Default for SupervisorConfig {
    fn default() -> Self {
        Self::new(&RunOptions::default(), CompatFlags::default(), Verbosity::Warnings)
    }
}

impl SupervisorConfig {
    /// What `options` come to.
    #[must_use]
    pub fn new(options: &RunOptions, manner: CompatFlags, verbosity: Verbosity) -> Self {
        let grouping = match options.session {
            Some(true) => Grouping::Session,
            _ if manner.shares_group => Grouping::Shared,
            _ => Grouping::Group,
        };
        let mut orders = Self {
            target: options.signal_to.unwrap_or_default(),
            rewrite: std::array::from_fn(|signal| u8::try_from(signal).unwrap_or(0)),
            expect_exit: options.expect_exit.clone(),
            stop_timeout: options.stop_timeout.unwrap_or_default(),
            leftovers: options.orphan_timeout.unwrap_or_default(),
            reap_kill: options.reap_kill.unwrap_or(false),
            subreaper: options.subreaper.unwrap_or(true),
            parent_death_signal: options.parent_death_signal.map(crate::model::signal::Signal::number),
            die_with_supervisor: options.die_with_supervisor.unwrap_or(false),
            grouping,
            exec_failure: manner.exec_failure,
            verbosity,
        };
        if grouping == Grouping::Session {
            // The group that leads a session of its own is an orphaned one, in which the kernel ignores the signals
            // of job control (setpgid(2)); SIGSTOP does what they ask for. dumb-init has the same rule.
            for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
                orders.hand_on(signal, libc::SIGSTOP);
            }
        }
        for (from, to) in &options.rewrite {
            orders.hand_on(from.number(), to.map_or(0, crate::model::signal::Signal::number));
        }
        orders
    }

    /// From now on signal `from` is handed on as `to`, or with 0 not at all.
    pub fn hand_on(&mut self, from: i32, to: i32) {
        let place = usize::try_from(from).ok().and_then(|index| self.rewrite.get_mut(index));
        if let (Some(place), Ok(to)) = (place, u8::try_from(to)) {
            *place = to;
        }
    }

    /// What signal `from` is handed on as.
    #[must_use]
    pub fn handed_on_as(&self, from: i32) -> i32 {
        usize::try_from(from).ok().and_then(|index| self.rewrite.get(index)).map_or(0, |&to| i32::from(to))
    }

    /// What to exit with when the service exits with `code`. The last that speaks of it counts.
    #[must_use]
    pub fn exit_code(&self, code: i32) -> i32 {
        let last = self.expect_exit.iter().rev().find(|(from, _)| i32::from(*from) == code);
        last.map_or(code, |&(_, to)| i32::from(to))
    }
}
