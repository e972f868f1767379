//! Watches settings: reads them, reports what drifts, and repairs it if that is asked for.
//!
//! [`run`] is the daemon: one thread that waits for a signal, for a notice that a setting was written, or for the next
//! sweep, whichever comes first. What it does then is [`Watcher`]'s.

mod backoff;
mod config_watcher;
mod event;
mod event_loop;
mod file_watcher;
mod messages;
mod pressure;
mod state;
mod status;
pub mod timestamp;
mod watched_setting;
mod watcher;

pub use backoff::Backoff;
pub use event::{Observed, RepairFailure, Since, Summary, WatchEvent, Writer, WriterName};
pub use messages::message;
pub use state::WatchState;
pub use status::ServiceManager;
pub use timestamp::{Now, format_timestamp};
pub use watched_setting::{Trigger, WatchedSetting};
pub use watcher::{RepairJournal, RepairPolicy, WatchConfig, Watcher};

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::formats::prometheus;
use crate::kernel::Kernel;
use crate::sys::{self, FileMode};

/// What a watch needs from its surroundings.
pub trait WatchHost {
    /// Reads the profile again.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    fn read_config(&mut self) -> Result<WatchConfig, String>;

    /// The kernel to read and to write.
    fn kernel(&mut self) -> &mut dyn Kernel;

    /// Reports an event.
    fn report(&mut self, event: &WatchEvent);
}

/// How to watch.
#[derive(Debug)]
pub struct WatchOptions {
    /// Whether to repair what does not hold.
    pub repair: bool,
    /// The journal in which the original values are recorded before a repair.
    pub journal: Option<RepairJournal>,
    /// Time between two sweeps.
    pub interval: Duration,
    /// The file that metrics are written to.
    pub metrics: Option<PathBuf>,
    /// Where processes are found, `/proc`.
    pub processes: PathBuf,
    /// The process whose network namespace and descriptors are in the metrics beside our own.
    pub pid: Option<i32>,
}

/// The longest first pause between two repairs of the same setting.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

impl WatchOptions {
    fn watcher(&self, config: WatchConfig) -> Watcher {
        let pause = self.interval.min(FIRST_PAUSE);
        let policy = if self.repair { RepairPolicy::After(pause) } else { RepairPolicy::Never };
        Watcher::new(config, policy, self.journal.clone())
    }

    /// Writes the metrics if they are asked for; returns what to report where that failed.
    fn write_metrics(&self, watcher: &Watcher, profile_is_valid: bool) -> Option<WatchEvent> {
        let path = self.metrics.as_ref()?;
        let text = status::metrics(watcher.state(), &watcher.config().profiles, self.interval, profile_is_valid);
        let text = text + &prometheus::figures(&pressure::figures(&self.processes, self.pid));
        // The collector runs as another user.
        let error = sys::replace_file(path, text.as_bytes(), FileMode::Exactly(0o644)).err()?;
        Some(WatchEvent::MetricsNotWritten { path: path.clone(), error })
    }
}

/// Sweeps once, repairs what does not hold if that is asked for, and reports what still does not. Returns whether all
/// required settings hold.
pub fn once(config: WatchConfig, options: &WatchOptions, host: &mut dyn WatchHost) -> bool {
    let mut watcher = options.watcher(config);
    let mut events = watcher.sweep(host.kernel(), Now::read());
    // A repair may change another setting, and reading that back may fail: what is said at the end was read after it.
    if events.iter().any(|event| matches!(event, WatchEvent::Repaired { .. })) {
        events.extend(watcher.sweep(host.kernel(), Now::read()));
    }
    for event in events.into_iter().chain(options.write_metrics(&watcher, true)) {
        host.report(&event);
    }
    !watcher.state().settings.iter().any(WatchedSetting::fails)
}

/// Watches until a signal ends it.
///
/// # Errors
/// Signals can't be waited for, signalfd(2).
pub fn run(
    config: WatchConfig,
    options: &WatchOptions,
    service_manager: &ServiceManager,
    host: &mut dyn WatchHost,
) -> io::Result<()> {
    event_loop::EventLoop::start(config, options, service_manager, host)?.run();
    Ok(())
}
