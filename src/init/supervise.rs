//! The supervisor's loop: take a signal, forward it, reap; until the service has ended.

use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use super::config::{Grouping, SupervisorConfig};
use super::messages::{Event, report};
use super::orphans::OrphanKiller;
use super::reap_throttle::ReapThrottle;
use super::terminal::Terminal;
use super::{forward, shutdown};
use crate::model::run::SignalTarget;
use crate::sys::{self, Ended, SignalInfo, WaitStatus};

/// The exit code where how the service ended could not be known.
const UNKNOWN_END: Ended = Ended::Code(125);

/// How soon waiting for children is tried again that was refused.
const RETRY: Duration = Duration::from_secs(1);

struct Supervisor {
    /// The process ID of the service.
    child: i32,
    config: SupervisorConfig,
    terminal: Option<Terminal>,
    /// Whether the child is stopped by job control.
    stopped: bool,
    /// When `stop_timeout` is over, after a signal that asks the service to end.
    kill_at: Option<Instant>,
    /// When to wait for children again, where that was refused.
    retry_at: Option<Instant>,
    /// With `reap_kill` only.
    orphan_killer: Option<OrphanKiller>,
    throttle: ReapThrottle,
}

/// Supervises process `child` until it has ended and no descendant is left; returns our exit code.
pub(super) fn supervise(child: i32, config: SupervisorConfig) -> i32 {
    let mut supervisor = Supervisor {
        child,
        terminal: Terminal::find(),
        stopped: false,
        kill_at: None,
        retry_at: None,
        orphan_killer: config.reap_kill.then(|| OrphanKiller::new(child)),
        config,
        throttle: ReapThrottle::default(),
    };
    let ended = supervisor.wait_for_end();
    supervisor.take_terminal_back();
    shutdown::end_orphans(&supervisor.config, child);
    supervisor.config.exit_code(ended.exit_code())
}

impl Supervisor {
    fn wait_for_end(&mut self) -> Ended {
        loop {
            // Before the first wait too, for a child that has ended already.
            if self.throttle.is_due() {
                if let Some(ended) = self.reap() {
                    return ended;
                }
            }
            self.handle_deadlines();
            let timeout = self.next_deadline();
            let signal = if self.throttle.is_paused() {
                sys::wait_signal_except(libc::SIGCHLD, timeout)
            } else {
                sys::wait_signal(timeout)
            };
            match signal {
                Some(info) if info.signal() == libc::SIGCHLD => self.throttle.on_sigchld(),
                Some(info) => {
                    self.handle_signal(&info);
                    self.throttle.on_other_signal();
                }
                None => self.throttle.make_due(),
            }
        }
    }

