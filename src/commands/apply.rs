//! `tunectl apply`: applies a profile to this machine and to the calling shell.

use nix::errno::Errno;

use crate::apply::{self, Applied, Undo};
use crate::cli::{ApplyPolicy, ProfileArgs};
use crate::diagnose::Diagnosis;
use crate::environment::calling_shell::calling_shell;
use crate::journal::{self, Author, BootIdentity, Journal, JournalError, ProcessId, ProcessState, Recorder};
use crate::kernel::{AccessMode, Process};
use crate::linux::process::NamedProcess;
use crate::model::setting::System;
use crate::output::{self, Format, ReportOf};
use crate::plan::{Plan, Requirements};
use crate::report::Report;
use crate::sys::describe_errno;

use super::check::{foreseen, named};
use super::diagnosis::{diagnosed, interrupted_by};
use super::journaled::{here, not_kept, places, revert_killed};
use super::persist::{self, PersistFlags, PersistResult};
use super::prepare::{Need, Prepared, prepare_for};
use super::{CommandError, Execute, FALLS_SHORT, USAGE, World, print, show};

/// Arguments of `tunectl apply`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
#[command(
    after_help = "Examples:\n  tunectl apply --dry-run -p production\n  sudo tunectl apply -p loadtest --port 8080\n  sudo tunectl apply -p production --port 8080 --pid 4242"
)]
pub struct ApplyArgs {
    /// Which profiles to apply.
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
    /// How far to go.
    #[command(flatten)]
    pub(super) policy: ApplyPolicy,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Set the limits of process PID instead of the calling shell's, and settings in its namespaces.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..), conflicts_with_all = ["persist", "persist_only"])]
    pub(super) pid: Option<i32>,
    /// Leave out resource limits.
    #[arg(long)]
    pub(super) no_rlimits: bool,
    /// Also change settings that can't be undone until the next boot.
    #[arg(long)]
    pub(super) allow_irreversible: bool,
    /// Keep no journal: `tunectl revert` can't undo this.
    #[arg(long)]
    pub(super) no_journal: bool,
    /// What is to last beyond the boot.
    #[command(flatten)]
    pub(super) persist: PersistFlags,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = Format::text_or_json())]
    pub(super) format: Format,
}

impl Execute for ApplyArgs {
    fn access(&self) -> AccessMode {
        if self.changes_nothing() { AccessMode::Read } else { AccessMode::Write }
    }

    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        apply(self, world)
    }
}

impl ApplyArgs {
    /// Whether the running machine is left as it is.
    fn changes_nothing(&self) -> bool {
        self.dry_run || self.persist.only_files()
    }
}

