//! Conditions of the machine for a load test, and what a run needs of it: as tables for people, and as data.

use std::fmt::Write;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::quote::shell;
use super::{Colour, Detail};
use crate::model::preflight::{Condition, FoundCondition, Shape, WantedCondition};
use crate::preflight::budget::{BudgetItem, Need, Side};
use crate::preflight::stock::Supply;
use crate::preflight::{Finding, Reading, Verdict};
use crate::snippet::visible;

/// What a load test needs, and the command that it was computed from.
#[derive(Clone, Debug)]
pub struct Budget {
    /// The command, as it was typed; empty where only numbers were.
    pub command: String,
    /// What it needs of both sides.
    pub items: Vec<BudgetItem>,
    /// The process of the service, where one was named.
    pub pid: Option<i32>,
}

impl Budget {
    /// Whether the machine is known to have less than the run needs.
    #[must_use]
    pub fn is_lacking(&self) -> bool {
        self.items.iter().any(BudgetItem::is_lacking)
    }
}

/// A row of either, as data.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Entry {
    setting: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    side: Option<&'static str>,
    wanted: Json,
    found: Json,
    verdict: &'static str,
    required: bool,
    why: Option<String>,
    remedies: Vec<Remedy>,
    #[serde(skip)]
    wanted_text: String,
    #[serde(skip)]
    found_text: String,
    /// How it falls short, in a word or two.
    #[serde(skip)]
    shortfall: &'static str,
}

/// What to do about it: a command to paste into a shell, a line for the service, or something else.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Remedy {
    place: &'static str,
    text: String,
    alternative: bool,
}

/// The conditions as data.
pub(super) fn conditions(findings: &[Finding]) -> Vec<Entry> {
    findings.iter().map(condition).collect()
}

/// The needs as data.
pub(super) fn needs(budget: &Budget) -> Vec<Entry> {
    budget.items.iter().map(|item| need(item, budget)).collect()
}

/// Both as tables; nothing where there is neither. Of the conditions only those that don't hold, unless all are asked for.
#[must_use]
pub(super) fn tables(findings: &[Finding], budget: Option<&Budget>, detail: Detail, colour: Colour) -> String {
    let mut parts = Vec::new();
    let shown = |row: &Entry| detail == Detail::Full || matches!(row.verdict, "falls-short" | "unknown");
    let rows: Vec<Entry> = conditions(findings).into_iter().filter(shown).collect();
    if !findings.is_empty() {
        let table = if rows.is_empty() { String::new() } else { table("BEFORE A LOAD TEST", &rows, colour) };
        parts.push(format!("{table}{}\n", summary(findings, colour)));
    }
    if let Some(budget) = budget {
        let line = if budget.is_lacking() {
            colour.bad("this machine lacks some of what the run needs".to_owned())
        } else {
            colour.good("nothing that the run needs is known to be lacking".to_owned())
        };
        parts.push(format!("{}{line}\n", table("THE RUN NEEDS", &needs(budget), colour)));
    }
    parts.join("\n")
}

/// The conditions that do not hold, for standard error.
#[must_use]
pub fn unmet(findings: &[Finding], colour: Colour) -> String {
    let short: Vec<Finding> = findings.iter().filter(|finding| finding.falls_short()).cloned().collect();
    if short.is_empty() { String::new() } else { table("BEFORE A LOAD TEST", &conditions(&short), colour) }
}

/// How many conditions hold.
fn summary(findings: &[Finding], colour: Colour) -> String {
    let count = |verdict: Verdict| findings.iter().filter(|finding| finding.verdict() == verdict).count();
    let apply = findings.len() - count(Verdict::NotApplicable);
    let short = findings.iter().filter(|finding| finding.falls_short()).count();
    if apply == 0 {
        return colour.faint("no condition for a load test applies here".to_owned());
    }
    let line = format!("{} of {apply} conditions for a load test hold", apply - short);
    match (short, findings.iter().any(Finding::fails)) {
        (0, _) => colour.good(line),
        (_, false) => colour.doubtful(line),
        (_, true) => colour.bad(line),
    }
}

/// What `bench` waits for, in one line: `load_per_cpu 1.31 (<= 0.25)`.
#[must_use]
pub fn waiting_for(findings: &[Finding]) -> String {
    let waiting = findings.iter().filter(|finding| finding.is_waited_for());
    let one = |finding: &Finding| {
        let row = condition(finding);
        format!("{} {} ({})", row.setting, row.found_text, row.wanted_text)
    };
    waiting.map(one).collect::<Vec<_>>().join(", ")
}

