//! How to supervise: the options of `run --init` in the form that the supervisor works with.
#![forbid(unsafe_code)]

use std::time::Duration;

use log::LevelFilter;

use crate::model::run::{CompatFlags, OrphanPolicy, RunOptions, SignalTarget};
use crate::model::signal::Signal;

/// The process group and session of the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Grouping {
    /// A process group of its own, which gets the foreground of our terminal if we had it.
    #[default]
    Group,
    /// A session of its own, which gets our terminal if we led the session that had it.
    Session,
    /// Our own group, as `dumb-init --single-child` leaves it.
    Shared,
}

/// How to supervise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisorConfig {
    /// Which processes get the signals that we get.
    pub(super) target: SignalTarget,
    /// Which signal each signal is forwarded as, by number; 0 for not at all.
    pub(super) rewrite: [u8; 65],
    /// Exit codes of the service, and ours instead of them; the last one counts.
    pub(super) expect_exit: Vec<(u8, u8)>,
    /// Time from a signal that asks the service to end to `SIGKILL`; zero for no end.
    pub(super) stop_timeout: Duration,
    /// What happens to processes that are left when the service has ended.
    pub(super) orphans: OrphanPolicy,
    /// End adopted orphans while the service runs.
    pub(super) reap_kill: bool,
    /// Adopt orphans though we are not PID 1.
    pub(super) subreaper: bool,
    /// The signal that we get when our parent dies.
    pub(super) parent_death_signal: Option<i32>,
    /// The kernel kills the service when we die.
    pub(super) die_with_supervisor: bool,
    /// The process group and session of the service.
    pub(super) grouping: Grouping,
    /// The exit code when the command can't be executed; `None` for the shell's 126 and 127.
    pub(super) exec_failure: Option<u8>,
    /// The least important events that are printed.
    pub(super) log_level: LevelFilter,
}

impl Default for SupervisorConfig {
    fn default() -> Self {
        Self::new(&RunOptions::default(), CompatFlags::default(), LevelFilter::Warn)
    }
}

impl SupervisorConfig {
    /// The configuration that `options` ask for, under the name that `compat` stands for.
    pub(crate) fn new(options: &RunOptions, compat: CompatFlags, log_level: LevelFilter) -> Self {
        let grouping = match options.session {
            Some(true) => Grouping::Session,
            _ if compat.shares_group => Grouping::Shared,
            _ => Grouping::Group,
        };
        let mut config = Self {
            target: options.signal_to.unwrap_or_default(),
            rewrite: std::array::from_fn(|signal| u8::try_from(signal).unwrap_or(0)),
            expect_exit: options.expect_exit.clone(),
            stop_timeout: options.stop_timeout.unwrap_or_default(),
            orphans: options.orphan_timeout.unwrap_or_default(),
            reap_kill: options.reap_kill.unwrap_or(false),
            subreaper: options.subreaper.unwrap_or(true),
            parent_death_signal: options.parent_death_signal.map(Signal::number),
            die_with_supervisor: options.die_with_supervisor.unwrap_or(false),
            grouping,
            exec_failure: compat.exec_failure,
            log_level,
        };
        if grouping == Grouping::Session {
            // The group that leads a session of its own is an orphaned one, in which the kernel ignores the signals
            // of job control (setpgid(2)); SIGSTOP does what they ask for. dumb-init has the same rule.
            for signal in [libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
                config.set_rewrite(signal, libc::SIGSTOP);
            }
        }
        for (from, to) in &options.rewrite {
            config.set_rewrite(from.number(), to.map_or(0, Signal::number));
        }
        config
    }

    /// From now on signal `from` is forwarded as `to`, or with 0 not at all.
    pub(super) fn set_rewrite(&mut self, from: i32, to: i32) {
        let place = usize::try_from(from).ok().and_then(|index| self.rewrite.get_mut(index));
        if let (Some(place), Ok(to)) = (place, u8::try_from(to)) {
            *place = to;
        }
    }

    /// The signal that `from` is forwarded as; 0 for none.
    pub(super) fn rewritten(&self, from: i32) -> i32 {
        usize::try_from(from).ok().and_then(|index| self.rewrite.get(index)).map_or(0, |&to| i32::from(to))
    }

    /// Our exit code when the service exits with `code`.
    pub(super) fn exit_code(&self, code: i32) -> i32 {
        let last = self.expect_exit.iter().rev().find(|(from, _)| i32::from(*from) == code);
        last.map_or(code, |&(_, to)| i32::from(to))
    }
}
