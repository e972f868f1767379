//! `tunectl run`: apply a profile, then become the command, or with `--init` its parent.

use std::ffi::OsString;
use std::io::Write;

use crate::apply::{self, Failure as OnFailure};
use crate::cli::{ApplyPolicy, ProfileArgs, ServiceFlags};
use crate::exec::{LimitsFallShort, Stage, StageError};
use crate::init::{SupervisorConfig, Verbosity};
use crate::kernel::{AccessMode, Process};
use crate::model::run::{CompatFlags, OPTIONS, RunOption, RunOptions};
use crate::model::setting::System;
use crate::output::{self, Colour, DiagnosedReport};
use crate::plan::Plan;
use crate::report::Report;

use super::prepare::{Need, Prepared, prepare};
use super::{CommandError, Execute, NOT_STARTED, USAGE, World};

/// Arguments of `tunectl run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Which profiles.
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
    /// How far to go.
    #[command(flatten)]
    pub(super) policy: ApplyPolicy,
    /// How the service is started and supervised.
    #[command(flatten)]
    pub(super) service: ServiceFlags,
    /// The service's command; everything from here on is its own.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<OsString>,
}

impl Execute for RunArgs {
    fn access(&self) -> AccessMode {
        AccessMode::Write
    }

    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        run(self, world)
    }
}

fn run(run: &RunArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    let variables = variables(world);
    let typed = options(run, &RunOptions::default(), &variables)?;
    let need = if typed == RunOptions::default() { Need::Profile } else { Need::Nothing };
    let ready = prepare(&run.profile, need, run.policy.allow_host_settings, world)?;
    let options = options(run, &ready.profile.run, &variables)?;
    if options.init != Some(true) {
        refuse_supervision(run, &options)?;
    }
    // A command that can't be executed, or a user that isn't there, is found out before anything is changed for it.
    let mut stage = Stage::prepare(&options, &run.command).map_err(|error| not_prepared(&error, world.compat))?;
    if options.init == Some(true) && world.kernel.system() == System::Linux {
        if world.compat.warns_of_orphans && options.subreaper == Some(false) && !world.os.is_subreaper() {
            log::warn!("orphans are not reaped: use `-s` or TINI_SUBREAPER, or run as PID 1");
        }
        supervise(run, &options, ready, stage, world)
    } else {
        if options.init == Some(true) {
            log::warn!("`init` is for Linux: here the service takes our place");
        }
        if let Some(signal) = options.parent_death_signal {
            // Our parent is the service's, whose place we keep.
            stage.set_parent_death_signal(world.os.parent_pid(), signal.number());
        }
        become_it(run, ready, stage, world)
    }
}

/// What the environment says of the start.
fn variables(world: &World<'_>) -> Vec<(&'static RunOption, String)> {
    let set = |option: &'static RunOption| Some((option, world.os.variable(option.variable)?));
    OPTIONS.iter().filter_map(set).filter(|(_, text)| !text.is_empty()).collect()
}

/// What the profile says of the start, then the environment, then the command line: later ones win.
fn options(
    run: &RunArgs,
    profile: &RunOptions,
    variables: &[(&RunOption, String)],
) -> Result<RunOptions, CommandError> {
    let mut options = profile.clone();
    let wrong = |reason: String| CommandError::new(USAGE, reason);
    for (option, text) in variables {
        option.set_from_variable(&mut options, text).map_err(wrong)?;
    }
    run.service.set(&mut options).map_err(wrong)?;
    Ok(options)
}

/// What only a supervisor can do is refused where it was typed; a profile or a variable may be for other starts too.
fn refuse_supervision(run: &RunArgs, options: &RunOptions) -> Result<(), CommandError> {
    let mut typed = RunOptions::default();
    run.service.set(&mut typed).map_err(|reason| CommandError::new(USAGE, reason))?;
    if let Some(name) = typed.for_a_supervisor().next() {
        let why = format!("`--{}` is for a supervisor, and without `--init` there is none", name.replace('_', "-"));
        return Err(CommandError::new(USAGE, why).help("add `--init`, or leave it out"));
    }
    for name in options.for_a_supervisor() {
        log::warn!("`{name}` does nothing without `init`");
    }
    Ok(())
}

