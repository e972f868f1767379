//! Errors and warnings about a profile, with the places that they are about.

use std::fmt;
use std::ops::Range;

use super::Origin;
use crate::snippet::{self, Location};

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 400;

/// An error or a warning about a profile or the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A short code for a warning, `W001`, that `tunectl explain` knows; errors have none.
    pub code: Option<&'static str>,
    /// What is wrong, in one line: lower case, no full stop.
    pub message: String,
    /// The place that it is about, then others that belong to it, each with a note, which may be empty. Empty where no
    /// file could be read.
    pub places: Vec<(Origin, String)>,
    /// What to do, one line each; empty where the message says it all.
    pub help: Vec<String>,
}

impl Problem {
    /// An error at `origin`.
    #[must_use]
    pub fn error(message: impl Into<String>, origin: Option<Origin>) -> Self {
        let places = origin.into_iter().map(|origin| (origin, String::new())).collect();
        Self { code: None, message: shortened(message.into()), places, help: Vec::new() }
    }

    /// A warning at `origin`.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>, origin: Origin) -> Self {
        Self { code: Some(code), ..Self::error(message, Some(origin)) }
    }

    /// Adds a line of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds a place.
    #[must_use]
    pub fn see(mut self, origin: &Origin, note: impl Into<String>) -> Self {
        self.places.push((origin.clone(), note.into()));
        self
    }
}

/// Cuts a message, since it repeats what was typed, which may be a megabyte.
fn shortened(message: String) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message,
    }
}

impl fmt::Display for Problem {
    /// In several lines, with carets under the place; no newline at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match self.code {
            Some(code) => format!("tunectl: warning[{code}]: {}", self.message),
            None => format!("tunectl: error: {}", self.message),
        };
        let places: Vec<Location<'_>> = self
            .places
            .iter()
            .map(|(Origin { source, span }, note)| Location {
                file: &source.label,
                text: &source.text,
                span: span.clone(),
                note,
            })
            .collect();
        f.write_str(&snippet::render(&heading, &places, &self.help))
    }
}

/// Errors, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    /// One after the other, with an empty line between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// An error at a span of a text that the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProfileError {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<Help>,
}

/// What to do about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Help {
    /// A line of text.
    Text(String),
    /// To write these numbers, which a file and the command line have different notations for.
    WriteList(Vec<i128>),
}

impl Help {
    /// The line for a file, where a list is an array.
    pub(super) fn for_file(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::WriteList(numbers) => format!("write `[{}]`", joined(&numbers, ", ")),
        }
    }

    /// The line for the command line, where a list is words in quotes.
    pub(super) fn for_command_line(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::WriteList(numbers) => format!("write `'{}'`", joined(&numbers, " ")),
        }
    }
}

fn joined(numbers: &[i128], separator: &str) -> String {
    numbers.iter().map(i128::to_string).collect::<Vec<_>>().join(separator)
}

impl ProfileError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(Help::Text(help.into()));
        self
    }

    pub(super) fn write_list(mut self, numbers: Vec<i128>) -> Self {
        self.help = Some(Help::WriteList(numbers));
        self
    }
}
