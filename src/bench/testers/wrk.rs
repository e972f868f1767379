//! wrk. Lines of errors are printed only where there were some; percentiles only with `--latency`.

use super::{Latency, Output, RunResult, after, json, milliseconds, number, whole};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    let text = output.out;
    let lua = json(text).filter(|object| object.get("duration_us").is_some());
    if let Some(object) = lua {
        return script(&object);
    }
    if !text.contains("Thread Stats") {
        // The first connection could not be made: nothing was measured.
        let failed = output.err.contains("unable to connect to ") || text.contains("unable to connect to ");
        return failed.then(|| RunResult { tester: "wrk", ..RunResult::default() });
    }
    let line = text.lines().find(|line| line.contains(" requests in "))?;
    let requests = number(line.trim());
    let errors = after(text, "Socket errors:").unwrap_or_default();
    let error = |name: &str| -> u64 { errors.split_once(name).and_then(|(_, rest)| number(rest)).unwrap_or(0) };
    let refused: u64 = after(text, "Non-2xx or 3xx responses:").and_then(number).unwrap_or(0);
    let failed = refused + error("read ") + error("write ") + error("timeout ");
    Some(RunResult {
        tester: "wrk",
        requests,
        failed: Some(failed),
        rate: after(text, "Requests/sec:").and_then(number).filter(|_| requests > Some(0)),
        latency: latency(text).filter(|_| requests > Some(0)).unwrap_or_default(),
        connect_errors: Some(error("connect ")),
        remarks: Vec::new(),
    })
}

/// `Latency     1.37ms    2.42ms  24.45ms   90.26%`: mean, deviation and maximum.
pub(super) fn latency(text: &str) -> Option<Latency> {
    let mut words = after(text, "Latency ")?.split_whitespace();
    let (mean, max) = (words.next().and_then(milliseconds), words.nth(1).and_then(milliseconds));
    let percentile = |name: &str| after(text, name).and_then(milliseconds);
    Some(Latency { mean, p50: percentile("50% "), p99: percentile("99% "), max })
}

/// What a script prints in its function `done`, as JSON: `summary` and `latency` of wrk, in microseconds.
fn script(object: &serde_json::Value) -> Option<RunResult> {
    let count = |name: &str| object.get(name).and_then(whole);
    let time = |name: &str| object.get(name).and_then(serde_json::Value::as_f64).map(|micros| micros / 1e3);
    let requests = count("requests")?;
    let duration = object.get("duration_us")?.as_f64().filter(|micros| *micros > 0.0)?;
    let failed = ["read", "write", "status", "timeout"].into_iter().filter_map(count).sum();
    #[allow(clippy::cast_precision_loss, reason = "a rate needs no more than 52 bits")]
    let rate = requests as f64 / duration * 1e6;
    Some(RunResult {
        tester: "wrk",
        requests: Some(requests),
        failed: Some(failed),
        rate: (requests > 0).then_some(rate),
        latency: Latency { mean: time("mean_us"), p50: time("p50_us"), p99: time("p99_us"), max: time("max_us") },
        connect_errors: count("connect"),
        remarks: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_prints_json() {
        let out = "Running 1s test\n{\"requests\":161936,\"duration_us\":1100353,\"connect\":0,\"read\":0,\"write\":0,\
                   \"status\":161936,\"timeout\":0,\"mean_us\":115.5,\"p50_us\":98,\"p99_us\":965}\n";
        let result = read(Output { out, err: "" }).unwrap();
        assert_eq!((result.requests, result.failed), (Some(161_936), Some(161_936)));
        assert_eq!(result.rate.map(f64::round), Some(147_167.0));
        assert_eq!(result.latency.p99, Some(0.965));
        assert!(result.all_failed());
    }

    #[test]
    fn nothing_was_answered() {
        let out = "Running 2s test @ http://127.0.0.1:8080/\n  1 threads and 10 connections\n\
                   Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     0.00us    0.00us   0.00us    -nan%\n\
                   Req/Sec     0.00      0.00     0.00      -nan%\n  0 requests in 2.10s, 0.00B read\n\
                   Socket errors: connect 0, read 0, write 0, timeout 10\nRequests/sec:      0.00\nTransfer/sec:       0.00B\n";
        let result = read(Output { out, err: "" }).unwrap();
        assert_eq!((result.requests, result.failed, result.rate), (Some(0), Some(10), None));
        assert_eq!(result.latency, Latency::default(), "0.00us is no latency");
        assert!(result.all_failed());
    }
}
