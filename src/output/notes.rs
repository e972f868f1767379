//! The notes below the table: each remedy once, numbered, with the settings that it is for and why they fall short.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use super::remedies::{CommandLine, combined};
use super::rows::Group;
use super::wrap::{SCREEN, wrapped};
use super::{Colour, Detail, Place, RemedyText, why};
use crate::diagnose::{Action, Code, Diagnosis, Remedy};
use crate::snippet::visible;

/// How many settings a note names, where it does not name all.
const SHOWN_NAMES: usize = 4;

/// The marks of a row, where it does not have more: else the first and the last of them.
const SHOWN_MARKS: usize = 4;

/// What is to be said below the table.
pub(super) struct Notes<'a> {
    all: Vec<Note<'a>>,
    detail: Detail,
    /// The index of each note by its heading, and whether its remedies are alternatives.
    places: HashMap<(String, bool), usize>,
    /// Of each reason without a remedy the index of the note that says it.
    reasons_alone: HashMap<String, usize>,
    /// The indices of the notes about each row of the table, by its name.
    about: HashMap<String, BTreeSet<usize>>,
}

/// Remedies that go to one place, of all the settings that they are for.
struct Note<'a> {
    /// Where they are to be typed or written: `on the host`. Empty where there is no remedy.
    heading: String,
    reasons: Vec<Reason>,
    /// The index of each reason by its text.
    by_text: HashMap<String, usize>,
    remedies: Vec<&'a Remedy>,
    known_remedies: HashSet<&'a Remedy>,
    /// The notes that they replace.
    instead_of: BTreeSet<usize>,
}

/// Why some settings fall short.
struct Reason {
    /// Empty where another note says it, or where nothing but applying the profile is missing.
    text: String,
    code: &'static Code,
    names: Vec<String>,
}

