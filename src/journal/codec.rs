//! The text format of an entry: one record a line, its fields separated by tabs. Progress records are appended while
//! settings are written, so that a killed process leaves everything that it had recorded.

use std::fmt::Write as _;

use super::entry::{
    Author, Change, JournalEntry, Namespace, ProcessId, Role, SettingRef, StoredValue, WriteState, parse_limits,
};
use super::error::BrokenEntry;
use crate::model::limit::Resource;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::Key;
use crate::model::value::Kind;

/// The version of the format, raised by changes that an older tunectl would misunderstand.
const VERSION: &str = "1";

/// The whole text of an entry.
#[must_use]
pub(super) fn format(entry: &JournalEntry) -> String {
    let mut text = line(&["tunectl-journal", VERSION]);
    text += &line(&["boot", &entry.boot_id]);
    text += &line(&["changes", &entry.changes.len().to_string()]);
    match &entry.author {
        Author::Apply => {}
        Author::Watch => text += &line(&["watch"]),
        Author::Bench(process) => {
            let (pid, start) = (process.pid.to_string(), process.start.to_string());
            text += &line(&["bench", &pid, &start, &process.name, format_namespace(&process.namespace)]);
        }
    }
    for name in &entry.profiles {
        text += &line(&["profile", name]);
    }
    for (index, change) in entry.changes.iter().enumerate() {
        text += &change_line(change);
        match &change.state {
            WriteState::NotStarted => {}
            WriteState::Started => text += &started_line(&[index]),
            WriteState::Done(found) => text += &done_line(index, found.as_ref()),
        }
    }
    text
}

/// The record of one change. Other records name it by its index: how many changes come before it.
#[must_use]
pub(super) fn change_line(change: &Change) -> String {
    let role = match change.role {
        Role::Written => "written",
        Role::Irreversible => "one-way",
        Role::SideEffect => "along",
    };
    let original = format_value(change.original.as_ref());
    match &change.setting {
        SettingRef::Key { key, kind, namespace } => {
            let (tree, name) = match key {
                Key::Sysctl(name) => ("sysctl", name.path()),
                Key::Sysfs(name) => ("sysfs", name.path()),
            };
            line(&[tree, role, name, &kind_name(*kind), format_namespace(namespace), &original])
        }
        SettingRef::Limit { resource, process } => {
            let (pid, start) = (process.pid.to_string(), process.start.to_string());
            let namespace = format_namespace(&process.namespace);
            line(&["limit", role, resource.name(), &pid, &start, &process.name, namespace, &original])
        }
    }
}

/// The record that the changes with these indices are about to be written.
#[must_use]
pub(super) fn started_line(indices: &[usize]) -> String {
    let mut text = "writing".to_owned();
    for index in indices {
        let _ = write!(text, "\t{index}");
    }
    text.push('\n');
    text
}

/// The record that the change with this index was written, and what was read back.
#[must_use]
pub(super) fn done_line(index: usize, found: Option<&StoredValue>) -> String {
    line(&["wrote", &index.to_string(), &format_value(found)])
}

/// Parses an entry. A last line without a newline is one that a killed process did not finish, and is ignored. The
/// changes that were written with the header must all be there.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(text: &str) -> Result<JournalEntry, BrokenEntry> {
    let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
    let mut lines = complete.lines().enumerate().map(|(index, line)| (index + 1, fields(line)));
    match lines.next() {
        Some((_, first)) if first == ["tunectl-journal", VERSION] => {}
        Some((_, first)) if first.first().is_some_and(|word| word == "tunectl-journal") => {
            return Err(BrokenEntry::OtherVersion);
        }
        _ => return Err(BrokenEntry::NoHeader),
    }
    let mut entry =
        JournalEntry { boot_id: String::new(), author: Author::Apply, profiles: Vec::new(), changes: Vec::new() };
    let mut announced = None;
    for (number, fields) in lines {
        if let [word, count] = &fields[..] {
            if word == "changes" {
                announced = count.parse::<usize>().ok();
                continue;
            }
        }
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        add(&mut entry, &fields).ok_or_else(|| BrokenEntry::Line { number, text: fields.join(" ") })?;
    }
    if announced.is_none_or(|announced| entry.changes.len() < announced) {
        return Err(BrokenEntry::Truncated);
    }
    Ok(entry)
}

