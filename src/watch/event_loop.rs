//! The daemon's loop: what it waits for, and what it does then.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::config_watcher::ConfigWatcher;
use super::file_watcher::FileWatcher;
use super::messages::status;
use super::timestamp::Now;
use super::watcher::{WatchConfig, Watcher};
use super::{ServiceManager, WatchEvent, WatchHost, WatchOptions};
use crate::sys::{self, LinkMonitor};

/// After settings that were written to were read, notices of more writes wait so long, so that a program that writes
/// without end can't make us run without end. A change is still seen within a tenth of a second.
const NOTICE_PAUSE: Duration = Duration::from_millis(25);
/// A profile is read again, and new interfaces are looked for, when nothing more has changed for so long.
const SETTLE: Duration = Duration::from_millis(200);
/// Interfaces that come and go all the time cause at most one sweep in so long.
const LINK_SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// While new settings appear, so many sweeps follow each other: writes to a setting are noticed only from the sweep
/// after the one that found it.
const SWEEPS_AT_ONCE: usize = 4;
/// Metrics are written at most once in so long.
const METRICS_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct EventLoop<'a> {
    options: &'a WatchOptions,
    service_manager: &'a ServiceManager,
    host: &'a mut dyn WatchHost,
    watcher: Watcher,
    signals: OwnedFd,
    file_watcher: FileWatcher,
    config_watcher: ConfigWatcher,
    links: Option<LinkMonitor>,
    profile_is_valid: bool,
    metrics_work: bool,
    last_sweep: Instant,
    due: Due,
}

/// When something is to be done.
struct Due {
    sweep: Instant,
    /// Notices of writes are not taken before then.
    notices: Option<Instant>,
    reload: Option<Instant>,
    metrics: Option<Instant>,
    last_metrics: Option<Instant>,
    watchdog: Option<Instant>,
}

/// What has made the loop wake up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wakeup {
    /// A signal is pending.
    Signal,
    /// A setting was written.
    SettingWritten,
    /// A file of the profile has changed.
    ConfigChanged,
    /// A network interface has come or gone.
    LinkChanged,
}

impl<'a> EventLoop<'a> {
    pub(super) fn start(
        config: WatchConfig,
        options: &'a WatchOptions,
        service_manager: &'a ServiceManager,
        host: &'a mut dyn WatchHost,
    ) -> io::Result<Self> {
        let signals = sys::signalfd()?;
        let now = Instant::now();
        let due = Due { sweep: now, notices: None, reload: None, metrics: None, last_metrics: None, watchdog: None };
        let mut event_loop = Self {
            watcher: options.watcher(config),
            file_watcher: FileWatcher::new(),
            config_watcher: ConfigWatcher::new(),
            links: LinkMonitor::new().ok(),
            profile_is_valid: true,
            metrics_work: true,
            last_sweep: now,
            options,
            service_manager,
            host,
            signals,
            due,
        };
        event_loop.config_watcher.watch(&event_loop.watcher.config().files);
        event_loop.sweep();
        event_loop.host.report(&WatchEvent::Started(event_loop.watcher.summary()));
        event_loop.due.watchdog = service_manager.watchdog.map(|watchdog| now + watchdog / 2);
        service_manager.notify("READY=1");
        Ok(event_loop)
    }

    /// Runs until a signal ends it.
    pub(super) fn run(mut self) {
        let mut memory_released = Instant::now();
        loop {
            if self.last_sweep != memory_released {
                // The pages of our program that a sweep has read are a third of our memory, and not needed until the
                // next.
                sys::madvise_dontneed();
                memory_released = self.last_sweep;
            }
            let wakeups = self.wait();
            let has = |wakeup| wakeups.contains(&wakeup);
            if has(Wakeup::Signal) && !self.on_signals() {
                self.service_manager.notify("STOPPING=1");
                return;
            }
            if has(Wakeup::SettingWritten) {
                self.on_writes();
            }
            if has(Wakeup::ConfigChanged) {
                self.config_watcher.drain();
                self.due.reload = Some(Instant::now() + SETTLE);
            }
            if has(Wakeup::LinkChanged) {
                if let Some(links) = &self.links {
                    links.take();
                }
                let soon = (Instant::now() + SETTLE).max(self.last_sweep + LINK_SWEEP_PAUSE);
                self.due.sweep = self.due.sweep.min(soon);
            }
            self.on_time();
        }
    }

    fn wait(&mut self) -> Vec<Wakeup> {
        let now = Instant::now();
        if self.due.notices.is_some_and(|end| end <= now) {
            self.due.notices = None;
        }
        let notices = self.file_watcher.descriptor().filter(|_| self.due.notices.is_none());
        let sources: Vec<(Wakeup, BorrowedFd<'_>)> = [
            Some((Wakeup::Signal, self.signals.as_fd())),
            notices.map(|fd| (Wakeup::SettingWritten, fd)),
            self.config_watcher.descriptor().map(|fd| (Wakeup::ConfigChanged, fd)),
            self.links.as_ref().map(|links| (Wakeup::LinkChanged, links.descriptor())),
        ]
        .into_iter()
        .flatten()
        .collect();
        let descriptors: Vec<BorrowedFd<'_>> = sources.iter().map(|(_, fd)| *fd).collect();
        let timeout = self.next_due(now).saturating_duration_since(now);
        // It fails for want of memory or for a signal that stopped us: as if the time were over.
        let ready = sys::wait_for_any(&descriptors, Some(timeout)).unwrap_or(0);
        let woken = sources.iter().enumerate().filter(|(index, _)| ready >> index & 1 == 1);
        woken.map(|(_, (wakeup, _))| *wakeup).collect()
    }

