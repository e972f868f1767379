//! The runs: the service restarted before each where told, then waited for, the load tester run and watched, and its
//! result read.

use std::io;
use std::net::ToSocketAddrs;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::child::{self, Destination, Finished, Stopped, Unwatched, Watcher};
use super::sampler::{Places, Sampler};
use super::statistics::{self, Dropped, Measured, Summary};
use super::testers::{self, Metric, Output, RunResult};
use crate::exec::{LimitsFallShort, Stage};
use crate::preflight::load::{Load, Target};
use crate::sys::{Ended, Inherited};
use crate::verdict::observation::{Observation, Outcome, Sample};
use crate::verdict::{self, Verdict};

/// What is to be run, and how often.
#[derive(Debug)]
pub struct Schedule<'a> {
    /// The load tester.
    pub command: Stage,
    /// What its command line says.
    pub load: Load,
    /// What is run before each run, and has to end with 0.
    pub before: Option<Stage>,
    /// What has to accept connections before each run.
    pub ready: Option<Target>,
    /// Runs that count.
    pub runs: u32,
    /// Runs before those, which don't.
    pub warmup: u32,
    /// How long one run may take.
    pub time_limit: Option<Duration>,
    /// How long the service may take to accept connections.
    pub ready_limit: Duration,
    /// Where the number of a run is found, where it is not the tester's rate.
    pub metric: Option<Metric>,
    /// Whether less of the metric is better.
    pub lower_is_better: bool,
    /// The service's process, where one was named.
    pub pid: Option<i32>,
    /// Where the kernel's files are.
    pub places: Places,
    /// The signal state that commands get.
    pub inherited: &'a Inherited,
}

/// One run of the load test, with what was seen of it.
#[derive(Debug)]
pub struct Run {
    /// From 1 on; runs to warm up are not numbered.
    pub number: u32,
    /// The exit code; 128 + N where signal N ended it.
    pub exit_code: i32,
    /// From its start to its end.
    pub duration: Duration,
    /// What the tester printed.
    pub result: Option<RunResult>,
    /// The number that is compared, where there is one.
    pub value: Option<f64>,
    /// The same, as the metric or the tester gave it.
    own_value: Option<f64>,
    /// Why it failed.
    pub failure: Option<RunFailure>,
    /// Why it is left out though it did not fail.
    pub dropped: Option<Dropped>,
    /// What was seen of it.
    pub observation: Observation,
    /// What it was held back by.
    pub verdict: Verdict,
    /// What it printed.
    pub out: String,
    /// What it printed on standard error.
    pub err: String,
}

/// Why a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunFailure {
    /// It ended with this exit code.
    ExitCode(i32),
    /// This signal ended it.
    Signal(i32),
    /// Its time was over.
    TimeLimit,
    /// The tester ended with 0, and no request succeeded.
    AllFailed,
    /// The metric was not found in its output.
    NoMetric,
    /// Another run had a rate, and this one has none.
    NoRate,
}

/// How the runs came to their end.
#[derive(Debug)]
pub enum End {
    /// All of them ran.
    Done,
    /// A signal asked us to end.
    Signal(i32),
    /// The command that restarts the service failed, before the run with this number.
    Before(u32, Ended),
    /// The service did not accept connections in time, before the run with this number.
    NotReady(u32, Target),
    /// No process could be made.
    NoProcess(io::Error),
    /// It has not ended: this is what there is so far.
    NotYet,
}

/// All runs, and how they ended.
#[derive(Debug)]
pub struct Series {
    /// Those that ran to their end.
    pub runs: Vec<Run>,
    /// How it ended.
    pub end: End,
    /// What the number of a run is.
    pub measured: Measured,
}