fn table(head: &str, rows: &[Entry], colour: Colour) -> String {
    let name = |row: &Entry| row.side.map_or_else(|| row.setting.clone(), |side| format!("{} ({side})", row.setting));
    let width = |head: &str, cell: &dyn Fn(&Entry) -> String| {
        rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0).max(head.len())
    };
    let first = width(head, &name);
    let wanted = width("REQUIRED", &|row| row.wanted_text.clone());
    let found = width("CURRENT", &|row| visible(&row.found_text));
    let title = format!("{head:<first$}  {:<wanted$}  {:<found$}  RESULT", "REQUIRED", "CURRENT");
    let mut text = format!("{}\n", colour.faint(title));
    for row in rows {
        let optional = if row.required { "" } else { ", optional" };
        let short = format!("{}{optional}", row.shortfall);
        let verdict = match row.verdict {
            "holds" => colour.good("ok".to_owned()),
            "falls-short" if row.required => colour.bad(short),
            "falls-short" => colour.doubtful(short),
            "unknown" => colour.doubtful(format!("not readable{optional}")),
            _ => colour.faint("not applicable".to_owned()),
        };
        let cells =
            format!("{:<first$}  {:<wanted$}  {:<found$}", name(row), row.wanted_text, visible(&row.found_text));
        let _ = writeln!(text, "{cells}  {verdict}");
        if let Some(why) = &row.why {
            let _ = writeln!(text, "    {} {}", colour.faint("why:"), visible(why));
        }
        for remedy in &row.remedies {
            let place = match remedy.place {
                "shell" => "type",
                "service" => "in the service",
                _ => "remedy",
            };
            let or = if remedy.alternative { "or, " } else { "" };
            let _ = writeln!(text, "    {} {}", colour.faint(format!("{or}{place}:")), visible(&remedy.text));
        }
    }
    text
}

fn condition(finding: &Finding) -> Entry {
    let asked = &finding.requirement;
    let shape = asked.condition.row().shape;
    let (wanted, wanted_text) = match &asked.wanted {
        WantedCondition::Is(so) => (json!({ "exactly": so }), so.to_string()),
        WantedCondition::OneOf(words) => match words.as_slice() {
            [word] => (json!({ "exactly": word }), word.clone()),
            words => (json!({ "one_of": words }), format!("one of {}", words.join(", "))),
        },
        WantedCondition::AtMost(most) => {
            (json!({ "at_most": number(shape, *most) }), format!("<= {}", shape.number(*most)))
        }
    };
    let (found, found_text) = match &finding.reading {
        Reading::Found(FoundCondition::Is(so)) => (json!(so), so.to_string()),
        Reading::Found(FoundCondition::Words(words)) => (json!(words.join(" ")), words.join(" ")),
        Reading::Found(FoundCondition::Number(found)) => (number(shape, *found), shape.number(*found)),
        Reading::NotApplicable | Reading::Unknown(_) => (Json::Null, "-".to_owned()),
    };
    let verdict = finding.verdict();
    let why = match (&finding.reading, verdict) {
        (Reading::Unknown(why), _) => Some(why.clone()),
        (_, Verdict::FallsShort) => Some(why(asked.condition).to_owned()),
        (Reading::NotApplicable, _) => Some("this machine has no such thing".to_owned()),
        _ => None,
    };
    Entry {
        setting: asked.condition.to_string(),
        side: None,
        wanted,
        found,
        verdict: code(verdict),
        required: asked.required == Some(true),
        why,
        remedies: if verdict == Verdict::FallsShort { remedies(asked.condition, &asked.wanted) } else { Vec::new() },
        wanted_text: visible(&wanted_text),
        found_text,
        shortfall: if shape.is_number() { "too high" } else { "differs" },
    }
}

fn code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::FallsShort => "falls-short",
        Verdict::NotApplicable => "not-applicable",
        Verdict::Unknown => "unknown",
    }
}

/// As a profile spells it.
fn number(shape: Shape, number: f64) -> Json {
    match shape {
        Shape::Percent => json!(shape.number(number)),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, read as an integer")]
        Shape::Count | Shape::ByteRate if (0.0..1e15).contains(&number) => json!(number as u64),
        _ => json!((number * 100.0).round() / 100.0),
    }
}