/// Adds one record; `None` if it is not understood.
fn add(entry: &mut JournalEntry, fields: &[&str]) -> Option<()> {
    match fields {
        ["watch"] => entry.author = Author::Watch,
        ["bench", pid, start, name, namespace] => {
            entry.author = Author::Bench(Box::new(ProcessId {
                pid: pid.parse().ok()?,
                start: start.parse().ok()?,
                name: (*name).to_owned(),
                namespace: parse_namespace(namespace),
            }));
        }
        ["boot", id] => (*id).clone_into(&mut entry.boot_id),
        ["profile", name] => entry.profiles.push((*name).to_owned()),
        ["writing", indices @ ..] => {
            for index in indices {
                entry.changes.get_mut(index.parse::<usize>().ok()?)?.state = WriteState::Started;
            }
        }
        ["wrote", index, found] => {
            let change = entry.changes.get_mut(index.parse::<usize>().ok()?)?;
            change.state = WriteState::Done(parse_value(&change.setting, found).ok()?);
        }
        [tree @ ("sysctl" | "sysfs"), role, name, kind, namespace, original] => {
            let key = match *tree {
                "sysctl" => Key::Sysctl(SysctlName::existing(name)?),
                _ => Key::Sysfs(SysfsName::parse(name).ok()?),
            };
            let setting = SettingRef::Key { key, kind: parse_kind(kind)?, namespace: parse_namespace(namespace) };
            add_change(entry, setting, role, original)?;
        }
        ["limit", role, resource, pid, start, name, namespace, original] => {
            let process = ProcessId {
                pid: pid.parse().ok()?,
                start: start.parse().ok()?,
                name: (*name).to_owned(),
                namespace: parse_namespace(namespace),
            };
            let setting = SettingRef::Limit { resource: Resource::parse(resource).ok()?, process };
            add_change(entry, setting, role, original)?;
        }
        _ => return None,
    }
    Some(())
}

fn add_change(entry: &mut JournalEntry, setting: SettingRef, role: &str, original: &str) -> Option<()> {
    let role = match role {
        "written" => Role::Written,
        "one-way" => Role::Irreversible,
        "along" => Role::SideEffect,
        _ => return None,
    };
    let original = parse_value(&setting, original).ok()?;
    entry.changes.push(Change { setting, original, role, state: WriteState::NotStarted });
    Some(())
}

fn format_namespace(namespace: &Namespace) -> &str {
    match namespace {
        Namespace::Machine => "",
        Namespace::Id(id) => id,
        Namespace::Unknown => "?",
    }
}

fn parse_namespace(text: &str) -> Namespace {
    match text {
        "" => Namespace::Machine,
        "?" => Namespace::Unknown,
        id => Namespace::Id(id.to_owned()),
    }
}

/// `=` and the value; `?` for one that is not known.
fn format_value(value: Option<&StoredValue>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| format!("={}", value.to_text()))
}

/// `None` for a value that was not known.
fn parse_value(setting: &SettingRef, text: &str) -> Result<Option<StoredValue>, ()> {
    if text == "?" {
        return Ok(None);
    }
    let text = text.strip_prefix('=').ok_or(())?;
    match setting {
        SettingRef::Key { .. } => Ok(Some(StoredValue::Text(text.to_owned()))),
        SettingRef::Limit { .. } => parse_limits(text).map(|limits| Some(StoredValue::Limits(limits))).ok_or(()),
    }
}

fn kind_name(kind: Kind) -> String {
    match kind {
        Kind::Number => "number".to_owned(),
        Kind::Numbers(count) => format!("numbers {count}"),
        Kind::PortRange => "port-range".to_owned(),
        Kind::Ports => "ports".to_owned(),
        Kind::Cpus => "cpus".to_owned(),
        Kind::Word => "word".to_owned(),
        Kind::Choice => "choice".to_owned(),
        // An address is stored in the kernel's own form; an older tunectl does not know the kind.
        Kind::Text | Kind::Address | Kind::Limit => "text".to_owned(),
    }
}

fn parse_kind(name: &str) -> Option<Kind> {
    Some(match name {
        "number" => Kind::Number,
        "port-range" => Kind::PortRange,
        "ports" => Kind::Ports,
        "cpus" => Kind::Cpus,
        "word" => Kind::Word,
        "choice" => Kind::Choice,
        "text" => Kind::Text,
        _ => Kind::Numbers(name.strip_prefix("numbers ")?.parse().ok()?),
    })
}

fn line(fields: &[&str]) -> String {
    let mut line = String::new();
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            line.push('\t');
        }
        for c in field.chars() {
            match c {
                '\\' => line.push_str("\\\\"),
                '\t' => line.push_str("\\t"),
                '\n' => line.push_str("\\n"),
                '\r' => line.push_str("\\r"),
                other => line.push(other),
            }
        }
    }
    line.push('\n');
    line
}

