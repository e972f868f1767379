//! The journal's text: one thing a line, its fields parted by tabs. What is added while settings are written goes
//! behind what is there, so that a process that is killed leaves all that it had noted.

use std::fmt::Write as _;

use super::entry::{Author, Change, JournalEntry, ProcessId, Role, SettingRef, State, StoredValue, parse_limits};
use crate::model::limit::Resource;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::Key;
use crate::model::value::Kind;

/// The version of the text. What an older tunectl would misunderstand raises it.
const VERSION: &str = "1";

/// The whole text of an entry.
#[must_use]
pub(super) fn text(entry: &JournalEntry) -> String {
    let mut text = line(&["tunectl-journal", VERSION]);
    text += &line(&["boot", &entry.boot]);
    text += &line(&["changes", &entry.changes.len().to_string()]);
    if entry.author == Author::Watch {
        text += &line(&["watch"]);
    }
    for name in &entry.profiles {
        text += &line(&["profile", name]);
    }
    for (number, change) in entry.changes.iter().enumerate() {
        text += &change_line(change);
        match &change.state {
            State::Untouched => {}
            State::Writing => text += &writing(&[number]),
            State::Wrote(found) => text += &wrote(number, found.as_ref()),
        }
    }
    text
}

/// The line of one change; its number is how many stand before it.
#[must_use]
pub(super) fn change_line(change: &Change) -> String {
    let role = match change.role {
        Role::Written => "written",
        Role::OneWay => "one-way",
        Role::Along => "along",
    };
    let before = standing(change.before.as_ref());
    match &change.what {
        SettingRef::Key { key, kind, namespace } => {
            let (tree, name) = match key {
                Key::Sysctl(name) => ("sysctl", name.path()),
                Key::Sysfs(name) => ("sysfs", name.path()),
            };
            line(&[tree, role, name, &kind_name(*kind), namespace.as_deref().unwrap_or(""), &before])
        }
        SettingRef::Limit { resource, process } => {
            let (pid, start) = (process.pid.to_string(), process.start.to_string());
            let space = process.namespace.as_deref().unwrap_or("");
            line(&["limit", role, resource.name(), &pid, &start, &process.name, space, &before])
        }
    }
}

/// That these are about to be written.
#[must_use]
pub(super) fn writing(numbers: &[usize]) -> String {
    let mut text = "writing".to_owned();
    for number in numbers {
        let _ = write!(text, "\t{number}");
    }
    text.push('\n');
    text
}

/// That this one was, and what was read back.
#[must_use]
pub(super) fn wrote(number: usize, found: Option<&StoredValue>) -> String {
    line(&["wrote", &number.to_string(), &standing(found)])
}

/// Reads an entry. A last line without its end is what a process was at when it was killed, and counts as not
/// written. What was written as a whole has to be there as a whole.
///
/// # Errors
/// The number of the line that is wrong, and what is.
pub(super) fn parse(text: &str) -> Result<JournalEntry, String> {
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let mut lines = whole.lines().enumerate().map(|(at, line)| (at + 1, fields(line)));
    match lines.next() {
        Some((_, first)) if first == ["tunectl-journal", VERSION] => {}
        Some((_, first)) if first.first().is_some_and(|word| word == "tunectl-journal") => {
            return Err("it is of another version of tunectl".to_owned());
        }
        _ => return Err("its first line is not that of a journal".to_owned()),
    }
    let mut entry =
        JournalEntry { boot: String::new(), author: Author::Apply, profiles: Vec::new(), changes: Vec::new() };
    let mut least = None;
    for (at, fields) in lines {
        if let [word, count] = &fields[..] {
            if word == "changes" {
                least = count.parse::<usize>().ok();
                continue;
            }
        }
        let words: Vec<&str> = fields.iter().map(String::as_str).collect();
        take(&mut entry, &words).ok_or_else(|| format!("its line {at} is not understood: `{}`", words.join(" ")))?;
    }
    if least.is_none_or(|least| entry.changes.len() < least) {
        return Err("it is cut off".to_owned());
    }
    Ok(entry)
}

fn take(entry: &mut JournalEntry, fields: &[&str]) -> Option<()> {
    match fields {
        ["watch"] => entry.author = Author::Watch,
        ["boot", boot] => (*boot).clone_into(&mut entry.boot),
        ["profile", name] => entry.profiles.push((*name).to_owned()),
        ["writing", numbers @ ..] => {
            for number in numbers {
                entry.changes.get_mut(number.parse::<usize>().ok()?)?.state = State::Writing;
            }
        }
        ["wrote", number, found] => {
            let change = entry.changes.get_mut(number.parse::<usize>().ok()?)?;
            change.state = State::Wrote(parse_standing(&change.what, found).ok()?);
        }
        [tree @ ("sysctl" | "sysfs"), role, name, kind, space, before] => {
            let key = match *tree {
                "sysctl" => Key::Sysctl(SysctlName::existing(name)?),
                _ => Key::Sysfs(SysfsName::parse(name).ok()?),
            };
            let what = SettingRef::Key { key, kind: parse_kind(kind)?, namespace: some(space) };
            push(entry, what, role, before)?;
        }
        ["limit", role, resource, pid, start, name, space, before] => {
            let process = ProcessId {
                pid: pid.parse().ok()?,
                start: start.parse().ok()?,
                name: (*name).to_owned(),
                namespace: some(space),
            };
            push(entry, SettingRef::Limit { resource: Resource::parse(resource).ok()?, process }, role, before)?;
        }
        _ => return None,
    }
    Some(())
}