fn apply(args: &ApplyArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    // What is only written to files is for a machine of its own, even where we are in a container.
    let allow_host_settings = args.policy.allow_host_settings || args.persist.only_files();
    let mut ready = prepare_for(args.pid, &args.profile, Need::Profile, allow_host_settings, world)?;
    let limit_owner = limit_owner(args, &mut ready.requirements, world)?;
    let process = limit_owner.as_ref().map_or(Process::Own, |owner| Process::Pid(owner.pid));
    // Locked against every other tunectl from before the values are read until the last one is written.
    let journal = open_journal(args, &ready, world);
    world.os.hold_signals();
    if let Some(Ok(journal)) = &journal {
        revert_killed(journal, &here(&ready.environment, world), world)?;
    }
    let mut plan = apply::make_plan(world.kernel, &ready.requirements, process, ready.plan_environment);
    // macOS has no call that sets the limits of another process: the report shows what to type in the shell.
    if world.kernel.system() == System::MacOs {
        plan.leave_limits_to_shell();
    }
    refuse_irreversible(args, &plan)?;
    persist::refuse(&args.persist, &ready)?;
    if args.persist.writes_files() {
        let planned = planned(&plan, world);
        persist::refuse_losses(&args.persist, &ready, process, &planned, world)?;
    }
    let words = args.profile.to_args();
    let Applied { report, is_undone, interrupted } = if args.persist.only_files() {
        let report = planned(&plan, world);
        Applied { is_undone: report.is_to_be_undone() && !args.policy.best_effort, report, interrupted: None }
    } else if args.dry_run {
        let report = dry_run(args, &ready, &mut plan, limit_owner.as_ref(), world);
        Applied { report, is_undone: false, interrupted: None }
    } else {
        carry_out(args, &ready, &plan, limit_owner.as_ref(), journal, world)?
    };
    if let Some(signal) = interrupted {
        return Err(interrupted_by(signal, &report, world));
    }
    if is_undone || args.changes_nothing() {
        world.os.release_signals();
    }
    let persisted = if args.persist.writes_files() && !is_undone {
        persist::write(&args.persist, args.dry_run, &ready, process, &report, world)
    } else {
        PersistResult::default()
    };
    let command = ReportOf::Apply { dry_run: args.changes_nothing(), undone: is_undone };
    let mut diagnosed = diagnosed(command, &ready, limit_owner.as_ref(), &report, &words, args.pid);
    let files = persisted.documents();
    diagnosed.files = args.persist.writes_files().then_some(&files);
    show(&output::render(&diagnosed, args.format, world.colours()), world);
    print(if args.format == Format::Json { &mut *world.err } else { &mut *world.out }, &persisted.text());
    match persisted.failure(&args.persist) {
        Some(failure) => Err(failure),
        None if report.fails() => Ok(FALLS_SHORT),
        None => Ok(0),
    }
}

/// What the settings are where the plan can be carried out.
fn planned(plan: &Plan, world: &mut World<'_>) -> Report {
    let mut report = apply::check(world.kernel, plan);
    let is_prevented = vec![false; report.outcomes.len()];
    apply::preview(&mut report, plan, &is_prevented);
    report
}

/// What carrying out the plan would come to: what is known to be in the way of a setting stays.
fn dry_run(
    args: &ApplyArgs,
    ready: &Prepared,
    plan: &mut Plan,
    limit_owner: Option<&NamedProcess>,
    world: &mut World<'_>,
) -> Report {
    let mut report = foreseen(plan, ready, world);
    let checked = diagnosed(ReportOf::Check, ready, limit_owner, &report, &args.profile.to_args(), args.pid);
    let is_prevented = |diagnosis: &Option<Diagnosis>| diagnosis.as_ref().is_some_and(|its| its.cause.is_obstacle());
    let is_prevented: Vec<bool> = checked.diagnoses.iter().map(is_prevented).collect();
    apply::preview(&mut report, plan, &is_prevented);
    report
}

/// Opens the journal, unless none is to be kept. That it can't be opened matters only once there is something to change.
fn open_journal(args: &ApplyArgs, ready: &Prepared, world: &World<'_>) -> Option<Result<Journal, JournalError>> {
    (!args.no_journal && !args.changes_nothing()).then(|| Journal::open_or_create(&places(&ready.environment, world)))
}

/// Refuses to write what can't be undone, without `--allow-irreversible`.
fn refuse_irreversible(args: &ApplyArgs, plan: &Plan) -> Result<(), CommandError> {
    let names: Vec<String> = plan.irreversible().map(|(key, value)| format!("`{key}` = {value}")).collect();
    if args.allow_irreversible || names.is_empty() {
        return Ok(());
    }
    Err(CommandError::new(USAGE, format!("{} can't be undone until the next boot", names.join(", ")))
        .help("nothing was changed; to change it until the next boot, add `--allow-irreversible`"))
}