/// Why it matters to a load test.
fn why(condition: Condition) -> &'static str {
    match condition {
        Condition::OnAcPower => "on battery the CPUs are slower, and change their speed",
        Condition::ScalingGovernor => "this governor changes the frequency of the CPUs during a run",
        Condition::Turbo => "the speed of the CPUs depends on their temperature and on each other's load",
        Condition::Smt => "two threads of a core share its speed",
        Condition::LoadPerCpu | Condition::CpuPressure => "other programs use the CPUs",
        Condition::MemoryPressure => "tasks wait for memory",
        Condition::IoPressure => "tasks wait for storage",
        Condition::CpuSteal => "other guests of the hypervisor use the CPUs",
        Condition::NetworkTraffic => "others use the network",
        Condition::TimeWaitSockets => "connections of before still hold their ports",
        Condition::EphemeralPortsInUse => "connections of before still hold local ports towards the destination",
        Condition::ConntrackInUse => "the connection tracking table is partly full: new connections may be dropped",
        Condition::SystemFilesInUse => "the machine has few file descriptors left",
        Condition::ProcessFilesInUse => "the process has few file descriptors left",
        Condition::MemoryInUse => "little memory is left",
        Condition::SwapInUse => "parts of programs are on disk",
        Condition::CpuQuota => "a control group bounds the CPU time",
        Condition::CpuThrottled => "a control group has been throttled by its CPU quota",
        Condition::ThermalThrottling => "CPUs are being slowed down by their temperature",
        Condition::TransparentHugePages => "memory latency depends on when the kernel makes huge pages",
        Condition::AddressSpaceRandomization => "each start of a program lays out its memory differently",
        Condition::Clocksource => "reading the time takes a system call with another clock source",
        Condition::OtherListeners => "requests may reach another listener on the same port",
    }
}

/// What to do about a condition that does not hold.
fn remedies(condition: Condition, wanted: &WantedCondition) -> Vec<Remedy> {
    const CPU: &str = "/sys/devices/system/cpu";
    let word = match wanted {
        WantedCondition::OneOf(words) => words.first().cloned().unwrap_or_default(),
        WantedCondition::Is(_) | WantedCondition::AtMost(_) => String::new(),
    };
    let on = *wanted == WantedCondition::Is(true);
    let tee = |what: &str, file: &str| paste(format!("echo {} | sudo tee {file}", shell(what)));
    match condition {
        Condition::OnAcPower => vec![advice("connect it to mains power")],
        Condition::ScalingGovernor => vec![tee(&word, &format!("{CPU}/cpu*/cpufreq/scaling_governor"))],
        Condition::Turbo => {
            let boost = tee(if on { "1" } else { "0" }, &format!("{CPU}/cpufreq/boost"));
            let intel = tee(if on { "0" } else { "1" }, &format!("{CPU}/intel_pstate/no_turbo"));
            vec![intel, Remedy { alternative: true, ..boost }]
        }
        Condition::Smt => vec![tee(if on { "on" } else { "off" }, &format!("{CPU}/smt/control"))],
        Condition::LoadPerCpu | Condition::CpuPressure => {
            vec![advice("end other programs; top(1) shows which use the CPUs")]
        }
        Condition::MemoryPressure | Condition::MemoryInUse => {
            vec![advice("end other programs; `top -o %MEM` shows which use memory")]
        }
        Condition::IoPressure => vec![advice("wait until backups, updates and the like are done")],
        Condition::CpuSteal => vec![advice("measure on a machine with CPUs of its own")],
        Condition::NetworkTraffic => vec![advice("end other transfers; ss(8) shows connections")],
        Condition::TimeWaitSockets => vec![advice("wait a minute, or test another port or address")],
        Condition::EphemeralPortsInUse => vec![
            advice("wait a minute, or test another port or address"),
            Remedy { alternative: true, ..paste(format!("sudo tunectl apply --set {}", shell(WIDE_RANGE))) },
        ],
        Condition::ConntrackInUse => {
            vec![advice("wait two minutes until closed connections are forgotten, or raise nf_conntrack_max")]
        }
        Condition::SystemFilesInUse => vec![advice("raise fs.file-max, or end what holds files open")],
        Condition::ProcessFilesInUse => vec![advice("raise the soft limit nofile of the process")],
        Condition::SwapInUse => vec![paste("sudo swapoff -a && sudo swapon -a".to_owned())],
        Condition::CpuQuota | Condition::CpuThrottled => {
            vec![advice("start the container or unit without a CPU limit (`--cpus`, `CPUQuota=`)")]
        }
        Condition::ThermalThrottling => vec![advice("let the machine cool down")],
        Condition::TransparentHugePages => vec![tee(&word, "/sys/kernel/mm/transparent_hugepage/enabled")],
        Condition::AddressSpaceRandomization => {
            vec![paste(format!("sudo tunectl apply --set {}", shell(&format!("kernel.randomize_va_space={word}"))))]
        }
        Condition::Clocksource => {
            vec![tee(&word, "/sys/devices/system/clocksource/clocksource0/current_clocksource")]
        }
        Condition::OtherListeners => vec![advice("end it; `ss -ltnp` shows who listens")],
    }
}

