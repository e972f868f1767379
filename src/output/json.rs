//! The report as one JSON document. Its fields are described in the README and only ever added to.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::Serialize;

use crate::diagnose::{Caution, Diagnosis, Remedy, runtime_code};
use crate::environment::{EnvironmentDetails, Namespaces, Seccomp};
use crate::linux::cgroup::CgroupVersion;
use crate::model::capability::Capability;
use crate::model::expectation::Expectation;
use crate::model::limit::Limit;
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::plan::Unforeseen;
use crate::preflight::Finding;
use crate::report::{Outcome, UndoResult, Verdict};
use crate::snippet::is_hidden;

use super::preflight::{self, Budget};
use super::queues::{ListenerEntry, Queues};
use super::table::warning;
use super::{DiagnosedReport, PersistedFile, PersistedState, RemedyText, why};

/// The version of the documents. A change that is no addition raises it.
pub const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a, T: Serialize> {
    schema_version: u32,
    tunectl: &'static str,
    command: &'static str,
    profiles: &'a [String],
    passes: bool,
    counts: Counts,
    #[serde(rename = "context")]
    environment: Place<'a>,
    process: Option<Process<'a>>,
    findings: Vec<Entry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preflight: Option<Vec<preflight::Entry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Vec<preflight::Entry>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listeners: Option<Vec<ListenerEntry<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<&'a [PersistedFile]>,
    /// What a subcommand has to say beside the report.
    #[serde(flatten)]
    more: Option<&'a T>,
}

#[derive(Serialize)]
struct Counts {
    settings: usize,
    changed: usize,
    short: usize,
    required_short: usize,
}

#[derive(Serialize)]
struct Place<'a> {
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
    wanted: Wanted<'a>,
    wanted_text: String,
    before: Option<ValueJson<'a>>,
    found: Option<ValueJson<'a>>,
    verdict: &'static str,
    required: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    put_back: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<ValueJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<ValueJson<'a>>,
    /// Why only the write shows whether the kernel takes the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertain: Option<&'static str>,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remedies: Vec<Fix>,
}

#[derive(Serialize)]
struct Warning {
    code: &'static str,
    text: &'static str,
}

#[derive(Serialize)]
struct Fix {
    place: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    spot: Option<String>,
    text: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    alternative: bool,
}

/// What is asked for, with the profile's own operators as keys; `exactly` for a bare value.
#[derive(Default, Serialize)]
struct Wanted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    at_least: Option<ValueJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<ValueJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    covers: Option<ValueJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exactly: Option<ValueJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    includes: Option<ValueJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    one_of: Option<Vec<ValueJson<'a>>>,
}

