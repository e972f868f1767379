//! The table `[rlimit]` → requirements for the soft and the hard side of limits.

use toml::de::{DeTable, DeValue};

use super::document::{FileContext, Node, NodeName, entries, unknown};
use super::expectation_parser::{OPERATORS, ParsedExpectation, flag, is_above, parse_expectation};
use super::problem::{Problem, ProfileError};
use super::{RawRequirement, ValueExpr};
use crate::model::expectation::Expectation;
use crate::model::limit::{Resource, Side};
use crate::model::setting::{NumberOrder, Setting, ValueSpec};
use crate::model::value::Kind;

/// The shape of all limits.
const SPEC: ValueSpec = ValueSpec { kind: Kind::Limit, min: None, max: None, order: NumberOrder::Any };

/// Parses the table.
pub(super) fn read(context: &mut FileContext<'_>, table: &DeTable<'_>) -> Vec<RawRequirement> {
    let mut requirements = Vec::new();
    for (name, node) in entries(table) {
        let sides = sides(context, name, node);
        let Some(sides) = context.keep(sides) else { continue };
        context.problems.extend(contradiction(&sides));
        requirements.extend(sides);
    }
    requirements
}

/// An error where a soft limit that is asked is above the hard limit that is asked of the same resource.
pub(super) fn contradiction(requirements: &[RawRequirement]) -> Option<Problem> {
    requirements.iter().find_map(|soft| {
        let Setting::Limit(resource, Side::Soft) = soft.setting else { return None };
        let hard =
            requirements.iter().find(|requirement| requirement.setting == Setting::Limit(resource, Side::Hard))?;
        let lowest = exact(&soft.wanted).or(at_least(&soft.wanted))?;
        let highest = exact(&hard.wanted).or(at_most(&hard.wanted))?;
        is_above(lowest, highest).then(|| {
            let problem = Problem::error(
                format!("the soft limit of {resource} is above the hard one: {} and {}", soft.wanted, hard.wanted),
                Some(soft.origin.clone()),
            );
            if hard.origin == soft.origin { problem } else { problem.see(&hard.origin, "the hard limit is set here") }
        })
    })
}

fn exact(asked: &Expectation<ValueExpr>) -> Option<&ValueExpr> {
    if let Expectation::Exactly(value) = asked { Some(value) } else { None }
}

fn at_least(asked: &Expectation<ValueExpr>) -> Option<&ValueExpr> {
    if let Expectation::Bounds { at_least, .. } = asked { at_least.as_ref() } else { None }
}

fn at_most(asked: &Expectation<ValueExpr>) -> Option<&ValueExpr> {
    if let Expectation::Bounds { at_most, .. } = asked { at_most.as_ref() } else { None }
}

/// The requirements of one entry.
///
/// A bare value is for the soft limit; the hard one is only asked to be no lower, since lowering a hard limit can't be
/// undone. Operators in braces are for both sides, `soft` and `hard` for one each.
fn sides(context: &FileContext<'_>, name: &NodeName<'_>, node: &Node<'_>) -> Result<Vec<RawRequirement>, ProfileError> {
    let resource = Resource::parse(name.get_ref()).map_err(|message| ProfileError::new(name.span(), message))?;
    let span = name.span().start..node.span().end.max(name.span().end);
    let make = |side: Side, parsed: ParsedExpectation, span| RawRequirement {
        setting: Setting::Limit(resource, side),
        system: None,
        wanted: parsed.wanted,
        kind: Kind::Limit,
        required: parsed.required,
        origin: context.origin(span),
    };
    let spec = |_: &str, _: &Node<'_>| SPEC;
    match node.get_ref() {
        DeValue::Table(table) if has_sides(table) => {
            let mut requirements = Vec::new();
            for ParsedSide { side, name, node, parsed } in sides_of_table(table)? {
                refuse_hard_for_hard(side, &parsed, node)?;
                requirements.push(make(side, parsed, name.span().start..node.span().end));
            }
            Ok(requirements)
        }
        DeValue::Table(table) => {
            known_words(table)?;
            let both = |side| -> Result<RawRequirement, ProfileError> {
                let parsed = parse_expectation(node, &spec)?;
                refuse_hard_for_hard(side, &parsed, node)?;
                Ok(make(side, parsed, span.clone()))
            };
            Ok(vec![both(Side::Soft)?, both(Side::Hard)?])
        }
        _ => {
            let soft = parse_expectation(node, &spec)?;
            let room = match &soft.wanted {
                Expectation::Exactly(ValueExpr::Hard) => None,
                Expectation::Exactly(value) => {
                    Some(Expectation::Bounds { at_least: Some(value.clone()), at_most: None })
                }
                _ => None,
            };
            let hard = room.map(|wanted| ParsedExpectation { wanted, kind: Kind::Limit, required: true });
            let hard = hard.map(|parsed| make(Side::Hard, parsed, span.clone()));
            Ok([make(Side::Soft, soft, span)].into_iter().chain(hard).collect())
        }
    }
}

fn has_sides(table: &DeTable<'_>) -> bool {
    table.keys().any(|key| matches!(key.get_ref().as_ref(), "soft" | "hard"))
}

/// An error for a name in the braces that is neither an operator nor a side: `sfot` is near to no operator.
fn known_words(table: &DeTable<'_>) -> Result<(), ProfileError> {
    let words: Vec<&str> = OPERATORS.into_iter().chain(["soft", "hard"]).collect();
    match table.keys().find(|key| !words.contains(&key.get_ref().as_ref())) {
        Some(key) => Err(unknown("operator or side", key.get_ref(), &words, key.span())),
        None => Ok(()),
    }
}

/// An entry `soft = …` or `hard = …`.
struct ParsedSide<'t, 'i> {
    side: Side,
    name: &'t NodeName<'i>,
    node: &'t Node<'i>,
    parsed: ParsedExpectation,
}

/// The sides of a table; a `required` beside them is for both.
fn sides_of_table<'t, 'i>(table: &'t DeTable<'i>) -> Result<Vec<ParsedSide<'t, 'i>>, ProfileError> {
    let (mut sides, mut required) = (Vec::new(), true);
    for (name, node) in entries(table) {
        let side = match name.get_ref().as_ref() {
            "soft" => Side::Soft,
            "hard" => Side::Hard,
            "required" => {
                required = flag(node)?;
                continue;
            }
            operator if OPERATORS.contains(&operator) => {
                return Err(ProfileError::new(
                    name.span(),
                    format!("`{operator}` can't be combined with `soft` and `hard`"),
                )
                .help("put it inside: `soft = { at_least = 50000 }`"));
            }
            other => return Err(unknown("side", other, &["soft", "hard", "required"], name.span())),
        };
        let parsed = parse_expectation(node, &|_, _| SPEC)?;
        sides.push(ParsedSide { side, name, node, parsed });
    }
    for side in &mut sides {
        side.parsed.required &= required;
    }
    Ok(sides)
}

fn refuse_hard_for_hard(side: Side, parsed: &ParsedExpectation, node: &Node<'_>) -> Result<(), ProfileError> {
    let hard = parsed.wanted.values().any(|value| *value == ValueExpr::Hard);
    if side == Side::Hard && hard {
        return Err(ProfileError::new(node.span(), "`\"hard\"` is no value for the hard limit itself")
            .help("it is for `soft`: the same as the hard limit"));
    }
    Ok(())
}
