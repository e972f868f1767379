//! What `revert` did, for programs.

use serde_json::{Value, json};

use crate::journal::{RevertOutcome, RevertedChange, SettingRef, StoredValue};
use crate::output;

/// One setting; `why` is what was said of it for people, where it falls short.
pub(super) fn entry(undone: &RevertedChange, why: Option<&str>) -> Value {
    let RevertedChange { change, outcome } = undone;
    let (code, found) = match outcome {
        RevertOutcome::Reverted { from } => ("put-back", Some(from)),
        RevertOutcome::WouldRevert { from } => ("would-put-back", Some(from)),
        RevertOutcome::AlreadyOriginal => ("already", change.original.as_ref()),
        RevertOutcome::NeverWritten => ("never-written", None),
        RevertOutcome::Gone => ("gone", None),
        RevertOutcome::OtherNamespace => ("elsewhere", None),
        RevertOutcome::ChangedSince { now, .. } => ("somebody-elses", Some(now)),
        RevertOutcome::Irreversible => ("one-way", None),
        RevertOutcome::Refused(_) => ("refused", None),
        RevertOutcome::NotKept { now } => ("not-kept", Some(now)),
    };
    let process = match &change.setting {
        SettingRef::Limit { process, .. } => json!({ "pid": process.pid, "name": process.name }),
        SettingRef::Key { .. } => Value::Null,
    };
    json!({
        "setting": change.setting.name(),
        "process": process,
        "outcome": code,
        "original": change.original.as_ref().map(StoredValue::to_text),
        "found": found.map(StoredValue::to_text),
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
