//! The tables `[run]`, how the service is started and supervised; `[service]`, what is known of the service; and `[lint]`,
//! which warnings are silenced.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::document::{FileContext, Node, describe, entries, unknown};
use super::lint::{self, WARNINGS};
use super::problem::ProfileError;
use super::value_expr::ranges;
use crate::model::ranges::Ranges;
use crate::model::run::{OPTIONS, RunOption, RunOptions, Shape};
use crate::model::value::{Kind, MAX_PORT};

/// An option of `[run]` with its values, written as in an environment variable.
pub(super) type RunSetting = (&'static RunOption, Vec<String>);

/// Parses `[run]`: the options that are set, each of them valid.
pub(super) fn run(context: &mut FileContext<'_>, table: &DeTable<'_>) -> Vec<RunSetting> {
    let mut settings = Vec::new();
    for (name, node) in entries(table) {
        let Some(option) = RunOption::find(name.get_ref()) else {
            let known = OPTIONS.map(|option| option.name);
            context.add(unknown("field", name.get_ref(), &known, name.span()));
            continue;
        };
        let checked = option_values(option, node).and_then(|values| {
            let texts: Vec<&str> = values.iter().map(String::as_str).collect();
            let valid = option.set(&mut RunOptions::default(), &texts);
            valid.map(|()| values).map_err(|message| ProfileError::new(node.span(), message))
        });
        settings.extend(context.keep(checked).map(|values| (option, values)));
    }
    settings
}

/// The values of an option: one; for a list an array, one of its items, or a table (`env = { NAME = "value" }`).
fn option_values(option: &RunOption, node: &Node<'_>) -> Result<Vec<String>, ProfileError> {
    match node.get_ref() {
        DeValue::Array(items) if option.shape == Shape::Many => {
            items.iter().map(|item| option_value(option, item)).collect()
        }
        DeValue::Table(table) if option.shape == Shape::Many => entries(table)
            .into_iter()
            .map(|(name, node)| match node.get_ref() {
                // `env = { NAME = false }` unsets a variable.
                DeValue::Boolean(false) if option.name == "env" => Ok(name.get_ref().to_string()),
                _ => Ok(format!("{}={}", name.get_ref(), option_value(option, node)?)),
            })
            .collect(),
        _ => option_value(option, node).map(|value| vec![value]),
    }
}

fn option_value(option: &RunOption, node: &Node<'_>) -> Result<String, ProfileError> {
    match (node.get_ref(), option.shape) {
        (DeValue::Boolean(flag), _) => Ok(flag.to_string()),
        // `umask = 027` is no TOML, and `0o27` would be read as the decimal 23: only a string is unambiguous.
        (DeValue::Integer(_), _) if option.name == "umask" => {
            Err(ProfileError::new(node.span(), "expected the octal digits of a umask in quotes")
                .help("write `\"027\"`"))
        }
        (DeValue::Integer(number), Shape::One | Shape::Many) => Ok(number.to_string()),
        (DeValue::String(text), _) => Ok(text.to_string()),
        _ => Err(ProfileError::new(node.span(), format!("expected {}, found {}", expected(option), describe(node)))),
    }
}

fn expected(option: &RunOption) -> String {
    match option.shape {
        Shape::Switch => "`true` or `false`".to_owned(),
        Shape::One => format!("a value ({})", option.value),
        Shape::Many => format!("a list of values ({})", option.value),
    }
}

/// Parses `[service]`: the ports with their span, as of `ports = [8080, "9000-9010"]`.
pub(super) fn service(context: &mut FileContext<'_>, table: &DeTable<'_>) -> Option<(Ranges, Range<usize>)> {
    let mut ports = None;
    for (name, node) in entries(table) {
        if name.get_ref() == "ports" {
            let read = ranges(node, Kind::Ports, MAX_PORT)
                .and_then(|ports| refuse_port_zero(ports).map_err(|message| ProfileError::new(node.span(), message)));
            ports = context.keep(read).map(|ports| (ports, node.span()));
        } else {
            context.add(unknown("field", name.get_ref(), &["ports"], name.span()));
        }
    }
    ports
}

/// The ports, unless 0 is among them: bound to that, a service gets any free one (ip(7)).
pub(super) fn refuse_port_zero(ports: Ranges) -> Result<Ranges, &'static str> {
    match ports.as_slice() {
        [(0, _), ..] => Err("port 0 can't be reserved: the kernel chooses a port instead"),
        _ => Ok(ports),
    }
}

/// Parses `[lint]`: the codes of `allow = ["W005"]`.
pub(super) fn lint_allow(context: &mut FileContext<'_>, table: &DeTable<'_>) -> Vec<&'static str> {
    let mut allowed = Vec::new();
    for (name, node) in entries(table) {
        if name.get_ref() != "allow" {
            context.add(unknown("field", name.get_ref(), &["allow"], name.span()));
            continue;
        }
        let items: Vec<&Node<'_>> = match node.get_ref() {
            DeValue::Array(items) => items.iter().collect(),
            _ => vec![node],
        };
        for item in items {
            let code = warning_code(item);
            allowed.extend(context.keep(code));
        }
    }
    allowed
}

fn warning_code(node: &Node<'_>) -> Result<&'static str, ProfileError> {
    let DeValue::String(text) = node.get_ref() else {
        return Err(ProfileError::new(
            node.span(),
            format!("expected the code of a warning, found {}", describe(node)),
        ));
    };
    lint::warning(text).map(|known| known.code).ok_or_else(|| {
        ProfileError::new(node.span(), format!("unknown warning `{}`", text.escape_debug()))
            .help(format!("they are numbered from `W001` to `W{:03}`", WARNINGS.len()))
    })
}
