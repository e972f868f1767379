//! hey. It ends with 0 whatever happened, and counts failures in its rate.

use super::{Latency, Output, RunResult, after, number, seconds};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    let text = output.out;
    // oha prints a summary of the same look, with a success rate.
    if !text.contains("Status code distribution:") || !text.contains("Fastest:") || text.contains("Success rate:") {
        return None;
    }
    let (codes, errors) = distributions(text);
    let answered: u64 = codes.iter().map(|(_, count)| count).sum();
    let refused: u64 = codes.iter().filter(|(code, _)| *code >= 400).map(|(_, count)| count).sum();
    let all = answered + errors;
    let rate: Option<f64> = after(text, "Requests/sec:").and_then(number);
    #[allow(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    let share = answered as f64 / all.max(1) as f64;
    let time = |name: &str| after(text, name).and_then(seconds).filter(|_| answered > 0);
    Some(RunResult {
        tester: "hey",
        requests: Some(all),
        failed: Some(refused + errors),
        rate: rate.map(|rate| rate * share).filter(|_| answered > 0),
        latency: Latency { mean: time("Average:"), p50: time("50% in "), p99: time("99% in "), max: time("Slowest:") },
        connect_errors: None,
        remarks: Vec::new(),
    })
}

/// `[200] 2000 responses`, and behind `Error distribution:` `[268] Get "http://…": …`: answers by code, and all errors.
fn distributions(text: &str) -> (Vec<(u64, u64)>, u64) {
    let behind = text.split_once("Status code distribution:").map_or("", |(_, rest)| rest);
    let (codes, errors) = behind.split_once("Error distribution:").unwrap_or((behind, ""));
    let entry = |line: &str| -> Option<(u64, String)> {
        let (inside, rest) = line.trim().strip_prefix('[')?.split_once(']')?;
        Some((inside.parse().ok()?, rest.trim().to_owned()))
    };
    let codes = codes.lines().filter_map(entry).filter_map(|(code, rest)| Some((code, number(&rest)?))).collect();
    (codes, errors.lines().filter_map(entry).map(|(count, _)| count).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_rate_is_that_of_the_answers() {
        let out = "Summary:\n  Total:	0.1 secs\n  Slowest:	0.0065 secs\n  Fastest:	0.0 secs\n  Average:	0.0010 secs\n  \
                   Requests/sec:	4000.0\n\nLatency distribution:\n  50% in 0.0010 secs\n\nStatus code distribution:\n  \
                   [200]	132 responses\n\nError distribution:\n  [268]	Get \"http://x/\": dial tcp: socket: too many open files\n";
        let result = read(Output { out, err: "" }).unwrap();
        assert_eq!((result.requests, result.failed), (Some(400), Some(268)));
        assert_eq!(result.rate.map(f64::round), Some(1320.0));
        assert_eq!(result.latency.max, Some(6.5));
    }
}
