//! Tables that a person reads at a glance, with the cause and the remedy under what falls short.

use std::fmt::Write;

use crate::diagnose::{Cause, Caution, Code, ContainerStart, Diagnosis};
use crate::model::setting::Setting;
use crate::model::value::Value;
use crate::report::{Outcome, Shortfall, UndoResult, Verdict};
use crate::snippet::visible;

use super::{Colour, Detail, DiagnosedReport, RemedyText, remedies, why};

/// The columns of a finding, before they are aligned.
struct Row {
    setting: String,
    wanted: String,
    found: String,
    verdict: String,
}

/// All findings: setting, wanted, found, verdict, and a line that sums them up.
#[must_use]
pub fn table(account: &DiagnosedReport<'_>, colour: Colour) -> String {
    let findings: Vec<(&Outcome, Option<&Diagnosis>)> = pairs(account).collect();
    let mut text = rows(&findings, account.detail, colour);
    text.push('\n');
    text.push_str(&summary(account, colour));
    text.push_str(&account.queues.as_ref().map(|queues| queues.table(colour)).unwrap_or_default());
    text
}

/// Only what falls short, for standard error.
#[must_use]
pub fn shortfalls(account: &DiagnosedReport<'_>, colour: Colour) -> String {
    let findings: Vec<_> = pairs(account).filter(|(finding, _)| finding.falls_short()).collect();
    let mut text = rows(&findings, account.detail, colour);
    text.push_str(&together(account));
    text.push_str(&undone(account, colour));
    text
}

/// What was changed, or would be, a line each, and a line that sums it up.
#[must_use]
pub fn changes(account: &DiagnosedReport<'_>, colour: Colour) -> String {
    let mut text = String::new();
    for finding in &account.report.outcomes {
        let (to, mark) = match &finding.verdict {
            Verdict::Changed => (finding.found.as_ref(), String::new()),
            Verdict::WouldChange(value) => (Some(value), colour.faint("  (not written)")),
            _ => continue,
        };
        let whose = match (&finding.requirement.setting, account.process) {
            (Setting::Limit(..), Some(process)) => {
                format!(" for {}, pid {}", visible(&process.name), process.pid)
            }
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{} {} → {}{whose}{mark}",
            visible(&finding.requirement.setting.to_string()),
            shown(finding.before.as_ref()),
            shown(to)
        );
    }
    let tally = account.report.tally();
    let held = tally.all - tally.changed - tally.short;
    let planned =
        account.report.outcomes.iter().filter(|finding| matches!(finding.verdict, Verdict::WouldChange(_))).count();
    let line = match (tally.changed, planned) {
        (0, 0) => format!("nothing to change, {} already", settings_hold(held)),
        (0, planned) => format!("{} would be changed, {} already", counted(planned), settings_hold(held)),
        (changed, _) if held == 0 => format!("{} changed and read back", counted(changed)),
        (changed, _) => format!("{} changed and read back, {} already", counted(changed), settings_hold(held)),
    };
    let _ = writeln!(text, "{}", colour.good(line));
    text
}

/// What to type in the shell for limits that wait for it; nothing where none does.
#[must_use]
pub fn to_type(account: &DiagnosedReport<'_>) -> String {
    let waiting = pairs(account).filter(|(finding, _)| matches!(finding.requirement.setting, Setting::Limit(..)));
    let waiting = waiting.filter_map(|(_, diagnosis)| diagnosis.filter(|its| its.cause.is_not_applied()));
    let lines: Vec<String> =
        waiting.filter_map(|its| its.remedies.first()).map(|remedy| RemedyText::of(remedy).text).collect();
    if lines.is_empty() { String::new() } else { format!("type in this shell: {}\n", lines.join(" && ")) }
}

fn settings_hold(count: usize) -> String {
    format!("{count} {}", if count == 1 { "holds" } else { "hold" })
}

fn counted(count: usize) -> String {
    format!("{count} {}", if count == 1 { "setting" } else { "settings" })
}

