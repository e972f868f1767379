//! The result of a benchmark as JSON. Its fields are only ever added to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::messages;
use super::runs::{Run, RunFailure, Series};
use super::statistics::{Dropped, Measured};
use crate::counters::Difference;
use crate::verdict::observation::{Sample, Use};
use crate::verdict::{Answer, Fix, Note, Side, Sign, Verdict};

/// What the document has besides the report of the profile.
#[derive(Debug, Serialize)]
pub struct Result<'a> {
    /// The words of the command.
    pub argv: &'a [String],
    /// Each run, in the order in which they were made.
    pub runs: Vec<RunEntry<'a>>,
    /// All of them together.
    pub summary: SummaryEntry,
    /// What held most of them back.
    pub verdict: VerdictEntry,
    /// Why not all of them were made.
    pub ended_early: Option<String>,
}

/// One run of the load test, an element of `runs[]`.
#[derive(Debug, Serialize)]
pub struct RunEntry<'a> {
    number: u32,
    exit_code: i32,
    seconds: f64,
    tester: Option<&'static str>,
    requests: Option<u64>,
    failed: Option<u64>,
    rate: Option<f64>,
    latency_ms: LatencyEntry,
    connect_errors: Option<u64>,
    value: Option<f64>,
    counted: bool,
    dropped: Option<&'static str>,
    failure: Option<FailureEntry>,
    remarks: Vec<String>,
    verdict: VerdictEntry,
    counters: CountersEntry,
    samples: Vec<SampleEntry>,
    output: &'a str,
    error_output: &'a str,
}

#[derive(Debug, Serialize)]
struct LatencyEntry {
    mean: Option<f64>,
    p50: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

#[derive(Debug, Serialize)]
struct FailureEntry {
    code: &'static str,
    text: String,
}

/// How far counters moved, by their names; what is not known is null.
#[derive(Debug, Serialize)]
struct CountersEntry {
    client: BTreeMap<&'static str, Option<u64>>,
    service: BTreeMap<&'static str, Option<u64>>,
    host: BTreeMap<&'static str, Option<u64>>,
}

#[derive(Debug, Serialize)]
struct SampleEntry {
    seconds: f64,
    accept_queue: Option<UseEntry>,
    unix_queue: Option<UseEntry>,
    service_descriptors: Option<UseEntry>,
    client_descriptors: Option<UseEntry>,
    conntrack: Option<u64>,
}

#[derive(Debug, Serialize)]
struct UseEntry {
    used: u64,
    limit: u64,
}

/// Mean and spread.
#[derive(Debug, Serialize)]
pub struct SummaryEntry {
    metric: String,
    lower_is_better: bool,
    counted: usize,
    mean: Option<f64>,
    spread_percent: Option<f64>,
    too_wide: bool,
}

/// The verdict of one run or of all of them, as JSON.
#[derive(Debug, Serialize)]
pub struct VerdictEntry {
    limit: &'static str,
    reason: Option<&'static str>,
    because: Vec<SignEntry>,
    setting: Option<String>,
    remedies: Vec<RemedyEntry>,
    notes: Vec<NoteEntry>,
    text: String,
}

#[derive(Debug, Serialize)]
struct SignEntry {
    sign: &'static str,
    side: &'static str,
    value: u64,
    of: Option<u64>,
    text: String,
}

#[derive(Debug, Serialize)]
struct NoteEntry {
    code: &'static str,
    text: String,
}

/// Something to paste, as `check` has it.
#[derive(Clone, Debug, Serialize)]
pub struct RemedyEntry {
    /// Where: a word of `findings[].remedies[].place`, or `service` for the service's own configuration.
    pub place: &'static str,
    /// The file or the table that it goes into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spot: Option<String>,
    /// The line to paste there.
    pub text: String,
    /// Whether it replaces those before it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub alternative: bool,
}

/// Makes the remedies of what a verdict says is to be done.
pub type Remedies<'a> = &'a mut dyn FnMut(&[Fix]) -> Vec<RemedyEntry>;

impl<'a> Result<'a> {
    /// The result of a series.
    pub fn of(argv: &'a [String], series: &'a Series, remedies: Remedies<'_>) -> Self {
        let summary = series.summary();
        let metric = match &series.measured {
            Measured::Rate => "rate".to_owned(),
            Measured::Metric(name, _) => name.clone(),
            Measured::Seconds => "seconds".to_owned(),
        };
        let verdict = series.verdict();
        Self {
            argv,
            runs: series.runs.iter().map(|run| RunEntry::of(run, remedies)).collect(),
            summary: SummaryEntry {
                metric,
                lower_is_better: series.measured.lower_is_better(),
                counted: summary.counted,
                mean: summary.mean,
                spread_percent: summary.spread_percent,
                too_wide: summary.is_too_wide(),
            },
            verdict: VerdictEntry::of(&verdict, series.runs.last(), remedies),
            ended_early: messages::end(&series.end),
        }
    }
}

impl<'a> RunEntry<'a> {
    fn of(run: &'a Run, remedies: Remedies<'_>) -> Self {
        let latency = run.result.as_ref().map(|result| result.latency).unwrap_or_default();
        let result = run.result.as_ref();
        let service = run.observation.service.as_ref();
        Self {
            number: run.number,
            exit_code: run.exit_code,
            seconds: run.duration.as_secs_f64(),
            tester: result.map(|result| result.tester),
            requests: result.and_then(|result| result.requests),
            failed: result.and_then(|result| result.failed),
            rate: result.and_then(|result| result.rate),
            latency_ms: LatencyEntry { mean: latency.mean, p50: latency.p50, p99: latency.p99, max: latency.max },
            connect_errors: result.and_then(|result| result.connect_errors),
            value: run.value,
            counted: run.counts(),
            dropped: run.dropped.map(|dropped| match dropped {
                Dropped::Best => "best",
                Dropped::Worst => "worst",
            }),
            failure: run.failure.map(|failure| FailureEntry { code: code(failure), text: messages::failure(failure) }),
            remarks: result
                .map(|its| its.remarks.iter().map(|remark| messages::remark(*remark)).collect())
                .unwrap_or_default(),
            verdict: VerdictEntry::of(&run.verdict, Some(run), remedies),
            counters: CountersEntry {
                client: counters(&run.observation.client.network),
                service: service.map(|service| counters(&service.network)).unwrap_or_default(),
                host: counters(&run.observation.host),
            },
            samples: run.observation.samples.iter().map(SampleEntry::of).collect(),
            output: &run.out,
            error_output: &run.err,
        }
    }
}

fn counters(difference: &Difference) -> BTreeMap<&'static str, Option<u64>> {
    difference.iter().map(|(counter, reading)| (counter.name(), reading.ok())).collect()
}

