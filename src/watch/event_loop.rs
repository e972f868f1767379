//! The daemon's loop: what it waits for, and what it does then.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::config_watcher::ConfigWatcher;
use super::file_watcher::FileWatcher;
use super::timestamp::{Now, stamp};
use super::watcher::{WatchConfig, Watcher};
use super::{ServiceManager, WatchHost, WatchMode, write_metrics};
use crate::sys::{self, LinkNotices};

/// After a look at what was written to, more of that waits so long: whoever writes without end can't make us run
/// without end. A change is still seen within a tenth of a second.
const REST: Duration = Duration::from_millis(25);
/// A profile is read again, and new interfaces are looked at, when nothing more has come for so long.
const SETTLE: Duration = Duration::from_millis(200);
/// Interfaces that come and go all the time cause no more sweeps than one in so long.
const SWEEPS_APART: Duration = Duration::from_secs(1);
/// While settings arrive, everything is looked at so often at once: what comes after we have stood by is not told of.
const LOOKS: usize = 4;
/// Metrics are written no more often than that.
const METRICS_APART: Duration = Duration::from_secs(1);

pub(super) struct EventLoop<'a> {
    manner: &'a WatchMode,
    manager: &'a ServiceManager,
    master: &'a mut dyn WatchHost,
    watcher: Watcher,
    bell: OwnedFd,
    sentinel: FileWatcher,
    sources: ConfigWatcher,
    links: Option<LinkNotices>,
    sound: bool,
    metrics_work: bool,
    swept: Instant,
    due: Due,
}

/// When something is to be done.
struct Due {
    sweep: Instant,
    /// Not before then is it asked what was written to.
    rest: Option<Instant>,
    reload: Option<Instant>,
    metrics: Option<Instant>,
    metrics_last: Option<Instant>,
    ping: Option<Instant>,
}

/// Which of the things that are waited for has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Visitor {
    Signal,
    Writer,
    Source,
    Link,
}

impl<'a> EventLoop<'a> {
    pub(super) fn begin(
        orders: WatchConfig,
        manner: &'a WatchMode,
        manager: &'a ServiceManager,
        master: &'a mut dyn WatchHost,
    ) -> Result<Self, String> {
        let bell =
            sys::signal_bell().map_err(|error| format!("signals can't be waited for here: {}", sys::reason(&error)))?;
        let now = Instant::now();
        let due = Due { sweep: now, rest: None, reload: None, metrics: None, metrics_last: None, ping: None };
        let mut duty = Self {
            watcher: manner.watcher(orders),
            sentinel: FileWatcher::new(),
            sources: ConfigWatcher::new(),
            links: LinkNotices::new().ok(),
            sound: true,
            metrics_work: true,
            swept: now,
            manner,
            manager,
            master,
            bell,
            due,
        };
        duty.sources.follow(&duty.watcher.orders().files);
        duty.sweep();
        duty.greet("watching");
        duty.due.ping = manager.patience.map(|patience| now + patience / 2);
        manager.tell("READY=1");
        Ok(duty)
    }

    /// Serves until a signal ends it.
    pub(super) fn serve(mut self) {
        let mut forgotten = Instant::now();
        loop {
            if self.swept != forgotten {
                // What a sweep has read of our own program is a third of what we hold, and not needed until the next.
                sys::forget_program();
                forgotten = self.swept;
            }
            let visitors = self.wait();
            let has = |visitor| visitors.contains(&visitor);
            if has(Visitor::Signal) && !self.on_signals() {
                self.manager.tell("STOPPING=1");
                return;
            }
            if has(Visitor::Writer) {
                self.on_writes();
            }
            if has(Visitor::Source) {
                self.sources.take();
                self.due.reload = Some(Instant::now() + SETTLE);
            }
            if has(Visitor::Link) {
                if let Some(links) = &self.links {
                    links.take();
                }
                let soon = (Instant::now() + SETTLE).max(self.swept + SWEEPS_APART);
                self.due.sweep = self.due.sweep.min(soon);
            }
            self.on_time();
        }
    }

    fn wait(&mut self) -> Vec<Visitor> {
        let now = Instant::now();
        if self.due.rest.is_some_and(|end| end <= now) {
            self.due.rest = None;
        }
        let doors: Vec<(Visitor, BorrowedFd<'_>)> = [
            Some((Visitor::Signal, self.bell.as_fd())),
            self.sentinel.descriptor().filter(|_| self.due.rest.is_none()).map(|fd| (Visitor::Writer, fd)),
            self.sources.descriptor().map(|fd| (Visitor::Source, fd)),
            self.links.as_ref().map(|links| (Visitor::Link, links.descriptor())),
        ]
        .into_iter()
        .flatten()
        .collect();
        let descriptors: Vec<BorrowedFd<'_>> = doors.iter().map(|(_, fd)| *fd).collect();
        let next = self.next(now).saturating_duration_since(now);
        // A failure is out of memory or a signal that stopped us: as if the time were over.
        let ready = sys::wait_for_any(&descriptors, Some(next)).unwrap_or(0);
        let came = doors.iter().enumerate().filter(|(at, _)| ready >> at & 1 == 1);
        came.map(|(_, (visitor, _))| *visitor).collect()
    }

