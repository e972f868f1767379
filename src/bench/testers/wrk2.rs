//! wrk2: wrk at a constant rate. Its percentiles are corrected for requests that were sent too late.

use super::{Latency, Output, RunResult, after, milliseconds, wrk};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    let text = output.out;
    if !text.contains("HdrHistogram") && !text.contains("Thread calibration:") {
        return None;
    }
    let result = wrk::read(output)?;
    // Of the two tables the corrected one comes first.
    let percentile = |name: &str| after(text, name).and_then(milliseconds);
    let latency = Latency {
        p50: percentile("50.000% ").or(result.latency.p50),
        p99: percentile("99.000% ").or(result.latency.p99),
        max: percentile("100.000% ").or(result.latency.max),
        ..result.latency
    };
    Some(RunResult { tester: "wrk2", latency, ..result })
}