fn push(entry: &mut JournalEntry, what: SettingRef, role: &str, before: &str) -> Option<()> {
    let role = match role {
        "written" => Role::Written,
        "one-way" => Role::OneWay,
        "along" => Role::Along,
        _ => return None,
    };
    let before = parse_standing(&what, before).ok()?;
    entry.changes.push(Change { what, before, role, state: State::Untouched });
    Some(())
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// `=` and the words; `?` for what is not known.
fn standing(standing: Option<&StoredValue>) -> String {
    standing.map_or_else(|| "?".to_owned(), |standing| format!("={}", standing.words()))
}

/// Nothing where it was not known.
fn parse_standing(what: &SettingRef, text: &str) -> Result<Option<StoredValue>, ()> {
    if text == "?" {
        return Ok(None);
    }
    let words = text.strip_prefix('=').ok_or(())?;
    match what {
        SettingRef::Key { .. } => Ok(Some(StoredValue::Text(words.to_owned()))),
        SettingRef::Limit { .. } => parse_limits(words).map(|limits| Some(StoredValue::Limits(limits))).ok_or(()),
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
        // An address is in the kernel's form here, and an older tunectl knows none.
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

    fn key(path: &str, kind: Kind, before: Option<&str>, role: Role, state: State) -> Change {
        let key = Key::Sysctl(SysctlName::from_components(path.split('/')).unwrap());
        let what = SettingRef::Key { key, kind, namespace: Some("net:[4026531840]".to_owned()) };
        Change { what, before: before.map(|text| StoredValue::Text(text.to_owned())), role, state }
    }

    fn entry() -> JournalEntry {
        let process =
            ProcessId { pid: 7, start: u64::MAX, name: "b\\a\ts\nh".to_owned(), namespace: Some("pid:[1]".to_owned()) };
        let limits = Limits { soft: Limit::Value(0), hard: Limit::Unlimited };
        let sysfs = Key::Sysfs(SysfsName::parse("kernel/mm/ksm/run").unwrap());
        JournalEntry {
            boot: "b".to_owned(),
            author: Author::Watch,
            profiles: vec!["a b".to_owned(), "/x/\ty.toml".to_owned()],
            changes: vec![
                key("net/ipv4/conf/eth0.1/rp_filter", Kind::Number, Some("0"), Role::Written, State::Writing),
                key("a.b/c", Kind::Text, Some("|x  %p\\n\t?"), Role::OneWay, State::Wrote(None)),
                key("net/ipv6/conf/lo/stable_secret", Kind::Text, None, Role::Along, State::Untouched),
                key(
                    "net/ipv4/tcp_rmem",
                    Kind::Numbers(3),
                    Some("1 2 3"),
                    Role::Written,
                    State::Wrote(Some(StoredValue::Text(String::new()))),
                ),
                Change {
                    what: SettingRef::Key { key: sysfs, kind: Kind::Choice, namespace: None },
                    before: Some(StoredValue::Text(String::new())),
                    role: Role::Written,
                    state: State::Untouched,
                },
                Change {
                    what: SettingRef::Limit { resource: Resource::Nofile, process },
                    before: Some(StoredValue::Limits(limits)),
                    role: Role::Written,
                    state: State::Wrote(Some(StoredValue::Limits(limits))),
                },
            ],
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(parse(&text(&entry())), Ok(entry()));
    }

    #[test]
    fn the_last_mark_counts_and_half_a_line_does_not() {
        let mut expected = entry();
        let mut lines = text(&expected);
        lines += &writing(&[2, 4]);
        lines += &wrote(4, Some(&StoredValue::Text("1".to_owned())));
        lines += "wrote\t2\t=ha";
        expected.changes[2].state = State::Writing;
        expected.changes[4].state = State::Wrote(Some(StoredValue::Text("1".to_owned())));
        assert_eq!(parse(&lines), Ok(expected));
    }

    #[test]
    fn whatever_is_cut_off_is_read_or_refused() {
        let whole = text(&entry());
        let changes = whole.find("\nlimit\t").unwrap() + 1;
        let changes = changes + whole[changes..].find('\n').unwrap() + 1;
        for end in 0..whole.len() {
            let read = parse(&whole[..end]);
            assert_eq!(read.is_err(), end < changes, "{end}: {read:?}");
        }
    }

    #[test]
    fn what_is_no_journal_is_refused() {
        for (text, reason) in [
            ("", "its first line is not that of a journal"),
            ("hello\n", "its first line is not that of a journal"),
            ("tunectl-journal\t2\n", "it is of another version of tunectl"),
            ("tunectl-journal\t1\nwrote\t0\t=1\n", "its line 2 is not understood: `wrote 0 =1`"),
            (
                "tunectl-journal\t1\nsysctl\twritten\t../x\tnumber\t\t=1\n",
                "its line 2 is not understood: `sysctl written ../x number  =1`",
            ),
        ] {
            assert_eq!(parse(text), Err(reason.to_owned()), "{text:?}");
        }
    }
}
