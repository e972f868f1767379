//! The report as one JSON document. Its fields are described in the README and only ever added to.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};

use crate::diagnose::{Diagnosis, caution};
use crate::environment::{EnvironmentDetails, Namespaces, Runtime, Seccomp};
use crate::linux::cgroup::CgroupVersion;
use crate::model::capability::Capability;
use crate::model::expectation::Expectation;
use crate::model::limit::Limit;
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::report::{Outcome, UndoResult, Verdict};

use super::{DiagnosedReport, PersistedFile, PersistedState, Queues};

/// The version of the documents. A change that is no addition raises it.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    tunectl: &'static str,
    command: &'static str,
    profiles: &'a [String],
    passes: bool,
    counts: Counts,
    #[serde(rename = "context")]
    environment: Where<'a>,
    process: Option<Process<'a>>,
    findings: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listeners: Option<Vec<Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<&'a [PersistedFile]>,
}

#[derive(Serialize)]
struct Counts {
    settings: usize,
    changed: usize,
    short: usize,
    required_short: usize,
}

#[derive(Serialize)]
struct Where<'a> {
    system: &'static str,
    release: Option<&'a str>,
    contained: bool,
    user: u32,
    /// For each kind of namespace whether ours is the machine's own; null where that is not known.
    initial_namespaces: Initial,
    #[serde(skip_serializing_if = "Option::is_none")]
    around: Option<Around<'a>>,
}

#[derive(Serialize)]
struct Initial {
    cgroup: Option<bool>,
    ipc: Option<bool>,
    net: Option<bool>,
    pid: Option<bool>,
    user: Option<bool>,
    uts: Option<bool>,
}

/// What could be found out about our surroundings, null where it could not; only where something falls short.
#[derive(Serialize)]
struct Around<'a> {
    runtime_hint: Option<&'static str>,
    capabilities: Option<Vec<String>>,
    no_new_privileges: Option<bool>,
    seccomp: Option<&'static str>,
    confined: Option<&'a str>,
    unit: Option<&'a str>,
    cgroup_version: Option<u8>,
    memory_max: Option<u64>,
    cpu_thousandths: Option<u64>,
    pids_max: Option<u64>,
}

#[derive(Serialize)]
struct Process<'a> {
    pid: i32,
    name: &'a str,
}

#[derive(Serialize)]
struct Entry<'a> {
    setting: String,
    kind: &'static str,
    wanted: Json,
    wanted_text: String,
    before: Json,
    found: Json,
    verdict: &'static str,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    put_back: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Json>,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remedies: Vec<Fix<'a>>,
}

#[derive(Serialize)]
struct Fix<'a> {
    place: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    spot: Option<&'a str>,
    text: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    alternative: bool,
}

/// The document, with a newline at its end.
#[must_use]
pub fn document(account: &DiagnosedReport<'_>) -> String {
    let tally = account.report.tally();
    let document = Document {
        schema_version: SCHEMA_VERSION,
        tunectl: env!("CARGO_PKG_VERSION"),
        command: account.command,
        profiles: account.profiles,
        passes: !account.report.fails()
            && account.files.is_none_or(|files| files.iter().all(|file| file.outcome != PersistedState::Left)),
        counts: Counts {
            settings: tally.all,
            changed: tally.changed,
            short: tally.short,
            required_short: tally.required_short,
        },
        environment: place(account),
        process: account.process.map(|process| Process { pid: process.pid, name: &process.name }),
        findings: account.report.outcomes.iter().zip(&account.diagnoses).map(|(f, d)| entry(f, d.as_ref())).collect(),
        listeners: account.queues.as_ref().map(Queues::entries),
        files: account.files,
    };
    written(&document)
}

fn place<'a>(account: &'a DiagnosedReport<'_>) -> Where<'a> {
    let environment = account.environment;
    let Namespaces { cgroup, ipc, net, pid, user, uts } = environment.initial;
    Where {
        system: environment.system.table(),
        release: environment.release.as_deref(),
        contained: environment.is_contained(),
        user: environment.user,
        initial_namespaces: Initial { cgroup, ipc, net, pid, user, uts },
        around: account.around.as_ref().map(around),
    }
}

