//! A TOML document as a tree with spans, and what the parsers of its tables share.

use std::ops::Range;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::problem::{Help, Problem, ProfileError};
use super::{Lookup, Origin, Source};
use crate::model::suggest;

/// A value with its span in the file.
pub(super) type Node<'a> = Spanned<DeValue<'a>>;
/// A key with its span in the file.
pub(super) type NodeName<'a> = Spanned<DeString<'a>>;

/// The most dots in one line outside of comments. Each may open a table inside a table (`a.a.a = 1`), the
/// parser limits only brackets, and a tree some hundred thousand levels deep overflows the stack when it is
/// freed. No name of a setting has more than ten.
const MOST_DOTS: usize = 100;

/// TOML refuses `010`, and so do we in a string: the kernel would take it for 8.
const OCTAL_HELP: &str = "write `10` for the decimal number ten, `0o10` for the octal number that is eight";

/// The longest string that a message repeats, in characters.
const LONGEST_SHOWN: usize = 60;

/// Parses a document.
pub(super) fn parse(text: &str) -> Result<DeTable<'_>, ProfileError> {
    refuse_deep(text)?;
    match DeTable::parse(text) {
        Ok(document) => Ok(document.into_inner()),
        Err(not_toml) => {
            let span = not_toml.span().unwrap_or(text.len()..text.len());
            let start = span.start;
            let message = not_toml.message().trim_end_matches(", expected nothing");
            let error = ProfileError::new(span, format!("not TOML: {message}"));
            Err(if has_leading_zero(text, start) { error.help(OCTAL_HELP) } else { error })
        }
    }
}

/// Whether the word that `at` is in is a number such as `010`.
fn has_leading_zero(text: &str, at: usize) -> bool {
    let (Some(before), Some(after)) = (text.get(..at), text.get(at..)) else { return false };
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let start = before.rfind(|c| !in_word(c)).map_or(0, |end| end + 1);
    let end = at + after.find(|c| !in_word(c)).unwrap_or(after.len());
    let word = text.get(start..end).unwrap_or_default();
    word.len() > 1 && word.starts_with('0') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_')
}

/// The entries of a table in the order of the file; the parser sorts them by name.
pub(super) fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t NodeName<'i>, &'t Node<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    entries
}

/// What kind of value it is, with the value where it is short, for "found …" in messages.
pub(super) fn describe(node: &Node<'_>) -> String {
    match node.get_ref() {
        DeValue::String(text) if text.chars().count() > LONGEST_SHOWN => "a long string".to_owned(),
        DeValue::String(text) => format!("`\"{}\"`", text.escape_debug()),
        DeValue::Integer(number) => format!("`{number}`"),
        DeValue::Float(number) => format!("the float `{number}`"),
        DeValue::Boolean(flag) => format!("`{flag}`"),
        DeValue::Datetime(date) => format!("the date `{date}`"),
        DeValue::Array(items) if items.is_empty() => "an empty array".to_owned(),
        DeValue::Array(items) => format!("an array of {}", items.len()),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// An error where a line has more dots than [`MOST_DOTS`].
fn refuse_deep(text: &str) -> Result<(), ProfileError> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let is_long = line.len() > MOST_DOTS && !line.trim_start().starts_with('#');
        let dots = if is_long { line.bytes().filter(|byte| *byte == b'.').count() } else { 0 };
        if dots > MOST_DOTS {
            let span = start..start + line.trim_end().len();
            return Err(ProfileError::new(
                span,
                format!("a line with {dots} dots; no name of a setting has that many"),
            ));
        }
        start += line.len();
    }
    Ok(())
}

/// What the parsers of one file share: its text, the catalog, and the errors found so far.
pub(super) struct FileContext<'a> {
    pub(super) source: &'a Rc<Source>,
    pub(super) lookup: Lookup<'a>,
    pub(super) problems: Vec<Problem>,
}

impl FileContext<'_> {
    pub(super) fn origin(&self, span: Range<usize>) -> Origin {
        Origin { source: Rc::clone(self.source), span }
    }

    /// Adds an error. Parsing goes on, so that all errors of a file are reported at once.
    pub(super) fn add(&mut self, error: ProfileError) {
        let mut problem = Problem::error(error.message, Some(self.origin(error.span)));
        problem.help.extend(error.help.map(Help::for_file));
        self.problems.push(problem);
    }

    /// The value; an error is added, and leaves `None`.
    pub(super) fn keep<T>(&mut self, result: Result<T, ProfileError>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }
}

/// An unknown word, with the nearest known one in the message, or all known ones in the help where none is near.
pub(super) fn unknown(what: &str, typed: &str, known: &[&str], span: Range<usize>) -> ProfileError {
    let near = suggest::hint(typed, known.iter().copied());
    let error = ProfileError::new(span, format!("unknown {what} `{}`{near}", typed.escape_debug()));
    if near.is_empty() { error.help(format!("known here: {}", quoted(known))) } else { error }
}

/// The words as `` `a`, `b` and `c` ``.
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
