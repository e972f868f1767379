//! Keeping watch over a machine: looking, telling what drifts, putting it back if that is asked for.
//!
//! [`stay`] is the daemon: one thread that waits for a signal, for a notice that something was written, or for the
//! next sweep, whichever comes first. What it does when it wakes up is [`Watcher`]'s.

mod backoff;
mod config_watcher;
mod event_loop;
mod file_watcher;
mod messages;
mod metrics;
mod repair_journal;
mod sd_notify;
mod state;
mod timestamp;
mod watched_setting;
mod watcher;

pub use backoff::Backoff;
pub use repair_journal::RepairJournal;
pub use sd_notify::ServiceManager;
pub use state::WatchState;
pub use timestamp::{Now, stamp};
pub use watched_setting::{Look, WatchedSetting};
pub use watcher::{Repair, WatchConfig, Watcher};

use std::path::PathBuf;
use std::time::Duration;

use crate::kernel::Kernel;
use crate::sys;

/// Whom the watch serves.
pub trait WatchHost {
    /// Reads the profile anew.
    ///
    /// # Errors
    /// What is wrong with it, in words for a person.
    fn orders(&mut self) -> Result<WatchConfig, String>;

    /// The kernel to look at.
    fn kernel(&mut self) -> &mut dyn Kernel;

    /// Hears a line that tells what became of a setting.
    fn hear(&mut self, line: &str);

    /// Hears what went wrong with the watch itself, in lines of its own.
    fn warn(&mut self, text: &str);
}

/// How to watch.
#[derive(Debug)]
pub struct WatchMode {
    /// Whether to put back what falls short.
    pub repair: bool,
    /// Where it is noted what stood there before that; nowhere if not.
    pub diary: Option<RepairJournal>,
    /// Time between two looks at everything.
    pub interval: Duration,
    /// Where metrics are written.
    pub metrics: Option<PathBuf>,
}

/// The longest first pause between two tries to put the same value back.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

impl WatchMode {
    fn repairs(&self) -> Repair {
        if self.repair { Repair::After(self.interval.min(FIRST_PAUSE)) } else { Repair::Never }
    }

    fn watcher(&self, orders: WatchConfig) -> Watcher {
        Watcher::new(orders, self.repairs()).noting(self.diary.clone())
    }
}

/// Looks at everything once, and puts back what falls short if that is asked for; tells of what still falls short.
/// Says whether all that is required holds.
pub fn once(orders: WatchConfig, manner: &WatchMode, master: &mut dyn WatchHost) -> bool {
    let mut watcher = manner.watcher(orders);
    for line in watcher.sweep(master.kernel(), Now::read()) {
        master.hear(&line);
    }
    if let Err(problem) = write_metrics(&watcher, manner, true) {
        master.warn(&problem);
    }
    !watcher.ledger().entries.iter().any(WatchedSetting::fails)
}

/// Stays until a signal ends it.
///
/// # Errors
/// Why there can be no waiting here, in words for a person.
pub fn stay(
    orders: WatchConfig,
    manner: &WatchMode,
    manager: &ServiceManager,
    master: &mut dyn WatchHost,
) -> Result<(), String> {
    event_loop::EventLoop::begin(orders, manner, manager, master)?.serve();
    Ok(())
}

/// Writes the metrics if they are asked for.
fn write_metrics(watcher: &Watcher, manner: &WatchMode, profile_is_sound: bool) -> Result<(), String> {
    let Some(path) = &manner.metrics else { return Ok(()) };
    let text = metrics::text(watcher.ledger(), &watcher.orders().profiles, manner.interval, profile_is_sound);
    metrics::replace(path, &text).map_err(|error| {
        format!("warning: metrics could not be written to `{}`: {}", path.display(), sys::reason(&error))
    })
}
