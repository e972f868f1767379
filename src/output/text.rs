//! The text of a report, for each of the subcommands that have one.

use std::fmt::Write;

use super::notes::Notes;
use super::preflight::tables;
use super::rows::{Diagnosed, Group, groups, shown};
use super::table::{cautions, table};
use super::{Colour, Colours, Detail, DiagnosedReport, Rendered, ReportOf, why};
use crate::model::setting::{Setting, System};
use crate::plan::Unforeseen;
use crate::report::{Outcome, Report, UndoResult, Verdict};
use crate::snippet::{Location, visible};

/// What goes to which stream.
pub(super) fn text(diagnosed: &DiagnosedReport<'_>, colours: Colours) -> Rendered {
    match diagnosed.command {
        ReportOf::Check => Rendered { out: check(diagnosed, colours.out), err: String::new() },
        ReportOf::Run { .. } | ReportOf::Bench => {
            Rendered { out: String::new(), err: shortfalls(diagnosed, colours.err) }
        }
        ReportOf::Apply { dry_run, undone } => apply(diagnosed, dry_run, undone, colours),
    }
}

/// All outcomes, a line that sums them up, the remedies, and the queues that are too short.
fn check(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let groups = groups(pairs(diagnosed), diagnosed.detail);
    let groups: Vec<&Group<'_>> = groups.iter().collect();
    let notes = Notes::new(&groups, diagnosed.detail);
    let table = table(&groups, &notes, diagnosed.detail, colour) + &cautions(&groups, colour);
    let notes = notes.text(colour);
    let gap = if notes.is_empty() { "" } else { "\n" };
    let queues = diagnosed.queues.as_ref().map(|queues| queues.table(diagnosed.detail, colour)).unwrap_or_default();
    let conditions = diagnosed.preflight.as_deref().unwrap_or_default();
    let before_a_run = tables(conditions, diagnosed.budget.as_ref(), diagnosed.detail, colour);
    match (groups.is_empty(), before_a_run.is_empty()) {
        (true, false) => before_a_run,
        (false, false) => format!("{table}\n{}{gap}{notes}{queues}\n{before_a_run}", summary(diagnosed, colour)),
        (_, true) => format!("{table}\n{}{gap}{notes}{queues}", summary(diagnosed, colour)),
    }
}

/// What falls short, for standard error; nothing where nothing does.
#[must_use]
pub fn shortfalls(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let groups = groups(pairs(diagnosed), diagnosed.detail);
    let short: Vec<&Group<'_>> = groups.iter().filter(|group| group.falls_short()).collect();
    let notes = Notes::new(&short, diagnosed.detail);
    match short.as_slice() {
        [] => String::new(),
        [one] if is_refused(diagnosed) && diagnosed.detail == Detail::Short => {
            refusal(one, &notes, colour) + &not_restored(diagnosed.report, colour)
        }
        _ => {
            table(&short, &notes, diagnosed.detail, colour)
                + &notes.text(colour)
                + &not_restored(diagnosed.report, colour)
        }
    }
}

/// Whether the one thing that was asked for is not done because a required setting falls short.
fn is_refused(diagnosed: &DiagnosedReport<'_>) -> bool {
    match diagnosed.command {
        ReportOf::Run { refused } => refused,
        ReportOf::Apply { undone, .. } => undone,
        ReportOf::Check | ReportOf::Bench => false,
    }
}

