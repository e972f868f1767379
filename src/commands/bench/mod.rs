//! `tunectl bench`: run a load test several times, and say whether the kernel was the limit.

mod profile;
mod remedies;
mod save;
mod wait;

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::bench::document;
use crate::bench::runs::{self, End, Event, Schedule, Series};
use crate::bench::sampler::Places;
use crate::bench::table;
use crate::bench::testers::{Metric, MetricError};
use crate::cli::{ApplyPolicy, ProfileArgs};
use crate::exec::{Stage, StageError};
use crate::kernel::AccessMode;
use crate::model::duration;
use crate::model::run::RunOptions;
use crate::output::{self, DiagnosedReport, Format, ReportOf};
use crate::plan::LimitStep;
use crate::preflight::load::{Load, Target};

use super::diagnosis::diagnosed;
use super::prepare::{Need, prepare};
use super::{CommandError, Execute, FALLS_SHORT, NOT_STARTED, USAGE, World, print};
use profile::Applied;
use save::ResultFile;
use wait::Waited;

/// Arguments of `tunectl bench`.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
#[command(
    after_help = "Example:\n  sudo tunectl bench -p loadtest --port 8080 -- ab -r -n 40000 -c 4000 http://127.0.0.1:8080/"
)]
pub struct BenchArgs {
    /// Which profiles to apply for the test.
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
    /// How far to go.
    #[command(flatten)]
    pub(super) policy: ApplyPolicy,
    /// How many runs count.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) runs: u32,
    /// How many runs come before those, and don't count.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(..=1000))]
    pub(super) warmup: u32,
    /// A line for the shell that is run before each run, as one that restarts the service.
    #[arg(long, value_name = "COMMAND")]
    pub(super) before: Option<OsString>,
    /// Wait before each run until this address accepts connections: HOST:PORT, or the path of a socket.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) ready: Option<String>,
    /// End a run that takes longer.
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    pub(super) timeout: Option<Duration>,
    /// How long to wait for what has to hold before the runs, and for the service.
    #[arg(long, value_name = "TIME", value_parser = duration::parse, default_value = "5m")]
    pub(super) wait: Duration,
    /// The service's process. Else it is found by the port that the command connects to.
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub(super) pid: Option<i32>,
    /// Read the result of another program: a name, and a regular expression whose first group is the number.
    #[arg(long, value_name = "NAME=REGEX")]
    pub(super) metric: Option<String>,
    /// Less of the metric is better.
    #[arg(long, requires = "metric")]
    pub(super) metric_lower_is_better: bool,
    /// Don't wait for what the profile's `[preflight]` asks for.
    #[arg(long)]
    pub(super) no_preflight: bool,
    /// Leave the profile applied at the end.
    #[arg(long)]
    pub(super) keep: bool,
    /// Save the result to this file.
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// How to show the result.
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = Format::text_or_json())]
    pub(super) format: Format,
    /// The load test's command; everything from here on is its own.
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<OsString>,
}

impl Execute for BenchArgs {
    fn access(&self) -> AccessMode {
        AccessMode::Write
    }

    fn execute(&self, world: &mut World<'_>) -> Result<i32, CommandError> {
        bench(self, world)
    }
}

