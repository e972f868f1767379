//! The profile of a benchmark: applied before the runs, reverted after them.

use crate::apply::{self, Undo};
use crate::exec::LimitsFallShort;
use crate::journal::ProcessState;
use crate::journal::{self, Author, Journal, Recorder};
use crate::kernel::Process;
use crate::output::{self, ReportOf};
use crate::plan::{LimitStep, Plan};
use crate::report::Report;
use crate::sys::{self, Ended, Fork};

use super::super::diagnosis::{diagnosed, interrupted_by};
use super::super::journaled::{here, not_kept, places, revert_killed, warn_of_rest};
use super::super::prepare::Prepared;
use super::super::{CommandError, NOT_STARTED, USAGE, World};
use super::BenchArgs;

/// What was applied.
pub(super) struct Applied {
    /// What came of the keys.
    pub(super) report: Report,
    /// The limits, which every command takes in its own process.
    pub(super) limits: Vec<LimitStep>,
    /// The number of the journal's entry, where something was changed.
    entry: Option<u64>,
    /// Whether the settings are back at their previous values.
    restored: bool,
}

impl Applied {
    /// Applies the keys, and tries whether the limits can be had.
    ///
    /// # Errors
    /// Exit code 125 where a required setting falls short and there is no `--best-effort`: then everything is undone.
    pub(super) fn apply(args: &BenchArgs, prepared: &Prepared, world: &mut World<'_>) -> Result<Self, CommandError> {
        let here = here(&prepared.environment, world);
        let locations = places(&prepared.environment, world);
        let has_keys = !prepared.requirements.keys.is_empty();
        let journal = has_keys.then(|| Journal::open_or_create(&locations));
        world.os.hold_signals();
        if let Some(Ok(journal)) = &journal {
            revert_killed(journal, &here, world)?;
        }
        let mut plan = apply::make_plan(world.kernel, &prepared.requirements, Process::Own, prepared.plan_environment);
        let limits = std::mem::take(&mut plan.limits);
        refuse_irreversible(&plan)?;
        let on_failure = args.policy.on_failure();
        let (report, entry) = if plan.changes_anything() {
            let journal = journal.unwrap_or_else(|| Journal::open_or_create(&locations)).map_err(|e| not_kept(&e))?;
            let author = match here.process(world.os.pid(), "tunectl") {
                ProcessState::Running(process) => Author::Bench(Box::new(process)),
                ProcessState::Gone | ProcessState::Unknown(_) => Author::Apply,
            };
            let changes = journal::planned_changes(world.kernel, &plan, &here, None);
            let names = prepared.profile.names.clone();
            let recorder = Recorder::begin(world.kernel, &journal, &here, author, names, changes);
            let mut undo = Undo::in_journal(recorder.map_err(|error| not_kept(&error))?);
            let mut report = apply::execute_keys(undo.kernel(), &plan, on_failure);
            if let Some(signal) = undo.kernel().ending_signal() {
                if let Err(error) = undo.restore(&plan, Process::Own, &mut report) {
                    log::warn!("{error}");
                }
                return Err(interrupted_by(signal, &report, world));
            }
            let kept = if report.fails() && !args.policy.best_effort {
                undo.restore(&plan, Process::Own, &mut report).map(|()| None)
            } else {
                undo.keep()
            };
            let entry = kept.unwrap_or_else(|error| {
                log::warn!("{error}");
                None
            });
            (report, entry)
        } else {
            (apply::check(world.kernel, &plan), None)
        };
        let mut applied = Self { report, limits, entry, restored: true };
        let falls_short = applied.report.fails();
        let limits_fail = !falls_short && applied.limits_fail(args, prepared, world);
        if !args.policy.best_effort && (falls_short || limits_fail) {
            applied.restore(false, prepared, world);
            applied.tell(args, prepared, world);
            return Err(CommandError::new(
                NOT_STARTED,
                "the profile could not be applied; the command was not started",
            )
            .help("`--best-effort` continues with what could be applied"));
        }
        Ok(applied)
    }

    /// Whether a required limit can be set: tried in a process of its own, as each command takes them in its own.
    fn limits_fail(&self, args: &BenchArgs, prepared: &Prepared, world: &mut World<'_>) -> bool {
        if self.limits.is_empty() {
            return false;
        }
        match sys::fork() {
            Ok(Fork::Child) => {
                let report = apply::execute_limits(world.kernel, &self.limits);
                if report.fails() {
                    let words = args.profile.to_args();
                    let diagnosed = diagnosed(ReportOf::Bench, prepared, None, &report, &words, None);
                    let text = output::shortfalls(&diagnosed, world.colour_err);
                    drop(world.err.write_all(text.as_bytes()));
                }
                sys::exit_now(i32::from(report.fails()))
            }
            Ok(Fork::Parent(child)) => sys::wait_for(child).is_ok_and(|ended| ended != Ended::Code(0)),
            // Then no command can be started either, and that is said there.
            Err(_) => false,
        }
    }

    /// Takes the limits, in the process of a command.
    pub(super) fn take_limits(
        kernel: &mut dyn crate::kernel::Kernel,
        limits: &[LimitStep],
        best_effort: bool,
    ) -> Result<(), LimitsFallShort> {
        let report = apply::execute_limits(kernel, limits);
        if report.fails() && !best_effort { Err(LimitsFallShort) } else { Ok(()) }
    }

    /// Says what falls short.
    fn tell(&self, args: &BenchArgs, prepared: &Prepared, world: &mut World<'_>) {
        if self.report.tally().short > 0 {
            let words = args.profile.to_args();
            let diagnosed = diagnosed(ReportOf::Bench, prepared, None, &self.report, &words, None);
            drop(world.err.write_all(output::shortfalls(&diagnosed, world.colour_err).as_bytes()));
        }
    }

    /// Reverts what was changed, or with `keep` leaves it to `revert`. Says whether all of it is as it was.
    pub(super) fn restore(&mut self, keep: bool, prepared: &Prepared, world: &mut World<'_>) -> bool {
        let Some(number) = self.entry.take() else { return true };
        let here = here(&prepared.environment, world);
        let journal = Journal::open_or_create(&places(&prepared.environment, world));
        let result = journal.and_then(|journal| {
            if keep {
                return journal::keep_bench(&journal, number).map(|()| Vec::new());
            }
            journal::end_bench(world.kernel, &journal, number, &here)
        });
        self.restored = match result {
            Ok(reverted) => !warn_of_rest(&reverted),
            Err(error) => {
                log::warn!("{error}; try `tunectl revert`");
                false
            }
        };
        self.restored
    }

    /// How things were left, for people.
    pub(super) fn last_line(&self, keep: bool) -> String {
        let changed = self.report.tally().changed;
        match (changed, keep, self.restored) {
            (0, ..) => String::new(),
            (_, true, _) => "the profile stays applied; `tunectl revert` restores the previous values\n".to_owned(),
            (_, false, true) => "settings are back at their previous values\n".to_owned(),
            (_, false, false) => {
                "not all settings are back at their previous values: try `tunectl revert`\n".to_owned()
            }
        }
    }
}

/// What can't be undone can't be part of a benchmark that reverts its profile.
fn refuse_irreversible(plan: &Plan) -> Result<(), CommandError> {
    let names: Vec<String> = plan.irreversible().map(|(key, value)| format!("`{key}` = {value}")).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(CommandError::new(USAGE, format!("{} can't be undone until the next boot", names.join(", ")))
        .help("nothing was changed; apply it first: `tunectl apply --allow-irreversible`"))
}
