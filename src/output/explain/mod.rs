//! The pages of `tunectl explain`: what is known of a setting, a limit, a cause or a warning.

mod row;

use std::fmt::{Display, Write};

use self::row::{known, limit, unknown};
use super::causes::why;
use super::wrap::paragraph;
use crate::catalog::{ErrorRow, KernelVersion, LimitRow, Row};
use crate::diagnose::{Cause, Code};
use crate::environment::config_files::{ConfigLine, ConfigReader};
use crate::kernel::KernelError;
use crate::model::limit::Limits;
use crate::model::setting::{Key, System};
use crate::profile::lint::Warning;
use crate::snippet::visible;

/// How wide the titles are, in columns, with the blanks after them.
const TITLE: usize = 16;

/// What stands for a value of no words.
const EMPTY: &str = "(empty)";

/// What `explain` is asked for, with all that its page shows.
#[derive(Clone, Debug)]
pub enum Explained<'a> {
    /// The code of a cause, as `-v` and JSON print it.
    Cause(&'a Code),
    /// A warning of `profile validate`.
    Warning(&'a Warning),
    /// A resource limit, with tunectl's own limits where they could be read.
    Limit(&'a LimitRow, Option<Limits>),
    /// A sysctl or an attribute below `/sys`.
    Setting(ExplainedSetting<'a>),
    /// A directory below `/proc/sys` or `/sys`.
    Directory(&'a Key),
    /// An error that a program or the kernel prints.
    Error(&'a ErrorRow),
    /// Several that match.
    Candidates(&'a [Candidate]),
}

/// Something that can be explained: the name to type, and what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The name of the key or limit.
    pub name: String,
    /// What it names, in one line.
    pub title: String,
}

/// A sysctl or an attribute below `/sys`.
#[derive(Clone, Debug)]
pub struct ExplainedSetting<'a> {
    /// The setting that is explained.
    pub key: &'a Key,
    /// The system that has it.
    pub system: System,
    /// Its row in the catalog, if it has one.
    pub row: Option<&'a Row>,
    /// The kernel that the page speaks of.
    pub version: KernelVersion,
    /// What was found of it on this machine.
    pub state: SettingState,
}

/// What was found of a setting on this machine.
#[derive(Clone, Debug)]
pub enum SettingState {
    /// A pattern, which stands for many settings, has no value.
    Pattern,
    /// Only a system that is not ours has it.
    OtherSystem,
    /// It was read.
    Read {
        /// Its value as the kernel prints it, or why it could not be read.
        value: Result<String, KernelError>,
        /// What keeps it from being written from here.
        obstacle: Box<Option<Cause>>,
        /// Lines of configuration files that set it.
        config_lines: Vec<ConfigLine>,
    },
}

/// A page of some lines, each with a newline at its end.
#[must_use]
pub fn explain(explained: &Explained<'_>) -> String {
    match explained {
        Explained::Cause(code) => paragraph(code.name, code.explanation),
        Explained::Warning(warning) => paragraph(&format!("{}: {}", warning.code, warning.title), warning.explanation),
        Explained::Limit(row, own) => limit(row, *own),
        Explained::Setting(setting) => self::setting(setting),
        Explained::Directory(key) => format!("{key}\n  a directory of settings: name one of them\n"),
        Explained::Error(row) => error(row),
        Explained::Candidates(candidates) => {
            format!("several match; tunectl explain NAME explains one:\n\n{}", self::candidates(candidates))
        }
    }
}

fn error(row: &ErrorRow) -> String {
    let mut page = Page { text: paragraph(row.text, row.explanation) + "\n" };
    page.each("type", &mut row.commands.iter().copied());
    let see: Vec<String> = row.see.iter().map(|name| format!("tunectl explain {name}")).collect();
    page.each("see", &mut see.iter().map(String::as_str));
    page.text
}

/// A line for each, the titles in a column of their own.
fn candidates(candidates: &[Candidate]) -> String {
    let width = candidates.iter().map(|candidate| candidate.name.chars().count()).max().unwrap_or(0);
    let line = |Candidate { name, title }: &Candidate| format!("  {name:<width$}  {title}\n");
    candidates.iter().map(line).collect::<Vec<_>>().concat()
}

fn setting(setting: &ExplainedSetting<'_>) -> String {
    let mut page = match setting.row {
        Some(row) => known(row, setting.key, setting.version),
        None => unknown(setting.system, setting.key, setting.version),
    };
    match &setting.state {
        SettingState::Pattern => {}
        SettingState::OtherSystem => {
            page.line("now", &format!("nothing here: it exists on {} only", setting.system.name()));
        }
        SettingState::Read { value, obstacle, config_lines } => {
            current(&mut page, value, obstacle.as_ref().as_ref(), config_lines);
        }
    }
    page.text
}

/// The current value, what prevents changing it, and the files that set it.
fn current(
    page: &mut Page,
    value: &Result<String, KernelError>,
    obstacle: Option<&Cause>,
    config_lines: &[ConfigLine],
) {
    page.line("now", &value.as_ref().map_or_else(ToString::to_string, |text| one_line(text)));
    if let Some(cause) = obstacle {
        page.line("from here", &format!("{} [{}]", why(cause), cause.code()));
    }
    for line in config_lines {
        let holds = value.as_ref().is_ok_and(|value| value.split_whitespace().eq(line.value.split_whitespace()));
        let title = if holds { "set by" } else { "in a file" };
        let by = if line.reader == ConfigReader::Procps { "by `sysctl --system`, " } else { "" };
        let value = one_line(&line.value);
        let value = if value == EMPTY { "empty" } else { &value };
        page.line(title, &format!("{}:{} ({by}{value})", line.file, line.line));
    }
}

/// The words of a value, each separated by one blank.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() { EMPTY.to_owned() } else { words.join(" ") }
}

/// Titles on the left, texts on the right.
struct Page {
    text: String,
}

impl Page {
    fn begin(name: &str, purpose: &str) -> Self {
        Self { text: format!("{name}\n  {purpose}\n\n") }
    }

    fn line(&mut self, title: &str, text: &str) {
        // Writing to a string never fails.
        let _ = writeln!(self.text, "  {title:<TITLE$}{}", visible(text));
    }

    fn some(&mut self, title: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.line(title, &text.to_string());
        }
    }

    /// Only the first line has the title.
    fn each(&mut self, title: &str, texts: &mut dyn Iterator<Item = &str>) {
        for (i, text) in texts.enumerate() {
            self.line(if i == 0 { title } else { "" }, text);
        }
    }
}
