//! `tunectl watch`: stay and keep comparing; tell of each change, and put it back if asked to.

use crate::cli::Watch;
use crate::journal::{Store, Trouble};
use crate::kernel::Kernel;
use crate::watch::{self, Diary, Manager, Manner, Master, Orders};

use super::journaled::{here, not_kept, places};
use super::prepare::{Need, Ready, prepare};
use super::{FALLS_SHORT, Failure, USAGE, World};

#[inline(never)]
pub(super) fn watch(watch: &Watch, world: &mut World<'_>) -> Result<i32, Failure> {
    let orders = orders(watch, world)?;
    let diary = if watch.repair && !watch.no_journal { Some(diary(world)?) } else { None };
    let manner = Manner { repair: watch.repair, diary, interval: watch.interval, metrics: watch.metrics.clone() };
    if watch.once {
        let passes = watch::once(orders, &manner, &mut Here { watch, world });
        return Ok(if passes { 0 } else { FALLS_SHORT });
    }
    let manager = Manager::new(world.variable);
    watch::stay(orders, &manner, &manager, &mut Here { watch, world })
        .map(|()| 0)
        .map_err(|problem| Failure::new(FALLS_SHORT, problem))
}

/// The journal, which has to be one that can be kept: later nobody may be there to read that it is not.
fn diary(world: &mut World<'_>) -> Result<Diary, Failure> {
    let context = (world.context)();
    let places = places(&context, world);
    match Store::make(&places) {
        Ok(_) | Err(Trouble::Locked { .. }) => Ok(Diary { places, here: here(&context, world) }),
        Err(trouble) => Err(not_kept(&trouble)),
    }
}

/// Reads the profile. Its limits are left out: they belong to processes, and none is meant here.
fn orders(watch: &Watch, world: &World<'_>) -> Result<Orders, Failure> {
    let Ready { profile, goals, place, files, .. } =
        prepare(&watch.asked, Need::Profile, watch.allow_host_settings, world)?;
    if !goals.limits.is_empty() {
        if goals.keys.is_empty() {
            return Err(Failure::new(USAGE, "there is nothing to watch: resource limits belong to a process")
                .help("`tunectl check --pid PID` compares them"));
        }
        log::warn!("resource limits belong to a process and are not watched: `tunectl check --pid PID` compares them");
    }
    Ok(Orders { profiles: profile.names, goals: goals.keys, place, files })
}

/// Where a watch happens.
struct Here<'a, 'w> {
    watch: &'a Watch,
    world: &'a mut World<'w>,
}

impl Master for Here<'_, '_> {
    fn orders(&mut self) -> Result<Orders, String> {
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
