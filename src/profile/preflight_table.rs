//! The table `[preflight]`: conditions of the machine for a load test.

use toml::de::{DeTable, DeValue};

use super::document::{FileContext, Node, describe, entries, quoted, unknown};
use super::expectation_parser::flag;
use super::problem::ProfileError;
use super::{Origin, PreflightRequirement};
use crate::model::amount::Amount;
use crate::model::preflight::{CONDITIONS, ConditionRow, Shape, WantedCondition};

const OPERATORS: [&str; 4] = ["exactly", "one_of", "at_most", "required"];

/// Parses the table `[preflight]`.
pub(super) fn read(context: &mut FileContext<'_>, table: &DeTable<'_>) -> Vec<PreflightRequirement> {
    let mut conditions = Vec::new();
    for (name, node) in entries(table) {
        let Some(row) = CONDITIONS.iter().find(|row| row.name == name.get_ref()) else {
            let known = CONDITIONS.map(|row| row.name);
            context.add(unknown("condition", name.get_ref(), &known, name.span()));
            continue;
        };
        let origin: Origin = context.origin(name.span().start..node.span().end);
        let parsed = context.keep(wanted(row, node));
        conditions.extend(parsed.map(|(wanted, required)| PreflightRequirement {
            condition: row.condition,
            wanted,
            required,
            origin,
        }));
    }
    conditions
}

/// A bare value or operators in braces, and `required` where it was written.
fn wanted(row: &ConditionRow, node: &Node<'_>) -> Result<(WantedCondition, Option<bool>), ProfileError> {
    let DeValue::Table(table) = node.get_ref() else { return Ok((value(row, "exactly", node)?, None)) };
    let (mut found, mut required) = (None, None);
    for (name, node) in entries(table) {
        match OPERATORS.into_iter().find(|operator| *operator == name.get_ref()) {
            Some("required") => required = Some(flag(node)?),
            Some(operator) if found.is_none() => found = Some(value(row, operator, node)?),
            Some(_) => return Err(ProfileError::new(name.span(), "a condition has one operator")),
            None => return Err(unknown("operator", name.get_ref(), &OPERATORS, name.span())),
        }
    }
    let empty = || {
        ProfileError::new(node.span(), "this has no operator and no value")
            .help(format!("expected one of {}", quoted(&OPERATORS[..3])))
    };
    found.map(|wanted| (wanted, required)).ok_or_else(empty)
}

fn value(row: &ConditionRow, operator: &str, node: &Node<'_>) -> Result<WantedCondition, ProfileError> {
    match (row.shape, operator, node.get_ref()) {
        (Shape::Switch, "exactly", _) => flag(node).map(WantedCondition::Is),
        (Shape::Word, "exactly", _) => word(node).map(|word| WantedCondition::OneOf(vec![word])),
        (Shape::Word, "one_of", DeValue::Array(items)) if !items.is_empty() => {
            items.iter().map(word).collect::<Result<_, _>>().map(WantedCondition::OneOf)
        }
        (Shape::Percent | Shape::Decimal | Shape::Count | Shape::ByteRate, "at_most", _) => {
            number(row.shape, node).map(WantedCondition::AtMost)
        }
        (shape, ..) => {
            let message = format!("expected {}, found {}", expected(shape), found(operator, node));
            Err(ProfileError::new(node.span(), message))
        }
    }
}

fn found(operator: &str, node: &Node<'_>) -> String {
    match operator {
        "exactly" => describe(node),
        operator => format!("`{operator}` with {}", describe(node)),
    }
}

/// How a condition of this shape is written.
fn expected(shape: Shape) -> &'static str {
    match shape {
        Shape::Switch => "`true` or `false`",
        Shape::Word => "a word in quotes, or `{ one_of = [\"…\"] }`",
        Shape::Percent => "`{ at_most = \"10%\" }`",
        Shape::Decimal => "`{ at_most = 0.25 }`",
        Shape::Count => "`{ at_most = 1000 }`",
        Shape::ByteRate => "`{ at_most = \"1MiB\" }`, bytes per second",
    }
}

fn word(node: &Node<'_>) -> Result<String, ProfileError> {
    match node.get_ref() {
        DeValue::String(text) if !text.is_empty() && !text.contains(char::is_whitespace) => Ok(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => Ok(number.as_str().to_owned()),
        _ => Err(ProfileError::new(node.span(), format!("expected a word in quotes, found {}", describe(node)))),
    }
}

fn number(shape: Shape, node: &Node<'_>) -> Result<f64, ProfileError> {
    let plain = |text: &str| text.replace('_', "").parse::<f64>().ok();
    let number = match (shape, node.get_ref()) {
        (Shape::Percent, DeValue::String(text)) => text.strip_suffix('%').and_then(|text| plain(text.trim_end())),
        (Shape::Decimal, DeValue::Float(number)) => plain(number.as_str()),
        (Shape::Decimal | Shape::Count | Shape::ByteRate, DeValue::Integer(number)) if number.radix() == 10 => {
            plain(number.as_str())
        }
        (Shape::ByteRate, DeValue::String(text)) => match Amount::parse(text) {
            Ok(Amount::Bytes(bytes)) => plain(&bytes.to_string()),
            _ => None,
        },
        _ => None,
    };
    let most = if shape == Shape::Percent { 100.0 } else { f64::MAX };
    number.filter(|number| (0.0..=most).contains(number)).ok_or_else(|| {
        ProfileError::new(node.span(), format!("expected {}, found {}", expected(shape), found("at_most", node)))
    })
}
