//! The table of settings: what is required, what was found, and the numbers of the notes below it.

use std::fmt::Write;

use super::notes::Notes;
use super::rows::Group;
use super::wrap::{SCREEN, wrapped};
use super::{Colour, Detail};
use crate::diagnose::Caution;

/// A longer value is cut.
const LONGEST_VALUE: usize = 44;
/// No value is cut shorter than this.
const SHORTEST_VALUE: usize = 20;
/// How many of the names that fall short are shown under a pattern.
const SHOWN_NAMES: usize = 5;

/// The columns of a row, before they are aligned.
struct Row {
    setting: String,
    required: String,
    current: String,
    result: String,
    marks: String,
}

/// A line for each group.
pub(super) fn table(groups: &[&Group<'_>], notes: &Notes<'_>, detail: Detail, colour: Colour) -> String {
    let rows: Vec<Row> = groups.iter().map(|group| row(group, notes)).collect();
    let width = |head: &str, cell: fn(&Row) -> &str| {
        rows.iter().map(|row| cell(row).chars().count()).max().unwrap_or(0).max(head.len())
    };
    let setting = width("SETTING", |row| &row.setting);
    let result = width("RESULT", |row| &row.result);
    let marks = width("", |row| &row.marks);
    let mut values = (width("REQUIRED", |row| &row.required), width("CURRENT", |row| &row.current));
    if detail == Detail::Short {
        let taken = setting + result + marks + 6 + usize::from(marks > 0);
        values = fitted(values, SCREEN.saturating_sub(taken));
    }
    let (required, current) = values;
    let mut text = String::new();
    let head = format!("{:<setting$}  {:<required$}  {:<current$}  RESULT", "SETTING", "REQUIRED", "CURRENT");
    let _ = writeln!(text, "{}", colour.faint(head));
    for (row, group) in rows.iter().zip(groups) {
        let (wanted, found) = (cut(&row.required, required), cut(&row.current, current));
        let marks = if row.marks.is_empty() {
            String::new()
        } else {
            let gap = result - row.result.chars().count() + 1;
            format!("{:gap$}{}", "", colour.faint(&row.marks))
        };
        let result = painted(group, &row.result, colour);
        let _ = writeln!(text, "{:<setting$}  {wanted:<required$}  {found:<current$}  {result}{marks}", row.setting);
        let names = group.short_names();
        if !names.is_empty() {
            let shown = names[..names.len().min(SHOWN_NAMES)].join(" ");
            let rest = names.len().saturating_sub(SHOWN_NAMES);
            let rest = if rest == 0 { String::new() } else { format!(" and {rest} more (-v shows all)") };
            let _ = writeln!(text, "    {shown}{rest}");
        }
    }
    text
}

/// The widths of the two columns of values: at most [`LONGEST_VALUE`], and cut further, the wider one first, where that
/// makes them fit into `room` in sum.
fn fitted((required, current): (usize, usize), room: usize) -> (usize, usize) {
    let (required, current) = (required.min(LONGEST_VALUE), current.min(LONGEST_VALUE));
    let over = (required + current).saturating_sub(room);
    let spare = |width: usize| width.saturating_sub(SHORTEST_VALUE);
    if over > spare(required) + spare(current) {
        return (required, current);
    }
    let from_wider = over.min(spare(required.max(current)));
    let from_other = over - from_wider;
    if required > current {
        (required - from_wider, current - from_other)
    } else {
        (required - from_other, current - from_wider)
    }
}

fn row(group: &Group<'_>, notes: &Notes<'_>) -> Row {
    Row {
        setting: group.name(),
        required: group.required(),
        current: group.current(),
        result: group.result(),
        marks: notes.marks(group),
    }
}

fn painted(group: &Group<'_>, result: &str, colour: Colour) -> String {
    if !group.falls_short() {
        colour.good(result)
    } else if group.fails() {
        colour.bad(result)
    } else {
        colour.doubtful(result)
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width - 1).chain(['…']).collect()
}

/// Warnings of settings that satisfy the profile and cause trouble nevertheless.
pub(super) fn cautions(groups: &[&Group<'_>], colour: Colour) -> String {
    let mut text = String::new();
    for (outcome, _) in groups.iter().flat_map(|group| &group.members) {
        if let Some(caution) = Caution::of(outcome) {
            let said = format!("warning[{}]: {}: {}", caution.code(), outcome.requirement.setting, warning(caution));
            let lines = wrapped(&said, SCREEN - 2).join("\n  ");
            let _ = writeln!(text, "{}", colour.doubtful(lines));
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_only_as_far_as_the_screen_asks_for() {
        assert_eq!(fitted((10, 12), 80), (10, 12));
        assert_eq!(fitted((10, 40), 42), (10, 32));
        assert_eq!(fitted((90, 40), 50), (20, 30));
        assert_eq!(fitted((90, 90), 99), (44, 44));
        assert_eq!(fitted((25, 22), 30), (25, 22), "cutting would not make it fit");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