/// Numbers as numbers, lists of numbers as arrays, no limit as `"unlimited"`, all else as the kernel's text. A number
/// that has no room in 64 bits is a text.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ValueJson<'a> {
    Unsigned(u64),
    Signed(i64),
    Text(Cow<'a, str>),
    List(Vec<ValueJson<'a>>),
}

/// The document, with a newline at its end.
pub(super) fn document(diagnosed: &DiagnosedReport<'_>) -> String {
    made(diagnosed, true, None::<&()>)
}

/// The same with the fields of `more`; `passes` says whether that passes.
#[must_use]
pub fn document_with(diagnosed: &DiagnosedReport<'_>, passes: bool, more: &impl Serialize) -> String {
    made(diagnosed, passes, Some(more))
}

fn made<T: Serialize>(diagnosed: &DiagnosedReport<'_>, passes: bool, more: Option<&T>) -> String {
    let tally = diagnosed.report.tally();
    let document = Document {
        schema_version: SCHEMA_VERSION,
        tunectl: env!("CARGO_PKG_VERSION"),
        command: diagnosed.command.name(),
        profiles: diagnosed.profiles,
        passes: passes
            && !diagnosed.report.fails()
            && !diagnosed.preflight.iter().flatten().any(Finding::fails)
            && !diagnosed.budget.as_ref().is_some_and(Budget::is_lacking)
            && diagnosed.files.is_none_or(|files| files.iter().all(|file| file.outcome != PersistedState::Left)),
        counts: Counts {
            settings: tally.all,
            changed: tally.changed,
            short: tally.short,
            required_short: tally.required_short,
        },
        environment: place(diagnosed),
        process: diagnosed.process.map(|process| Process { pid: process.pid, name: &process.name }),
        findings: diagnosed
            .report
            .outcomes
            .iter()
            .zip(&diagnosed.diagnoses)
            .map(|(o, d)| entry(o, d.as_ref()))
            .collect(),
        preflight: diagnosed.preflight.as_deref().map(preflight::conditions),
        budget: diagnosed.budget.as_ref().map(preflight::needs),
        listeners: diagnosed.queues.as_ref().map(Queues::entries),
        files: diagnosed.files,
        more,
    };
    written(&document)
}

fn place<'a>(diagnosed: &'a DiagnosedReport<'_>) -> Place<'a> {
    let environment = diagnosed.environment;
    let Namespaces { cgroup, ipc, net, pid, user, uts } = environment.initial;
    Place {
        system: environment.system.table(),
        release: environment.release.as_deref(),
        contained: environment.is_contained(),
        user: environment.user,
        initial_namespaces: Initial { cgroup, ipc, net, pid, user, uts },
        around: diagnosed.details.as_ref().map(around),
    }
}

fn around(around: &EnvironmentDetails) -> Around<'_> {
    let held = |set: u64| {
        let one = |number| Capability::new(number).filter(|capability| set & capability.bit() != 0);
        (0..64).filter_map(one).map(|capability| capability.to_string()).collect()
    };
    Around {
        runtime_hint: runtime_code(&around.runtime_hints),
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
    let text = serde_json::to_string_pretty(document).unwrap_or_default();
    // Hidden characters can stand in strings only, where JSON has an escape for each; control characters have theirs.
    let mut shown = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.push('\n');
    shown
}

fn entry<'a>(outcome: &'a Outcome, diagnosis: Option<&Diagnosis>) -> Entry<'a> {
    let requirement = &outcome.requirement;
    let (verdict, target) = match &outcome.verdict {
        Verdict::Holds => ("holds", None),
        Verdict::Changed => ("changed", None),
        Verdict::WouldChange(value) | Verdict::MayChange(value, _) => ("would-change", Some(value.into())),
        Verdict::Short(_) => ("falls-short", None),
    };
    Entry {
        setting: requirement.setting.to_string(),
        kind: match &requirement.setting {
            Setting::Key(Key::Sysctl(_)) => "sysctl",
            Setting::Key(Key::Sysfs(_)) => "sysfs",
            Setting::Limit(..) => "rlimit",
        },
        wanted: (&requirement.wanted).into(),
        wanted_text: requirement.wanted.to_string(),
        before: outcome.before.as_ref().map(Into::into),
        found: outcome.found.as_ref().map(Into::into),
        verdict,
        required: requirement.required,
        put_back: outcome.undo_result().map(|result| *result == UndoResult::Restored),
        now: outcome.now().map(Into::into),
        target,
        uncertain: match outcome.verdict {
            Verdict::MayChange(_, why) => Some(uncertain(why)),
            _ => None,
        },
        source: &requirement.origin.source.label,
        warning: Caution::of(outcome).map(|caution| Warning { code: caution.code(), text: warning(caution) }),
        cause: diagnosis.map(|diagnosis| diagnosis.cause.code()),
        why: diagnosis.map(|diagnosis| why(&diagnosis.cause)),
        remedies: diagnosis.map_or_else(Vec::new, |diagnosis| diagnosis.remedies.iter().map(fix).collect()),
    }
}

/// Why only the write shows whether the kernel takes a value, for programs.
fn uncertain(why: Unforeseen) -> &'static str {
    match why {
        Unforeseen::Module => "module",
        Unforeseen::ClockTicks => "clock-ticks",
        Unforeseen::Range => "range",
        Unforeseen::ReadBack => "read-back",
    }
}

fn fix(remedy: &Remedy) -> Fix {
    let RemedyText { place, spot, text } = RemedyText::of(remedy);
    Fix { place: place.code(), spot, text, alternative: remedy.alternative }
}

impl<'a> From<&'a Expectation<Value>> for Wanted<'a> {
    fn from(wanted: &'a Expectation<Value>) -> Self {
        let none = Self::default();
        match wanted {
            Expectation::Exactly(value) => Self { exactly: Some(value.into()), ..none },
            Expectation::Covers(value) => Self { covers: Some(value.into()), ..none },
            Expectation::Includes(value) => Self { includes: Some(value.into()), ..none },
            Expectation::OneOf(values) => Self { one_of: Some(values.iter().map(Into::into).collect()), ..none },
            Expectation::Bounds { at_least, at_most } => {
                Self { at_least: at_least.as_ref().map(Into::into), at_most: at_most.as_ref().map(Into::into), ..none }
            }
        }
    }
}

impl<'a> From<&'a Value> for ValueJson<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Number(number) => Self::number(*number),
            Value::Numbers(numbers) => Self::List(numbers.iter().map(|number| Self::number(*number)).collect()),
            Value::Limit(limit) => (*limit).into(),
            Value::Ranges(ranges) => Self::Text(ranges.to_string().into()),
            Value::Text(text) => Self::Text(text.into()),
            Value::HardLimit => Self::Text(value.to_string().into()),
        }
    }
}

impl From<Limit> for ValueJson<'_> {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Value(number) => Self::Unsigned(number),
            Limit::Unlimited => Self::Text("unlimited".into()),
        }
    }
}

impl ValueJson<'_> {
    fn number(number: i128) -> Self {
        match (u64::try_from(number), i64::try_from(number)) {
            (Ok(number), _) => Self::Unsigned(number),
            (_, Ok(number)) => Self::Signed(number),
            _ => Self::Text(number.to_string().into()),
        }
    }
}
