//! The value of a key → an expectation: a bare value, or operators in braces.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::ValueExpr;
use super::document::{Node, describe, entries, quoted, unknown};
use super::problem::ProfileError;
use super::value_expr::{ascending, parse_value, plain};
use crate::model::amount::Amount;
use crate::model::expectation::Expectation;
use crate::model::setting::ValueSpec;
use crate::model::value::Kind;

/// The names in an expectation's braces.
pub(super) const OPERATORS: [&str; 7] = ["exactly", "at_least", "at_most", "covers", "includes", "one_of", "required"];

/// An expectation as it was parsed.
pub(super) struct ParsedExpectation {
    pub(super) wanted: Expectation<ValueExpr>,
    /// The shape of its values.
    pub(super) kind: Kind,
    /// Whether not matching it is a failure.
    pub(super) required: bool,
}

/// Parses an expectation. `spec` tells the shape of the values, by the first operator and its value where the key is
/// unknown.
pub(super) fn parse_expectation(
    node: &Node<'_>,
    spec: &dyn Fn(&str, &Node<'_>) -> ValueSpec,
) -> Result<ParsedExpectation, ProfileError> {
    let DeValue::Table(table) = node.get_ref() else {
        let spec = spec("exactly", node);
        return Ok(ParsedExpectation {
            wanted: Expectation::Exactly(whole_value(spec, node)?),
            kind: spec.kind,
            required: true,
        });
    };
    let GivenOperators { required, given } = operators(table)?;
    let Some((first, value)) = given.first().copied() else {
        let span = node.span();
        return Err(ProfileError::new(span, "this has no operator and no value")
            .help(format!("expected one of {}", quoted(&OPERATORS[..6]))));
    };
    let spec = spec(first, representative(first, value));
    suits(first, spec.kind, value)?;
    let wanted = match (first, given.get(1).copied()) {
        ("at_least" | "at_most", second) => bounds(spec, &given, second)?,
        (_, Some((other, node))) => return Err(excludes(first, other, node.span())),
        ("covers", None) => Expectation::Covers(range(spec, value)?),
        ("includes", None) => Expectation::Includes(parse_value(spec, value)?),
        ("one_of", None) => Expectation::OneOf(one_of(spec, value)?),
        (_, None) => Expectation::Exactly(whole_value(spec, value)?),
    };
    Ok(ParsedExpectation { wanted, kind: spec.kind, required: required.unwrap_or(true) })
}

/// The operators of a table in the order of the file, and `required`.
struct GivenOperators<'t, 'i> {
    required: Option<bool>,
    given: Vec<(&'static str, &'t Node<'i>)>,
}

fn operators<'t, 'i>(table: &'t DeTable<'i>) -> Result<GivenOperators<'t, 'i>, ProfileError> {
    let mut found = GivenOperators { required: None, given: Vec::new() };
    for (name, node) in entries(table) {
        match OPERATORS.into_iter().find(|operator| *operator == name.get_ref()) {
            Some("required") => found.required = Some(flag(node)?),
            Some(operator) => found.given.push((operator, node)),
            None => return Err(unknown("operator", name.get_ref(), &OPERATORS, name.span())),
        }
    }
    Ok(found)
}

/// `true` or `false`.
pub(super) fn flag(node: &Node<'_>) -> Result<bool, ProfileError> {
    node.get_ref()
        .as_bool()
        .ok_or_else(|| ProfileError::new(node.span(), format!("expected `true` or `false`, found {}", describe(node))))
}

/// The value that stands for the shape of all: of a list of choices, the first.
fn representative<'n, 'i>(operator: &str, node: &'n Node<'i>) -> &'n Node<'i> {
    let choices = node.get_ref().as_array().filter(|_| operator == "one_of");
    choices.and_then(|items| items.iter().next()).unwrap_or(node)
}

/// An error where an operator has no meaning for values of this shape.
fn suits(operator: &str, kind: Kind, node: &Node<'_>) -> Result<(), ProfileError> {
    let suits = match operator {
        "at_least" | "at_most" => matches!(kind, Kind::Number | Kind::Numbers(_) | Kind::Limit),
        "covers" => matches!(kind, Kind::PortRange | Kind::Numbers(2)),
        "includes" => matches!(kind, Kind::Ports | Kind::Cpus),
        _ => true,
    };
    if suits {
        return Ok(());
    }
    let help = match (operator, kind) {
        (_, Kind::PortRange) => "a range is widened with `covers`",
        (_, Kind::Ports | Kind::Cpus) => "a list is added to with `includes`",
        ("covers", _) => "only a range, a pair of numbers, can be covered",
        ("includes", _) => "only a list of ports or processors can be added to",
        _ => "text has no order: write the value, or `one_of`",
    };
    let what = kind.describe();
    Err(ProfileError::new(node.span(), format!("`{operator}` does not apply to a setting that takes {what}"))
        .help(help))
}

/// The error for two operators that can't be combined.
fn excludes(one: &str, other: &str, span: Range<usize>) -> ProfileError {
    ProfileError::new(span, format!("`{other}` can't be combined with `{one}`"))
        .help("only `at_least` and `at_most` can be combined; `required` goes with any")
}

/// `at_least`, `at_most`, or both.
fn bounds(
    spec: ValueSpec,
    given: &[(&'static str, &Node<'_>)],
    second: Option<(&'static str, &Node<'_>)>,
) -> Result<Expectation<ValueExpr>, ProfileError> {
    let (mut at_least, mut at_most) = (None, None);
    if let Some((other, node)) = given.iter().find(|(operator, _)| !matches!(*operator, "at_least" | "at_most")) {
        return Err(excludes(given.first().map_or("at_least", |(first, _)| first), other, node.span()));
    }
    for &(operator, node) in given {
        let side = if operator == "at_least" { &mut at_least } else { &mut at_most };
        *side = Some(parse_value(spec, node)?);
    }
    if let (Some(low), Some(high), Some((_, node))) = (&at_least, &at_most, second) {
        if is_above(low, high) {
            return Err(ProfileError::new(node.span(), "`at_least` is above `at_most`: no value can be both"));
        }
    }
    Ok(Expectation::Bounds { at_least, at_most })
}

/// Whether some number of `low` is above its counterpart in `high`, on every machine.
pub(super) fn is_above(low: &ValueExpr, high: &ValueExpr) -> bool {
    let pair = |low: &Amount, high: &Amount| plain(*low).zip(plain(*high)).is_some_and(|(low, high)| low > high);
    match (low, high) {
        (ValueExpr::Amount(low), ValueExpr::Amount(high)) => pair(low, high),
        (ValueExpr::Amounts(low), ValueExpr::Amounts(high)) => low.iter().zip(high).any(|(low, high)| pair(low, high)),
        (ValueExpr::Unlimited, ValueExpr::Amount(_)) => true,
        _ => false,
    }
}

/// A value that is to be the setting's own, not a bound of it: its numbers are in the order that the setting has.
fn whole_value(spec: ValueSpec, node: &Node<'_>) -> Result<ValueExpr, ProfileError> {
    let value = parse_value(spec, node)?;
    let ValueExpr::Amounts(amounts) = &value else { return Ok(value) };
    let numbers: Option<Vec<i128>> = amounts.iter().map(|amount| plain(*amount)).collect();
    let Some(numbers) = numbers.filter(|numbers| !spec.order.accepts(numbers)) else { return Ok(value) };
    let mut sorted = numbers;
    sorted.sort_unstable();
    Err(ProfileError::new(
        node.span(),
        format!("`{value}` descends: none of its numbers is to be below the one before"),
    )
    .write_list(sorted))
}

fn range(spec: ValueSpec, node: &Node<'_>) -> Result<ValueExpr, ProfileError> {
    let range = parse_value(spec, node)?;
    if let ValueExpr::Amounts(ends) = &range {
        ascending(ends, node)?;
    }
    Ok(range)
}

fn one_of(spec: ValueSpec, node: &Node<'_>) -> Result<Vec<ValueExpr>, ProfileError> {
    let Some(items) = node.get_ref().as_array() else {
        return Err(ProfileError::new(node.span(), format!("expected an array of values, found {}", describe(node))));
    };
    if items.is_empty() {
        return Err(ProfileError::new(node.span(), "an empty `one_of` never matches: expected at least one value"));
    }
    items.iter().map(|item| whole_value(spec, item)).collect()
}
