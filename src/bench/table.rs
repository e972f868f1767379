//! The result of a benchmark for people: a line a run, what they come to, and the verdict.

use std::fmt::Write as _;

use super::document::RemedyEntry;
use super::messages;
use super::runs::{Run, Series};
use super::statistics::{Dropped, Measured};
use super::testers::Remark;
use crate::snippet::visible;
use crate::verdict::{Answer, Verdict};

/// The whole text, with what to do about the limit that was found.
#[must_use]
pub fn result(series: &Series, remedies: &[RemedyEntry]) -> String {
    let mut text = String::new();
    if !series.runs.is_empty() {
        runs(series, &mut text);
    }
    if let Some(end) = messages::end(&series.end) {
        let _ = writeln!(text, "not all runs were made: {end}");
    }
    if series.runs.is_empty() {
        return text;
    }
    text.push('\n');
    verdict(&series.verdict(), series, remedies, &mut text);
    text
}

fn runs(series: &Series, text: &mut String) {
    let unit = match &series.measured {
        Measured::Rate => "RATE/s".to_owned(),
        Measured::Metric(name, _) => visible(name),
        Measured::Seconds => "SECONDS".to_owned(),
    };
    let _ = writeln!(text, "RUN   REQUESTS   FAILED {unit:>12}        p50        p99        MAX");
    for run in &series.runs {
        let result = run.result.as_ref();
        let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let latency = result.map(|result| result.latency).unwrap_or_default();
        let time = |time: Option<f64>| time.map_or_else(|| "-".to_owned(), milliseconds);
        let _ = writeln!(
            text,
            "{:<4} {:>9} {:>8} {:>12} {:>10} {:>10} {:>10}{}",
            run.number,
            count(result.and_then(|result| result.requests)),
            count(result.and_then(|result| result.failed)),
            run.value.map_or_else(|| "-".to_owned(), number),
            time(latency.p50),
            time(latency.p99),
            time(latency.max),
            mark(run, series.measured.lower_is_better())
        );
    }
    for remark in remarks(series) {
        let _ = writeln!(text, "note: {}", messages::remark(remark));
    }
    let summary = series.summary();
    if let Some(mean) = summary.mean {
        let spread = summary.spread_percent.map_or_else(String::new, |spread| format!(", spread {spread:.1} %"));
        let of = if summary.counted == 1 { "1 run".to_owned() } else { format!("mean of {}", summary.counted) };
        let unit = match &series.measured {
            Measured::Rate => "req/s".to_owned(),
            Measured::Metric(name, _) => visible(name),
            Measured::Seconds => "s".to_owned(),
        };
        let _ = writeln!(text, "{of}: {} {unit}{spread}", number(mean));
    }
    if summary.is_too_wide() {
        text.push_str("note: the spread is too wide to conclude from; make more runs, or longer ones\n");
    }
}

/// What has to be known to read the numbers of the runs, each once.
fn remarks(series: &Series) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for remark in series.runs.iter().filter_map(|run| run.result.as_ref()).flat_map(|result| &result.remarks) {
        if !remarks.contains(remark) {
            remarks.push(*remark);
        }
    }
    remarks
}

fn mark(run: &Run, lower_is_better: bool) -> String {
    match (run.failure, run.dropped) {
        (Some(failure), _) => format!("   failed: {}", messages::failure(failure)),
        (None, Some(Dropped::Best)) if lower_is_better => "   dropped (lowest)".to_owned(),
        (None, Some(Dropped::Worst)) if lower_is_better => "   dropped (highest)".to_owned(),
        (None, Some(Dropped::Best)) => "   dropped (fastest)".to_owned(),
        (None, Some(Dropped::Worst)) => "   dropped (slowest)".to_owned(),
        (None, None) => String::new(),
    }
}

fn verdict(verdict: &Verdict, series: &Series, remedies: &[RemedyEntry], text: &mut String) {
    // Of a run with that answer, to name the service.
    let run = series.runs.iter().find(|run| run.verdict.answer == verdict.answer).or(series.runs.last());
    let _ = writeln!(text, "{}", messages::answer(verdict, run.map(|run| &run.observation)));
    for sign in &verdict.because {
        let _ = writeln!(text, "  {}", messages::sign(sign));
    }
    if let Answer::Limit(limit) = &verdict.answer {
        let _ = writeln!(text, "  {}", messages::bound(&limit.bound));
    }
    for remedy in remedies {
        let or = if remedy.alternative { "or, " } else { "" };
        let spot = remedy.spot.as_deref().map_or_else(String::new, |spot| format!(" {}", visible(spot)));
        let heading = match remedy.place {
            "service" => format!("restart the service with, in{spot}"),
            "shell" => "type".to_owned(),
            place => format!("{place}{spot}"),
        };
        let _ = writeln!(text, "  {or}{heading}:  {}", visible(&remedy.text));
    }
    for note in &verdict.notes {
        let _ = writeln!(text, "note: {}", messages::note(note));
    }
}

/// With as many digits as say something.
fn number(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.4}"),
    }
}

fn milliseconds(time: f64) -> String {
    match time {
        time if time >= 10_000.0 => format!("{:.1} s", time / 1e3),
        time if time >= 10.0 => format!("{time:.0} ms"),
        _ => format!("{time:.2} ms"),
    }
}