/// What happens while the runs go on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The command that restarts the service begins.
    Restarting,
    /// The service is waited for.
    WaitingFor(&'a Target),
    /// A run begins: its number, of all; 0 for one to warm up.
    Started(u32, u32),
    /// A sample of it was taken, so long after its start.
    Sampled(Duration, &'a Sample),
    /// It is over.
    Finished(&'a Run),
    /// One that counts is over: all of those so far.
    SoFar(&'a Series),
}

/// Takes the limits of the profile, in the process of a command.
pub type Limits<'a> = &'a mut dyn FnMut() -> Result<(), LimitsFallShort>;

/// Carries out a schedule. What was finished is in the result, however it ended.
pub fn carry_out(schedule: &Schedule<'_>, limits: Limits<'_>, tell: &mut dyn FnMut(&Event<'_>)) -> Series {
    let mut series = Series { runs: Vec::new(), end: End::NotYet, measured: Measured::Seconds };
    for number in (0..schedule.warmup).map(|_| 0).chain(1..=schedule.runs) {
        match one(schedule, number, limits, tell) {
            Ok(run) => {
                tell(&Event::Finished(&run));
                if number > 0 {
                    series.runs.push(run);
                    series.measured = measured(schedule, &series.runs);
                    settle(&mut series.runs, &series.measured);
                    tell(&Event::SoFar(&series));
                }
            }
            Err(end) => {
                series.end = end;
                return series;
            }
        }
    }
    series.end = End::Done;
    series
}

/// One run, with all that comes before it.
fn one(schedule: &Schedule<'_>, number: u32, limits: Limits<'_>, tell: &mut dyn FnMut(&Event<'_>)) -> Result<Run, End> {
    if let Some(before) = &schedule.before {
        tell(&Event::Restarting);
        let finished = run_before(schedule, before, limits)?;
        if finished != Ended::Code(0) {
            return Err(End::Before(number, finished));
        }
    }
    // Where nothing restarts the service, it is waited for only where that was asked for.
    let restarted = schedule.before.as_ref().and(schedule.load.target.as_ref());
    if let Some(target) = schedule.ready.as_ref().or(restarted) {
        wait_for(target, number, schedule.ready_limit, tell)?;
    }
    tell(&Event::Started(number, schedule.runs));
    // A service that was restarted has another one: then it is looked for where requests are sent to.
    let pid = schedule.pid.filter(|pid| schedule.places.proc.join(pid.to_string()).exists());
    let sampler = Sampler::new(&schedule.places, &schedule.load, pid);
    let mut watched = Watched { sampler, tell };
    let finished = child::run(
        &schedule.command,
        schedule.inherited,
        Destination::Captured,
        schedule.time_limit,
        limits,
        &mut watched,
    )
    .map_err(End::NoProcess)?;
    if let Some(Stopped::Signal(signal)) = finished.stopped {
        return Err(End::Signal(signal));
    }
    Ok(judged(schedule, number, finished, watched.sampler))
}

fn run_before(schedule: &Schedule<'_>, before: &Stage, limits: Limits<'_>) -> Result<Ended, End> {
    let (to, limit) = (Destination::StandardError, Some(schedule.ready_limit));
    let finished = child::run(before, schedule.inherited, to, limit, limits, &mut Unwatched).map_err(End::NoProcess)?;
    match finished.stopped {
        Some(Stopped::Signal(signal)) => Err(End::Signal(signal)),
        _ => Ok(finished.ended),
    }
}

/// Waits until something accepts connections there.
fn wait_for(target: &Target, number: u32, limit: Duration, tell: &mut dyn FnMut(&Event<'_>)) -> Result<(), End> {
    const BETWEEN: Duration = Duration::from_millis(50);
    tell(&Event::WaitingFor(target));
    let since = Instant::now();
    while !accepts(target) {
        if since.elapsed() >= limit {
            return Err(End::NotReady(number, target.clone()));
        }
        if let Some(signal) = child::pause(BETWEEN) {
            return Err(End::Signal(signal));
        }
    }
    Ok(())
}

fn accepts(target: &Target) -> bool {
    const PATIENCE: Duration = Duration::from_millis(500);
    match target {
        Target::Unix(path) => UnixStream::connect(path).is_ok(),
        Target::Tcp(host, port) => {
            let addresses = (host.as_str(), *port).to_socket_addrs().into_iter().flatten();
            let mut tries = addresses.map(|address| std::net::TcpStream::connect_timeout(&address, PATIENCE));
            tries.any(|tried| tried.is_ok())
        }
    }
}

struct Watched<'a, 'b> {
    sampler: Sampler<'a>,
    tell: &'b mut dyn FnMut(&Event<'_>),
}

impl Watcher for Watched<'_, '_> {
    fn started(&mut self, pid: i32) {
        self.sampler.start(pid);
    }

    fn look(&mut self) -> Duration {
        let next = self.sampler.sample();
        let elapsed = self.sampler.elapsed();
        if let Some(sample) = self.sampler.latest() {
            (self.tell)(&Event::Sampled(elapsed, sample));
        }
        next.saturating_sub(elapsed)
    }
}

/// What came of a run that ended.
fn judged(schedule: &Schedule<'_>, number: u32, finished: Finished, sampler: Sampler<'_>) -> Run {
    let output = Output { out: &finished.out, err: &finished.err };
    let result = testers::read(output);
    let metric = schedule.metric.as_ref().map(|metric| metric.find(output));
    let no_metric = metric == Some(None);
    let failure = failure(&finished, result.as_ref()).or(no_metric.then_some(RunFailure::NoMetric));
    let tester = result.as_ref().map(|result| result.tester);
    let code = match finished.ended {
        Ended::Code(code) => Some(code),
        Ended::Signal(_) => None,
    };
    let outcome = Outcome {
        succeeded: finished.ended == Ended::Code(0),
        requests: result.as_ref().and_then(|result| result.requests),
        failed: result.as_ref().and_then(|result| result.failed),
        connect_errors: result.as_ref().and_then(|result| result.connect_errors),
        errors: testers::errors(output, tester, code),
    };
    let observation = sampler.finish(outcome);
    let verdict = verdict::judge(&observation);
    let value = metric.unwrap_or_else(|| result.as_ref().and_then(|result| result.rate));
    Run {
        number,
        exit_code: finished.ended.exit_code(),
        duration: finished.duration,
        value,
        own_value: value,
        result,
        failure,
        dropped: None,
        observation,
        verdict,
        out: finished.out,
        err: finished.err,
    }
}

/// Why a run failed, if it did.
fn failure(finished: &Finished, result: Option<&RunResult>) -> Option<RunFailure> {
    match (finished.stopped, finished.ended) {
        (Some(Stopped::TimeLimit), _) => Some(RunFailure::TimeLimit),
        (_, Ended::Signal(signal)) => Some(RunFailure::Signal(signal)),
        (_, Ended::Code(code @ 1..)) => Some(RunFailure::ExitCode(code)),
        _ if result.is_some_and(RunResult::all_failed) => Some(RunFailure::AllFailed),
        _ => None,
    }
}

/// What is compared: the metric where one is asked for, else the rate where a run has one, else the time.
fn measured(schedule: &Schedule<'_>, runs: &[Run]) -> Measured {
    match &schedule.metric {
        Some(metric) => Measured::Metric(metric.name.clone(), schedule.lower_is_better),
        None if runs.iter().any(|run| run.own_value.is_some()) => Measured::Rate,
        None => Measured::Seconds,
    }
}

/// Which runs count, of those that are there: another one may change that.
fn settle(runs: &mut [Run], measured: &Measured) {
    for run in runs.iter_mut() {
        (run.value, run.dropped) = (run.own_value, None);
        if *measured == Measured::Seconds {
            run.value = Some(run.duration.as_secs_f64());
        }
        if *measured == Measured::Rate && run.value.is_none() && run.failure.is_none() {
            run.failure = Some(RunFailure::NoRate);
        }
    }
    let good: Vec<usize> = (0..runs.len()).filter(|at| runs[*at].failure.is_none()).collect();
    let numbers: Vec<f64> = good.iter().filter_map(|at| runs[*at].value).collect();
    for (at, mark) in good.into_iter().zip(statistics::dropped(&numbers, measured.lower_is_better())) {
        runs[at].dropped = mark;
    }
}

impl Run {
    /// Whether its number is one of those that the mean is made of.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.failure.is_none() && self.dropped.is_none()
    }
}

impl Series {
    /// Mean and spread of the runs that count.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let numbers: Vec<f64> = self.runs.iter().filter(|run| run.counts()).filter_map(|run| run.value).collect();
        statistics::summary(&numbers)
    }

    /// The verdict over the runs that count; over all, where none does.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let counted: Vec<&Verdict> = self.runs.iter().filter(|run| run.counts()).map(|run| &run.verdict).collect();
        if counted.is_empty() {
            verdict::overall(&self.runs.iter().map(|run| &run.verdict).collect::<Vec<_>>())
        } else {
            verdict::overall(&counted)
        }
    }

    /// Whether every run that was to be made succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        matches!(self.end, End::Done) && self.runs.iter().all(|run| run.failure.is_none())
    }
}