const WIDE_RANGE: &str = "net.ipv4.ip_local_port_range=1024 65535";

fn advice(text: &str) -> Remedy {
    Remedy { place: "machine", text: text.to_owned(), alternative: false }
}

fn paste(text: String) -> Remedy {
    Remedy { place: "shell", text, alternative: false }
}

fn need(item: &BudgetItem, budget: &Budget) -> Entry {
    let (found, verdict) = match item.found {
        Supply::Found(found) => (json!(found), if item.is_lacking() { "falls-short" } else { "holds" }),
        Supply::NotApplicable => (Json::Null, "not-applicable"),
        Supply::Unknown => (Json::Null, "unknown"),
    };
    let amount = |number: u64| if item.need == Need::Memory { mebibytes(number) } else { number.to_string() };
    let found_text = match item.found {
        Supply::Found(found) => amount(found),
        Supply::NotApplicable | Supply::Unknown => "-".to_owned(),
    };
    let whose = match item.side {
        Side::Client => "client",
        Side::Service => "service",
    };
    Entry {
        setting: item.setting.to_owned(),
        side: Some(whose),
        wanted: json!({ "at_least": item.wanted }),
        found,
        verdict,
        required: true,
        why: match item.found {
            Supply::Unknown => Some("it can't be seen from here".to_owned()),
            _ if item.is_lacking() => Some(what(item.need).to_owned()),
            _ => None,
        },
        remedies: if item.is_lacking() { supplies(item, budget.pid) } else { Vec::new() },
        wanted_text: format!(">= {}", amount(item.wanted)),
        found_text,
        shortfall: "too low",
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes.div_ceil(1 << 20))
}

/// What a need is.
fn what(need: Need) -> &'static str {
    match need {
        Need::Descriptors => "each connection takes a file descriptor",
        Need::LocalPorts => {
            "each connection takes a free local port, for a minute longer where this side closes it first"
        }
        Need::AcceptQueue => "all connections may arrive before the first is accepted",
        Need::ConntrackEntries => "each connection takes a free entry of the connection tracking table",
        Need::Memory => "sockets and their buffers take memory, by an estimate of 16 KiB each",
    }
}

/// What supplies a need.
fn supplies(item: &BudgetItem, pid: Option<i32>) -> Vec<Remedy> {
    let wanted = item.wanted;
    let set = |assignment: &str| vec![paste(format!("sudo tunectl apply --set {}", shell(assignment)))];
    match (item.need, item.side) {
        (Need::Descriptors, Side::Client) => vec![paste(format!("ulimit -Sn {wanted}"))],
        (Need::Descriptors, Side::Service) => match pid {
            Some(pid) => vec![paste(format!("sudo tunectl apply --pid {pid} --rlimit nofile={wanted}"))],
            None => vec![Remedy { place: "service", ..advice(&format!("raise its soft limit nofile to {wanted}")) }],
        },
        (Need::LocalPorts, _) if wanted > 64_000 => {
            vec![advice(
                "keep connections open, or test from more addresses: one has 64512 ports towards a destination",
            )]
        }
        (Need::LocalPorts, _) => set(WIDE_RANGE),
        (Need::AcceptQueue, _) if item.setting == "backlog" => {
            vec![Remedy { place: "service", ..advice(&format!("listen(fd, {wanted})")) }]
        }
        (Need::AcceptQueue, _) => set(&format!("net.core.somaxconn={wanted}")),
        (Need::ConntrackEntries, _) => {
            // Beside those that are in use.
            set(&format!("net.netfilter.nf_conntrack_max={}", wanted.saturating_add(65_536)))
        }
        (Need::Memory, _) => vec![advice("open fewer connections")],
    }
}
