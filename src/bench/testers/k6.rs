//! k6: the JSON of `--summary-export` (with `/dev/stdout` as its file) and its table.
//!
//! `http_req_failed` is a rate of failures: its "passes" are the requests that failed. The 99th percentile is there only
//! with `--summary-trend-stats`.

use serde_json::Value;

use super::{Latency, Output, RunResult, json, milliseconds, number, whole};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    json(output.out).and_then(|object| from_json(&object)).or_else(|| from_table(output.out))
}

fn from_json(object: &Value) -> Option<RunResult> {
    let metric = |name: &str, field: &str| {
        let metric = object.get("metrics")?.get(name)?;
        // A summary of `handleSummary` has the numbers in a table of their own.
        metric.get(field).or_else(|| metric.get("values")?.get(field))
    };
    let requests = metric("http_reqs", "count").and_then(whole)?;
    let time = |field: &str| metric("http_req_duration", field).and_then(Value::as_f64);
    Some(RunResult {
        tester: "k6",
        requests: Some(requests),
        failed: metric("http_req_failed", "passes").and_then(whole),
        rate: metric("http_reqs", "rate").and_then(Value::as_f64),
        latency: Latency { mean: time("avg"), p50: time("med"), p99: time("p(99)"), max: time("max") },
        connect_errors: None,
        remarks: Vec::new(),
    })
}

fn from_table(text: &str) -> Option<RunResult> {
    let (requests, rate) = row(text, "http_reqs")?.split_once(' ')?;
    let durations = row(text, "http_req_duration").unwrap_or_default();
    let time = |name: &str| {
        durations.split_whitespace().find_map(|word| milliseconds(word.strip_prefix(name)?.strip_prefix('=')?))
    };
    Some(RunResult {
        tester: "k6",
        requests: number(requests),
        failed: row(text, "http_req_failed").and_then(failed),
        rate: number(rate.trim()),
        latency: Latency { mean: time("avg"), p50: time("med"), p99: time("p(99)"), max: time("max") },
        connect_errors: None,
        remarks: Vec::new(),
    })
}

/// `http_reqs......................: 180 4.36938/s`, with dots up to the colon.
fn row<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (head, values) = line.trim().split_once(':')?;
        (head.trim_end_matches('.').trim_end() == name).then(|| values.trim())
    })
}

/// `0.00% ✓ 0 ✗ 180`, and from version 1 on `0.00%  0 out of 45`: the failed ones are the first number.
fn failed(values: &str) -> Option<u64> {
    let rest = values.split_once('%')?.1.trim_start();
    number(rest.trim_start_matches('✓').trim_start())
}
