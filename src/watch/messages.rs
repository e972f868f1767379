//! What is said of a change: one line each.

use super::timestamp::stamp;
use super::watched_setting::{Change, Since, WatchedSetting};
use crate::kernel::KernelError;
use crate::model::value::Value;
use crate::plan::Unreadable;

/// The line for a change; `by` names who wrote.
pub(super) fn line(entry: &WatchedSetting, change: &Change, by: Option<&str>) -> String {
    let found = found(entry);
    let wanted = wanted(entry);
    let by = by.map_or_else(String::new, |by| format!(", written by {by}"));
    match change {
        Change::First => format!("falls short: {} is {found}{wanted}", entry.key),
        Change::Appeared => format!("appeared: {} is {found}{wanted}", entry.key),
        Change::Unreadable => format!("not readable: {}{wanted}: {}", entry.key, obstacle(entry)),
        Change::Drifted(before, at) => {
            format!("drifted: {} {} → {found}{wanted}, {}{by}", entry.key, shown(before), since(*at))
        }
        Change::Changed(before, at) => {
            format!("changed: {} {} → {found}{wanted}, {}{by}", entry.key, shown(before), since(*at))
        }
        Change::Recovered(before, lasted) => {
            let lasted = lasted.map_or_else(String::new, |time| format!(", after {} s", time.as_secs()));
            format!("holds again: {} {} → {found}{lasted}{by}", entry.key, shown(before))
        }
    }
}

/// The same became of all these settings: they came or went with an interface, and that is one event.
pub(super) fn several(what: &str, keys: &[String], so: &str) -> Option<String> {
    match keys {
        [] => None,
        [one] => Some(format!("{what}: {one}{so}")),
        [first, rest @ ..] => Some(format!("{what}: {first} and {} more{so}", rest.len())),
    }
}

/// It changed more often than was told.
pub(super) fn restless(entry: &WatchedSetting, times: u32) -> String {
    format!("restless: {} changed {times} times more, and is {} now{}", entry.key, found(entry), wanted(entry))
}

/// It was put back.
pub(super) fn repaired(entry: &WatchedSetting, before: &Value) -> String {
    format!("repaired: {} {} → {}", entry.key, shown(before), found(entry))
}

/// It could not be put back.
pub(super) fn not_repaired(entry: &WatchedSetting, why: &str) -> String {
    format!("not repaired: {} is {}{}: {why}", entry.key, found(entry), wanted(entry))
}

/// It is no longer put back.
pub(super) fn given_up(entry: &WatchedSetting) -> String {
    format!(
        "given up: {} is {}{}: it was put back {} times and did not stay; find out who writes it, then reload",
        entry.key,
        found(entry),
        wanted(entry),
        entry.fight.rounds()
    )
}

/// What the kernel said to a write.
pub(super) fn refused(refusal: &KernelError) -> String {
    format!("the kernel refused it, {refusal}")
}

fn found(entry: &WatchedSetting) -> String {
    entry.found.as_ref().map_or_else(|_| "?".to_owned(), shown)
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.is_empty() { "(empty)".to_owned() } else { text }
}

fn wanted(entry: &WatchedSetting) -> String {
    if entry.holds() {
        return String::new();
    }
    let optional = if entry.requirement.required { "" } else { " (optional)" };
    let whose = if entry.host_owned { " (the host's)" } else { "" };
    format!(", wanted {}{optional}{whose}", entry.requirement.wanted)
}

fn obstacle(entry: &WatchedSetting) -> String {
    match &entry.found {
        Err(Unreadable::Refused(refusal)) => refusal.to_string(),
        Err(Unreadable::Shape(sentence)) => sentence.clone(),
        Err(Unreadable::OtherNamespace(scope)) => format!("it is of {} of another process", scope.describe()),
        Err(Unreadable::NoMatch) => "nothing has such a name".to_owned(),
        Ok(_) => String::new(),
    }
}

fn since(since: Since) -> String {
    match since {
        Since::At(at) => format!("since {}", stamp(at)),
        Since::Between(from, to) => format!("since a moment between {} and {}", stamp(from), stamp(to)),
    }
}
