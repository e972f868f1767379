//! What load testers print. Pure: the text of a run in, its numbers out.
//!
//! A tester is recognised by its output, since it may be called through a script. One file each; adding one is a file,
//! its samples and a line in `TESTERS`. Samples of what they print are in `tests/bench/outputs`: in `real` as they were
//! printed, in `documented` as their documentation has them, for testers that could not be had.

mod ab;
mod errors;
mod h2load;
mod hey;
mod hyperfine;
mod k6;
mod metric;
mod oha;
mod redis_benchmark;
mod siege;
#[cfg(test)]
mod tests;
mod vegeta;
mod wrk;
mod wrk2;

pub use errors::errors;
pub use metric::{Metric, MetricError};

/// What a run printed. Both may be cut in the middle, where there was much.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// What it printed on standard output.
    pub out: &'a str,
    /// What it printed on standard error.
    pub err: &'a str,
}

/// The numbers of a run, as far as the tester prints them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RunResult {
    /// The name of the tester, `wrk`.
    pub tester: &'static str,
    /// Requests that were answered, whatever the answer.
    pub requests: Option<u64>,
    /// Those that failed: no answer, or one that says so (HTTP 4xx and 5xx).
    pub failed: Option<u64>,
    /// Answered requests a second.
    pub rate: Option<f64>,
    /// How long answers took.
    pub latency: Latency,
    /// Connections that could not be made, where the tester counts them by themselves.
    pub connect_errors: Option<u64>,
    /// What has to be known to read the numbers.
    pub remarks: Vec<Remark>,
}

/// The latency of requests, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The median, or 50th percentile.
    pub p50: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The longest one seen.
    pub max: Option<f64>,
}

/// What has to be known to read a tester's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// ab calls so many answers failed because they were not as long as the first one; its option `-l` stops that.
    LengthsDiffer(u64),
    /// ab counts one reset up to three times with `-r`: more failures than requests.
    FailuresCountedTwice,
    /// The output holds the results of so many tests; these are the first one's.
    SeveralTests(usize),
}

/// Reads the output of one tester; nothing where it is another's.
type Read = fn(Output<'_>) -> Option<RunResult>;

/// All testers. One whose output looks like that of another with additions comes first.
const TESTERS: [Read; 11] = [
    ab::read,
    wrk2::read,
    wrk::read,
    hey::read,
    oha::read,
    h2load::read,
    k6::read,
    vegeta::read,
    redis_benchmark::read,
    hyperfine::read,
    siege::read,
];

/// The numbers of a run; nothing where no tester was recognised.
#[must_use]
pub fn read(output: Output<'_>) -> Option<RunResult> {
    TESTERS.iter().find_map(|read| read(output))
}

impl RunResult {
    /// Whether nothing succeeded: the tester may have ended with 0 nevertheless.
    #[must_use]
    pub fn all_failed(&self) -> bool {
        match (self.requests, self.failed) {
            (Some(0), _) => true,
            (Some(requests), Some(failed)) => failed >= requests,
            _ => false,
        }
    }
}

/// The rest of the first line that begins with this, without blanks around it.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim_start().strip_prefix(start)).map(str::trim)
}

/// The number at the start of a text.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// A length of time in milliseconds: `421.00us`, `1.37ms`, `1m2.5s`. What is no number (`-nan`) is nothing.
fn milliseconds(text: &str) -> Option<f64> {
    // The longer of two units that begin alike first.
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-6), ("us", 1e-3), ("µs", 1e-3), ("ms", 1.0), ("s", 1e3), ("m", 6e4), ("h", 3.6e6)];
    let mut rest = text.trim();
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let value: f64 = rest[..end].parse().ok()?;
        let (unit, factor) = UNITS.into_iter().find(|(unit, _)| rest[end..].starts_with(unit))?;
        sum += value * factor;
        rest = &rest[end + unit.len()..];
    }
    (!text.trim().is_empty()).then_some(sum)
}

/// Seconds as milliseconds.
fn seconds(text: &str) -> Option<f64> {
    number::<f64>(text).filter(|number| number.is_finite()).map(|number| number * 1e3)
}

/// A count that JSON has as a number with or without a fraction.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a whole number in range")]
fn whole(value: &serde_json::Value) -> Option<u64> {
    let exact = |number: f64| (0.0..9e15).contains(&number).then(|| number.round() as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(exact))
}

/// The first JSON object in a text that is on a line of its own, or begins one.
fn json(text: &str) -> Option<serde_json::Value> {
    let starts = text.match_indices('{').filter(|(at, _)| *at == 0 || text[..*at].ends_with('\n'));
    // Not every brace begins JSON: k6 prints one in its table.
    let mut objects = starts.filter_map(|(at, _)| {
        serde_json::Deserializer::from_str(&text[at..]).into_iter::<serde_json::Value>().next()?.ok()
    });
    objects.find(serde_json::Value::is_object)
}
