//! siege. It ends with 0 whatever happened; times are seconds with two digits, and there are no percentiles. An answer of
//! 4xx is a transaction that neither succeeded nor failed.

use serde_json::Value;

use super::{Latency, Output, RunResult, json, whole};

pub(super) fn read(output: Output<'_>) -> Option<RunResult> {
    let object = json(output.out).filter(|object| object.get("failed_transactions").is_some())?;
    let count = |name: &str| object.get(name).and_then(whole);
    let real = |name: &str| object.get(name).and_then(Value::as_f64);
    let (answered, failed) = (count("transactions")?, count("failed_transactions")?);
    let refused = count("successful_transactions").map_or(0, |succeeded| answered.saturating_sub(succeeded));
    let time = |name: &str| real(name).filter(|_| answered > 0).map(|seconds| seconds * 1e3);
    Some(RunResult {
        tester: "siege",
        requests: Some(answered + failed),
        failed: Some(failed + refused),
        rate: real("transaction_rate").filter(|_| answered > 0),
        latency: Latency { mean: time("response_time"), max: time("longest_transaction"), ..Latency::default() },
        connect_errors: None,
        remarks: Vec::new(),
    })
}
