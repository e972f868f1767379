//! `tunectl check`: compares this machine with a profile; writes nothing.

use crate::apply::{self, KernelBuild};
use crate::cli::ProfileArgs;
use crate::kernel::Process;
use crate::linux::process::NamedProcess;
use crate::model::limit::Resource;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::output::{self, Budget, Format, Queues, ReportOf};
use crate::plan::Plan;
use crate::preflight::{Finding, budget};
use crate::report::Report;
use crate::sys;

use super::diagnosis::diagnosed;
use super::preflight::{self, LoadArgs};
use super::prepare::{Need, Prepared, prepare_for};
use super::{CommandError, Execute, FALLS_SHORT, World, print, show};

/// Arguments of `tunectl check`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  tunectl check -p loadtest --port 8080\n  tunectl check --set net.core.somaxconn=4096 --rlimit nofile=65536\n  sudo tunectl check -p production --port 8080 --pid 4242"
)]
pub struct CheckArgs {
    /// Which profiles to compare with.
    #[command(flatten)]
    profile: ProfileArgs,
    /// Check process PID, in its namespaces.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pid: Option<i32>,
    /// Compute what a load test needs of both sides, and compare.
    #[command(flatten)]
    load: LoadArgs,
    /// Output format.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

impl Execute for CheckArgs {
    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        check(self, world)
    }
}

fn check(args: &CheckArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    let load = args.load.load()?;
    let need = if load.is_some() { Need::Nothing } else { Need::Profile };
    let ready = prepare_for(args.pid, &args.profile, need, false, world)?;
    let process = args.pid.map_or(Process::Own, Process::Pid);
    let named = args.pid.map(|pid| named(pid, world));
    let mut plan = apply::make_plan(world.kernel, &ready.requirements, process, ready.plan_environment);
    let mut report = foreseen(&mut plan, &ready, world);
    if process == Process::Own && plan.limits.iter().any(|step| step.resource == Resource::Nproc) {
        if let Some(pids_max) = ready.environment.details(&[]).limits.pids {
            report.apply_pids_max(pids_max);
        }
    }
    let words = args.profile.to_args();
    let mut diagnosed = diagnosed(ReportOf::Check, &ready, named.as_ref(), &report, &words, args.pid);
    if ready.entered_namespaces {
        diagnosed.queues = short_queues(&report, world);
    }
    let ports = &ready.profile.service_ports;
    let mut conditions = preflight::conditions(args.pid, load.as_ref().map(|(_, load)| load), ports, world);
    if !ready.profile.preflight.is_empty() {
        diagnosed.preflight = Some(conditions.findings(&ready.profile.preflight));
    }
    if let Some((command, load)) = &load {
        let budget = preflight::budget(command, load, args.pid, &conditions, world);
        if args.load.emit_profile {
            print(world.out, &budget::profile(command, load, &budget.items));
            return Ok(0);
        }
        diagnosed.budget = Some(budget);
    }
    let fails = report.fails()
        || diagnosed.preflight.iter().flatten().any(Finding::fails)
        || diagnosed.budget.as_ref().is_some_and(Budget::is_lacking);
    show(&output::render(&diagnosed, args.format, world.colours()), world);
    Ok(if fails { FALLS_SHORT } else { 0 })
}

/// Compares the current values with what is required, and foresees what the kernel will say of the writes that are
/// planned: the same for `check` and for `apply --dry-run`.
pub(super) fn foreseen(plan: &mut Plan, ready: &Prepared, world: &mut World<'_>) -> Report {
    let environment = &ready.environment;
    let build = KernelBuild {
        version: environment.version(),
        can_load: &|module| environment.can_load(module),
        ticks: &|| environment.clock_ticks(),
    };
    apply::foresee(world.kernel, plan, build);
    apply::check(world.kernel, plan)
}

/// The listening sockets of the entered network namespace whose queues are shorter than the profile asks for, or else
/// than `net.core.somaxconn` allows. `None` where they can't be listed.
fn short_queues(report: &Report, world: &mut World<'_>) -> Option<Queues> {
    let key = Key::Sysctl(SysctlName::parse(LONGEST_QUEUE).ok()?);
    let now: u64 = world.kernel.read(&key).ok()?.trim().parse().ok()?;
    let setting = Setting::Key(key);
    let outcome = report.outcomes.iter().find(|outcome| outcome.requirement.setting == setting);
    let asked = outcome.and_then(|outcome| match outcome.requirement.wanted.nearest(outcome.found.as_ref())? {
        Value::Number(number) => u64::try_from(number).ok(),
        _ => None,
    });
    let allowed = asked.unwrap_or(now);
    let listeners = world
        .os
        .listeners(allowed)
        .inspect_err(|error| log::warn!("listening sockets: {}", sys::strerror(error)))
        .ok()?;
    Some(Queues { allowed, listeners })
}

/// The longest queue that listen(2) gives a socket.
const LONGEST_QUEUE: &str = "net.core.somaxconn";

/// A process with its name, which is empty where it can't be read.
pub(super) fn named(pid: i32, world: &World<'_>) -> NamedProcess {
    NamedProcess::read(&world.processes, pid)
}
