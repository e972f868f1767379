//! `tunectl watch`: stay and keep comparing; tell of each change, and put it back if asked to.

use std::path::PathBuf;
use std::time::Duration;

use crate::cli::{ProfileArgs, is_on};
use crate::journal::{Journal, JournalError};
use crate::kernel::{AccessMode, Kernel};
use crate::model::duration;
use crate::watch::{self, RepairJournal, ServiceManager, WatchConfig, WatchHost, WatchMode};

use super::journaled::{here, not_kept, places};
use super::prepare::{Need, Prepared, prepare};
use super::{CommandError, Execute, FALLS_SHORT, USAGE, World};

/// Arguments of `tunectl watch`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub struct WatchArgs {
    /// Which profiles.
    #[command(flatten)]
    profile: ProfileArgs,
    /// Put back what falls short, and give up what someone else insists on.
    #[arg(long)]
    repair: bool,
    /// With `--repair`, keep no journal: `tunectl revert` will not know of it.
    #[arg(long, requires = "repair")]
    no_journal: bool,
    /// With `--repair`, write settings of the whole machine from inside a container or namespace too.
    #[arg(long, env = "TUNECTL_ALLOW_HOST_SETTINGS", value_parser = is_on)]
    allow_host_settings: bool,
    /// Look once and say by the exit code whether all that is required holds: for cron and CI.
    #[arg(long)]
    once: bool,
    /// Time between two looks at everything; a write that inotify sees is looked at at once.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = interval)]
    interval: Duration,
    /// Write metrics to this file after each look, for the textfile collector of Prometheus's `node_exporter`.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
}

/// Reads `--interval`.
fn interval(text: &str) -> Result<Duration, String> {
    const SHORTEST: Duration = Duration::from_millis(100);
    let time = duration::parse(text)?;
    if time < SHORTEST { Err("expected 100ms or more".to_owned()) } else { Ok(time) }
}

impl Execute for WatchArgs {
    fn access(&self) -> AccessMode {
        if self.repair { AccessMode::Write } else { AccessMode::Watch }
    }

    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        watch(self, world)
    }
}

fn watch(watch: &WatchArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    let orders = orders(watch, world)?;
    let diary = if watch.repair && !watch.no_journal { Some(diary(world)?) } else { None };
    let manner = WatchMode { repair: watch.repair, diary, interval: watch.interval, metrics: watch.metrics.clone() };
    if watch.once {
        let passes = watch::once(orders, &manner, &mut WatchedHere { watch, world });
        return Ok(if passes { 0 } else { FALLS_SHORT });
    }
    let manager = ServiceManager::new(&|name| world.os.variable(name));
    watch::stay(orders, &manner, &manager, &mut WatchedHere { watch, world })
        .map(|()| 0)
        .map_err(|problem| CommandError::new(FALLS_SHORT, problem))
}

/// The journal, which has to be one that can be kept: later nobody may be there to read that it is not.
fn diary(world: &mut World<'_>) -> Result<RepairJournal, CommandError> {
    let environment = world.os.environment();
    let places = places(&environment, world);
    match Journal::open_or_create(&places) {
        Ok(_) | Err(JournalError::Locked { .. }) => Ok(RepairJournal { places, here: here(&environment, world) }),
        Err(trouble) => Err(not_kept(&trouble)),
    }
}

/// Reads the profile. Its limits are left out: they belong to processes, and none is meant here.
fn orders(watch: &WatchArgs, world: &World<'_>) -> Result<WatchConfig, CommandError> {
    let Prepared { profile, requirements, place, files, .. } =
        prepare(&watch.profile, Need::Profile, watch.allow_host_settings, world)?;
    if !requirements.limits.is_empty() {
        if requirements.keys.is_empty() {
            return Err(CommandError::new(USAGE, "there is nothing to watch: resource limits belong to a process")
                .help("`tunectl check --pid PID` compares them"));
        }
        log::warn!("resource limits belong to a process and are not watched: `tunectl check --pid PID` compares them");
    }
    Ok(WatchConfig { profiles: profile.names, requirements: requirements.keys, place, files })
}

/// Where a watch happens.
struct WatchedHere<'a, 'w> {
    watch: &'a WatchArgs,
    world: &'a mut World<'w>,
}

impl WatchHost for WatchedHere<'_, '_> {
    fn orders(&mut self) -> Result<WatchConfig, String> {
        orders(self.watch, self.world).map_err(|error| error.to_string())
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
