//! What files say, as readings.

use super::Reading;
use crate::model::preflight::FoundCondition;

pub(super) fn is_cpu(name: &str) -> bool {
    name.strip_prefix("cpu").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

#[allow(clippy::cast_precision_loss, reason = "a counter beyond 2^53 is shown with two decimals")]
pub(super) fn real(number: u64) -> f64 {
    number as f64
}

pub(super) fn percent(used: u64, all: u64) -> Reading {
    number(Ok(real(used) * 100.0 / real(all.max(1))))
}

/// A part of a whole, unless one of the two is something else.
pub(super) fn part(used: Result<u64, Reading>, all: Result<u64, Reading>) -> Reading {
    match (used, all) {
        (Ok(used), Ok(all)) => percent(used, all),
        (Err(other), _) | (_, Err(other)) => other,
    }
}

pub(super) fn number(read: Result<f64, Reading>) -> Reading {
    read.map_or_else(|other| other, |number| Reading::Found(FoundCondition::Number(number)))
}

pub(super) fn unparsed(path: &str) -> Reading {
    Reading::Unknown(format!("/{path}: it has another form than expected"))
}
