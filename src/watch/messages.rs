//! The sentences of a watch: of its events for people, and of its state for the service manager.

use std::time::SystemTime;

use super::event::{Observed, RepairFailure, Since, Summary, WatchEvent, Writer, WriterName};
use super::timestamp::format_timestamp;
use crate::model::setting::Key;
use crate::model::value::Value;
use crate::plan::Unreadable;
use crate::snippet::visible;
use crate::sys;

/// The text for an event, one line without its end; of a broken profile several lines.
#[must_use]
pub fn message(event: &WatchEvent) -> String {
    match event {
        WatchEvent::NotSatisfied(setting) => format!("falls short: {}", is(setting)),
        WatchEvent::Appeared(setting) => format!("appeared: {}", is(setting)),
        WatchEvent::AppearedSatisfied(keys) => format!("appeared: {}, and matches", names(keys)),
        WatchEvent::Gone(keys) => format!("gone: {}", names(keys)),
        WatchEvent::Unreadable(setting) => {
            format!("not readable: {}{}: {}", setting.key, wanted(setting), reason(setting))
        }
        WatchEvent::Drifted { setting, before, since, writer } => {
            format!("drifted: {}, {}{}", change(setting, before), time(*since), written_by(writer.as_ref()))
        }
        WatchEvent::Changed { setting, before, since, writer } => {
            format!("changed: {}, {}{}", change(setting, before), time(*since), written_by(writer.as_ref()))
        }
        WatchEvent::Recovered { setting, before, after, writer } => {
            let after = after.map_or_else(String::new, |time| format!(", after {} s", time.as_secs()));
            format!("holds again: {}{after}{}", change(setting, before), written_by(writer.as_ref()))
        }
        WatchEvent::MoreChanges { setting, count } => {
            format!("{}: {count} more changes, now {}{}", setting.key, found(setting), wanted(setting))
        }
        WatchEvent::Repaired { setting, before } => {
            format!("repaired: {} {} → {}", setting.key, shown(before), found(setting))
        }
        WatchEvent::NotRepaired { setting, why } => format!("not repaired: {}: {}", is(setting), failure(why)),
        WatchEvent::GivenUp { setting, tries } => format!(
            "given up: {}: repaired {tries} times and overwritten again; find the program that writes it, \
            then reload",
            is(setting)
        ),
        WatchEvent::RepairSuspended(error) => format!("repair is disabled: {error}"),
        WatchEvent::Started(summary) => format!("watching {}", counts(summary)),
        WatchEvent::Reloaded(summary) => format!("reloaded: {}", counts(summary)),
        WatchEvent::KeptPreviousProfile(problem) => {
            format!("{}\ntunectl: warning: keeping the previous profile", problem.trim_end())
        }
        WatchEvent::MetricsNotWritten { path, error } => {
            format!(
                "tunectl: warning: metrics could not be written to `{}`: {}",
                visible(&path.display().to_string()),
                sys::strerror(error)
            )
        }
    }
}

/// The state of the watch for `systemctl status`, the value of `STATUS` of `sd_notify(3)`. `swept` is the time of the
/// last sweep; `profile_is_valid` whether the profile on disk could be read.
#[must_use]
pub(super) fn status(all: usize, unsatisfied: usize, swept: Option<SystemTime>, profile_is_valid: bool) -> String {
    let swept = swept.map_or_else(String::new, |at| format!(", last read {}", format_timestamp(at)));
    let broken = if profile_is_valid { "" } else { "; the profile on disk is broken" };
    format!("{}, {unsatisfied} fall short{swept}{broken}", settings(all))
}

fn counts(Summary { profiles, all, unsatisfied }: &Summary) -> String {
    let of = if profiles.is_empty() { String::new() } else { format!(" of {}", profiles.join(", ")) };
    format!("{}{of}, {} hold, {unsatisfied} fall short", settings(*all), all - unsatisfied)
}

fn settings(count: usize) -> String {
    format!("{count} {}", if count == 1 { "setting" } else { "settings" })
}

/// The first name, and how many more: they came or went with one interface.
fn names(keys: &[Key]) -> String {
    match keys {
        [] => String::new(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

fn is(setting: &Observed) -> String {
    format!("{} is {}{}", setting.key, found(setting), wanted(setting))
}

fn change(setting: &Observed, before: &Value) -> String {
    format!("{} {} → {}{}", setting.key, shown(before), found(setting), wanted(setting))
}

fn found(setting: &Observed) -> String {
    setting.found.as_ref().map_or_else(|_| "?".to_owned(), shown)
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.is_empty() { "(empty)".to_owned() } else { text }
}

/// What is required of a setting that does not hold.
fn wanted(setting: &Observed) -> String {
    if setting.holds() {
        return String::new();
    }
    let optional = if setting.requirement.required { "" } else { " (optional)" };
    let host_owned = if setting.host_owned { " (the host's)" } else { "" };
    format!(", wanted {}{optional}{host_owned}", setting.requirement.wanted)
}

fn reason(setting: &Observed) -> String {
    match &setting.found {
        Err(Unreadable::Refused(error)) => error.to_string(),
        Err(Unreadable::UnexpectedValue(found)) => found.to_string(),
        Err(Unreadable::OtherNamespace(scope)) => format!("it belongs to {} of another process", scope.describe()),
        Err(Unreadable::NoMatch) => "nothing has that name".to_owned(),
        Ok(_) => String::new(),
    }
}

fn failure(why: &RepairFailure) -> String {
    match why {
        RepairFailure::Irreversible => {
            "it can't be undone until reboot; `apply --allow-irreversible` sets it".to_owned()
        }
        RepairFailure::Refused(error) => format!("the kernel refused it: {error}"),
        RepairFailure::NotKept => "the kernel did not store it".to_owned(),
        RepairFailure::Dependency(other) => format!("it depends on {other}, which falls short"),
    }
}

fn written_by(writer: Option<&Writer>) -> String {
    match writer {
        None => String::new(),
        Some(Writer { pid, name: WriterName::Known(name) }) => {
            format!(", written by {} (pid {pid})", name.escape_debug())
        }
        Some(Writer { pid, name: WriterName::Ended }) => format!(", written by pid {pid}, which has ended"),
        Some(Writer { pid, name: WriterName::Unknown }) => format!(", written by pid {pid}"),
    }
}

fn time(since: Since) -> String {
    match since {
        Since::At(at) => format!("since {}", format_timestamp(at)),
        Since::Between(from, to) => {
            format!("between {} and {}", format_timestamp(from), format_timestamp(to))
        }
    }
}
