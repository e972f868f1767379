//! The table `[rlimit]` → wishes for the soft and the hard side of limits.

use toml::de::{DeTable, DeValue};

use super::expectation_parser::{OPERATORS, Wanted, above, flag, wanted};
use super::problem::{Problem, ProfileError};
use super::reader::{Reader, unknown};
use super::tree::{Name, Node, entries};
use super::{RawRequirement, ValueExpr};
use crate::model::expectation::Expectation;
use crate::model::limit::{Resource, Side};
use crate::model::setting::{Setting, ValueSpec};
use crate::model::value::Kind;

const SPEC: ValueSpec = ValueSpec { kind: Kind::Limit, min: None, max: None };

/// Reads the table.
pub(super) fn read(reader: &mut Reader<'_>, table: &DeTable<'_>) -> Vec<RawRequirement> {
    let mut wishes = Vec::new();
    for (name, node) in entries(table) {
        let sides = sides(reader, name, node);
        let Some(sides) = reader.keep(sides) else { continue };
        reader.problems.extend(contradiction(&sides));
        wishes.extend(sides);
    }
    wishes
}

/// The wish of a soft limit that can't hold beside that of the hard one, of the same resource in `wishes`.
pub(super) fn contradiction(wishes: &[RawRequirement]) -> Option<Problem> {
    wishes.iter().find_map(|soft| {
        let Setting::Limit(resource, Side::Soft) = soft.setting else { return None };
        let hard = wishes.iter().find(|wish| wish.setting == Setting::Limit(resource, Side::Hard))?;
        let lowest = exact(&soft.asked).or(at_least(&soft.asked))?;
        let highest = exact(&hard.asked).or(at_most(&hard.asked))?;
        above(lowest, highest).then(|| {
            let problem = Problem::error(
                format!(
                    "the soft limit of {resource} is above the hard one: {} is asked, and {}",
                    soft.asked, hard.asked
                ),
                Some(soft.origin.clone()),
            );
            if hard.origin == soft.origin { problem } else { problem.see(&hard.origin, "the hard limit is asked here") }
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

/// The wishes that one limit's entry stands for.
///
/// A bare value is what the soft limit is to be; of the hard one it only asks room for that, since lowering a
/// hard limit can't be undone. Operators in braces are for both sides, and `soft` and `hard` for one each.
fn sides(reader: &Reader<'_>, name: &Name<'_>, node: &Node<'_>) -> Result<Vec<RawRequirement>, ProfileError> {
    let resource = Resource::parse(name.get_ref()).map_err(|message| ProfileError::new(name.span(), message))?;
    let span = name.span().start..node.span().end.max(name.span().end);
    let make = |side: Side, wanted: Wanted, span| RawRequirement {
        setting: Setting::Limit(resource, side),
        system: None,
        asked: wanted.asked,
        kind: Kind::Limit,
        required: wanted.required,
        origin: reader.origin(span),
    };
    let spec = |_: &str, _: &Node<'_>| SPEC;
    match node.get_ref() {
        DeValue::Table(table) if has_sides(table) => {
            let mut wishes = Vec::new();
            for Part { side, name, node, wanted } in parts(table)? {
                refuse_hard_for_hard(side, &wanted, node)?;
                wishes.push(make(side, wanted, name.span().start..node.span().end));
            }
            Ok(wishes)
        }
        DeValue::Table(table) => {
            known_words(table)?;
            let both = |side| -> Result<RawRequirement, ProfileError> {
                let wanted = wanted(node, &spec)?;
                refuse_hard_for_hard(side, &wanted, node)?;
                Ok(make(side, wanted, span.clone()))
            };
            Ok(vec![both(Side::Soft)?, both(Side::Hard)?])
        }
        _ => {
            let soft = wanted(node, &spec)?;
            let room = match &soft.asked {
                Expectation::Exactly(ValueExpr::Hard) => None,
                Expectation::Exactly(value) => {
                    Some(Expectation::Bounds { at_least: Some(value.clone()), at_most: None })
                }
                _ => None,
            };
            let hard = room.map(|asked| Wanted { asked, kind: Kind::Limit, required: true });
            let hard = hard.map(|wanted| make(Side::Hard, wanted, span.clone()));
            Ok([make(Side::Soft, soft, span)].into_iter().chain(hard).collect())
        }
    }
}

fn has_sides(table: &DeTable<'_>) -> bool {
    table.keys().any(|key| matches!(key.get_ref().as_ref(), "soft" | "hard"))
}

/// Whether all words in the braces are some that can stand there. `sfot` is no operator, and near to none.
fn known_words(table: &DeTable<'_>) -> Result<(), ProfileError> {
    let words: Vec<&str> = OPERATORS.into_iter().chain(["soft", "hard"]).collect();
    match table.keys().find(|key| !words.contains(&key.get_ref().as_ref())) {
        Some(key) => Err(unknown("operator or side", key.get_ref(), &words, key.span())),
        None => Ok(()),
    }
}

/// `soft = …` or `hard = …`.
struct Part<'t, 'i> {
    side: Side,
    name: &'t Name<'i>,
    node: &'t Node<'i>,
    wanted: Wanted,
}

/// Both sides, with a `required` beside them put into both.
fn parts<'t, 'i>(table: &'t DeTable<'i>) -> Result<Vec<Part<'t, 'i>>, ProfileError> {
    let (mut parts, mut required) = (Vec::new(), true);
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
                    format!("`{operator}` can't stand beside `soft` and `hard`"),
                )
                .help("put it inside: `soft = { at_least = 50000 }`"));
            }
            other => return Err(unknown("side", other, &["soft", "hard", "required"], name.span())),
        };
        let wanted = wanted(node, &|_, _| SPEC)?;
        parts.push(Part { side, name, node, wanted });
    }
    for part in &mut parts {
        part.wanted.required &= required;
    }
    Ok(parts)
}

fn refuse_hard_for_hard(side: Side, wanted: &Wanted, node: &Node<'_>) -> Result<(), ProfileError> {
    let hard = wanted.asked.values().any(|value| *value == ValueExpr::Hard);
    if side == Side::Hard && hard {
        return Err(ProfileError::new(node.span(), "`\"hard\"` is no value for the hard limit itself")
            .help("it is one for `soft`: as much as the hard limit allows"));
    }
    Ok(())
}