impl<'a> Notes<'a> {
    pub(super) fn new(groups: &[&Group<'a>], detail: Detail) -> Self {
        let (places, reasons_alone, about) = (HashMap::new(), HashMap::new(), HashMap::new());
        let mut notes = Self { all: Vec::new(), detail, places, reasons_alone, about };
        for group in groups {
            let name = group.name();
            for diagnosis in group.short().filter_map(|(_, diagnosis)| diagnosis) {
                notes.add(diagnosis, &name);
            }
        }
        notes
    }

    fn add(&mut self, diagnosis: &'a Diagnosis, name: &str) {
        let text = self.reason(diagnosis);
        let code = diagnosis.cause.kind();
        let mut mains = Vec::new();
        let mut text = Some(text);
        let is_full = self.detail == Detail::Full;
        for remedy in diagnosis.remedies.iter().filter(|remedy| is_full || !remedy.alternative) {
            let at = self.place_of(heading(diagnosis, remedy), remedy.alternative);
            let note = &mut self.all[at];
            if note.known_remedies.insert(remedy) {
                note.remedies.push(remedy);
            }
            if remedy.alternative {
                note.instead_of.extend(&mains);
            } else {
                self.explain(at, text.take().unwrap_or_default(), code, name);
                mains.push(at);
            }
        }
        if let Some(text) = text {
            let at = self.reasons_alone.get(&text).copied().unwrap_or_else(|| self.push(String::new()));
            self.reasons_alone.insert(text.clone(), at);
            self.explain(at, text, code, name);
        }
    }

    /// Adds a row of the table to those that a note is about, with the reason why its settings fall short.
    fn explain(&mut self, at: usize, text: String, code: &'static Code, name: &str) {
        self.all[at].explain(text, code, name);
        match self.about.get_mut(name) {
            Some(notes) => drop(notes.insert(at)),
            None => drop(self.about.insert(name.to_owned(), BTreeSet::from([at]))),
        }
    }

    /// Why a setting falls short. That it waits to be applied is what the heading of its remedy says.
    fn reason(&self, diagnosis: &Diagnosis) -> String {
        let is_said = diagnosis.cause.is_not_applied() && self.detail == Detail::Short;
        if is_said && !diagnosis.remedies.is_empty() { String::new() } else { visible(&why(&diagnosis.cause)) }
    }

    /// The index of the note with this heading, which is added where there is none.
    fn place_of(&mut self, heading: String, alternative: bool) -> usize {
        let place = (heading, alternative);
        if let Some(at) = self.places.get(&place) {
            return *at;
        }
        let at = self.push(place.0.clone());
        self.places.insert(place, at);
        at
    }

    fn push(&mut self, heading: String) -> usize {
        let (reasons, by_text, remedies) = (Vec::new(), HashMap::new(), Vec::new());
        let (known_remedies, instead_of) = (HashSet::new(), BTreeSet::new());
        self.all.push(Note { heading, reasons, by_text, remedies, known_remedies, instead_of });
        self.all.len() - 1
    }

    /// The numbers of the notes that are about a group: `[1][3]`; of more than a few the first and the last.
    pub(super) fn marks(&self, group: &Group<'_>) -> String {
        let about = self.about.get(&group.name()).filter(|_| group.falls_short());
        let numbers: Vec<usize> = about.into_iter().flatten().map(|at| at + 1).collect();
        match numbers.as_slice() {
            [first, .., last] if numbers.len() > SHOWN_MARKS => format!("[{first}]…[{last}]"),
            all => all.iter().fold(String::new(), |marks, number| marks + &format!("[{number}]")),
        }
    }

    /// All of them, and what to type to read more.
    pub(super) fn text(&self, colour: Colour) -> String {
        let mut text = String::new();
        let mut explained = Vec::new();
        for (at, note) in self.all.iter().enumerate() {
            let mark = format!("[{}] ", at + 1);
            let body = self.body(note, mark.len(), &mut explained, colour);
            let _ = write!(text, "{}{}", colour.faint(&mark), body.trim_start());
        }
        if self.detail == Detail::Short {
            text += &self.more();
        }
        text
    }

    /// The reasons and the remedies of the only note, indented, for a message that names the setting itself.
    pub(super) fn remedies_alone(&self, colour: Colour) -> String {
        let remedies = |note: &Note<'_>| note.remedy_lines("", 2, colour);
        self.all.iter().map(remedies).collect::<String>() + &self.more()
    }

    fn body(&self, note: &Note<'_>, indent: usize, explained: &mut Vec<&'static str>, colour: Colour) -> String {
        let mut text = String::new();
        let pad = " ".repeat(indent);
        for Reason { text: reason, code, names } in &note.reasons {
            for line in wrapped(&self.list(names), SCREEN - indent) {
                let _ = writeln!(text, "{pad}{line}");
            }
            if reason.is_empty() {
                continue;
            }
            let full = self.detail == Detail::Full;
            let shown = if full { format!(" [{}]", code.name) } else { String::new() };
            let _ = writeln!(text, "{pad}{} {reason}{shown}", colour.faint("why:"));
            if full && !explained.contains(&code.name) {
                explained.push(code.name);
                for line in wrapped(code.explanation, 92) {
                    let _ = writeln!(text, "{pad}  {line}");
                }
            }
        }
        let instead: Vec<String> = note.instead_of.iter().map(|at| format!("[{}]", at + 1)).collect();
        let instead = if instead.is_empty() { String::new() } else { format!("instead of {}, ", instead.join(" or ")) };
        text + &note.remedy_lines(&instead, indent, colour)
    }

    fn list(&self, names: &[String]) -> String {
        if self.detail == Detail::Full || names.len() <= SHOWN_NAMES + 1 {
            return names.join(", ");
        }
        format!("{} and {} more", names[..SHOWN_NAMES].join(", "), names.len() - SHOWN_NAMES)
    }

    /// `more about a cause: tunectl explain read-only-mount`; nothing where nothing but applying the profile is missing.
    fn more(&self) -> String {
        let reasons = self.all.iter().flat_map(|note| &note.reasons).filter(|reason| !reason.text.is_empty());
        let mut codes: Vec<&str> = Vec::new();
        for reason in reasons {
            if !codes.contains(&reason.code.name) {
                codes.push(reason.code.name);
            }
        }
        match codes.split_first() {
            None => String::new(),
            Some((first, [])) => format!("more about the cause: tunectl explain {first}\n"),
            Some((first, rest)) => {
                let line = format!("more about a cause: tunectl explain {first} (or {})", rest.join(", "));
                wrapped(&line, SCREEN).join("\n  ") + "\n"
            }
        }
    }
}

/// Where a remedy is to be pasted.
fn heading(diagnosis: &Diagnosis, remedy: &Remedy) -> String {
    match remedy.action {
        Action::Apply(_) if diagnosis.cause.is_not_applied() => "can be set here".to_owned(),
        Action::Ulimit { .. } => "type in this shell".to_owned(),
        _ => RemedyText::of(remedy).heading(),
    }
}

impl Note<'_> {
    fn explain(&mut self, text: String, code: &'static Code, name: &str) {
        let at = self.by_text.get(&text).copied().unwrap_or_else(|| {
            self.by_text.insert(text.clone(), self.reasons.len());
            self.reasons.push(Reason { text, code, names: Vec::new() });
            self.reasons.len() - 1
        });
        let names = &mut self.reasons[at].names;
        if names.last().is_none_or(|last| last != name) {
            names.push(name.to_owned());
        }
    }

    /// The heading and what to paste: in the same line where there is one line that fits.
    fn remedy_lines(&self, instead: &str, indent: usize, colour: Colour) -> String {
        if self.remedies.is_empty() {
            return String::new();
        }
        let pad = " ".repeat(indent);
        let heading = visible(&format!("{instead}{}:", self.heading));
        let lines = combined(&self.remedies);
        let painted = colour.faint(&heading);
        if let [line] = lines.as_slice() {
            let whole = visible(&line.whole());
            if indent + heading.chars().count() + 1 + whole.chars().count() <= SCREEN {
                return format!("{pad}{painted} {whole}\n");
            }
        }
        let is_shell = self.remedies.iter().all(|remedy| {
            matches!(RemedyText::of(remedy).place, Place::Shell | Place::HostShell | Place::ContainerStart)
        });
        let lines = lines.iter().flat_map(|line| pasted(line, is_shell, indent + 2));
        lines.fold(format!("{pad}{painted}\n"), |text, line| text + &line + "\n")
    }
}

/// A line to paste, indented; a command of a shell is continued with a backslash where it does not fit.
fn pasted(line: &CommandLine, is_shell: bool, indent: usize) -> Vec<String> {
    let pad = " ".repeat(indent);
    let whole = line.whole();
    if !is_shell || indent + whole.chars().count() <= SCREEN {
        return whole.lines().map(|line| format!("{pad}{}", visible(line))).collect();
    }
    let mut lines: Vec<String> = Vec::new();
    for word in line.words.iter().map(|word| visible(word)) {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() + 2 <= SCREEN => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(line) => {
                line.push_str(" \\");
                lines.push(format!("{pad}  {word}"));
            }
            None => lines.push(format!("{pad}{word}")),
        }
    }
    lines
}
