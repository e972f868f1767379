//! The table `[run]`: how the service is started and supervised.

use toml::de::{DeTable, DeValue};

use super::problem::ProfileError;
use super::reader::{Reader, unknown};
use super::tree::{Node, describe, entries};
use crate::model::run::{OPTIONS, RunOption, RunOptions, Shape};

/// One option with its values, as the environment would have them.
pub(super) type Setting = (&'static RunOption, Vec<String>);

/// The options that are set, each of them valid.
pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<Setting> {
    let mut settings = Vec::new();
    for (name, node) in entries(table) {
        let Some(option) = RunOption::find(name.get_ref()) else {
            let known = OPTIONS.map(|option| option.name);
            reader.note(unknown("field", name.get_ref(), &known, name.span()));
            continue;
        };
        let checked = values(option, node).and_then(|values| {
            let texts: Vec<&str> = values.iter().map(String::as_str).collect();
            let valid = option.set(&mut RunOptions::default(), &texts);
            valid.map(|()| values).map_err(|message| ProfileError::new(node.span(), message))
        });
        settings.extend(reader.keep(checked).map(|values| (option, values)));
    }
    settings
}

/// A scalar; for a list an array of them, one of them, or a table (`env = { NAME = "value" }`).
fn values(option: &RunOption, node: &Node<'_>) -> Result<Vec<String>, ProfileError> {
    match node.get_ref() {
        DeValue::Array(items) if option.shape == Shape::Many => items.iter().map(|item| scalar(option, item)).collect(),
        DeValue::Table(table) if option.shape == Shape::Many => entries(table)
            .into_iter()
            .map(|(name, node)| match node.get_ref() {
                // `env = { NAME = false }` takes a variable away.
                DeValue::Boolean(false) if option.name == "env" => Ok(name.get_ref().to_string()),
                _ => Ok(format!("{}={}", name.get_ref(), scalar(option, node)?)),
            })
            .collect(),
        _ => scalar(option, node).map(|value| vec![value]),
    }
}

fn scalar(option: &RunOption, node: &Node<'_>) -> Result<String, ProfileError> {
    match (node.get_ref(), option.shape) {
        (DeValue::Boolean(flag), _) => Ok(flag.to_string()),
        // `umask = 027` is no TOML, and `0o27` would be read as the decimal 23: only a text says what is meant.
        (DeValue::Integer(_), _) if option.name == "umask" => {
            Err(ProfileError::new(node.span(), "expected the octal digits of a umask in quotes")
                .help("write `\"027\"`"))
        }
        (DeValue::Integer(number), Shape::One | Shape::Many) => Ok(number.to_string()),
        (DeValue::String(text), _) => Ok(text.to_string()),
        _ => Err(ProfileError::new(node.span(), format!("expected {}, found {}", wanted(option), describe(node)))),
    }
}

fn wanted(option: &RunOption) -> String {
    match option.shape {
        Shape::Switch => "`true` or `false`".to_owned(),
        Shape::One => format!("a value ({})", option.value),
        Shape::Many => format!("a list of values ({})", option.value),
    }
}
