//! hyperfine: how long a command takes. Its rate is commands a second.

use super::{Latency, Output, Remark, RunResult, number};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    let text = output.out;
    let tests = text.lines().filter(|line| line.starts_with("Benchmark ")).count();
    let times = text.lines().find_map(|line| line.trim_start().strip_prefix("Time (")?.split_once(':'));
    let (_, times) = times.filter(|_| tests > 0)?;
    let mean = time(times);
    // `Range (min … max):     0.6 ms …  15.9 ms    5 runs`
    let range = text.lines().find_map(|line| line.trim_start().strip_prefix("Range (")?.split_once(':'));
    let (max, runs) = range
        .and_then(|(_, range)| range.split_once('…'))
        .map_or((None, None), |(_, rest)| (time(rest), rest.split_whitespace().nth(2).and_then(number)));
    let remarks = if tests > 1 { vec![Remark::SeveralTests(tests)] } else { Vec::new() };
    Some(RunResult {
        tester: "hyperfine",
        requests: runs,
        // It stops at the first failure unless it was told to go on, and then it says so.
        failed: (!output.err.contains("Ignoring non-zero exit code")).then_some(0),
        rate: mean.filter(|mean| *mean > 0.0).map(|mean| 1e3 / mean),
        latency: Latency { mean, max, ..Latency::default() },
        connect_errors: None,
        remarks,
    })
}

/// `4.9 ms`, in milliseconds.
fn time(text: &str) -> Option<f64> {
    let mut words = text.split_whitespace();
    let value: f64 = number(words.next()?)?;
    match words.next()? {
        "ns" => Some(value / 1e6),
        "µs" => Some(value / 1e3),
        "ms" => Some(value),
        "s" => Some(value * 1e3),
        _ => None,
    }
}
