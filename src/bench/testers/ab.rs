//! ab, the tester of Apache's httpd. Times are whole milliseconds.
//!
//! Without `-r` it stops at the first error and prints no table: then there is no rate either.

use super::{Latency, Output, Remark, RunResult, after, number};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    let text = output.out;
    if !text.contains("This is ApacheBench") && after(text, "Complete requests:").is_none() {
        return None;
    }
    let requests = after(text, "Complete requests:").and_then(number);
    let counted: Option<u64> = after(text, "Failed requests:").and_then(number);
    // Of redirections too: ab tells no codes apart.
    let refused: u64 = after(text, "Non-2xx responses:").and_then(number).unwrap_or(0);
    let sum = counted.map(|counted| counted.saturating_add(refused));
    let mut remarks = Vec::new();
    let lengths = part(text, "Length: ");
    if lengths > 0 {
        remarks.push(Remark::LengthsDiffer(lengths));
    }
    if sum > requests {
        remarks.push(Remark::FailuresCountedTwice);
    }
    let rate = after(text, "Requests per second:").and_then(number);
    Some(RunResult {
        tester: "ab",
        requests,
        failed: sum.zip(requests).map(|(failed, requests)| failed.min(requests)),
        rate: rate.filter(|_| requests > Some(0)),
        latency: latency(text),
        connect_errors: None,
        remarks,
    })
}

/// A part of the failures: `(Connect: 0, Receive: 0, Length: 100, Exceptions: 0)`.
fn part(text: &str, name: &str) -> u64 {
    let parts = after(text, "(Connect:").unwrap_or_default();
    parts.split_once(name).and_then(|(_, rest)| number(rest)).unwrap_or(0)
}

fn latency(text: &str) -> Latency {
    // The row holds minimum, mean, deviation, median and maximum; the table is missing where nothing was answered.
    let table = text.split_once("Connection Times (ms)").map_or("", |(_, rest)| rest);
    let mean = after(table, "Total:").and_then(|row| row.split_whitespace().nth(1)).and_then(number);
    let percentile = |name: &str| after(table, name).and_then(number);
    Latency { mean, p50: percentile("50% "), p99: percentile("99% "), max: percentile("100% ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "Complete requests:      300\nFailed requests:        399\n   \
        (Connect: 0, Receive: 100, Length: 199, Exceptions: 100)\nRequests per second:    6216.20 [#/sec] (mean)\n";

    #[test]
    fn a_reset_that_is_counted_three_times() {
        let result = read(Output { out: TABLE, err: "" }).unwrap();
        assert_eq!((result.requests, result.failed), (Some(300), Some(300)));
        assert_eq!(result.remarks, [Remark::LengthsDiffer(199), Remark::FailuresCountedTwice]);
        assert!(result.all_failed());
    }

    #[test]
    fn no_table_no_rate() {
        let out = "This is ApacheBench, Version 2.3\nBenchmarking 127.0.0.1 (be patient)...apr_socket_recv: Connection reset by peer (104)\n";
        let result = read(Output { out, err: "" }).unwrap();
        assert_eq!((result.requests, result.failed, result.rate), (None, None, None));
        let nothing = "This is ApacheBench\nComplete requests:      0\nFailed requests:        0\nRequests per second:    0.00 [#/sec] (mean)\n";
        let result = read(Output { out: nothing, err: "" }).unwrap();
        assert_eq!((result.requests, result.rate), (Some(0), None), "exit code 0 when -t ran out");
        assert!(result.all_failed());
    }
}