    fn next(&self, now: Instant) -> Instant {
        let Due { sweep, rest, reload, metrics, ping, .. } = &self.due;
        let repair = self.watcher.repair_due();
        let next = [Some(*sweep), *rest, *reload, *metrics, *ping, repair].into_iter().flatten().min();
        next.unwrap_or(now)
    }

    /// Takes every signal that waits; says whether to go on.
    fn on_signals(&mut self) -> bool {
        while let Some(info) = sys::take_signal(Some(Duration::ZERO)) {
            match info.signal() {
                libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => return false,
                libc::SIGHUP => self.reload(),
                libc::SIGTSTP => {
                    // The one that was taken is sent again, and stops us.
                    sys::suspend();
                }
                _ => {}
            }
        }
        true
    }

    fn on_writes(&mut self) {
        let touched = self.sentinel.take();
        if touched.lost {
            self.sweep();
        } else if !touched.keys.is_empty() {
            let lines = self.watcher.look_at(&touched.keys, self.master.kernel(), Now::read());
            self.tell(&lines);
        }
        self.due.rest = Some(Instant::now() + REST);
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.due.reload) {
            self.due.reload = None;
            if self.sources.have_changed() {
                self.reload();
            }
        }
        if self.due.sweep <= now {
            // A file that nobody tells of, on a network's file system for example, is found out here.
            if self.sources.have_changed() {
                self.reload();
            } else {
                self.sweep();
            }
        }
        if is_due(self.watcher.repair_due()) {
            let lines = self.watcher.mend(self.master.kernel(), Now::read());
            self.tell(&lines);
        }
        if is_due(self.due.metrics) {
            self.write_metrics();
        }
        if is_due(self.due.ping) {
            self.manager.tell("WATCHDOG=1");
            self.due.ping = self.manager.patience.map(|patience| now + patience / 2);
        }
    }

    fn sweep(&mut self) {
        for _ in 0..LOOKS {
            self.look();
            if !self.watcher.has_arrivals() {
                break;
            }
        }
        self.write_metrics();
        self.status();
    }

    /// First to stand by and then to look: a write between the two is seen twice and never missed. What is found to
    /// have come needs another look therefore.
    fn look(&mut self) {
        self.sentinel.post(self.watcher.ledger().entries.iter().map(|entry| &entry.key));
        let lines = self.watcher.sweep(self.master.kernel(), Now::read());
        self.swept = Instant::now();
        self.due.sweep = self.swept + self.manner.interval;
        self.tell(&lines);
    }

    fn reload(&mut self) {
        self.due.reload = None;
        self.manager.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", sys::monotonic_microseconds()));
        match self.master.orders() {
            Ok(orders) => {
                self.sound = true;
                self.sources.follow(&orders.files);
                let lines = self.watcher.reload(orders, self.master.kernel(), Now::read());
                self.tell(&lines);
                self.look();
                self.greet("reloaded:");
            }
            Err(problem) => {
                self.sound = false;
                // What is wrong now is not said again before the files change again.
                self.sources.have_changed();
                self.master.warn(&format!("{}\nwarning: the profile of before stays in force", problem.trim_end()));
                self.look();
            }
        }
        self.manager.tell("READY=1");
        self.write_metrics();
        self.status();
    }

    /// Passes lines on. They are news, so that the metrics have changed too.
    fn tell(&mut self, lines: &[String]) {
        for line in lines {
            self.master.hear(line);
        }
        if !lines.is_empty() && self.due.metrics.is_none() {
            let now = Instant::now();
            self.due.metrics = Some(self.due.metrics_last.map_or(now, |last| now.max(last + METRICS_APART)));
            self.status();
        }
    }

    fn greet(&mut self, what: &str) {
        let (all, short) = self.watcher.ledger().counts();
        let profiles = self.watcher.orders().profiles.join(", ");
        let of = if profiles.is_empty() { String::new() } else { format!(" of {profiles}") };
        self.master.hear(&format!("{what} {}{of}, {} hold, {short} fall short", counted(all), all - short));
    }

    fn status(&self) {
        let ledger = self.watcher.ledger();
        let (all, short) = ledger.counts();
        let swept = ledger.swept.map_or_else(String::new, |at| format!(", looked at {}", stamp(at)));
        let broken = if self.sound { "" } else { "; the profile on disk is broken" };
        self.manager.tell(&format!("STATUS={}, {short} fall short{swept}{broken}", counted(all)));
    }

    fn write_metrics(&mut self) {
        self.due.metrics = None;
        self.due.metrics_last = Some(Instant::now());
        let written = write_metrics(&self.watcher, self.manner, self.sound);
        let worked = std::mem::replace(&mut self.metrics_work, written.is_ok());
        // Said once, and again only after it has worked in between.
        match written {
            Err(problem) if worked => self.master.warn(&problem),
            _ => {}
        }
    }
}

fn counted(all: usize) -> String {
    format!("{all} {}", if all == 1 { "setting" } else { "settings" })
}