fn bench(args: &BenchArgs, world: &mut World<'_>) -> Result<i32, CommandError> {
    let metric = args.metric.as_deref().map(Metric::parse).transpose().map_err(|error| no_metric(&error))?;
    let ready_at = args.ready.as_deref().map(address).transpose()?;
    let prepared = prepare(&args.profile, Need::Nothing, args.policy.allow_host_settings, world)?;
    // A command that can't be executed is found out before anything is changed for it.
    let command = stage(&args.command)?;
    let before = args.before.as_ref().map(|line| stage(&["/bin/sh".into(), "-c".into(), line.clone()])).transpose()?;
    let words: Vec<String> = args.command.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let load = Load::parse(&words);
    let mut applied = Applied::apply(args, &prepared, world)?;
    let mut progress = save::Progress::new(args.format, load.duration);
    let conditions = match wait::until_ready(args, &prepared, &load, &mut progress, world) {
        Ok(Waited::Ready(conditions)) => conditions,
        Ok(Waited::Signal(signal)) => {
            applied.restore(false, &prepared, world);
            return Ok(128 + signal);
        }
        Err(not_ready) => {
            applied.restore(false, &prepared, world);
            return Err(not_ready);
        }
    };
    let schedule = Schedule {
        command,
        load,
        before,
        ready: ready_at,
        runs: args.runs,
        warmup: args.warmup,
        time_limit: args.timeout,
        ready_limit: args.wait,
        metric,
        lower_is_better: args.metric_lower_is_better,
        pid: args.pid,
        places: Places { root: PathBuf::from("/"), proc: world.processes.clone() },
        inherited: &world.os.inherited(),
    };
    let mut file = ResultFile::new(args);
    let profile = args.profile.to_args();
    let found = applied.report.clone();
    let mut diagnosed = diagnosed(ReportOf::Bench, &prepared, None, &found, &profile, None);
    diagnosed.preflight = conditions;
    let mut tell = |event: &Event<'_>, err: &mut dyn Write| {
        progress.show(event, err);
        if let Event::SoFar(series) = event {
            // Where remedies are looked for in other namespaces, there is no way back: they come at the end.
            let result = document::Result::of(&words, series, &mut |_| Vec::new());
            file.save_so_far(|| output::document_with(&diagnosed, false, &result));
        }
    };
    let series = carry_out(args, &schedule, &applied.limits, &mut tell, world);
    progress.clear(world.err);
    let restored = applied.restore(args.keep, &prepared, world);
    let result = document::Result::of(&words, &series, &mut |fixes| remedies::remedies(fixes, args, &series, world));
    report(args, &diagnosed, &applied, file, &series, &result, world);
    Ok(if restored { exit_code(&applied, &series) } else { FALLS_SHORT.max(exit_code(&applied, &series)) })
}

/// The exit code of the README's table.
fn exit_code(applied: &Applied, series: &Series) -> i32 {
    match &series.end {
        End::Signal(signal) => 128 + signal,
        End::NoProcess(_) if series.runs.is_empty() => NOT_STARTED,
        _ if !series.succeeded() || applied.report.fails() => FALLS_SHORT,
        _ => 0,
    }
}

/// The runs, with what is shown of them meanwhile.
fn carry_out(
    args: &BenchArgs,
    schedule: &Schedule<'_>,
    limits: &[LimitStep],
    tell: &mut dyn FnMut(&Event<'_>, &mut dyn Write),
    world: &mut World<'_>,
) -> Series {
    let World { kernel, err, .. } = world;
    let mut take = || Applied::take_limits(*kernel, limits, args.policy.best_effort);
    runs::carry_out(schedule, &mut take, &mut |event: &Event<'_>| tell(event, *err))
}

/// Prints the result, and saves it.
fn report(
    args: &BenchArgs,
    diagnosed: &DiagnosedReport<'_>,
    applied: &Applied,
    file: ResultFile,
    series: &Series,
    result: &document::Result<'_>,
    world: &mut World<'_>,
) {
    let text = output::document_with(diagnosed, series.succeeded(), result);
    let saved = file.save(&text);
    match args.format {
        Format::Json => print(world.out, &text),
        Format::Text | Format::Prometheus => {
            if applied.report.tally().short > 0 {
                drop(world.err.write_all(output::shortfalls(diagnosed, world.colour_err).as_bytes()));
            }
            print(world.out, &table::result(series, result.verdict.remedies()));
            print(world.out, &applied.last_line(args.keep));
            if let Some(path) = saved {
                print(world.out, &format!("saved: {}\n", path.display()));
            }
        }
    }
}

fn no_metric(error: &MetricError) -> CommandError {
    let message = match error {
        MetricError::NoName => {
            "`--metric` takes a name and a regular expression, as in `tps=tps = ([0-9.]+)`".to_owned()
        }
        MetricError::Pattern(why) => format!("`--metric`: the regular expression is wrong: {why}"),
    };
    CommandError::new(USAGE, message)
}

/// An address to wait for: `HOST:PORT`, `[HOST]:PORT`, `:PORT` or a path.
fn address(text: &str) -> Result<Target, CommandError> {
    if Path::new(text).is_absolute() {
        return Ok(Target::Unix(text.to_owned()));
    }
    let tcp = text.rsplit_once(':').and_then(|(host, port)| {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Some(Target::Tcp(if host.is_empty() { "127.0.0.1" } else { host }.to_owned(), port.parse().ok()?))
    });
    let wrong = || CommandError::new(USAGE, format!("`--ready {}`: expected HOST:PORT or a path", text.escape_debug()));
    tcp.ok_or_else(wrong)
}

fn stage(command: &[OsString]) -> Result<Stage, CommandError> {
    let failed = |error: StageError| CommandError::new(error.exit_code(), error);
    Stage::prepare(&RunOptions::default(), command).map_err(failed)
}
