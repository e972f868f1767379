//! vegeta: its text (`vegeta report`) and its JSON (`-type=json`). `rate` is what was asked for, `throughput` what came.

use serde_json::Value;

use super::{Latency, Output, RunResult, json, milliseconds, number, whole};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    json(output.out).and_then(|object| from_json(&object)).or_else(|| from_text(output.out))
}

fn from_json(object: &Value) -> Option<RunResult> {
    let latencies = object.get("latencies")?;
    let success = object.get("success")?.as_f64()?;
    let requests = object.get("requests").and_then(whole)?;
    let time = |name: &str| latencies.get(name).and_then(Value::as_f64).map(|nanoseconds| nanoseconds / 1e6);
    let throughput = object.get("throughput").and_then(Value::as_f64);
    let latency = Latency { mean: time("mean"), p50: time("50th"), p99: time("99th"), max: time("max") };
    Some(result(requests, success, throughput, latency))
}

fn from_text(text: &str) -> Option<RunResult> {
    let value = |row: &str, column: &str| {
        // `Requests      [total, rate, throughput] 1200, 120.00, 65.87`
        let line = text.lines().find(|line| line.starts_with(row))?;
        let (names, values) = line.split_once('[')?.1.split_once(']')?;
        let at = names.split(", ").position(|name| name == column)?;
        values.split(',').nth(at).map(str::trim)
    };
    let requests = value("Requests", "total").and_then(number)?;
    let success = value("Success", "ratio").and_then(number::<f64>)? / 100.0;
    let time = |column: &str| value("Latencies", column).and_then(milliseconds);
    let latency = Latency { mean: time("mean"), p50: time("50"), p99: time("99"), max: time("max") };
    Some(result(requests, success, value("Requests", "throughput").and_then(number), latency))
}

fn result(requests: u64, success: f64, throughput: Option<f64>, latency: Latency) -> RunResult {
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count that fits"
    )]
    let succeeded = (requests as f64 * success.clamp(0.0, 1.0)).round() as u64;
    RunResult {
        tester: "vegeta",
        requests: Some(requests),
        failed: Some(requests.saturating_sub(succeeded)),
        rate: throughput.filter(|_| succeeded > 0),
        latency,
        connect_errors: None,
        remarks: Vec::new(),
    }
}