fn pairs<'a>(account: &'a DiagnosedReport<'_>) -> impl Iterator<Item = (&'a Outcome, Option<&'a Diagnosis>)> {
    account.report.outcomes.iter().zip(account.diagnoses.iter().map(Option::as_ref))
}

fn rows(findings: &[(&Outcome, Option<&Diagnosis>)], detail: Detail, colour: Colour) -> String {
    let rows: Vec<Row> = findings.iter().map(|(finding, diagnosis)| row(finding, *diagnosis)).collect();
    let width = |head: &str, cell: fn(&Row) -> &str| {
        rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0).max(head.len())
    };
    let setting = width("SETTING", |row| &row.setting);
    let wanted = width("WANTED", |row| &row.wanted).min(44);
    let found = width("FOUND", |row| &row.found).min(44);
    let mut text = String::new();
    let mut explained = Vec::new();
    let head = format!("{:<setting$}  {:<wanted$}  {:<found$}  VERDICT", "SETTING", "WANTED", "FOUND");
    let _ = writeln!(text, "{}", colour.faint(head));
    for (row, (finding, diagnosis)) in rows.iter().zip(findings) {
        let verdict = painted(finding, &row.verdict, colour);
        let _ = writeln!(
            text,
            "{:<setting$}  {:<wanted$}  {:<found$}  {verdict}",
            row.setting,
            cut(&row.wanted, 44),
            cut(&row.found, 44)
        );
        if let Some(caution) = Caution::of(finding) {
            let (warning, code) = (warning(caution), caution.code());
            let _ = writeln!(text, "    {} {warning} ({code})", colour.doubtful("warning:"));
        }
        if let Some(diagnosis) = diagnosis {
            let code = diagnosis.cause.code();
            let new = !explained.contains(&code) && !diagnosis.cause.is_not_applied();
            if new {
                explained.push(code);
            }
            explain(&mut text, diagnosis, detail, new, colour);
        }
    }
    text
}

/// The cause and the remedies. What only waits to be applied needs no words of its own: the line that sums
/// up says what to type.
fn explain(text: &mut String, diagnosis: &Diagnosis, detail: Detail, new: bool, colour: Colour) {
    let full = detail == Detail::Full;
    if diagnosis.cause.is_not_applied() && !full {
        return;
    }
    let Code { name, explanation } = diagnosis.cause.kind();
    let code = if full { format!(" [{name}]") } else { String::new() };
    let _ = writeln!(text, "    {} {}{code}", colour.faint("why:"), visible(&why(&diagnosis.cause)));
    if full && new {
        for line in wrapped(explanation, 92) {
            let _ = writeln!(text, "      {line}");
        }
    }
    for remedy in diagnosis.remedies.iter().filter(|remedy| full || !remedy.alternative) {
        let or = if remedy.alternative { "or, " } else { "" };
        let remedy = RemedyText::of(remedy);
        let heading = visible(&format!("{or}{}:", remedy.heading()));
        let what: Vec<String> = remedy.text.lines().map(visible).collect();
        let _ = writeln!(
            text,
            "    {} {}",
            colour.faint(heading),
            what.join(
                "
      "
            )
        );
    }
}

/// A heading and what is to be said at length.
#[must_use]
pub fn paragraph(heading: &str, text: &str) -> String {
    let lines = wrapped(text, 92).into_iter().map(|line| format!("  {line}\n"));
    format!("{heading}\n\n{}", lines.collect::<String>())
}

/// Lines of at most `width` characters, broken at blanks.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn row(finding: &Outcome, diagnosis: Option<&Diagnosis>) -> Row {
    let verdict = match (&finding.verdict, diagnosis) {
        (Verdict::Holds, _) => "ok",
        (Verdict::Changed, _) => "ok, changed",
        (Verdict::WouldChange(_), _) => "to be changed",
        (Verdict::Short(Shortfall::HostOwned), _) => "the host's",
        (Verdict::Short(Shortfall::Unread(_)), _) => "not readable",
        (Verdict::Short(_), Some(diagnosis))
            if diagnosis.cause.is_not_applied() || matches!(diagnosis.cause, Cause::SetElsewhere(_)) =>
        {
            "not set"
        }
        (Verdict::Short(_), _) => "falls short",
    };
    let optional = if finding.falls_short() && !finding.requirement.required { " (optional)" } else { "" };
    Row {
        setting: visible(&finding.requirement.setting.to_string()),
        wanted: or_empty(&finding.requirement.wanted.to_string()),
        found: shown(finding.found.as_ref()),
        verdict: format!("{verdict}{optional}"),
    }
}

