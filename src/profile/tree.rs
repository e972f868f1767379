//! The bare TOML: a document as a tree with spans, its entries in the order of the file.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::problem::ProfileError;
use crate::model::order::by_place;

/// A value and where it stands.
pub(super) type Node<'a> = Spanned<DeValue<'a>>;
/// A key and where it stands.
pub(super) type Name<'a> = Spanned<DeString<'a>>;

/// The most dots in one line outside of comments. Each may open a table inside a table (`a.a.a = 1`), the
/// parser limits only brackets, and a tree some hundred thousand levels deep overflows the stack when it is
/// freed. No name of a setting has more than ten.
const MOST_DOTS: usize = 100;

/// TOML refuses `010`, and so do we where it stands in a string: the kernel would take it for 8.
const OCTAL: &str = "write `10` for the decimal number ten, `0o10` for the octal number that is eight";

/// The longest string that a message repeats, in characters.
const LONGEST_SHOWN: usize = 60;

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<DeTable<'_>, ProfileError> {
    refuse_deep(text)?;
    match DeTable::parse(text) {
        Ok(document) => Ok(document.into_inner()),
        Err(error) => {
            let span = error.span().unwrap_or(text.len()..text.len());
            let message = error.message().trim_end_matches(", expected nothing");
            let fault = ProfileError::new(span.clone(), format!("not TOML: {message}"));
            Err(if message.contains("leading zero") { fault.help(OCTAL) } else { fault })
        }
    }
}

/// The entries of a table in the order of the file; the parser keeps them in the order of the alphabet.
pub(super) fn entries<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Name<'i>, &'t Node<'i>)> {
    by_place(table.iter().collect(), |(name, _)| name.span().start)
}

/// What a value is, with the value where it is short: for "found …".
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
