//! `tunectl run`: apply a profile, then become the command.

use std::ffi::OsString;

use crate::apply::{self, Failure as OnFailure};
use crate::cli::Run;
use crate::exec::{self, ExecError};
use crate::kernel::Process;
use crate::output::{self, Account};

use super::prepare::prepare;
use super::{Failure, NOT_STARTED, World};

pub(super) fn run(run: &Run, world: &mut World<'_>) -> Result<i32, Failure> {
    let ready = prepare(&run.asked, run.zeal.allow_host_settings, world)?;
    // A command that can't be executed is found out before anything is changed for it.
    let path = (world.variable)("PATH").map(OsString::from);
    let command = exec::find(&run.command, path.as_deref(), None).map_err(|error| not_executed(&error))?;

    let plan = apply::look(world.kernel, ready.goals, Process::Own, ready.place);
    let on_failure = if run.zeal.best_effort { OnFailure::Keeps } else { OnFailure::PutsBack };
    let mut report = apply::apply(world.kernel, &plan, Process::Own, on_failure);
    if report.tally().short > 0 {
        let account = Account::new("run", &ready.profile.names, &ready.context, None, &report, &run.asked.words());
        drop(world.err.write_all(output::shortfalls(&account, world.colour_err).as_bytes()));
    }
    if report.fails() && !run.zeal.best_effort {
        return Err(Failure::new(
            NOT_STARTED,
            format!("a required setting falls short, so `{}` was not started", command.name()),
        )
        .help("mend it as said above, or start all the same with `--best-effort` or TUNECTL_BEST_EFFORT=1"));
    }
    for finding in report.findings.iter().filter(|finding| !finding.falls_short()) {
        log::info!("{} is {}", finding.setting, finding.found.as_ref().map_or_else(String::new, ToString::to_string));
    }

    let error = (world.become_service)(&command);
    apply::put_back(world.kernel, &mut report, &plan, Process::Own);
    Err(not_executed(&error))
}

fn not_executed(error: &ExecError) -> Failure {
    Failure::new(error.exit_code(), error)
}
