//! `tunectl check`: compare this machine with a profile; change nothing.

use crate::apply;
use crate::cli::{Check, Findings};
use crate::context::ancestry::{self, Ancestor};
use crate::formats::prometheus;
use crate::kernel::Process;
use crate::model::limit::Resource;
use crate::output::{self, Account};

use super::prepare::{Need, prepare};
use super::{FALLS_SHORT, Failure, World, print};

pub(super) fn check(check: &Check, world: &mut World<'_>) -> Result<i32, Failure> {
    let ready = prepare(&check.asked, Need::Profile, false, world)?;
    let process = check.pid.map_or(Process::Own, Process::Pid);
    let named = check.pid.map(|pid| named(pid, world));
    let plan = apply::look(world.kernel, ready.goals, process, ready.place);
    let mut report = apply::check(world.kernel, &plan);
    if process == Process::Own && plan.limits.iter().any(|step| step.resource == Resource::Nproc) {
        if let Some(most) = ready.context.surroundings().bounds.pids {
            report.cap_processes(most);
        }
    }
    let account =
        Account::new("check", &ready.profile.names, &ready.context, named.as_ref(), &report, &check.asked.words());
    let text = match check.format {
        Findings::Text => output::table(&account, world.colour),
        Findings::Json => output::document(&account),
        Findings::Prometheus => prometheus::exposition(&prometheus::samples(&report), &ready.profile.names, None),
    };
    print(world.out, &text);
    Ok(if report.fails() { FALLS_SHORT } else { 0 })
}

/// A process and its name, as far as that can be found out.
pub(super) fn named(pid: i32, world: &World<'_>) -> Ancestor {
    Ancestor { pid, name: ancestry::name_of(&world.processes, pid).unwrap_or_default() }
}