    /// Time to the next thing to do without a signal; `None`, as a rule, for an idle supervisor never wakes up.
    fn next_deadline(&self) -> Option<Duration> {
        let scan = self.orphan_killer.as_ref().map(OrphanKiller::next_scan);
        let due = [self.kill_at, scan, self.throttle.paused_until(), self.retry_at].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    fn handle_deadlines(&mut self) {
        if self.kill_at.is_some_and(|due| due <= Instant::now()) {
            self.kill_at = None;
            report(self.config.log_level, &Event::StopTimeout);
            drop(sys::kill(self.child, libc::SIGKILL));
        }
        if let Some(orphan_killer) = &mut self.orphan_killer {
            orphan_killer.scan_if_due(&self.config);
        }
    }

    fn handle_signal(&mut self, info: &SignalInfo) {
        if info.signal() == libc::SIGPIPE && info.sender() == sys::own_pid() {
            // Our own: a message of ours had no reader.
            return;
        }
        if info.signal() == libc::SIGCONT {
            self.resume_in_foreground();
        }
        let sent = forward::forward(&self.config, self.child, self.target_of(info), info);
        let asks_to_end = |signal| [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT].contains(&signal);
        let timeout = self.config.stop_timeout;
        if !timeout.is_zero() && sent.is_some_and(|sent| asks_to_end(sent) || asks_to_end(info.signal())) {
            // Asking again gives no more time.
            self.kill_at = self.kill_at.or_else(|| Instant::now().checked_add(timeout));
        }
    }

    /// Which processes get this signal. What stopped the child stopped its whole group, and the terminal signals a
    /// whole job: our group, in which the service's would be if it did not have one of its own.
    fn target_of(&self, info: &SignalInfo) -> SignalTarget {
        let resumes_job = info.signal() == libc::SIGCONT && self.stopped;
        let is_for_job = resumes_job || forward::is_from_terminal(info);
        match self.config.target {
            SignalTarget::Child if is_for_job && self.config.grouping != Grouping::Shared => SignalTarget::Group,
            target => target,
        }
    }

    /// Waits for all children that have ended; returns how the service did, if it has.
    fn reap(&mut self) -> Option<Ended> {
        let mut service = None;
        let mut orphans = false;
        self.retry_at = None;
        loop {
            match sys::wait_any() {
                Ok(Some((pid, status))) if pid == self.child => {
                    service = service.or(status.ended());
                    self.handle_job_control(status);
                }
                Ok(Some((pid, status))) => {
                    if let Some(ended) = status.ended() {
                        orphans = true;
                        if let Some(orphan_killer) = &mut self.orphan_killer {
                            orphan_killer.orphan_ended(pid);
                        }
                        report(self.config.log_level, &Event::OrphanReaped { pid, ended });
                    }
                }
                Ok(None) => break,
                // None are left, and the service was not among those that were.
                Err(error) if error.raw_os_error() == Some(libc::ECHILD) => return service.or(Some(UNKNOWN_END)),
                // A filter of system calls. The service runs on, and we stay for it.
                Err(_) if service.is_none() && !has_ended(self.child) => {
                    self.retry_at = Instant::now().checked_add(RETRY);
                    break;
                }
                Err(_) => return service.or(Some(UNKNOWN_END)),
            }
        }
        self.throttle.on_reaped(orphans);
        service
    }

    fn handle_job_control(&mut self, status: WaitStatus) {
        if let Some(signal) = status.stopped() {
            self.stopped = true;
            self.stop_with_child(signal);
        } else if status.continued() {
            self.stopped = false;
        }
    }

    /// The child was stopped by `signal`: stops our own job too, for a shell that waits for us must see that its job
    /// has stopped, though it was only our child.
    fn stop_with_child(&self, signal: i32) {
        let Some(terminal) = &self.terminal else { return };
        let in_foreground = terminal.is_foreground(sys::own_group());
        let wants_terminal = [libc::SIGTTIN, libc::SIGTTOU].contains(&signal);
        if wants_terminal && in_foreground && self.config.grouping == Grouping::Group {
            // It asked for the foreground, which is ours to give.
            terminal.set_foreground(self.child);
            drop(sys::kill(-self.child, libc::SIGCONT));
            return;
        }
        if sys::own_pid() == 1 {
            // Nobody could resume us. SIGCONT, sent to us or to it, resumes the child.
            return;
        }
        let was_in_foreground = terminal.is_foreground(self.child);
        if was_in_foreground {
            terminal.set_foreground(sys::own_group());
        }
        if (was_in_foreground && signal != libc::SIGSTOP) || wants_terminal {
            // The terminal stops a whole job at once, and the rest of ours may be in our group.
            drop(sys::kill(0, signal));
        } else if signal == libc::SIGSTOP && !was_in_foreground && !in_foreground {
            return;
        }
        sys::suspend();
        // Where nobody can resume us we were not stopped, and the signal that we sent to our group is still pending.
        sys::discard_signal(signal);
    }

    /// The shell has resumed us, in the foreground or not: if so, the service gets it.
    fn resume_in_foreground(&self) {
        if let Some(terminal) = &self.terminal {
            if self.stopped && self.config.grouping == Grouping::Group && terminal.is_foreground(sys::own_group()) {
                terminal.set_foreground(self.child);
            }
        }
    }

    fn take_terminal_back(&self) {
        if let Some(terminal) = &self.terminal {
            if terminal.is_foreground(self.child) {
                terminal.set_foreground(sys::own_group());
            }
        }
    }
}

/// Whether the service has ended, where waiting for it was refused: then its pidfd can be read (`pidfd_open(2)`).
fn has_ended(child: i32) -> bool {
    sys::has_ended(child).unwrap_or_else(|| {
        let ended = sys::pidfd_open(child).and_then(|pidfd| sys::wait_for_any(&[pidfd.as_fd()], Some(Duration::ZERO)));
        ended.map_or_else(|error| error.raw_os_error() == Some(libc::ESRCH), |ready| ready != 0)
    })
}
