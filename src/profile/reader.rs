//! What every part of the parser holds while it walks a file: the text, the catalog, and what was found wrong.

use std::ops::Range;
use std::rc::Rc;

use super::problem::{Problem, ProfileError};
use super::{Lookup, Origin, Source};
use crate::model::suggest;

pub(super) struct Reader<'a> {
    pub(super) source: &'a Rc<Source>,
    pub(super) lookup: Lookup<'a>,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn origin(&self, span: Range<usize>) -> Origin {
        Origin { source: Rc::clone(self.source), span }
    }

    /// Notes what is wrong and goes on: a person mends a whole file at once, not error by error.
    pub(super) fn note(&mut self, fault: ProfileError) {
        let mut problem = Problem::error(fault.message, Some(self.origin(fault.span)));
        problem.help.extend(fault.help);
        self.problems.push(problem);
    }

    /// The value, or nothing and a note of what is wrong.
    pub(super) fn keep<T>(&mut self, result: Result<T, ProfileError>) -> Option<T> {
        result.map_err(|fault| self.note(fault)).ok()
    }
}

/// An unknown word, with the known one that is nearest to it; where none is near, all of them.
pub(super) fn unknown(what: &str, typed: &str, known: &[&str], span: Range<usize>) -> ProfileError {
    let near = suggest::hint(typed, known.iter().copied());
    let fault = ProfileError::new(span, format!("unknown {what} `{}`{near}", typed.escape_debug()));
    if near.is_empty() { fault.help(format!("known here: {}", quoted(known))) } else { fault }
}

/// `` `a`, `b` and `c` ``.
pub(super) fn quoted(words: &[&str]) -> String {
    let mut out = String::new();
    for (i, word) in words.iter().enumerate() {
        out.push_str(match i {
            0 => "",
            _ if i + 1 == words.len() => " and ",
            _ => ", ",
        });
        out.push('`');
        out.push_str(word);
        out.push('`');
    }
    out
}
