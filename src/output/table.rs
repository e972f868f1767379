//! The table of settings, with the cause and the remedies under each that falls short.

use std::fmt::Write;

use super::{Colour, Detail, RemedyText, why};
use crate::diagnose::{Cause, Caution, Code, Diagnosis};
use crate::model::value::Value;
use crate::report::{Outcome, Shortfall, Verdict};
use crate::snippet::visible;

/// The columns of an outcome, before they are aligned.
struct Row {
    setting: String,
    wanted: String,
    found: String,
    verdict: String,
}

/// A line for each outcome, and what is to be said of it beneath.
pub(super) fn rows(outcomes: &[(&Outcome, Option<&Diagnosis>)], detail: Detail, colour: Colour) -> String {
    let rows: Vec<Row> = outcomes.iter().map(|(outcome, diagnosis)| row(outcome, *diagnosis)).collect();
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
    for (row, (outcome, diagnosis)) in rows.iter().zip(outcomes) {
        let verdict = painted(outcome, &row.verdict, colour);
        let _ = writeln!(
            text,
            "{:<setting$}  {:<wanted$}  {:<found$}  {verdict}",
            row.setting,
            cut(&row.wanted, 44),
            cut(&row.found, 44)
        );
        if let Some(caution) = Caution::of(outcome) {
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

fn row(outcome: &Outcome, diagnosis: Option<&Diagnosis>) -> Row {
    let verdict = match (&outcome.verdict, diagnosis) {
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
    let optional = if outcome.falls_short() && !outcome.requirement.required { " (optional)" } else { "" };
    Row {
        setting: visible(&outcome.requirement.setting.to_string()),
        wanted: or_empty(&outcome.requirement.wanted.to_string()),
        found: shown(outcome.found.as_ref()),
        verdict: format!("{verdict}{optional}"),
    }
}

fn painted(outcome: &Outcome, verdict: &str, colour: Colour) -> String {
    if !outcome.falls_short() {
        colour.good(verdict)
    } else if outcome.fails() {
        colour.bad(verdict)
    } else {
        colour.doubtful(verdict)
    }
}

/// A value, or a question mark where it could not be read.
pub(super) fn shown(value: Option<&Value>) -> String {
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

/// What is wrong with a setting that holds: one sentence, without a full stop.
pub(super) fn warning(caution: Caution) -> &'static str {
    match caution {
        Caution::EndlessDescriptors => {
            "programs that close every possible descriptor one by one take minutes at this soft limit: lower \
             it, and let programs that need more raise it to the hard limit"
        }
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
