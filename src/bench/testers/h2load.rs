//! h2load. It ends with 0 whatever happened, and names no errno.

use super::{Latency, Output, RunResult, after, milliseconds, number};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    let text = output.out;
    let counts = after(text, "requests:").filter(|line| line.contains(" succeeded,"))?;
    let count = |name: &str| -> Option<u64> {
        counts.split(',').find_map(|part| number(part.trim().strip_suffix(name)?.trim()))
    };
    let (done, failed) = (count("done")?, count("failed")?);
    // `finished in 56.83ms, 35195.78 req/s, 5.14MB/s`
    let finished = after(text, "finished in ").unwrap_or_default();
    let rate = finished.split(", ").find_map(|part| number(part.strip_suffix(" req/s")?));
    let refused = output.err.matches("could not connect to host").count();
    Some(RunResult {
        tester: "h2load",
        // Those that were never started count as failed, and would be missing here.
        requests: Some(done.max(count("total").unwrap_or(0))),
        failed: Some(failed),
        rate: rate.filter(|_| done > 0),
        latency: latency(text).filter(|_| done > 0).unwrap_or_default(),
        connect_errors: u64::try_from(refused).ok(),
        remarks: Vec::new(),
    })
}

/// Columns by their heading: `min max mean sd`, and in newer versions percentiles among them.
fn latency(text: &str) -> Option<Latency> {
    let heading: Vec<&str> =
        text.lines().find(|line| line.trim_start().starts_with("min "))?.split_whitespace().collect();
    let row: Vec<&str> = after(text, "time for request:")?.split_whitespace().collect();
    let column = |name: &str| {
        let at = heading.iter().position(|its| *its == name)?;
        milliseconds(row.get(at)?)
    };
    Some(Latency {
        mean: column("mean"),
        p50: column("median").or_else(|| column("p50")),
        p99: column("p99"),
        max: column("max"),
    })
}