/// The only setting that falls short, where the profile asks for it, and what to do.
fn refusal(group: &Group<'_>, notes: &Notes<'_>, colour: Colour) -> String {
    let (outcome, diagnosis) = group.short().next().unwrap_or(group.first());
    let reason = diagnosis.map(|diagnosis| why(&diagnosis.cause)).unwrap_or_default();
    let state = outcome
        .found
        .as_ref()
        .map_or_else(String::new, |_| format!(" is {}, required {}", group.current(), group.required()));
    let mut text = format!("tunectl: error: {}{state}: {}\n", group.name(), visible(&reason));
    let origin = &outcome.requirement.origin;
    if origin.source.is_file() {
        let (file, source, span) = (&origin.source.label, &origin.source.text, origin.span.clone());
        let _ = writeln!(text, "  --> {}", Location { file, text: source, span, note: "" }.label());
    }
    text + &notes.remedies_alone(colour)
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
        let _ = writeln!(err, "tunectl: error: a required setting falls short; {}", nothing_changed(diagnosed));
        return Rendered { out: String::new(), err };
    }
    let mut out = changes(diagnosed, colours.out);
    let is_mac = diagnosed.environment.system == System::MacOs;
    if is_mac && diagnosed.files.is_none() && report.tally().changed > 0 {
        out += "these values are lost at the next boot: `--persist` writes launchd jobs that set them again\n";
    }
    Rendered { out, err }
}

/// That a refusal changed nothing, or that not every change could be undone.
#[must_use]
pub fn nothing_changed(diagnosed: &DiagnosedReport<'_>) -> String {
    let results = || diagnosed.report.outcomes.iter().filter_map(Outcome::undo_result);
    let restored = results().filter(|result| **result == UndoResult::Restored).count();
    match (results().count() - restored, restored) {
        (0, 0) => "nothing was changed".to_owned(),
        (0, 1) => "nothing was changed (1 setting had been set and is back at its previous value)".to_owned(),
        (0, restored) => {
            format!("nothing was changed ({restored} settings had been set and are back at their previous values)")
        }
        (1, _) => "1 setting could not be put back to its previous value: see above".to_owned(),
        (kept, _) => format!("{kept} settings could not be put back to their previous values: see above"),
    }
}

/// What was changed, or would be, a line each, or one for all that a pattern matches; and a line that sums it up.
fn changes(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let mut lines: Vec<Change> = Vec::new();
    for outcome in &diagnosed.report.outcomes {
        let Some(change) = Change::of(outcome, diagnosed, colour) else { continue };
        match lines.iter_mut().rev().find(|line| line.is_like(&change) && line.what == change.what) {
            Some(line) => line.count += 1,
            None => lines.push(change),
        }
    }
    let mut text = String::new();
    for Change { name, pattern, what, count } in lines {
        let (name, count) = match pattern {
            Some(pattern) if count > 1 => (pattern, format!("  ({count} settings)")),
            _ => (name, String::new()),
        };
        let _ = writeln!(text, "{name} {what}{count}");
    }
    let tally = diagnosed.report.tally();
    let held = tally.all - tally.changed - tally.short;
    let planned = diagnosed.report.outcomes.iter().filter(|outcome| outcome.would_change()).count();
    let line = match (tally.changed, planned) {
        (0, 0) => format!("nothing to change, {}", already(held)),
        (0, planned) => format!("{} would be changed, {}", counted(planned), already(held)),
        (changed, _) if held == 0 => format!("{} changed and read back", counted(changed)),
        (changed, _) => format!("{} changed and read back, {}", counted(changed), already(held)),
    };
    let _ = writeln!(text, "{}", colour.good(line));
    text
}

/// A setting that was changed or would be.
struct Change {
    name: String,
    /// The pattern that it was found by.
    pattern: Option<String>,
    /// `60 → 31`
    what: String,
    count: usize,
}

impl Change {
    fn of(outcome: &Outcome, diagnosed: &DiagnosedReport<'_>, colour: Colour) -> Option<Self> {
        let (to, mark) = match &outcome.verdict {
            Verdict::Changed => (outcome.found.as_ref(), String::new()),
            Verdict::WouldChange(value) => (Some(value), colour.faint("  (not written)")),
            Verdict::MayChange(value, why) => {
                (Some(value), colour.faint(format!("  (not written: {})", uncertain(*why))))
            }
            _ => return None,
        };
        let whose = match (&outcome.requirement.setting, diagnosed.process) {
            (Setting::Limit(..), Some(process)) => format!(" for {}, pid {}", visible(&process.name), process.pid),
            _ => String::new(),
        };
        let pattern = outcome.requirement.pattern.as_ref().filter(|_| diagnosed.detail == Detail::Short);
        let pattern = pattern.map(|pattern| visible(&pattern.to_string()));
        let name = visible(&outcome.requirement.setting.to_string());
        let what = format!("{} → {}{whose}{mark}", shown(outcome.before.as_ref()), shown(to));
        Some(Self { name, pattern, what, count: 1 })
    }