fn around(around: &EnvironmentDetails) -> Around<'_> {
    let held = |set: u64| {
        let one = |number| Capability::new(number).filter(|capability| set & capability.bit() != 0);
        (0..64).filter_map(one).map(|capability| capability.to_string()).collect()
    };
    Around {
        runtime_hint: around.runtime.map(Runtime::code),
        capabilities: around.capabilities.map(held),
        no_new_privileges: around.no_new_privileges,
        seccomp: around.seccomp.map(Seccomp::code),
        confined: around.confined.as_deref(),
        unit: around.unit.as_deref(),
        cgroup_version: around.cgroups.map(|version| if version == CgroupVersion::V1 { 1 } else { 2 }),
        memory_max: around.limits.memory,
        cpu_thousandths: around.limits.cpu,
        pids_max: around.limits.pids,
    }
}

/// A document as text. Nothing in ours can fail to serialise: keys are strings and numbers are whole.
#[must_use]
pub fn written(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

fn entry<'a>(finding: &'a Outcome, diagnosis: Option<&'a Diagnosis>) -> Entry<'a> {
    let (verdict, target) = match &finding.verdict {
        Verdict::Holds => ("holds", None),
        Verdict::Changed => ("changed", None),
        Verdict::WouldChange(value) => ("would-change", Some(value_json(value))),
        Verdict::Short(_) => ("falls-short", None),
    };
    Entry {
        setting: finding.requirement.setting.to_string(),
        kind: match &finding.requirement.setting {
            Setting::Key(Key::Sysctl(_)) => "sysctl",
            Setting::Key(Key::Sysfs(_)) => "sysfs",
            Setting::Limit(..) => "rlimit",
        },
        wanted: expectation_json(&finding.requirement.wanted),
        wanted_text: finding.requirement.wanted.to_string(),
        before: finding.before.as_ref().map_or(Json::Null, value_json),
        found: finding.found.as_ref().map_or(Json::Null, value_json),
        verdict,
        required: finding.requirement.required,
        put_back: finding.undo_result().map(|outcome| *outcome == UndoResult::Restored),
        now: finding.now().map(value_json),
        target,
        source: &finding.requirement.origin.source.label,
        warning: caution(finding).map(|caution| json!({ "code": caution.code, "text": caution.text })),
        cause: diagnosis.map(|diagnosis| diagnosis.cause.code()),
        why: diagnosis.map(|diagnosis| diagnosis.why.as_str()),
        remedies: diagnosis.map_or_else(Vec::new, |diagnosis| {
            diagnosis
                .remedies
                .iter()
                .map(|r| Fix {
                    place: r.place.code(),
                    spot: r.spot.as_deref(),
                    text: &r.text,
                    alternative: r.alternative,
                })
                .collect()
        }),
    }
}

/// An object with the profile's own operators as keys; `exactly` for a bare value.
fn expectation_json(expectation: &Expectation<Value>) -> Json {
    let mut object = Map::new();
    let mut put = |name: &str, value: Json| object.insert(name.to_owned(), value);
    match expectation {
        Expectation::Exactly(value) => drop(put("exactly", value_json(value))),
        Expectation::Covers(value) => drop(put("covers", value_json(value))),
        Expectation::Includes(value) => drop(put("includes", value_json(value))),
        Expectation::OneOf(values) => drop(put("one_of", values.iter().map(value_json).collect())),
        Expectation::Bounds { at_least, at_most } => {
            drop(at_least.as_ref().map(|value| put("at_least", value_json(value))));
            drop(at_most.as_ref().map(|value| put("at_most", value_json(value))));
        }
    }
    Json::Object(object)
}

/// Numbers as numbers, lists of numbers as arrays, no limit as `"unlimited"`, all else as the kernel's text.
fn value_json(value: &Value) -> Json {
    match value {
        Value::Number(number) => number_json(*number),
        Value::Numbers(numbers) => numbers.iter().map(|number| number_json(*number)).collect(),
        Value::Limit(Limit::Value(number)) => json!(number),
        Value::Limit(Limit::Unlimited) => json!("unlimited"),
        Value::Ranges(ranges) => json!(ranges.to_string()),
        Value::Text(text) => json!(text),
    }
}

fn number_json(number: i128) -> Json {
    match (u64::try_from(number), i64::try_from(number)) {
        (Ok(number), _) => json!(number),
        (_, Ok(number)) => json!(number),
        _ => json!(number.to_string()),
    }
}
