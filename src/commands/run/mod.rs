//! `tunectl run`: applies a profile, then executes the command, or with `--init` starts and supervises it.

mod changes;

use std::ffi::OsString;
use std::io::Write;

use log::LevelFilter;

use crate::apply;
use crate::cli::{ApplyPolicy, PROFILE, ProfileArgs, ServiceFlags};
use crate::exec::{LimitsFallShort, Stage, StageError};
use crate::init::SupervisorConfig;
use crate::kernel::{AccessMode, Process};
use crate::model::run::{CompatFlags, OPTIONS, RunOption, RunOptions};
use crate::model::setting::System;
use crate::output::{self, Colour, ReportOf};
use crate::report::Report;

use super::diagnosis::{diagnosed, interrupted_by};
use super::prepare::{Need, Prepared, prepare};
use super::{CommandError, Execute, NOT_STARTED, USAGE, World};
use changes::Changes;

/// Arguments of `tunectl run`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tunectl run -p loadtest --port 8080 -- ./server\n  tunectl run -p production --init --user node --port 8080 -- node /app/server.js"
)]
pub struct RunArgs {
    /// Which profiles to apply.
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
    /// How far to go.
    #[command(flatten)]
    pub(super) policy: ApplyPolicy,
    /// Keep no journal: `tunectl revert` can't undo this.
    #[arg(long, help_heading = PROFILE)]
    pub(super) no_journal: bool,
    /// How the service is started and supervised.
    #[command(flatten)]
    pub(super) service: ServiceFlags,
    /// The service's command with its arguments.
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

fn run(args: &RunArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    let variables = variables(world);
    let ready = prepare(&args.profile, need(args, &variables)?, args.policy.allow_host_settings, world)?;
    let options = options(args, &ready.profile.run, &variables)?;
    let supervisor = supervisor(args, &variables, &options, world)?;
    // That the command can't be executed, or that there is no such user, shows before anything is changed.
    let mut stage = stage(args, &options, supervisor.is_some(), world)?;
    world.os.hold_signals();
    let mut changes = Changes::begin(args, &ready, world)?;
    world.os.release_signals();
    let plan = apply::make_plan(world.kernel, &ready.requirements, Process::Own, ready.plan_environment);
    if plan.writes_keys() {
        world.os.rehearse(&mut stage, supervisor.is_some()).map_err(|error| with_compat_code(error, world.compat))?;
    }
    world.os.hold_signals();
    let mut undo = changes.undo(args, &ready, &plan, world.kernel)?;
    // Under a supervisor the limits are set in the child, for the service and not for us.
    let execute = if supervisor.is_some() { apply::execute_keys } else { apply::execute_own };
    let mut report = execute(undo.kernel(), &plan, args.policy.on_failure());
    if let Some(signal) = undo.kernel().ending_signal() {
        if let Err(error) = undo.restore(&plan, Process::Own, &mut report) {
            log::warn!("{error}");
        }
        return Err(interrupted_by(signal, &report, world));
    }
    if report.fails() && !args.policy.best_effort {
        if let Err(error) = undo.restore(&plan, Process::Own, &mut report) {
            log::warn!("{error}");
        }
        world.os.release_signals();
        let undone = print_shortfalls(args, &ready, &report, world.err, world.colour_err);
        return Err(not_started(stage.command_name(), &undone));
    }
    let originals = undo.release();
    print_shortfalls(args, &ready, &report, world.err, world.colour_err);
    changes::tell_how_to_undo(&originals, &report, world);
    let limits = if supervisor.is_some() { &plan.limits[..] } else { &[] };
    // The supervisor is not to keep the journal locked as long as the service runs.
    changes.close();
    let started = world.os.start_service(stage, supervisor, &mut || {
        let report = apply::execute_limits(world.kernel, limits);
        print_shortfalls(args, &ready, &report, world.err, world.colour_err);
        if report.fails() && !args.policy.best_effort { Err(LimitsFallShort) } else { Ok(()) }
    });
    if started.is_err() {
        changes.restore(originals, &plan, &mut report, world);
    }
    started
}

/// Whether a profile has to be named: not where the command line or a variable says how to start the service.
fn need(args: &RunArgs, variables: &[(&RunOption, String)]) -> Result<Need, CommandError> {
    let typed = options(args, &RunOptions::default(), variables)?;
    Ok(if typed == RunOptions::default() { Need::Profile } else { Need::Nothing })
}

/// How to supervise the service; `None` where it is executed in this process.
fn supervisor(
    args: &RunArgs,
    variables: &[(&RunOption, String)],
    options: &RunOptions,
    world: &World<'_>,
) -> Result<Option<SupervisorConfig>, CommandError> {
    if options.init != Some(true) {
        refuse_supervision(args, variables, options)?;
        return Ok(None);
    }
    if is_asked_for_by_profile(args, variables)? {
        log::info!(
            "`init = true` in the profile: tunectl stays as the parent of the service; the limits are set for the service"
        );
    }
    if world.kernel.system() != System::Linux {
        log::warn!("--init is not supported on macOS: exec'ing the command directly");
        return Ok(None);
    }
    Ok(Some(SupervisorConfig::new(options, world.compat, log_level())))
}

/// Finds the program, the user and the groups of the service.
fn stage(args: &RunArgs, options: &RunOptions, is_supervised: bool, world: &World<'_>) -> Result<Stage, CommandError> {
    let mut stage = Stage::prepare(options, &args.command).map_err(|error| not_prepared(&error, world.compat))?;
    if is_supervised {
        if world.compat.warns_of_orphans && options.subreaper == Some(false) && !world.os.is_subreaper() {
            log::warn!("orphaned processes will not be reaped: use `-s` or TINI_SUBREAPER, or run as PID 1");
        }
    } else if let Some(signal) = options.parent_death_signal {
        // The service is this process, and so has our parent.
        stage.set_parent_death_signal(world.os.parent_pid(), signal.number());
    }
    Ok(stage)
}

/// The options that environment variables set, with their values.
fn variables(world: &World<'_>) -> Vec<(&'static RunOption, String)> {
    let set = |option: &'static RunOption| Some((option, world.os.variable(option.variable)?));
    OPTIONS.iter().filter_map(set).filter(|(_, text)| !text.is_empty()).collect()
}

/// The options of the profile, overridden by the environment variables, and those by the command line.
fn options(
    args: &RunArgs,
    profile: &RunOptions,
    variables: &[(&RunOption, String)],
) -> Result<RunOptions, CommandError> {
    let mut options = profile.clone();
    let wrong = |reason: String| CommandError::new(USAGE, reason);
    for (option, text) in variables {
        option.set_from_variable(&mut options, text).map_err(wrong)?;
    }
    args.service.set(&mut options).map_err(wrong)?;
    Ok(options)
}

/// Whether `--init` comes from neither the command line nor a variable.
fn is_asked_for_by_profile(args: &RunArgs, variables: &[(&RunOption, String)]) -> Result<bool, CommandError> {
    Ok(options(args, &RunOptions::default(), variables)?.init.is_none())
}

/// Refuses options for a supervisor on the command line without `--init`. In a variable they are ignored with a warning;
/// in a profile they are for those who use it with `--init`.
fn refuse_supervision(
    args: &RunArgs,
    variables: &[(&RunOption, String)],
    all: &RunOptions,
) -> Result<(), CommandError> {
    let mut typed = RunOptions::default();
    args.service.set(&mut typed).map_err(|reason| CommandError::new(USAGE, reason))?;
    if let Some(name) = typed.for_a_supervisor().next() {
        let why = format!("`--{}` needs `--init`: only a supervisor can carry it out", name.replace('_', "-"));
        return Err(CommandError::new(USAGE, why).help("add `--init`, or leave the option out"));
    }
    let named = options(args, &RunOptions::default(), variables)?;
    let of_variables: Vec<&str> = named.for_a_supervisor().collect();
    for name in all.for_a_supervisor() {
        let level = if of_variables.contains(&name) { log::Level::Warn } else { log::Level::Info };
        log::log!(level, "`{name}` has no effect without `--init`");
    }
    Ok(())
}

/// Prints what falls short, and logs in one line what was applied. Returns what became of the changes, where something required falls
/// short.
fn print_shortfalls(args: &RunArgs, ready: &Prepared, report: &Report, err: &mut dyn Write, colour: Colour) -> String {
    let refused = report.fails() && !args.policy.best_effort;
    let mut changed = String::new();
    // `-q` shows errors only, and what does not keep the service from starting is none.
    if report.tally().short > 0 && (refused || log::max_level() != LevelFilter::Error) {
        let report = diagnosed(ReportOf::Run { refused }, ready, None, report, &args.profile.to_args(), None);
        drop(err.write_all(output::shortfalls(&report, colour).as_bytes()));
        changed = output::nothing_changed(&report);
    }
    if !report.outcomes.is_empty() {
        log::info!("{}", output::applied(report, &ready.profile.names));
    }
    changed
}

fn not_started(command: &str, changed: &str) -> CommandError {
    CommandError::new(NOT_STARTED, format!("a required setting falls short: `{command}` was not started; {changed}"))
        .help("apply the fixes above, or start anyway with `--best-effort` or TUNECTL_BEST_EFFORT=1")
}

fn not_prepared(error: &StageError, compat: CompatFlags) -> CommandError {
    CommandError::new(compat.exec_failure.map_or(error.exit_code(), i32::from), error)
}

/// The same failure with the exit code that the program has under whose name we were called.
fn with_compat_code(mut error: CommandError, compat: CompatFlags) -> CommandError {
    error.code = compat.exec_failure.map_or(error.code, i32::from);
    error
}

/// The level of the log, for the supervisor, which writes without it. A filter by module counts for this one.
fn log_level() -> LevelFilter {
    let levels = [LevelFilter::Debug, LevelFilter::Info, LevelFilter::Warn];
    let enabled = |filter: &LevelFilter| filter.to_level().is_some_and(|level| log::log_enabled!(level));
    levels.into_iter().find(enabled).unwrap_or(LevelFilter::Error)
}
