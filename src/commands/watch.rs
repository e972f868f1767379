//! `tunectl watch`: stay and keep comparing; tell of each change, and put it back if asked to.

use crate::cli::Watch;
use crate::journal::{Journal, JournalError};
use crate::kernel::Kernel;
use crate::watch::{self, RepairJournal, ServiceManager, WatchConfig, WatchHost, WatchMode};

use super::journaled::{here, not_kept, places};
use super::prepare::{Need, Prepared, prepare};
use super::{FALLS_SHORT, Failure, USAGE, World};

#[inline(never)]
pub(super) fn watch(watch: &Watch, world: &mut World<'_>) -> Result<i32, Failure> {
    let orders = orders(watch, world)?;
    let diary = if watch.repair && !watch.no_journal { Some(diary(world)?) } else { None };
    let manner = WatchMode { repair: watch.repair, diary, interval: watch.interval, metrics: watch.metrics.clone() };
    if watch.once {
        let passes = watch::once(orders, &manner, &mut WatchedHere { watch, world });
        return Ok(if passes { 0 } else { FALLS_SHORT });
    }
    let manager = ServiceManager::new(world.variable);
    watch::stay(orders, &manner, &manager, &mut WatchedHere { watch, world })
        .map(|()| 0)
        .map_err(|problem| Failure::new(FALLS_SHORT, problem))
}

/// The journal, which has to be one that can be kept: later nobody may be there to read that it is not.
fn diary(world: &mut World<'_>) -> Result<RepairJournal, Failure> {
    let environment = (world.environment)();
    let places = places(&environment, world);
    match Journal::open_or_create(&places) {
        Ok(_) | Err(JournalError::Locked { .. }) => Ok(RepairJournal { places, here: here(&environment, world) }),
        Err(trouble) => Err(not_kept(&trouble)),
    }
}

/// Reads the profile. Its limits are left out: they belong to processes, and none is meant here.
fn orders(watch: &Watch, world: &World<'_>) -> Result<WatchConfig, Failure> {
    let Prepared { profile, requirements, place, files, .. } =
        prepare(&watch.asked, Need::Profile, watch.allow_host_settings, world)?;
    if !requirements.limits.is_empty() {
        if requirements.keys.is_empty() {
            return Err(Failure::new(USAGE, "there is nothing to watch: resource limits belong to a process")
                .help("`tunectl check --pid PID` compares them"));
        }
        log::warn!("resource limits belong to a process and are not watched: `tunectl check --pid PID` compares them");
    }
    Ok(WatchConfig { profiles: profile.names, requirements: requirements.keys, place, files })
}

/// Where a watch happens.
struct WatchedHere<'a, 'w> {
    watch: &'a Watch,
    world: &'a mut World<'w>,
}

impl WatchHost for WatchedHere<'_, '_> {
    fn orders(&mut self) -> Result<WatchConfig, String> {
        orders(self.watch, self.world).map_err(|failure| failure.message)
    }

    fn kernel(&mut self) -> &mut dyn Kernel {
        self.world.kernel
    }

    // Line by line, at once: what is written to a pipe or to the journal must not wait for more.
    fn hear(&mut self, line: &str) {
        drop(writeln!(self.world.out, "{line}"));
        drop(self.world.out.flush());
    }

    fn warn(&mut self, text: &str) {
        drop(writeln!(self.world.err, "{text}"));
    }
}
