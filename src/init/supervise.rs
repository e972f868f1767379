//! The supervisor's loop: take a signal, hand it on, reap; until the service has ended.

use std::time::{Duration, Instant};

use super::config::{Grouping, SupervisorConfig, Verbosity};
use super::orphans::Orphans;
use super::reap_throttle::Pace;
use super::stderr_log::{detail, warning};
use super::terminal::Terminal;
use super::{forward, shutdown};
use crate::model::run::SignalTarget;
use crate::sys::{self, Ended, Info, WaitStatus};

/// Whom we watch, and how.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) child: i32,
    pub(super) orders: SupervisorConfig,
}

struct Supervisor {
    child: i32,
    orders: SupervisorConfig,
    terminal: Option<Terminal>,
    /// Whether the child is stopped.
    stopped: bool,
    /// When its time to end is over.
    kill_at: Option<Instant>,
    orphans: Option<Orphans>,
    pace: Pace,
}

/// Supervises until the child has ended and nothing is left of it; returns the code to exit with.
pub(super) fn supervise(watch: Watch) -> i32 {
    let Watch { child, orders } = watch;
    let mut supervisor = Supervisor {
        child,
        terminal: Terminal::find(),
        stopped: false,
        kill_at: None,
        orphans: orders.reap_kill.then(|| Orphans::new(child)),
        orders,
        pace: Pace::default(),
    };
    let ended = supervisor.watch();
    supervisor.take_terminal_back();
    shutdown::end_leftovers(&supervisor.orders, child);
    supervisor.orders.exit_code(ended.exit_code())
}

impl Supervisor {
    fn watch(&mut self) -> Ended {
        loop {
            // Before the first wait too: for a child that was quicker than we are.
            if self.pace.is_due() {
                if let Some(ended) = self.reap() {
                    return ended;
                }
            }
            self.on_time();
            let patience = self.patience();
            let taken = if self.pace.rests() {
                sys::take_signal_but(libc::SIGCHLD, patience)
            } else {
                sys::take_signal(patience)
            };
            match taken {
                Some(info) if info.signal() == libc::SIGCHLD => self.pace.child_changed(),
                Some(info) => {
                    self.on_signal(&info);
                    self.pace.other_signal();
                }
                None => self.pace.look(),
            }
        }
    }

    /// How long nothing is due. For ever, as a rule: an idle supervisor never wakes up.
    fn patience(&self) -> Option<Duration> {
        let orphans = self.orphans.as_ref().map(Orphans::due);
        let due = [self.kill_at, orphans, self.pace.due()].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    fn on_signal(&mut self, info: &Info) {
        if info.signal() == libc::SIGPIPE && info.sender() == sys::own_pid() {
            // Our own: a message of ours had no reader.
            return;
        }
        let resumes = info.signal() == libc::SIGCONT;
        if resumes {
            self.give_terminal();
        }
        let mut target = self.orders.target;
        // What stopped it stopped its whole group, and what the terminal sends it sends to a whole job: to ours, in
        // which the service's group would be if it did not have one of its own.
        let for_a_job = (resumes && self.stopped) || forward::is_from_terminal(info);
        if for_a_job && target == SignalTarget::Child && self.orders.grouping != Grouping::Shared {
            target = SignalTarget::Group;
        }
        let sent = forward::forward(&self.orders, self.child, target, info);
        let asks_to_end = |signal| [libc::SIGTERM, libc::SIGINT, libc::SIGQUIT].contains(&signal);
        let timeout = self.orders.stop_timeout;
        if !timeout.is_zero() && sent.is_some_and(|sent| asks_to_end(sent) || asks_to_end(info.signal())) {
            // Asking again gives no more time.
            self.kill_at = self.kill_at.or_else(|| Instant::now().checked_add(timeout));
        }
    }

    fn on_time(&mut self) {
        if self.kill_at.is_some_and(|due| due <= Instant::now()) {
            self.kill_at = None;
            warning(&self.orders, &"the service did not end in time (stop_timeout): SIGKILL");
            drop(sys::kill(self.child, libc::SIGKILL));
        }
        if let Some(orphans) = &mut self.orphans {
            orphans.on_time(&self.orders);
        }
    }

    /// Waits for all that has ended; says how the child did, if it has.
    fn reap(&mut self) -> Option<Ended> {
        let mut main = None;
        let mut orphans = false;
        loop {
            match sys::wait_any() {
                Ok(Some((pid, status))) if pid == self.child => {
                    main = main.or(status.ended());
                    self.on_change(status);
                }
                Ok(Some((pid, status))) => {
                    if let Some(ended) = status.ended() {
                        orphans = true;
                        if let Some(adopted) = &mut self.orphans {
                            adopted.ended(pid);
                        }
                        detail(&self.orders, Verbosity::Reaping, &format_args!("reaped orphan {pid}: {ended}"));
                    }
                }
                Ok(None) => break,
                // ECHILD: there are none left. If the child is not among those that were, its end can't be known.
                Err(_) => return main.or(Some(Ended::Code(125))),
            }
        }
        self.pace.reaped(orphans);
        main
    }

    fn on_change(&mut self, status: WaitStatus) {
        if let Some(signal) = status.stopped() {
            self.stopped = true;
            self.on_stop(signal);
        } else if status.continued() {
            self.stopped = false;
        }
    }

    /// Job control. A shell that waits for us must see that its job has stopped, though it was only our child.
    fn on_stop(&self, signal: i32) {
        let Some(terminal) = &self.terminal else { return };
        let in_front = terminal.is_in_front(sys::own_group());
        let wants_terminal = [libc::SIGTTIN, libc::SIGTTOU].contains(&signal);
        if wants_terminal && in_front && self.orders.grouping == Grouping::Group {
            // It asked for the foreground that is ours to give.
            terminal.bring_to_front(self.child);
            drop(sys::kill(-self.child, libc::SIGCONT));
            return;
        }
        if sys::own_pid() == 1 {
            // Nobody could resume us. SIGCONT, sent to us or to it, resumes the child.
            return;
        }
        let was_in_front = terminal.is_in_front(self.child);
        if was_in_front {
            terminal.bring_to_front(sys::own_group());
        }
        if (was_in_front && signal != libc::SIGSTOP) || wants_terminal {
            // The terminal stops a whole job at once, and the rest of ours may be in our group.
            drop(sys::kill(0, signal));
        } else if signal == libc::SIGSTOP && !was_in_front && !in_front {
            return;
        }
        sys::suspend();
        // Where nobody can resume us we were not stopped, and what we sent ourselves still waits.
        sys::discard_signal(signal);
    }

    /// The shell has resumed us: in the foreground, if that is ours now.
    fn give_terminal(&self) {
        if let Some(terminal) = &self.terminal {
            if self.stopped && self.orders.grouping == Grouping::Group && terminal.is_in_front(sys::own_group()) {
                terminal.bring_to_front(self.child);
            }
        }
    }

    fn take_terminal_back(&self) {
        if let Some(terminal) = &self.terminal {
            if terminal.is_in_front(self.child) {
                terminal.bring_to_front(sys::own_group());
            }
        }
    }
}
