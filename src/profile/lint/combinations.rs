//! W008, W009 and W010: requirements that do not fit together.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement, ValueExpr};
use super::{Check, LintFacts, Warning, spans};
use crate::model::expectation::Expectation;
use crate::model::setting::System;

pub(super) static CONTRADICTS_EXTENDED: Warning = Warning {
    code: "W008",
    title: "a setting that conflicts with an inherited one",
    explanation: "The later setting replaces the inherited one: no value satisfies both, so the intent of the extended \
        profile is lost. If that is intended, allow the warning.",
    check: Check::Profile(contradicts_extended),
};

fn contradicts_extended(profile: &Profile, _facts: &LintFacts<'_>) -> Vec<Problem> {
    let pairs = replaced(profile).filter(|(earlier, later)| contradict(&earlier.wanted, &later.wanted));
    let warn = |(earlier, later): (&RawRequirement, &RawRequirement)| {
        let message =
            format!("{} {} conflicts with an inherited setting: {}", later.setting, later.wanted, earlier.wanted);
        later.warn(&CONTRADICTS_EXTENDED, message).see(&earlier.origin, "this one is overridden")
    };
    pairs.map(warn).collect()
}

pub(super) static REPEATS_EXTENDED: Warning = Warning {
    code: "W009",
    title: "a setting identical to an inherited one",
    explanation: "It changes nothing today, and will keep the old value when the extended profile changes. Leave it \
        out.",
    check: Check::Profile(repeats_extended),
};

fn repeats_extended(profile: &Profile, _facts: &LintFacts<'_>) -> Vec<Problem> {
    let same = |(earlier, later): &(&RawRequirement, &RawRequirement)| {
        later.wanted == earlier.wanted && later.required == earlier.required
    };
    let warn = |(earlier, later): (&RawRequirement, &RawRequirement)| {
        let message = format!("{} is inherited already, with the same value", later.setting);
        later.warn(&REPEATS_EXTENDED, message).see(&earlier.origin, "inherited from here")
    };
    replaced(profile).filter(same).map(warn).collect()
}

/// The requirements of extended profiles that later ones have replaced, each with that one.
fn replaced(profile: &Profile) -> impl Iterator<Item = (&RawRequirement, &RawRequirement)> {
    let later = |earlier: &RawRequirement| profile.requirements.iter().find(|later| later.same_setting(earlier));
    profile.replaced.iter().filter_map(move |earlier| Some((earlier, later(earlier)?)))
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

/// Settings that are one thing in two units: writing one sets the other to 0.
const TWO_UNITS: [(&str, &str); 3] = [
    ("vm.dirty_ratio", "vm.dirty_bytes"),
    ("vm.dirty_background_ratio", "vm.dirty_background_bytes"),
    ("vm.overcommit_ratio", "vm.overcommit_kbytes"),
];

/// Settings that are one value by two names.
const TWO_NAMES: [(&str, &str); 2] = [
    ("net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"),
    ("net.netfilter.nf_conntrack_max", "net.nf_conntrack_max"),
];

pub(super) static TWINS: Warning = Warning {
    code: "W010",
    title: "two sysctls that undo each other",
    explanation: "Some settings have two names in two units (`vm.dirty_ratio` and `vm.dirty_bytes`): writing one sets \
        the other to 0, so one of them always falls short. Others are one value under two names \
        (`net.ipv4.ip_forward` and `net.ipv4.conf.all.forwarding`). Keep one.",
    check: Check::Profile(twins),
};

fn twins(profile: &Profile, _facts: &LintFacts<'_>) -> Vec<Problem> {
    let pairs = TWO_UNITS.iter().map(|pair| (pair, false)).chain(TWO_NAMES.iter().map(|pair| (pair, true)));
    let warn = |((first, second), same): (&(&str, &str), bool)| {
        // Asking for the 0 that writing the other one leaves is no contradiction.
        let find = |name: &str| {
            let named = |requirement: &&RawRequirement| {
                requirement.system == Some(System::Linux) && requirement.setting.to_string() == name
            };
            profile
                .requirements
                .iter()
                .find(named)
                .filter(|requirement| same || spans(&requirement.wanted).as_deref() != Some(&[(0, 0)]))
        };
        let (one, other) = (find(first)?, find(second)?);
        if same && !contradict(&one.wanted, &other.wanted) {
            return None;
        }
        let message = format!("`{second}` and `{first}` are one setting: writing one undoes the other");
        Some(other.warn(&TWINS, message).see(&one.origin, "the other one"))
    };
    pairs.filter_map(warn).collect()
}