fn fields(line: &str) -> Vec<String> {
    let field = |field: &str| {
        let mut text = String::new();
        let mut chars = field.chars();
        while let Some(c) = chars.next() {
            text.push(match (c, c == '\\') {
                (_, true) => match chars.next() {
                    Some('t') => '\t',
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some(other) => other,
                    None => '\\',
                },
                (c, false) => c,
            });
        }
        text
    };
    line.split('\t').map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limit::{Limit, Limits};

    fn key(path: &str, kind: Kind, original: Option<&str>, role: Role, state: WriteState) -> Change {
        let key = Key::Sysctl(SysctlName::from_components(path.split('/')).unwrap());
        let setting = SettingRef::Key { key, kind, namespace: Namespace::Id("net:[4026531840]".to_owned()) };
        Change { setting, original: original.map(|text| StoredValue::Text(text.to_owned())), role, state }
    }

    fn entry() -> JournalEntry {
        let process = ProcessId {
            pid: 7,
            start: u64::MAX,
            name: "b\\a\ts\nh".to_owned(),
            namespace: Namespace::Id("pid:[1]".to_owned()),
        };
        let limits = Limits { soft: Limit::Value(0), hard: Limit::Unlimited };
        let sysfs = Key::Sysfs(SysfsName::parse("kernel/mm/ksm/run").unwrap());
        JournalEntry {
            boot_id: "b".to_owned(),
            author: Author::Watch,
            profiles: vec!["a b".to_owned(), "/x/\ty.toml".to_owned()],
            changes: vec![
                key("net/ipv4/conf/eth0.1/rp_filter", Kind::Number, Some("0"), Role::Written, WriteState::Started),
                key("a.b/c", Kind::Text, Some("|x  %p\\n\t?"), Role::Irreversible, WriteState::Done(None)),
                key("net/ipv6/conf/lo/stable_secret", Kind::Text, None, Role::SideEffect, WriteState::NotStarted),
                key(
                    "net/ipv4/tcp_rmem",
                    Kind::Numbers(3),
                    Some("1 2 3"),
                    Role::Written,
                    WriteState::Done(Some(StoredValue::Text(String::new()))),
                ),
                Change {
                    setting: SettingRef::Key { key: sysfs, kind: Kind::Choice, namespace: Namespace::Machine },
                    original: Some(StoredValue::Text(String::new())),
                    role: Role::Written,
                    state: WriteState::NotStarted,
                },
                Change {
                    setting: SettingRef::Limit { resource: Resource::Nofile, process },
                    original: Some(StoredValue::Limits(limits)),
                    role: Role::Written,
                    state: WriteState::Done(Some(StoredValue::Limits(limits))),
                },
            ],
        }
    }

    #[test]
    fn an_entry_is_parsed_as_it_was_formatted() {
        assert_eq!(parse(&format(&entry())), Ok(entry()));
    }

    #[test]
    fn the_last_record_of_a_change_counts_and_half_a_line_does_not() {
        let mut expected = entry();
        let mut lines = format(&expected);
        lines += &started_line(&[2, 4]);
        lines += &done_line(4, Some(&StoredValue::Text("1".to_owned())));
        lines += "wrote\t2\t=ha";
        expected.changes[2].state = WriteState::Started;
        expected.changes[4].state = WriteState::Done(Some(StoredValue::Text("1".to_owned())));
        assert_eq!(parse(&lines), Ok(expected));
    }

    #[test]
    fn a_truncated_entry_is_parsed_or_refused() {
        let whole = format(&entry());
        let changes = whole.find("\nlimit\t").unwrap() + 1;
        let changes = changes + whole[changes..].find('\n').unwrap() + 1;
        for end in 0..whole.len() {
            let read = parse(&whole[..end]);
            assert_eq!(read.is_err(), end < changes, "{end}: {read:?}");
        }
    }

    #[test]
    fn text_that_is_not_an_entry_is_refused() {
        let line = |text: &str| BrokenEntry::Line { number: 2, text: text.to_owned() };
        for (text, why) in [
            ("", BrokenEntry::NoHeader),
            ("hello\n", BrokenEntry::NoHeader),
            ("tunectl-journal\t2\n", BrokenEntry::OtherVersion),
            ("tunectl-journal\t1\nwrote\t0\t=1\n", line("wrote 0 =1")),
            ("tunectl-journal\t1\nsysctl\twritten\t../x\tnumber\t\t=1\n", line("sysctl written ../x number  =1")),
        ] {
            assert_eq!(parse(text), Err(why), "{text:?}");
        }
    }
}
