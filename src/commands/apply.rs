//! `tunectl apply`: bring this machine, and the shell that this is typed in, to a profile.

use nix::errno::Errno;

use crate::apply::{self, Failure as OnFailure};
use crate::cli::{ApplyPolicy, Format, ProfileArgs};
use crate::environment::calling_shell::calling_shell;
use crate::kernel::{AccessMode, Process};
use crate::linux::process::NamedProcess;
use crate::model::setting::System;
use crate::output::{self, DiagnosedReport};
use crate::plan::{Plan, Requirements};
use crate::report::{Outcome, PutBack};
use crate::sys::described;

use super::check::named;
use super::journaled::{journaled, refuse_irreversible};
use super::persist::{self, PersistFlags, PersistResult};
use super::prepare::{Need, again, prepare_for};
use super::{CommandError, Execute, FALLS_SHORT, USAGE, World, print};

/// Arguments of `tunectl apply`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub struct ApplyArgs {
    /// Which profiles.
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
    /// How far to go.
    #[command(flatten)]
    pub(super) policy: ApplyPolicy,
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// The process to set the limits of, instead of the shell that this is typed in, in its namespaces.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..), conflicts_with = "persist")]
    pub(super) pid: Option<i32>,
    /// Leave the resource limits out.
    #[arg(long)]
    pub(super) no_rlimits: bool,
    /// Change settings too that can't be put back before the next boot.
    #[arg(long)]
    pub(super) allow_irreversible: bool,
    /// Keep no journal: `tunectl revert` will not know of this.
    #[arg(long)]
    pub(super) no_journal: bool,
    /// What is to last beyond the boot.
    #[command(flatten)]
    pub(super) persist: PersistFlags,
    /// How to show what was done.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Format,
}

impl Execute for ApplyArgs {
    fn access(&self) -> AccessMode {
        if self.dry_run { AccessMode::Read } else { AccessMode::Write }
    }

    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        apply(self, world)
    }
}

fn apply(apply: &ApplyArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    let mut ready = prepare_for(apply.pid, &apply.profile, Need::Profile, apply.policy.allow_host_settings, world)?;
    let whose = whose_limits(apply, &mut ready.requirements, world)?;
    let process = whose.as_ref().map_or(Process::Own, |process| Process::Pid(process.pid));
    let mut plan = apply::make_plan(world.kernel, ready.requirements.clone(), process, ready.place);
    let beside = beside(&mut plan, world);
    if !apply.allow_irreversible {
        refuse_irreversible(&plan)?;
    }
    persist::refuse(&apply.persist, &ready)?;
    let mut report = if apply.dry_run {
        apply::preview(world.kernel, &plan)
    } else {
        let on_failure = if apply.policy.best_effort { OnFailure::Keeps } else { OnFailure::PutsBack };
        if apply.no_journal || !plan.changes_anything() {
            apply::apply(world.kernel, &plan, process, on_failure)
        } else {
            journaled(&ready, whose.as_ref(), on_failure, world)?
        }
    };
    let undone = report.fails() && !apply.policy.best_effort && !apply.dry_run;
    report.outcomes.extend(apply::check(world.kernel, &beside).outcomes);
    let again = again(&apply.profile, apply.pid);
    let mut account =
        DiagnosedReport::new("apply", &ready.profile.names, &ready.environment, whose.as_ref(), &report, &again);
    let failed = report.fails() && !apply.policy.best_effort;
    let lasted = if apply.persist.persist && !undone {
        persist::write(&apply.persist, apply.dry_run, &ready, process, &report, world)
    } else {
        PersistResult::default()
    };
    let files = lasted.documents();
    account.files = apply.persist.persist.then_some(&files);
    match apply.format {
        Format::Json => print(world.out, &output::document(&account)),
        Format::Text => tell(apply, &account, undone, world),
    }
    match apply.format {
        Format::Text => print(world.out, &lasted.text()),
        Format::Json => print(world.err, &lasted.text()),
    }
    if let Some(failure) = lasted.failure(&apply.persist) {
        return Err(failure);
    }
    Ok(if failed { FALLS_SHORT } else { 0 })
}

/// Says what was done to a person.
fn tell(apply: &ApplyArgs, account: &DiagnosedReport<'_>, undone: bool, world: &mut World<'_>) {
    let report = account.report;
    if report.fails() || (report.tally().short > 0 && !apply.dry_run) {
        drop(world.err.write_all(output::shortfalls(account, world.colour_err).as_bytes()));
    }
    if undone {
        let stays = |outcome: &Outcome| outcome.put_back().is_some_and(|result| *result != PutBack::Done);
        let rest = if report.outcomes.iter().any(stays) { "; what is named above stays" } else { ", so nothing was" };
        drop(writeln!(world.err, "error: a required setting falls short{rest} changed for good"));
        return;
    }
    print(world.out, &output::changes(account, world.colour));
    print(world.out, &output::to_type(account));
    if world.kernel.system() == System::MacOs && !apply.persist.persist && report.tally().changed > 0 {
        print(world.out, "these values are lost at the next boot: `--persist` has launchd set them again\n");
    }
}

/// Takes the limits out of the plan where they can't be set: macOS has no call for those of another process. They
/// are looked at, ours being those of the shell that started us, and it is told what to type.
fn beside(plan: &mut Plan, world: &World<'_>) -> Plan {
    let limits = match world.kernel.system() {
        System::Linux => Vec::new(),
        System::MacOs => std::mem::take(&mut plan.limits),
    };
    Plan { limits, ..Plan::default() }
}

/// Whose limits are set. A limit belongs to a process, and people who type `tunectl apply` mean the shell that
/// they type it in. Requirements that are not to be looked at are taken away.
fn whose_limits(
    apply: &ApplyArgs,
    requirements: &mut Requirements,
    world: &World<'_>,
) -> Result<Option<NamedProcess>, CommandError> {
    if apply.no_rlimits {
        requirements.limits.clear();
    }
    if requirements.limits.is_empty() {
        return Ok(None);
    }
    match (world.kernel.system(), apply.pid) {
        (System::Linux, None) => {}
        (System::Linux, Some(pid)) => return Ok(Some(named(pid, world))),
        (System::MacOs, None) => return Ok(None),
        (System::MacOs, Some(_)) => {
            return Err(CommandError::new(USAGE, "macOS has no call to set the limits of another process")
                .help("leave `--pid` out, and `tunectl apply` says what to type in the shell itself"));
        }
    }
    let own = world.os.pid();
    match calling_shell(&world.processes, own) {
        Ok(Some(shell)) => Ok(Some(shell)),
        Ok(None) => Err(CommandError::new(
            USAGE,
            "the profile has resource limits, and there is no shell to set them for: nothing but PID 1 stands above us",
        )
        .help("name a process with `--pid PID`, leave them out with `--no-rlimits`, or start the service with `tunectl run`")),
        Err(errno) => {
            let processes = world.processes.display();
            let unseen = match errno {
                Errno::ENOENT | Errno::ESRCH => format!("{processes} does not show us"),
                errno => format!("{processes}: {}", described(errno as i32)),
            };
            let why =
                format!("the profile has resource limits, and the shell to set them for can't be found: {unseen}");
            Err(CommandError::new(USAGE, why).help(format!(
                "mount {processes} first, leave them out with `--no-rlimits`, or start the service with `tunectl run`"
            )))
        }
    }
}
