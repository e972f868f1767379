//! What people ask about: the name of a setting, a limit or a code, a part of one, or an error message.

use crate::catalog::{self, ErrorRow, Row};

use crate::model::limit::Resource;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::{Key, System};
use crate::model::suggest;
use crate::profile::lint::{WARNINGS, Warning, warning};

use super::{Cause, Code, launchd_name};

/// How many names are offered where nothing matches.
const OFFERED: usize = 4;

/// What one word or phrase means.
#[derive(Clone, Copy, Debug)]
pub enum Subject {
    /// A cause for which a setting falls short.
    Cause(&'static Code),
    /// A warning about a profile.
    Warning(&'static Warning),
    /// A resource limit.
    Limit(Resource),
    /// All limits, of which `ulimit` shows some.
    Limits,
    /// An error that a program or the kernel prints.
    Error(&'static ErrorRow),
    /// A setting, or all that a pattern stands for.
    Row(&'static Row),
}

/// What an exact name means, of anything but a setting.
#[must_use]
pub fn named(asked: &str) -> Option<Subject> {
    let lower = asked.to_ascii_lowercase();
    let code = || Code::by_name(&lower).map(Subject::Cause);
    let limit = || Resource::parse(&lower).ok().or_else(|| limit_elsewhere(asked)).map(Subject::Limit);
    let limits =
        || matches!(lower.as_str(), "ulimit" | "limits" | "limit" | "rlimit" | "setrlimit").then_some(Subject::Limits);
    code().or_else(|| warning(asked).map(Subject::Warning)).or_else(limit).or_else(limits)
}

/// A limit by its names elsewhere: `LimitNOFILE=` of systemd.exec(5), `RLIMIT_NOFILE` of getrlimit(2), `ulimit -n` and
/// `-n` of the shell, `maxfiles` of launchctl(1), `open files` of `ulimit -a`.
fn limit_elsewhere(asked: &str) -> Option<Resource> {
    let typed = asked.split(['=', ':']).next().unwrap_or_default().trim();
    let lower = typed.to_ascii_lowercase();
    let name = lower.as_str();
    let bare = name.strip_prefix("rlimit_").or_else(|| name.strip_prefix("limit")).unwrap_or(name);
    if let Ok(resource) = Resource::parse(bare) {
        return Some(resource);
    }
    // With its case, and perhaps behind a side: `-Sn`, `-HR`.
    let flag = typed.strip_prefix("ulimit ").unwrap_or(typed).strip_prefix('-');
    let flag = flag.map(|flag| flag.split(' ').next().unwrap_or_default());
    let flag = flag.and_then(|flag| flag.chars().last().filter(|_| flag.len() <= 2));
    let is_flag = |resource: &Resource| flag == Some(catalog::limit(*resource).flag);
    let is_called = |resource: &Resource| [launchd_name(*resource), catalog::limit(*resource).title].contains(&name);
    Resource::ALL.into_iter().find(|resource| is_flag(resource) || is_called(resource))
}

/// What a phrase means of which an error's text is a part.
#[must_use]
pub fn error_text(asked: &str) -> Option<Subject> {
    catalog::error(asked).map(Subject::Error)
}

/// Everything that has what was typed in its name or in its description: the nearest kind of match alone. Settings of
/// this system go before those of the other one.
#[must_use]
pub fn parts(asked: &str, system: System) -> Vec<Subject> {
    let lower = asked.to_ascii_lowercase().replace('/', ".");
    if lower.chars().filter(|c| c.is_alphanumeric()).count() < 2 {
        return Vec::new();
    }
    let ends_with = |name: &str, before: &[char]| {
        name.strip_suffix(&lower).is_some_and(|rest| rest.is_empty() || rest.ends_with(before))
    };
    let everything = || all(system).chain(all(other(system)).filter(|subject| matches!(subject, Subject::Row(_))));
    let by_name = |matches: &dyn Fn(&str) -> bool| {
        let found: Vec<Subject> = all(system).filter(|subject| matches(&subject.name().replace('/', "."))).collect();
        if found.is_empty() {
            everything().filter(|subject| matches(&subject.name().replace('/', "."))).collect()
        } else {
            found
        }
    };
    let found = by_name(&|name| ends_with(name, &['.']));
    let found = if found.is_empty() { by_name(&|name| ends_with(name, &['.', '_', '-'])) } else { found };
    let found = if found.is_empty() { by_name(&|name| name.contains(&lower)) } else { found };
    if !found.is_empty() {
        return found;
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    let described = |subject: &Subject| {
        let text = format!("{} {}", subject.name(), subject.title()).to_ascii_lowercase();
        words.iter().all(|word| text.contains(word))
    };
    all(system).filter(described).collect()
}

/// The names that are nearest to what was typed, whatever they name.
#[must_use]
pub fn nearest(asked: &str, system: System) -> Vec<Subject> {
    let lower: String = asked.to_ascii_lowercase().chars().take(64).collect();
    let mut all: Vec<(usize, Subject)> =
        all(system).map(|subject| (suggest::remoteness(&lower, &subject.name()), subject)).collect();
    all.sort_by_key(|(remoteness, _)| *remoteness);
    all.into_iter().map(|(_, subject)| subject).take(OFFERED).collect()
}

/// The setting that a row is of; a pattern where the row is of many.
#[must_use]
pub fn key_of(row: &Row) -> Option<Key> {
    let sysctl = || SysctlName::parse(row.name).ok().map(Key::Sysctl);
    let sysfs = || SysfsName::parse(row.name).ok().map(Key::Sysfs);
    let is_sysctl = catalog::names(row.system).any(|name| name == row.name);
    if is_sysctl { sysctl() } else { sysfs() }
}

fn other(system: System) -> System {
    if system == System::Linux { System::MacOs } else { System::Linux }
}

/// All that can be explained; settings of one system.
fn all(system: System) -> impl Iterator<Item = Subject> {
    let limits = Resource::ALL.into_iter().map(Subject::Limit);
    let codes = Cause::codes().map(Subject::Cause).chain(WARNINGS.iter().copied().map(Subject::Warning));
    let errors = catalog::ERRORS.iter().map(Subject::Error);
    catalog::rows(system).map(Subject::Row).chain(limits).chain(codes).chain(errors)
}

impl Subject {
    /// Its name, which finds it.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Cause(code) => code.name.to_owned(),
            Self::Warning(warning) => warning.code.to_owned(),
            Self::Limit(resource) => resource.name().to_owned(),
            Self::Limits => "ulimit".to_owned(),
            Self::Error(row) => row.text.to_owned(),
            Self::Row(row) => row.name.to_owned(),
        }
    }

    /// What it is, in one line.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Self::Cause(_) => "a cause for which a setting falls short".to_owned(),
            Self::Warning(warning) => warning.title.to_owned(),
            Self::Limit(resource) => catalog::limit(resource).purpose.to_owned(),
            Self::Limits => "all resource limits".to_owned(),
            Self::Error(_) => "an error message".to_owned(),
            Self::Row(row) => row.purpose.to_owned(),
        }
    }
}
