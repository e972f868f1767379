//! Amounts relative to the machine, once their numbers are known: refused where the same numbers are refused when they
//! are written out (`profile/`).

use crate::catalog;
use crate::model::amount::Amount;
use crate::model::expectation::Expectation;
use crate::model::limit::{Resource, Side};
use crate::model::setting::{Setting, System};
use crate::model::value::Value;
use crate::profile::ValueExpr;

/// Checks what a profile asks of a setting: `raw` as it is written, `wanted` resolved on this machine.
///
/// # Errors
/// A sentence that says which amount comes to which number, and why that is none for the setting.
pub(super) fn check(
    raw: &Expectation<ValueExpr>,
    wanted: &Expectation<Value>,
    setting: &Setting,
    system: System,
) -> Result<(), String> {
    if !raw.values().any(is_relative) {
        return Ok(());
    }
    for (written, value) in raw.values().zip(wanted.values()) {
        in_range(written, value, setting, system)?;
    }
    if let Expectation::Exactly(Value::Numbers(numbers)) = wanted {
        let Setting::Key(key) = setting else { return Ok(()) };
        if !catalog::spec(system, key).is_none_or(|spec| spec.order.accepts(numbers)) {
            return Err(format!(
                "`{}` descends here: none of its numbers is to be below the one before",
                Value::Numbers(numbers.clone())
            ));
        }
    }
    match wanted {
        Expectation::Bounds { at_least: Some(low), at_most: Some(high) } if is_above(low, high) => {
            Err(format!("`at_least` is above `at_most` here: {low} and {high}"))
        }
        Expectation::Covers(Value::Numbers(ends)) if !ends.is_sorted() => {
            let range = Value::Numbers(ends.clone());
            Err(format!("range `{range}` is reversed here: its first number is above its last"))
        }
        _ => Ok(()),
    }
}

/// The index of a requirement of a soft limit that is above what is required of the hard one, and a sentence that says
/// so.
pub(super) fn soft_above_hard(limits: &[(&Setting, &Expectation<Value>)]) -> Option<(usize, String)> {
    limits.iter().enumerate().find_map(|(index, (soft, wanted))| {
        let Setting::Limit(resource, Side::Soft) = **soft else { return None };
        let (_, hard) = limits.iter().find(|(its, _)| **its == Setting::Limit(resource, Side::Hard))?;
        let (lowest, highest) = (lowest(wanted)?, highest(hard)?);
        is_above(lowest, highest).then(|| (index, above(resource, lowest, highest)))
    })
}

fn above(resource: Resource, lowest: &Value, highest: &Value) -> String {
    format!("the soft limit of {resource} is above the hard one here: {lowest} and {highest}")
}

fn lowest(wanted: &Expectation<Value>) -> Option<&Value> {
    match wanted {
        Expectation::Exactly(value) => Some(value),
        Expectation::Bounds { at_least, .. } => at_least.as_ref(),
        _ => None,
    }
}

fn highest(wanted: &Expectation<Value>) -> Option<&Value> {
    match wanted {
        Expectation::Exactly(value) => Some(value),
        Expectation::Bounds { at_most, .. } => at_most.as_ref(),
        _ => None,
    }
}

fn is_above(low: &Value, high: &Value) -> bool {
    match (low, high) {
        (Value::Number(low), Value::Number(high)) => low > high,
        (Value::Numbers(low), Value::Numbers(high)) => low.iter().zip(high).any(|(low, high)| low > high),
        (Value::Limit(low), Value::Limit(high)) => low > high,
        _ => false,
    }
}

/// Whether each number is one that the setting takes, as far as the catalog knows that.
fn in_range(written: &ValueExpr, value: &Value, setting: &Setting, system: System) -> Result<(), String> {
    let numbers = match value {
        Value::Number(number) => std::slice::from_ref(number),
        Value::Numbers(numbers) => numbers,
        _ => return Ok(()),
    };
    let Setting::Key(key) = setting else { return Ok(()) };
    let Some(spec) = catalog::spec(system, key) else { return Ok(()) };
    let is_outside =
        |number: &&i128| spec.min.is_some_and(|min| **number < min) || spec.max.is_some_and(|max| **number > max);
    match numbers.iter().filter(is_outside).min() {
        None => Ok(()),
        Some(number) => Err(format!("`{written}` comes to {number} here: expected {}", spec.range())),
    }
}

fn is_relative(value: &ValueExpr) -> bool {
    match value {
        ValueExpr::Amount(amount) => amount.is_relative(),
        ValueExpr::Amounts(amounts) => amounts.iter().copied().any(Amount::is_relative),
        ValueExpr::Ranges(_) | ValueExpr::Text(_) | ValueExpr::Unlimited | ValueExpr::Hard => false,
    }
}
