//! What is allowed in a profile and most likely not meant. Warnings are data: a code, a message, a place.

pub mod codes;
mod combinations;
mod containers;
mod files;
mod folklore;
mod limits;
mod names;
mod ports;

use super::problem::Problem;
use super::value_expr::plain;
use super::{Profile, RawRequirement, ValueExpr};
use crate::model::expectation::Expectation;
use crate::model::limit::Resource;
use crate::model::setting::{Key, Setting, System};

/// What a lint has to be told, since it looks nothing up itself.
pub struct Known<'a> {
    /// The names of all sysctls that the catalog has.
    pub names: &'a [(System, &'a str)],
    /// What is known of a key; of an unknown one, nothing.
    pub about: &'a dyn Fn(System, &Key) -> About,
}

impl std::fmt::Debug for Known<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

/// What is known of a key, as far as a lint hangs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The kernel that it came with, `Linux 6.14`, where not every supported one has it.
    pub since: Option<String>,
    /// The first kernel that has it no more.
    pub gone: Option<String>,
    /// The kernel that we run on, if that is too old or too new for it.
    pub lacked_here: Option<String>,
    /// Whether it belongs to the whole machine.
    pub of_host: bool,
    /// The value that can't be undone before the next boot.
    pub one_way: Option<&'static str>,
    /// Whether nobody can write it.
    pub read_only: bool,
    /// That it does nothing any more, and since when: `without effect since 4.14`.
    pub idle: Option<&'static str>,
    /// The first kernel that does nothing with it, where supported ones before still do.
    pub heeded_before: Option<String>,
    /// What to know of it where it is gone.
    pub instead: Option<&'static str>,
}

/// Looks a merged profile over. What it allows itself in `[lint] allow` is left out.
#[must_use]
pub fn lint(profile: &Profile, known: &Known<'_>) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for wish in &profile.requirements {
        add(&mut warnings, names::hidden(wish));
        if let Setting::Limit(resource, side) = wish.setting {
            add(&mut warnings, limits::too_high(profile, wish, resource));
            add(&mut warnings, limits::too_low(wish, resource, side));
        }
        match &wish.setting {
            Setting::Key(key @ Key::Sysctl(name)) => {
                let about = wish.system.map(|system| (known.about)(system, key)).unwrap_or_default();
                let name = name.to_string();
                add(&mut warnings, ports::range(profile, wish, &name));
                add(&mut warnings, ports::parity(wish, &name));
                let presence = names::presence(wish, &name, &about);
                add(&mut warnings, presence.or_else(|| names::misspelt(wish, &name, known)));
                add(&mut warnings, names::one_way(wish, &name, &about));
                add(&mut warnings, names::read_only(wish, &name, &about));
                if wish.system == Some(System::Linux) {
                    add(&mut warnings, folklore::saying(wish, &name, &about));
                    add(&mut warnings, folklore::cut(wish, &name));
                }
            }
            Setting::Limit(Resource::Nofile, _) => {
                add(&mut warnings, files::many(wish));
                add(&mut warnings, files::above_ceiling(profile, wish));
            }
            _ => {}
        }
    }
    add(&mut warnings, ports::all_reserved(profile));
    add(&mut warnings, ports::order(profile));
    warnings.extend(combinations::replaced(profile));
    warnings.extend(combinations::twins(profile));
    add(&mut warnings, containers::unreachable(profile, known));
    warnings.retain(|warning| !profile.allows(warning));
    warnings
}

/// Once for all lints: each would carry its own way to make room for another.
#[inline(never)]
fn add(warnings: &mut Vec<Problem>, more: Option<Problem>) {
    warnings.extend(more);
}

impl Profile {
    /// Whether a warning is silenced: by the profile that was asked for, or by the file that it lies in.
    fn allows(&self, warning: &Problem) -> bool {
        let file = warning.places.first().map(|(origin, _)| &origin.source.label);
        let here = |label: &Option<String>| label.is_none() || label.as_ref() == file;
        self.allowed.iter().any(|(label, code)| Some(*code) == warning.code && here(label))
    }
}

impl RawRequirement {
    /// A warning that lies where the wish does.
    #[inline(never)]
    fn warn(&self, code: &'static str, message: String) -> Problem {
        Problem::warning(code, message, self.origin.clone())
    }
}

/// The two ends of each range that is asked for, as far as they are plain numbers.
fn ranges(wish: &RawRequirement) -> Vec<(i128, i128)> {
    let ends = wish.asked.values().filter_map(|value| match *plains(value)? {
        [first, last] => Some((first, last)),
        _ => None,
    });
    ends.collect()
}

/// Its numbers; nothing where it is no number, or hangs on the machine. No limit is as high as can be.
fn plains(asked: &ValueExpr) -> Option<Box<[i128]>> {
    match asked {
        ValueExpr::Amount(amount) => Some(Box::new([plain(*amount)?])),
        ValueExpr::Amounts(amounts) => amounts.iter().map(|amount| plain(*amount)).collect(),
        ValueExpr::Unlimited => Some(Box::new([i128::MAX])),
        _ => None,
    }
}

/// From which to which number a setting may be, for each number of a list; nothing where what is asked for is no
/// number, or hangs on the machine. Of one of several, from the lowest to the highest.
fn spans(asked: &Expectation<ValueExpr>) -> Option<Vec<(i128, i128)>> {
    let mut spans = Vec::new();
    match asked {
        Expectation::Includes(_) => return None,
        Expectation::Covers(value) => match *plains(value)? {
            [first, last] => spans.extend([(i128::MIN, first), (last, i128::MAX)]),
            _ => return None,
        },
        Expectation::Exactly(_) | Expectation::OneOf(_) => {
            for value in asked.values() {
                let numbers = plains(value)?;
                spans.resize(numbers.len(), (i128::MAX, i128::MIN));
                for ((low, high), number) in spans.iter_mut().zip(numbers) {
                    (*low, *high) = ((*low).min(number), (*high).max(number));
                }
            }
        }
        Expectation::Bounds { at_least, at_most } => {
            for (value, is_low) in
                at_least.iter().map(|low| (low, true)).chain(at_most.iter().map(|high| (high, false)))
            {
                let numbers = plains(value)?;
                spans.resize(numbers.len(), (i128::MIN, i128::MAX));
                for ((low, high), number) in spans.iter_mut().zip(numbers) {
                    *if is_low { low } else { high } = number;
                }
            }
        }
    }
    Some(spans)
}

/// The highest number that is let pass, if there is one.
fn highest(wish: &RawRequirement) -> Option<i128> {
    match spans(&wish.asked)?.as_slice() {
        &[(_, high)] if high < i128::MAX => Some(high),
        _ => None,
    }
}

/// The lowest number that will do, if there is one and it is not unlimited.
fn least(wish: &RawRequirement) -> Option<i128> {
    match spans(&wish.asked)?.as_slice() {
        &[(low, _)] if low > i128::MIN && low < i128::MAX => Some(low),
        _ => None,
    }
}

/// Every number that is named, of what does not hang on the machine.
fn numbers(wish: &RawRequirement) -> Vec<i128> {
    wish.asked.values().filter_map(plains).flatten().collect()
}