fn code(failure: RunFailure) -> &'static str {
    match failure {
        RunFailure::ExitCode(_) => "exit-code",
        RunFailure::Signal(_) => "signal",
        RunFailure::TimeLimit => "timeout",
        RunFailure::AllFailed => "all-failed",
        RunFailure::NoMetric => "no-metric",
        RunFailure::NoRate => "no-result",
    }
}

impl SampleEntry {
    fn of(sample: &Sample) -> Self {
        let entry = |its: Option<Use>| its.map(|its| UseEntry { used: its.used, limit: its.limit });
        Self {
            seconds: sample.at.as_secs_f64(),
            accept_queue: entry(sample.accept_queue),
            unix_queue: entry(sample.unix_queue),
            service_descriptors: entry(sample.service_descriptors),
            client_descriptors: entry(sample.client_descriptors),
            conntrack: sample.conntrack,
        }
    }
}

impl VerdictEntry {
    fn of(verdict: &Verdict, run: Option<&Run>, remedies: Remedies<'_>) -> Self {
        let (setting, reason, remedies) = match &verdict.answer {
            Answer::Limit(limit) => (Some(limit.bound.to_string()), None, remedies(&limit.fixes)),
            Answer::None(reason) => (None, Some(reason.code()), Vec::new()),
            Answer::Unknown => (None, None, Vec::new()),
        };
        Self {
            limit: verdict.answer.code(),
            reason,
            because: verdict.because.iter().map(SignEntry::of).collect(),
            setting,
            remedies,
            notes: verdict.notes.iter().map(NoteEntry::of).collect(),
            text: messages::answer(verdict, run.map(|run| &run.observation)),
        }
    }

    /// What to do, for people.
    #[must_use]
    pub fn remedies(&self) -> &[RemedyEntry] {
        &self.remedies
    }
}

impl SignEntry {
    fn of(sign: &Sign) -> Self {
        let side: Side = sign.side;
        Self {
            sign: sign.measure.code(),
            side: side.code(),
            value: sign.value,
            of: sign.of,
            text: messages::sign(sign),
        }
    }
}

impl NoteEntry {
    fn of(note: &Note) -> Self {
        Self { code: note.code(), text: messages::note(note) }
    }
}