/// Keys and limits here, and then the service in our place.
fn become_it(run: &RunArgs, mut ready: Prepared, stage: Stage, world: &mut World<'_>) -> Result<i32, CommandError> {
    let plan = look(&mut ready, world);
    let on_failure = if run.policy.best_effort { OnFailure::Keeps } else { OnFailure::PutsBack };
    let mut report = apply::apply(world.kernel, &plan, Process::Own, on_failure);
    if falls_short(run, &ready, &report, world.err, world.colour_err) {
        return Err(not_started(stage.command_name()));
    }
    let failure = match world.os.start_service(stage, None, &mut || Ok(())) {
        Ok(code) => return Ok(code),
        Err(failure) => failure,
    };
    apply::put_back(world.kernel, &mut report, &plan, Process::Own);
    Err(failure)
}

/// Keys here; limits in the child, so that they are the service's and not ours.
fn supervise(
    run: &RunArgs,
    options: &RunOptions,
    mut ready: Prepared,
    stage: Stage,
    world: &mut World<'_>,
) -> Result<i32, CommandError> {
    let plan = look(&mut ready, world);
    let on_failure = if run.policy.best_effort { OnFailure::Keeps } else { OnFailure::PutsBack };
    let mut report = apply::apply_keys(world.kernel, &plan, on_failure);
    if falls_short(run, &ready, &report, world.err, world.colour_err) {
        apply::put_back(world.kernel, &mut report, &plan, Process::Own);
        return Err(not_started(stage.command_name()));
    }
    let World { kernel, os, compat, err, colour_err, .. } = &mut *world;
    let outcome = os.start_service(stage, Some(SupervisorConfig::new(options, *compat, verbosity())), &mut || {
        let report = apply::apply_limits(*kernel, &plan.limits);
        if falls_short(run, &ready, &report, *err, *colour_err) { Err(LimitsFallShort) } else { Ok(()) }
    });
    if outcome.is_err() {
        apply::put_back(world.kernel, &mut report, &plan, Process::Own);
    }
    outcome
}

fn look(ready: &mut Prepared, world: &mut World<'_>) -> Plan {
    apply::make_plan(world.kernel, std::mem::take(&mut ready.requirements), Process::Own, ready.place)
}

/// Says what falls short, and whether the service may not be started for it.
fn falls_short(run: &RunArgs, ready: &Prepared, report: &Report, err: &mut dyn Write, colour: Colour) -> bool {
    if report.tally().short > 0 {
        let account =
            DiagnosedReport::new("run", &ready.profile.names, &ready.environment, None, report, &run.profile.to_args());
        drop(err.write_all(output::shortfalls(&account, colour).as_bytes()));
    }
    for outcome in report.outcomes.iter().filter(|outcome| !outcome.falls_short()) {
        log::info!(
            "{} is {}",
            outcome.requirement.setting,
            outcome.found.as_ref().map_or_else(String::new, ToString::to_string)
        );
    }
    report.fails() && !run.policy.best_effort
}

fn why(name: &str) -> String {
    format!("a required setting falls short, so `{name}` was not started")
}

fn not_started(name: &str) -> CommandError {
    CommandError::new(NOT_STARTED, why(name))
        .help("mend it as said above, or start all the same with `--best-effort` or TUNECTL_BEST_EFFORT=1")
}

fn not_prepared(error: &StageError, compat: CompatFlags) -> CommandError {
    CommandError::new(compat.exec_failure.map_or(error.exit_code(), i32::from), error)
}

fn verbosity() -> Verbosity {
    if log::log_enabled!(log::Level::Debug) {
        Verbosity::Everything
    } else if log::log_enabled!(log::Level::Info) {
        Verbosity::Reaping
    } else if log::log_enabled!(log::Level::Warn) {
        Verbosity::Warnings
    } else {
        Verbosity::Errors
    }
}
