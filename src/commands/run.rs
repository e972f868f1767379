//! `tunectl run`: apply a profile, then become the command, or with `--init` its parent.

use std::io::Write;

use crate::apply::{self, Failure as OnFailure};
use crate::cli::Run;
use crate::exec::{Stage, StageError};
use crate::init::{SupervisorConfig, Verbosity};
use crate::kernel::Process;
use crate::model::run::{CompatFlags, OPTIONS, RunOption, RunOptions};
use crate::model::setting::System;
use crate::output::{self, Colour, DiagnosedReport};
use crate::plan::Plan;
use crate::report::Report;
use crate::sys;

use super::prepare::{Need, Prepared, prepare};
use super::{Failure, NOT_STARTED, USAGE, World};

pub(super) fn run(run: &Run, world: &mut World<'_>) -> Result<i32, Failure> {
    let variables = variables(world);
    let typed = options(run, &RunOptions::default(), &variables)?;
    let need = if typed == RunOptions::default() { Need::Profile } else { Need::Nothing };
    let ready = prepare(&run.asked, need, run.zeal.allow_host_settings, world)?;
    let options = options(run, &ready.profile.run, &variables)?;
    if options.init != Some(true) {
        refuse_supervision(run, &options)?;
    }
    // A command that can't be executed, or a user that isn't there, is found out before anything is changed for it.
    let mut stage = Stage::prepare(&options, &run.command).map_err(|error| not_prepared(&error, run.manner))?;
    if options.init == Some(true) && world.kernel.system() == System::Linux {
        if run.manner.warns_of_orphans && options.subreaper == Some(false) && !sys::is_subreaper() {
            log::warn!("orphans are not reaped: use `-s` or TINI_SUBREAPER, or run as PID 1");
        }
        supervise(run, &options, ready, stage, world)
    } else {
        if options.init == Some(true) {
            log::warn!("`init` is for Linux: here the service takes our place");
        }
        if let Some(signal) = options.parent_death_signal {
            // Our parent is the service's, whose place we keep.
            stage.die_with(sys::parent(), signal.number());
        }
        become_it(run, ready, stage, world)
    }
}

/// What the environment says of the start.
fn variables(world: &World<'_>) -> Vec<(&'static RunOption, String)> {
    let set = |option: &'static RunOption| Some((option, (world.variable)(option.variable)?));
    OPTIONS.iter().filter_map(set).filter(|(_, text)| !text.is_empty()).collect()
}

/// What the profile says of the start, then the environment, then the command line: later ones win.
fn options(run: &Run, profile: &RunOptions, variables: &[(&RunOption, String)]) -> Result<RunOptions, Failure> {
    let mut options = profile.clone();
    let wrong = |reason: String| Failure::new(USAGE, reason);
    for (option, text) in variables {
        option.set_from_variable(&mut options, text).map_err(wrong)?;
    }
    run.service.set(&mut options).map_err(wrong)?;
    Ok(options)
}

/// What only a supervisor can do is refused where it was typed; a profile or a variable may be for other starts too.
fn refuse_supervision(run: &Run, options: &RunOptions) -> Result<(), Failure> {
    let mut typed = RunOptions::default();
    run.service.set(&mut typed).map_err(|reason| Failure::new(USAGE, reason))?;
    if let Some(name) = typed.for_a_supervisor().next() {
        let why = format!("`--{}` is for a supervisor, and without `--init` there is none", name.replace('_', "-"));
        return Err(Failure::new(USAGE, why).help("add `--init`, or leave it out"));
    }
    for name in options.for_a_supervisor() {
        log::warn!("`{name}` does nothing without `init`");
    }
    Ok(())
}

/// Keys and limits here, and then the service in our place.
fn become_it(run: &Run, mut ready: Prepared, stage: Stage, world: &mut World<'_>) -> Result<i32, Failure> {
    let plan = look(&mut ready, world);
    let on_failure = if run.zeal.best_effort { OnFailure::Keeps } else { OnFailure::PutsBack };
    let mut report = apply::apply(world.kernel, &plan, Process::Own, on_failure);
    if falls_short(run, &ready, &report, world.err, world.colour_err) {
        return Err(not_started(stage.name()));
    }
    let failure = match (world.start)(stage, None, &mut || Ok(())) {
        Ok(code) => return Ok(code),
        Err(failure) => failure,
    };
    apply::put_back(world.kernel, &mut report, &plan, Process::Own);
    Err(failure)
}

/// Keys here; limits in the child, so that they are the service's and not ours.
fn supervise(
    run: &Run,
    options: &RunOptions,
    mut ready: Prepared,
    stage: Stage,
    world: &mut World<'_>,
) -> Result<i32, Failure> {
    let plan = look(&mut ready, world);
    let on_failure = if run.zeal.best_effort { OnFailure::Keeps } else { OnFailure::PutsBack };
    let mut report = apply::apply_keys(world.kernel, &plan, on_failure);
    if falls_short(run, &ready, &report, world.err, world.colour_err) {
        apply::put_back(world.kernel, &mut report, &plan, Process::Own);
        return Err(not_started(stage.name()));
    }
    let name = stage.name().to_owned();
    let World { kernel, start, err, colour_err, .. } = &mut *world;
    let outcome = start(stage, Some(SupervisorConfig::new(options, run.manner, verbosity())), &mut || {
        let report = apply::apply_limits(*kernel, &plan.limits);
        if falls_short(run, &ready, &report, *err, *colour_err) { Err(why(&name)) } else { Ok(()) }
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
fn falls_short(run: &Run, ready: &Prepared, report: &Report, err: &mut dyn Write, colour: Colour) -> bool {
    if report.tally().short > 0 {
        let account =
            DiagnosedReport::new("run", &ready.profile.names, &ready.environment, None, report, &run.asked.words());
        drop(err.write_all(output::shortfalls(&account, colour).as_bytes()));
    }
    for outcome in report.outcomes.iter().filter(|outcome| !outcome.falls_short()) {
        log::info!(
            "{} is {}",
            outcome.requirement.setting,
            outcome.found.as_ref().map_or_else(String::new, ToString::to_string)
        );
    }
    report.fails() && !run.zeal.best_effort
}

fn why(name: &str) -> String {
    format!("a required setting falls short, so `{name}` was not started")
}

fn not_started(name: &str) -> Failure {
    Failure::new(NOT_STARTED, why(name))
        .help("mend it as said above, or start all the same with `--best-effort` or TUNECTL_BEST_EFFORT=1")
}

fn not_prepared(error: &StageError, manner: CompatFlags) -> Failure {
    Failure::new(manner.exec_failure.map_or(error.exit_code(), i32::from), error)
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