/// Carries out the plan. The original values are in the journal before anything is written, or in memory where none is
/// kept. `limit_owner` is the process whose limits are set.
fn carry_out(
    args: &ApplyArgs,
    ready: &Prepared,
    plan: &Plan,
    limit_owner: Option<&NamedProcess>,
    journal: Option<Result<Journal, JournalError>>,
    world: &mut World<'_>,
) -> Result<Applied, CommandError> {
    let process = limit_owner.map_or(Process::Own, |owner| Process::Pid(owner.pid));
    let on_failure = args.policy.on_failure();
    let Some(journal) = journal.filter(|_| plan.changes_anything()) else {
        let undo = Undo::in_memory(world.kernel, plan);
        return Ok(apply::apply(undo, plan, process, on_failure));
    };
    let journal = journal.map_err(|error| not_kept(&error))?;
    let here = here(&ready.environment, world);
    let sets_limits = plan.limits.iter().any(|step| step.action.target().is_some());
    let limit_owner = limit_owner.filter(|_| sets_limits).map(|owner| identify(owner, &here)).transpose()?;
    if let Err(why) = here.boot_id() {
        log::warn!("`tunectl revert` will need `--force`: {why}");
    }
    let changes = journal::planned_changes(world.kernel, plan, &here, limit_owner.as_ref());
    let recorder = Recorder::begin(world.kernel, &journal, &here, Author::Apply, ready.profile.names.clone(), changes)
        .map_err(|error| not_kept(&error))?;
    Ok(apply::apply(Undo::in_journal(recorder), plan, process, on_failure))
}

/// Identifies the process whose limits are set, so that they can be restored.
fn identify(owner: &NamedProcess, here: &BootIdentity) -> Result<ProcessId, CommandError> {
    let process = format!("{}, pid {}", owner.name, owner.pid);
    match here.process(owner.pid, &owner.name) {
        ProcessState::Running(process) => Ok(process),
        ProcessState::Gone => Err(CommandError::new(FALLS_SHORT, format!("{process} has ended; nothing was changed"))),
        ProcessState::Unknown(why) => Err(CommandError::new(
            FALLS_SHORT,
            format!("the limits of {process} can't be noted in the journal: {why}; nothing was changed"),
        )
        .help(
            "leave them out with `--no-rlimits`; `--no-journal` sets them, and `tunectl revert` can't put them back",
        )),
    }
}

/// The process whose limits are set: that of `--pid`, else the calling shell; `None` where no limit is to be set.
/// Removes the requirements for limits with `--no-rlimits`.
fn limit_owner(
    args: &ApplyArgs,
    requirements: &mut Requirements,
    world: &World<'_>,
) -> Result<Option<NamedProcess>, CommandError> {
    if args.no_rlimits {
        requirements.limits.clear();
    }
    if requirements.limits.is_empty() || args.persist.only_files() {
        return Ok(None);
    }
    match (world.kernel.system(), args.pid) {
        (System::Linux, None) => {}
        (System::Linux, Some(pid)) => return Ok(Some(named(pid, world))),
        (System::MacOs, None) => return Ok(None),
        (System::MacOs, Some(_)) => {
            return Err(CommandError::new(USAGE, "macOS has no system call that sets the limits of another process")
                .help("leave `--pid` out: `tunectl apply` then prints the `ulimit` commands for your shell"));
        }
    }
    let own = world.os.pid();
    match calling_shell(&world.processes, own) {
        Ok(Some(shell)) => Ok(Some(shell)),
        Ok(None) => Err(CommandError::new(
            USAGE,
            "the profile has resource limits, and no calling shell was found to set them for: the only parent process \
            is PID 1",
        )
        .help(
            "name a process with `--pid PID`, skip limits with `--no-rlimits`, or start the service with \
            `tunectl run`",
        )),
        Err(errno) => {
            let processes = world.processes.display();
            let unseen = match errno {
                Errno::ENOENT | Errno::ESRCH => format!("{processes} does not list our process"),
                errno => format!("{processes}: {}", describe_errno(errno as i32)),
            };
            let why = format!(
                "the profile has resource limits, and the calling shell to set them for was not found: {unseen}"
            );
            Err(CommandError::new(USAGE, why).help(format!(
                "mount {processes} first, skip limits with `--no-rlimits`, or start the service with `tunectl run`"
            )))
        }
    }
}
