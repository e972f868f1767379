//! What is wrong with a profile, or doubtful about it, with the places that show it.

use std::fmt;
use std::ops::Range;

use super::Origin;
use crate::snippet::{self, Location};

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 400;

/// One thing that is wrong, or doubtful, in a profile or on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A short code for a warning, `W001`, that `tunectl explain` knows; errors have none.
    pub code: Option<&'static str>,
    /// What is wrong, in one line: lower case, no full stop.
    pub message: String,
    /// Where: first the place that is wrong, then those that belong to it, each with a note or none. Empty
    /// where no file could be read.
    pub places: Vec<(Origin, String)>,
    /// What to do, one line each; empty where the message says it all.
    pub help: Vec<String>,
}

impl Problem {
    /// An error that lies at `origin`.
    #[must_use]
    pub fn error(message: impl Into<String>, origin: Option<Origin>) -> Self {
        let places = origin.into_iter().map(|origin| (origin, String::new())).collect();
        Self { code: None, message: shortened(message.into()), places, help: Vec::new() }
    }

    /// A warning of the kind `code`.
    #[must_use]
    pub fn warning(code: &'static str, message: impl Into<String>, origin: Origin) -> Self {
        Self { code: Some(code), ..Self::error(message, Some(origin)) }
    }

    /// The same with one more line of help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The same with one more place to show.
    #[must_use]
    pub fn see(mut self, origin: &Origin, note: impl Into<String>) -> Self {
        self.places.push((origin.clone(), note.into()));
        self
    }
}

/// A message repeats what was typed, and that may be a megabyte.
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
            Some(code) => format!("warning[{code}]: {}", self.message),
            None => format!("error: {}", self.message),
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

/// All that is wrong, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    /// One after the other, an empty line between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What is wrong at a place of a file that the caller knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProfileError {
    pub(super) span: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl ProfileError {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