    fn next_due(&self, now: Instant) -> Instant {
        let Due { sweep, notices, reload, metrics, watchdog, .. } = &self.due;
        let repair = self.watcher.repair_due();
        [Some(*sweep), *notices, *reload, *metrics, *watchdog, repair].into_iter().flatten().min().unwrap_or(now)
    }

    /// Takes every pending signal; returns whether to go on.
    fn on_signals(&mut self) -> bool {
        while let Some(info) = sys::wait_signal(Some(Duration::ZERO)) {
            match info.signal() {
                libc::SIGTERM | libc::SIGINT | libc::SIGQUIT => return false,
                libc::SIGHUP => self.reload(),
                // The signal that was taken is sent again, and stops us.
                libc::SIGTSTP => sys::suspend(),
                _ => {}
            }
        }
        true
    }

    fn on_writes(&mut self) {
        let written = self.file_watcher.take();
        if written.lost {
            self.sweep();
        } else if !written.keys.is_empty() {
            let events = self.watcher.check_written(&written.keys, self.host.kernel(), Now::read());
            self.report(&events);
        }
        self.due.notices = Some(Instant::now() + NOTICE_PAUSE);
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        let is_due = |due: Option<Instant>| due.is_some_and(|due| due <= now);
        if is_due(self.due.reload) {
            self.due.reload = None;
            if self.config_watcher.has_changed() {
                self.reload();
            }
        }
        if self.due.sweep <= now {
            // Changes of files that cause no notice, on a network file system for example, are found here.
            if self.config_watcher.has_changed() {
                self.reload();
            } else {
                self.sweep();
            }
        }
        if is_due(self.watcher.repair_due()) {
            let events = self.watcher.repair(self.host.kernel(), Now::read());
            self.report(&events);
        }
        if is_due(self.due.metrics) {
            self.write_metrics();
        }
        if is_due(self.due.watchdog) {
            self.service_manager.notify("WATCHDOG=1");
            self.due.watchdog = self.service_manager.watchdog.map(|watchdog| now + watchdog / 2);
        }
    }

    fn sweep(&mut self) {
        for _ in 0..SWEEPS_AT_ONCE {
            self.sweep_once();
            if self.watcher.state().new_settings == 0 {
                break;
            }
        }
        self.write_metrics();
        self.notify_status();
    }

    /// The files are watched before they are read: a write between the two is seen twice and never missed.
    fn sweep_once(&mut self) {
        self.file_watcher.watch(self.watcher.state().settings.iter().map(|setting| &setting.key));
        let events = self.watcher.sweep(self.host.kernel(), Now::read());
        self.last_sweep = Instant::now();
        self.due.sweep = self.last_sweep + self.options.interval;
        self.report(&events);
    }

    fn reload(&mut self) {
        self.due.reload = None;
        let reloading = format!("RELOADING=1\nMONOTONIC_USEC={}", sys::monotonic_microseconds());
        self.service_manager.notify(&reloading);
        match self.host.read_config() {
            Ok(config) => {
                self.profile_is_valid = true;
                self.config_watcher.watch(&config.files);
                let events = self.watcher.reload(config, self.host.kernel(), Now::read());
                self.report(&events);
                self.sweep_once();
                self.host.report(&WatchEvent::Reloaded(self.watcher.summary()));
            }
            Err(problem) => {
                self.profile_is_valid = false;
                // The same problem is reported again only after the files have changed again.
                self.config_watcher.has_changed();
                self.host.report(&WatchEvent::KeptPreviousProfile(problem));
                self.sweep_once();
            }
        }
        self.service_manager.notify("READY=1");
        self.write_metrics();
        self.notify_status();
    }

    /// Reports events. They change the metrics and the status too.
    fn report(&mut self, events: &[WatchEvent]) {
        for event in events {
            self.host.report(event);
        }
        if !events.is_empty() && self.due.metrics.is_none() {
            let now = Instant::now();
            self.due.metrics = Some(self.due.last_metrics.map_or(now, |last| now.max(last + METRICS_PAUSE)));
            self.notify_status();
        }
    }

    fn notify_status(&self) {
        let (summary, swept) = (self.watcher.summary(), self.watcher.state().swept);
        let status = status(summary.all, summary.unsatisfied, swept, self.profile_is_valid);
        self.service_manager.notify(&format!("STATUS={status}"));
    }

    fn write_metrics(&mut self) {
        self.due.metrics = None;
        self.due.last_metrics = Some(Instant::now());
        let failure = self.options.write_metrics(&self.watcher, self.profile_is_valid);
        let worked = std::mem::replace(&mut self.metrics_work, failure.is_none());
        // Reported once, and again only after it has worked in between.
        if let Some(failure) = failure.filter(|_| worked) {
            self.host.report(&failure);
        }
    }
}
