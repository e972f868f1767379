//! What `revert` did, for programs.

use serde_json::{Value, json};

use crate::journal::{Outcome, Standing, Undone, What};
use crate::output;

/// One setting; `why` is what was said of it for people, where it falls short.
pub(super) fn entry(undone: &Undone, why: Option<&str>) -> Value {
    let Undone { change, outcome } = undone;
    let (code, found) = match outcome {
        Outcome::Done { from } => ("put-back", Some(from)),
        Outcome::WouldDo { from } => ("would-put-back", Some(from)),
        Outcome::Already => ("already", change.before.as_ref()),
        Outcome::Never => ("never-written", None),
        Outcome::Gone => ("gone", None),
        Outcome::Elsewhere => ("elsewhere", None),
        Outcome::Foreign { now, .. } => ("somebody-elses", Some(now)),
        Outcome::OneWay => ("one-way", None),
        Outcome::Refused(_) => ("refused", None),
        Outcome::NotKept { now } => ("not-kept", Some(now)),
    };
    let process = match &change.what {
        What::Limit { process, .. } => json!({ "pid": process.pid, "name": process.name }),
        What::Key { .. } => Value::Null,
    };
    json!({
        "setting": change.what.name(),
        "process": process,
        "outcome": code,
        "original": change.before.as_ref().map(Standing::words),
        "found": found.map(Standing::words),
        "why": why,
    })
}

/// The document. What could not be looked at is counted: entries of other namespaces, and of earlier boots.
pub(super) fn document(entries: &[Value], files: &[Value], passes: bool, [elsewhere, stale]: [usize; 2]) -> String {
    output::written(&json!({
        "schema_version": output::SCHEMA_VERSION,
        "tunectl": env!("CARGO_PKG_VERSION"),
        "command": "revert",
        "passes": passes,
        "elsewhere": elsewhere,
        "stale": stale,
        "settings": entries,
        "files": files,
    }))
}
