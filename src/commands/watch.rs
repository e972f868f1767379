//! `tunectl watch`: watch for drift, report it, and with `--repair` undo it.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;

use crate::cli::ProfileArgs;
use crate::journal::{Journal, JournalError};
use crate::kernel::{AccessMode, Kernel};
use crate::model::duration;
use crate::sys;
use crate::watch::{self, RepairJournal, ServiceManager, WatchConfig, WatchEvent, WatchHost, WatchOptions, message};

use super::journaled::{here, not_kept, places, revert_killed};
use super::prepare::{Need, Prepared, prepare};
use super::{CommandError, Execute, FALLS_SHORT, USAGE, World};

/// Arguments of `tunectl watch`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
#[command(
    after_help = "Examples:\n  tunectl watch -p production --once\n  sudo tunectl watch -p production --repair --metrics /var/lib/node_exporter/tunectl.prom"
)]
pub struct WatchArgs {
    /// Which profiles to watch.
    #[command(flatten)]
    profile: ProfileArgs,
    /// Undo drift; stop after repeated overwrites by another program.
    #[arg(long)]
    repair: bool,
    /// With `--repair`, keep no journal: `tunectl revert` can't undo it.
    #[arg(long, requires = "repair")]
    no_journal: bool,
    /// With `--repair`, write settings of the whole machine, even from inside a container or namespace.
    #[arg(long, env = "TUNECTL_ALLOW_HOST_SETTINGS", value_parser = FalseyValueParser::new())]
    allow_host_settings: bool,
    /// Check once; exit with 0 if all required settings match, else with 1: for cron and CI.
    #[arg(long)]
    once: bool,
    /// Time between two reads of all settings; writes that inotify reports are read at once.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = interval)]
    interval: Duration,
    /// Write metrics to this file after each read, for the textfile collector of Prometheus's `node_exporter`.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// With `--metrics`, add the network namespace and the open files of process PID.
    #[arg(long, value_name = "PID", requires = "metrics", value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
}

/// Reads the value of `--interval`, 100 ms at the least.
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
    let config = read_config(watch, world)?;
    let journal = if watch.repair && !watch.no_journal { Some(repair_journal(world)?) } else { None };
    let (repair, interval, metrics) = (watch.repair, watch.interval, watch.metrics.clone());
    let (processes, pid) = (world.processes.clone(), watch.pid);
    let options = WatchOptions { repair, journal, interval, metrics, processes, pid };
    world.os.hold_signals();
    if watch.once {
        let passes = watch::once(config, &options, &mut Host { watch, world });
        if let Some(signal) = world.kernel.ending_signal() {
            return Err(CommandError::interrupted(signal, "`tunectl revert` undoes what was repaired until then"));
        }
        return Ok(if passes { 0 } else { FALLS_SHORT });
    }
    let service_manager = ServiceManager::new(&|name| world.os.variable(name));
    watch::run(config, &options, &service_manager, &mut Host { watch, world })
        .map(|()| 0)
        .map_err(|error| CommandError::new(FALLS_SHORT, format!("cannot wait for signals: {}", sys::strerror(&error))))
}

/// The journal. That it can be written is checked now: later nobody may read that it can't.
fn repair_journal(world: &mut World<'_>) -> Result<RepairJournal, CommandError> {
    let environment = world.os.environment();
    let locations = places(&environment, world);
    match Journal::open_or_create(&locations) {
        Ok(journal) => {
            let here = here(&environment, world);
            world.os.hold_signals();
            revert_killed(&journal, &here, world)?;
            Ok(RepairJournal { locations, here })
        }
        Err(JournalError::Locked { .. }) => Ok(RepairJournal { locations, here: here(&environment, world) }),
        Err(error) => Err(not_kept(&error)),
    }
}

/// Reads the profile. Its limits are left out: they belong to a process, and a watch is not for one.
fn read_config(watch: &WatchArgs, world: &mut World<'_>) -> Result<WatchConfig, CommandError> {
    let Prepared { profile, requirements, plan_environment, files, .. } =
        prepare(&watch.profile, Need::Profile, watch.allow_host_settings, world)?;
    if !requirements.limits.is_empty() {
        if requirements.keys.is_empty() {
            return Err(CommandError::new(
                USAGE,
                "nothing to watch: the profile has only resource limits, which belong to a process",
            )
            .help("`tunectl check --pid PID` compares them"));
        }
        log::warn!("resource limits belong to a process and are not watched; `tunectl check --pid PID` compares them");
    }
    Ok(WatchConfig { profiles: profile.names, requirements: requirements.keys, environment: plan_environment, files })
}

/// The profile, the kernel and the output streams of a watch.
struct Host<'a, 'w> {
    watch: &'a WatchArgs,
    world: &'a mut World<'w>,
}

impl WatchHost for Host<'_, '_> {
    fn read_config(&mut self) -> Result<WatchConfig, String> {
        read_config(self.watch, self.world).map_err(|error| error.to_string())
    }

    fn kernel(&mut self) -> &mut dyn Kernel {
        self.world.kernel
    }

    // Each line at once: in a pipe or in the system's journal it must not wait for more.
    fn report(&mut self, event: &WatchEvent) {
        let out = if event.is_warning() { &mut *self.world.err } else { &mut *self.world.out };
        drop(writeln!(out, "{}", message(event)));
        drop(out.flush());
    }
}
