//! The text of a report, for each of the subcommands that have one.

use std::fmt::Write;

use super::table::{rows, shown};
use super::{Colour, Colours, DiagnosedReport, RemedyText, Rendered, ReportOf, remedies};
use crate::diagnose::{ContainerStart, Diagnosis};
use crate::model::setting::{Setting, System};
use crate::report::{Outcome, Report, UndoResult, Verdict};
use crate::snippet::visible;

/// What goes to which stream.
pub(super) fn text(diagnosed: &DiagnosedReport<'_>, colours: Colours) -> Rendered {
    match diagnosed.command {
        ReportOf::Check => Rendered { out: check(diagnosed, colours.out), err: String::new() },
        ReportOf::Run | ReportOf::Bench => Rendered { out: String::new(), err: shortfalls(diagnosed, colours.err) },
        ReportOf::Apply { dry_run, undone } => apply(diagnosed, dry_run, undone, colours),
    }
}

/// All outcomes, a line that sums them up, and the queues that are too short.
fn check(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let outcomes: Vec<_> = pairs(diagnosed).collect();
    let queues = diagnosed.queues.as_ref().map(|queues| queues.table(colour)).unwrap_or_default();
    format!("{}\n{}{queues}", rows(&outcomes, diagnosed.detail, colour), summary(diagnosed, colour))
}

/// What falls short, for standard error; nothing where nothing does.
#[must_use]
pub fn shortfalls(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let outcomes: Vec<_> = pairs(diagnosed).filter(|(outcome, _)| outcome.falls_short()).collect();
    if outcomes.is_empty() {
        return String::new();
    }
    rows(&outcomes, diagnosed.detail, colour) + &together(diagnosed) + &restored(diagnosed.report, colour)
}

/// What was changed on standard output, and what falls short on standard error. Of `--dry-run` what falls short is only
/// what could not be changed.
fn apply(diagnosed: &DiagnosedReport<'_>, dry_run: bool, undone: bool, colours: Colours) -> Rendered {
    let report = diagnosed.report;
    let mut err = String::new();
    if report.fails() || !dry_run {
        err = shortfalls(diagnosed, colours.err);
    }
    if undone {
        let stays = |outcome: &Outcome| outcome.undo_result().is_some_and(|result| *result != UndoResult::Restored);
        let undone = if report.outcomes.iter().any(stays) {
            "not every change could be put back: see above"
        } else {
            "all changes were put back"
        };
        let _ = writeln!(err, "error: a required setting falls short; {undone}");
        return Rendered { out: String::new(), err };
    }
    let mut out = changes(diagnosed, colours.out) + &to_type(diagnosed);
    let is_mac = diagnosed.environment.system == System::MacOs;
    if is_mac && diagnosed.files.is_none() && report.tally().changed > 0 {
        out += "these values are lost at the next boot: `--persist` writes launchd jobs that set them again\n";
    }
    Rendered { out, err }
}

/// What was changed, or would be, a line each, and a line that sums it up.
fn changes(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let mut text = String::new();
    for outcome in &diagnosed.report.outcomes {
        let (to, mark) = match &outcome.verdict {
            Verdict::Changed => (outcome.found.as_ref(), String::new()),
            Verdict::WouldChange(value) => (Some(value), colour.faint("  (not written)")),
            _ => continue,
        };
        let whose = match (&outcome.requirement.setting, diagnosed.process) {
            (Setting::Limit(..), Some(process)) => {
                format!(" for {}, pid {}", visible(&process.name), process.pid)
            }
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "{} {} → {}{whose}{mark}",
            visible(&outcome.requirement.setting.to_string()),
            shown(outcome.before.as_ref()),
            shown(to)
        );
    }
    let tally = diagnosed.report.tally();
    let held = tally.all - tally.changed - tally.short;
    let planned =
        diagnosed.report.outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::WouldChange(_))).count();
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
fn to_type(diagnosed: &DiagnosedReport<'_>) -> String {
    let waiting = pairs(diagnosed).filter(|(outcome, _)| matches!(outcome.requirement.setting, Setting::Limit(..)));
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

fn pairs<'a>(diagnosed: &'a DiagnosedReport<'_>) -> impl Iterator<Item = (&'a Outcome, Option<&'a Diagnosis>)> {
    diagnosed.report.outcomes.iter().zip(diagnosed.diagnoses.iter().map(Option::as_ref))
}

fn summary(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let tally = diagnosed.report.tally();
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
    let waiting = diagnosed.diagnoses.iter().flatten().find(|diagnosis| diagnosis.cause.is_not_applied());
    if let Some(remedy) = waiting.and_then(|diagnosis| diagnosis.remedies.first()) {
        let _ = writeln!(text, "to apply: {}", RemedyText::of(remedy).text);
    }
    text.push_str(&together(diagnosed));
    text.push_str(&restored(diagnosed.report, colour));
    text
}

/// `all at once: docker run --sysctl … --ulimit …`, where more than one setting wants a flag; else nothing.
fn together(diagnosed: &DiagnosedReport<'_>) -> String {
    let start = ContainerStart::combined(&diagnosed.diagnoses);
    start.map_or_else(String::new, |start| format!("all at once: {}\n", remedies::start(&start)))
}

/// What was put back, and what could not be.
fn restored(report: &Report, colour: Colour) -> String {
    let outcomes = || report.outcomes.iter().filter_map(|outcome| Some((outcome, outcome.undo_result()?)));
    let mut text = String::new();
    let done = outcomes().filter(|(_, result)| **result == UndoResult::Restored).count();
    if done > 0 {
        let was = if done == 1 { "was" } else { "were" };
        let _ = writeln!(text, "{} that had been changed {was} put back", counted(done));
    }
    text + &not_restored(report, colour)
}

/// What could not be put back, a line each.
#[must_use]
pub fn not_restored(report: &Report, colour: Colour) -> String {
    let outcomes = report.outcomes.iter().filter_map(|outcome| Some((outcome, outcome.undo_result()?)));
    let mut text = String::new();
    for (outcome, result) in outcomes {
        let why = match result {
            UndoResult::Restored => continue,
            UndoResult::Irreversible => "it can't be undone until the next boot".to_owned(),
            UndoResult::Refused(refusal) => format!("the kernel refused it: {refusal}"),
            UndoResult::NotKept => "the kernel did not store it".to_owned(),
            UndoResult::ChangedSince => "another program has changed it since".to_owned(),
        };
        let message = format!(
            "{} could not be put back to {} and is {} now: {why}",
            visible(&outcome.requirement.setting.to_string()),
            shown(outcome.before.as_ref()),
            shown(outcome.now())
        );
        let _ = writeln!(text, "{}", colour.bad(message));
    }
    text
}
