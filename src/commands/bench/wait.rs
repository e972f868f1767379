//! Waiting until the conditions of `[preflight]` hold.

use std::time::{Duration, Instant};

use crate::bench::child;
use crate::output;
use crate::preflight::Finding;
use crate::preflight::load::Load;

use super::super::prepare::Prepared;
use super::super::{CommandError, NOT_STARTED, World, preflight};
use super::BenchArgs;
use super::save::Progress;

/// How the wait ended.
pub(super) enum Waited {
    /// What was found at the end; nothing where nothing is asked for.
    Ready(Option<Vec<Finding>>),
    /// A signal asked us to end.
    Signal(i32),
}

/// Between two looks.
const BETWEEN: Duration = Duration::from_secs(1);

/// Waits until every condition holds that can come to hold by itself, for `--wait` at most. The others are looked at once.
///
/// # Errors
/// Exit code 125 where one that has to hold does not.
pub(super) fn until_ready(
    args: &BenchArgs,
    prepared: &Prepared,
    load: &Load,
    progress: &mut Progress,
    world: &mut World<'_>,
) -> Result<Waited, CommandError> {
    let asked = &prepared.profile.preflight;
    if args.no_preflight || asked.is_empty() {
        return Ok(Waited::Ready(None));
    }
    let mut conditions = preflight::conditions(args.pid, Some(load), &prepared.profile.service_ports, world);
    let since = Instant::now();
    loop {
        let findings = conditions.findings(asked);
        let left = args.wait.saturating_sub(since.elapsed());
        let is_hopeless = findings.iter().any(|finding| finding.fails() && !finding.is_waited_for());
        let is_waiting = findings.iter().any(Finding::is_waited_for);
        if is_hopeless || !is_waiting || left.is_zero() {
            progress.clear(world.err);
            drop(world.err.write_all(output::unmet(&findings, world.colour_err).as_bytes()));
            if findings.iter().any(Finding::prevents) {
                return Err(not_ready(args));
            }
            return Ok(Waited::Ready(Some(findings)));
        }
        progress.waiting(&output::waiting_for(&findings), left, world.err);
        if let Some(signal) = child::pause(BETWEEN.min(left)) {
            progress.clear(world.err);
            return Ok(Waited::Signal(signal));
        }
    }
}

fn not_ready(args: &BenchArgs) -> CommandError {
    let message = format!(
        "the conditions of `[preflight]` do not hold ({} s were waited at most); the command was not started",
        args.wait.as_secs_f64()
    );
    CommandError::new(NOT_STARTED, message)
        .help("`--wait` waits longer, `--no-preflight` does not look, `required = false` in the profile only warns")
}
