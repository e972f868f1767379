//! redis-benchmark: with `--csv`, and as it prints by itself. It stops at the first error.

use super::{Latency, Output, Remark, RunResult, number};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    from_csv(output.out).or_else(|| from_text(output.out)).or_else(|| {
        let refused = output.err.contains("Could not connect to Redis at");
        refused.then(|| RunResult { tester: "redis-benchmark", ..RunResult::default() })
    })
}

/// `"test","rps","avg_latency_ms",…` and a line a test.
fn from_csv(text: &str) -> Option<RunResult> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("\"test\",\"rps\""));
    let cells = |line: &str| -> Vec<String> { line.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect() };
    let heading = cells(lines.next()?);
    let rows: Vec<Vec<String>> = lines.map(cells).filter(|row| row.len() == heading.len()).collect();
    let first = rows.first();
    let column = |name: &str| {
        let at = heading.iter().position(|its| its == name)?;
        number(first?.get(at)?)
    };
    let latency = Latency {
        mean: column("avg_latency_ms"),
        p50: column("p50_latency_ms"),
        p99: column("p99_latency_ms"),
        max: column("max_latency_ms"),
    };
    Some(result(None, column("rps"), latency, rows.len()))
}

fn from_text(text: &str) -> Option<RunResult> {
    // Progress is written over itself.
    let lines = || text.split(['\n', '\r']).map(str::trim);
    let quiet: Vec<&str> = lines().filter(|line| line.contains(" requests per second, p50=")).collect();
    if let Some(line) = quiet.first() {
        let rate = line.split_once(": ").and_then(|(_, rest)| number(rest));
        let p50 = line.split_once("p50=").and_then(|(_, rest)| number(rest));
        return Some(result(None, rate, Latency { p50, ..Latency::default() }, quiet.len()));
    }
    let done: Vec<&str> = lines().filter(|line| line.contains(" requests completed in ")).collect();
    let requests = number(done.first()?);
    let rate = lines().find_map(|line| number(line.strip_prefix("throughput summary: ")?));
    // A heading and the numbers below it.
    let mut summary = lines().skip_while(|line| !line.starts_with("latency summary"));
    let heading: Vec<&str> = summary.nth(1).unwrap_or_default().split_whitespace().collect();
    let row: Vec<&str> = summary.next().unwrap_or_default().split_whitespace().collect();
    let column = |name: &str| number(row.get(heading.iter().position(|its| *its == name)?)?);
    let latency = Latency { mean: column("avg"), p50: column("p50"), p99: column("p99"), max: column("max") };
    Some(result(requests, rate, latency, done.len()))
}

fn result(requests: Option<u64>, rate: Option<f64>, latency: Latency, tests: usize) -> RunResult {
    let remarks = if tests > 1 { vec![Remark::SeveralTests(tests)] } else { Vec::new() };
    // It would have stopped at the first failure.
    let failed = rate.map(|_| 0);
    RunResult { tester: "redis-benchmark", requests, failed, rate, latency, connect_errors: None, remarks }
}
