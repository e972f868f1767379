//! W008, W009 and W010: wishes beside others.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement, ValueExpr};
use super::spans;
use crate::model::expectation::Expectation;
use crate::model::setting::System;

/// Wishes that an extending profile has replaced: W008 where they contradict the later one, W009 where they are
/// the same.
pub(super) fn replaced(profile: &Profile) -> impl Iterator<Item = Problem> {
    profile.replaced.iter().filter_map(|earlier| {
        let later = profile.requirements.iter().find(|wish| wish.same_setting(earlier))?;
        let setting = &later.setting;
        if later.asked == earlier.asked && later.required == earlier.required {
            let message = format!("{setting} is asked for already, word for word");
            let warning = later.warn("W009", message);
            return Some(warning.see(&earlier.origin, "here, in what is extended"));
        }
        contradict(&earlier.asked, &later.asked).then(|| {
            let message = format!("{setting} {} contradicts what is extended: {}", later.asked, earlier.asked);
            later.warn("W008", message).see(&earlier.origin, "this is given up")
        })
    })
}

/// Whether certainly no value is what both ask for.
fn contradict(one: &Expectation<ValueExpr>, other: &Expectation<ValueExpr>) -> bool {
    let (one, other) = if let Expectation::OneOf(_) = other { (other, one) } else { (one, other) };
    if let Expectation::OneOf(values) = one {
        return values.iter().all(|value| contradict(&Expectation::Exactly(value.clone()), other));
    }
    if let (Some(ours), Some(theirs)) = (spans(one), spans(other)) {
        let apart = |((low, high), (from, to)): (&(i128, i128), &(i128, i128))| high < from || to < low;
        return ours.len() == theirs.len() && ours.iter().zip(&theirs).any(apart);
    }
    let missing = |exact: &ValueExpr, part: &ValueExpr| match (exact, part) {
        (ValueExpr::Ranges(exact), ValueExpr::Ranges(part)) => exact.union(part) != *exact,
        _ => false,
    };
    match (one, other) {
        (Expectation::Exactly(exact), Expectation::Includes(part))
        | (Expectation::Includes(part), Expectation::Exactly(exact)) => missing(exact, part),
        (Expectation::Includes(_) | Expectation::Covers(_) | Expectation::Bounds { .. }, _)
        | (_, Expectation::Includes(_) | Expectation::Covers(_) | Expectation::Bounds { .. }) => false,
        _ => !one.values().any(|value| other.values().any(|theirs| theirs == value)),
    }
}

/// Settings that are one thing by two names.
const TWINS: [(&str, &str); 3] = [
    ("vm.dirty_ratio", "vm.dirty_bytes"),
    ("vm.dirty_background_ratio", "vm.dirty_background_bytes"),
    ("vm.overcommit_ratio", "vm.overcommit_kbytes"),
];

/// Settings that are one value by two names.
const SAME: [(&str, &str); 2] = [
    ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"),
    ("net.netfilter.nf_conntrack_max", "net.nf_conntrack_max"),
];

/// W010: two of which each undoes the other.
pub(super) fn twins(profile: &Profile) -> impl Iterator<Item = Problem> {
    let pairs = TWINS.iter().map(|pair| (pair, false)).chain(SAME.iter().map(|pair| (pair, true)));
    pairs.filter_map(|((first, second), same)| {
        // To ask for the 0 that the other one makes of it is no contradiction.
        let wish = |name: &str| {
            let named = |wish: &&RawRequirement| wish.system == Some(System::Linux) && wish.setting.to_string() == name;
            profile
                .requirements
                .iter()
                .find(named)
                .filter(|wish| same || spans(&wish.asked).as_deref() != Some(&[(0, 0)]))
        };
        let (one, other) = (wish(first)?, wish(second)?);
        if same && !contradict(&one.asked, &other.asked) {
            return None;
        }
        let message = format!("`{second}` and `{first}` are one setting: writing one undoes the other");
        Some(other.warn("W010", message).see(&one.origin, "the other one"))
    })
}
