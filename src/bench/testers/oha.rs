//! oha: its JSON (`--output-format json`, before 1.9 `--json`) and its text.

use serde_json::Value;

use super::{Latency, Output, RunResult, after, json, number, seconds, whole};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    match json(output.out).filter(|object| object.get("statusCodeDistribution").is_some()) {
        Some(object) => Some(from_json(&object)),
        None => from_text(output.out),
    }
}

fn from_json(object: &Value) -> RunResult {
    let summary = |name: &str| object.get("summary").and_then(|summary| summary.get(name)).and_then(Value::as_f64);
    let percentile =
        |name: &str| object.get("latencyPercentiles").and_then(|all| all.get(name)).and_then(Value::as_f64);
    let counts = |name: &str| -> Vec<(String, u64)> {
        let table = object.get(name).and_then(Value::as_object);
        let pairs = table.into_iter().flatten().filter_map(|(key, count)| Some((key.clone(), whole(count)?)));
        pairs.collect()
    };
    result(
        &counts("statusCodeDistribution"),
        &counts("errorDistribution"),
        summary("requestsPerSec"),
        Latency {
            mean: summary("average").map(|time| time * 1e3),
            p50: percentile("p50").map(|time| time * 1e3),
            p99: percentile("p99").map(|time| time * 1e3),
            max: summary("slowest").map(|time| time * 1e3),
        },
    )
}

fn from_text(text: &str) -> Option<RunResult> {
    if !text.contains("Success rate:") || !text.contains("Status code distribution:") {
        return None;
    }
    let behind = text.split_once("Status code distribution:").map_or("", |(_, rest)| rest);
    let (codes, errors) = behind.split_once("Error distribution:").unwrap_or((behind, ""));
    // `[200] 2000 responses`, `[268] connection refused`.
    let entry = |line: &str| -> Option<(String, String)> {
        let (inside, rest) = line.trim().strip_prefix('[')?.split_once(']')?;
        Some((inside.to_owned(), rest.trim().to_owned()))
    };
    let codes: Vec<_> =
        codes.lines().filter_map(entry).filter_map(|(code, rest)| Some((code, number(&rest)?))).collect();
    let errors: Vec<_> =
        errors.lines().filter_map(entry).filter_map(|(count, text)| Some((text, count.parse().ok()?))).collect();
    let time = |name: &str| after(text, name).and_then(time_in_milliseconds);
    let latency =
        Latency { mean: time("Average:"), p50: time("50.00% in "), p99: time("99.00% in "), max: time("Slowest:") };
    Some(result(&codes, &errors, after(text, "Requests/sec:").and_then(number), latency))
}

/// `1.2345 ms` or `0.0012 secs`, as the versions have it.
fn time_in_milliseconds(text: &str) -> Option<f64> {
    match text.split_whitespace().nth(1) {
        Some("ms") => number(text),
        Some("us" | "µs") => number::<f64>(text).map(|micros| micros / 1e3),
        _ => seconds(text),
    }
}

fn result(codes: &[(String, u64)], errors: &[(String, u64)], rate: Option<f64>, latency: Latency) -> RunResult {
    let answered: u64 = codes.iter().map(|(_, count)| count).sum();
    let refused: u64 = codes.iter().filter(|(code, _)| number(code) >= Some(400_u64)).map(|(_, count)| count).sum();
    // Requests that were under way when the time was over are no failures.
    let broken = errors.iter().filter(|(text, _)| !text.contains("aborted due to deadline"));
    let broken: u64 = broken.map(|(_, count)| count).sum();
    RunResult {
        tester: "oha",
        requests: Some(answered + broken),
        failed: Some(refused + broken),
        rate: rate.filter(|_| answered > 0),
        latency: if answered > 0 { latency } else { Latency::default() },
        connect_errors: None,
        remarks: Vec::new(),
    }
}