fn painted(finding: &Outcome, verdict: &str, colour: Colour) -> String {
    if !finding.falls_short() {
        colour.good(verdict)
    } else if finding.fails() {
        colour.bad(verdict)
    } else {
        colour.doubtful(verdict)
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| or_empty(&value.to_string()))
}

fn or_empty(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { visible(text) }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

fn summary(account: &DiagnosedReport<'_>, colour: Colour) -> String {
    let tally = account.report.tally();
    let fall = |count: usize| if count == 1 { "falls" } else { "fall" };
    let line = match (tally.short, tally.required_short) {
        (0, _) if tally.all == 1 => colour.good("the required setting matches"),
        (0, _) => colour.good(format!("all {} hold", counted(tally.all))),
        (short, 0) => colour.doubtful(format!("all required settings match; {short} optional {} short", fall(short))),
        (short, required) => {
            let among = if short == required { String::new() } else { format!(", {required} of them required") };
            colour.bad(format!("{short} of {} {} short{among}", counted(tally.all), fall(short)))
        }
    };
    let mut text = format!("{line}\n");
    let waiting = account.diagnoses.iter().flatten().find(|diagnosis| diagnosis.cause.is_not_applied());
    if let Some(remedy) = waiting.and_then(|diagnosis| diagnosis.remedies.first()) {
        let _ = writeln!(text, "to apply: {}", RemedyText::of(remedy).text);
    }
    text.push_str(&together(account));
    text.push_str(&undone(account, colour));
    text
}

/// `all at once: docker run --sysctl … --ulimit …`, where more than one setting wants a flag; else nothing.
fn together(account: &DiagnosedReport<'_>) -> String {
    let start = ContainerStart::combined(&account.diagnoses);
    start.map_or_else(String::new, |start| format!("all at once: {}\n", remedies::start(&start)))
}

/// What is wrong with a setting that holds: one sentence, without a full stop.
pub(super) fn warning(caution: Caution) -> &'static str {
    match caution {
        Caution::EndlessDescriptors => {
            "programs that close every possible descriptor one by one take minutes at this soft limit: lower \
             it, and let programs that need more raise it to the hard limit"
        }
    }
}

/// What was put back, and what could not be.
fn undone(account: &DiagnosedReport<'_>, colour: Colour) -> String {
    let outcomes = || account.report.outcomes.iter().filter_map(|finding| Some((finding, finding.undo_result()?)));
    let mut text = String::new();
    let done = outcomes().filter(|(_, outcome)| **outcome == UndoResult::Restored).count();
    if done > 0 {
        let was = if done == 1 { "was" } else { "were" };
        let _ = writeln!(text, "{} that had been changed {was} put back", counted(done));
    }
    for (finding, outcome) in outcomes() {
        let why = match outcome {
            UndoResult::Restored => continue,
            UndoResult::Irreversible => "it can't be undone until the next boot".to_owned(),
            UndoResult::Refused(refusal) => format!("the kernel refused it: {refusal}"),
            UndoResult::NotKept => "the kernel did not store it".to_owned(),
            UndoResult::ChangedSince => "another program has changed it since".to_owned(),
        };
        let message = format!(
            "{} could not be put back to {} and is {} now: {why}",
            visible(&finding.requirement.setting.to_string()),
            shown(finding.before.as_ref()),
            shown(finding.now())
        );
        let _ = writeln!(text, "{}", colour.bad(message));
    }
    text
}