    /// Whether both are of one pattern.
    fn is_like(&self, other: &Self) -> bool {
        self.pattern.is_some() && self.pattern == other.pattern
    }
}

/// What was applied, in one line: `profile web: 1 of 2 settings changed (vm.swappiness 60 → 10), 1 already matches`.
#[must_use]
pub fn applied(report: &Report, profiles: &[String]) -> String {
    let changes = report.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Changed).map(|outcome| {
        let name = visible(&outcome.requirement.setting.to_string());
        format!("{name} {} → {}", shown(outcome.before.as_ref()), shown(outcome.found.as_ref()))
    });
    let changes = changes.collect::<Vec<_>>().join(", ");
    let changes = if changes.is_empty() { changes } else { format!(" ({changes})") };
    let tally = report.tally();
    let profiles = match profiles {
        [] => String::new(),
        [one] => format!("profile {}: ", visible(one)),
        several => format!("profiles {}: ", visible(&several.join(", "))),
    };
    let short = if tally.short == 0 { String::new() } else { format!(", {} not satisfied", tally.short) };
    let held = already(tally.all - tally.changed - tally.short);
    format!("{profiles}{} of {} changed{changes}, {held}{short}", tally.changed, counted(tally.all))
}

/// Why only the write shows whether the kernel takes a value.
fn uncertain(why: Unforeseen) -> &'static str {
    match why {
        Unforeseen::Module => "it may need a kernel module, and whether that can be loaded is not known",
        Unforeseen::ClockTicks => {
            "how much the kernel accepts depends on its clock ticks (CONFIG_HZ), which are not known"
        }
        Unforeseen::Range => "how much the kernel accepts depends on how it was built",
        Unforeseen::ReadBack => "the kernel may store another value than is written",
    }
}

/// `1 already matches`
fn already(count: usize) -> String {
    format!("{count} already {}", if count == 1 { "matches" } else { "match" })
}

fn counted(count: usize) -> String {
    format!("{count} {}", if count == 1 { "setting" } else { "settings" })
}

fn pairs<'a>(diagnosed: &'a DiagnosedReport<'_>) -> impl Iterator<Item = Diagnosed<'a>> {
    diagnosed.report.outcomes.iter().zip(diagnosed.diagnoses.iter().map(Option::as_ref))
}

/// `4 of 7 required settings fall short, and 2 of 2 optional ones`
fn summary(diagnosed: &DiagnosedReport<'_>, colour: Colour) -> String {
    let tally = diagnosed.report.tally();
    let required = diagnosed.report.outcomes.iter().filter(|outcome| outcome.requirement.required).count();
    let optional = tally.all - required;
    let optional_short = tally.short - tally.required_short;
    let fall = |count: usize| if count == 1 { "falls" } else { "fall" };
    let kind = if optional == 0 { "" } else { " required" };
    let noun = |count: usize| if count == 1 { "setting" } else { "settings" };
    let ones = if optional == 1 { "one" } else { "ones" };
    let line = match (tally.required_short, optional_short) {
        (0, 0) if tally.all == 1 => colour.good("the setting matches"),
        (0, 0) => colour.good(format!("all {} match", counted(tally.all))),
        (0, short) if required == 0 => colour.doubtful(format!(
            "{short} of {optional} optional {} {} short; none is required",
            noun(optional),
            fall(short)
        )),
        (0, short) => colour.doubtful(format!(
            "all required settings match; {short} of {optional} optional {ones} {} short",
            fall(short)
        )),
        (short, more) => {
            let more = if more == 0 { String::new() } else { format!(", and {more} of {optional} optional {ones}") };
            colour.bad(format!("{short} of {required}{kind} {} {} short{more}", noun(required), fall(short)))
        }
    };
    format!("{line}\n")
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
