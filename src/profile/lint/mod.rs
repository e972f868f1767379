//! What is allowed in a profile and most likely not meant. Warnings are data: a code, a message, a place.

pub mod codes;
mod containers;
mod files;
mod folklore;
mod limits;
mod names;
mod ports;
mod together;

use super::asked::plain;
use super::problem::Problem;
use super::{Asked, Profile, Wish};
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
}

/// Looks a merged profile over. What it allows itself in `[lint] allow` is left out.
#[must_use]
pub fn lint(profile: &Profile, known: &Known<'_>) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for wish in &profile.wishes {
        warnings.extend(names::hidden(wish));
        if let Setting::Limit(resource, side) = wish.setting {
            warnings.extend(limits::too_high(profile, wish, resource));
            warnings.extend(limits::too_low(wish, resource, side));
        }
        match &wish.setting {
            Setting::Key(key @ Key::Sysctl(name)) => {
                let about = wish.system.map(|system| (known.about)(system, key)).unwrap_or_default();
                let name = name.to_string();
                warnings.extend(ports::range(profile, wish, &name));
                warnings.extend(ports::parity(wish, &name));
                let presence = names::presence(wish, &name, &about);
                warnings.extend(presence.or_else(|| names::misspelt(wish, &name, known)));
                warnings.extend(names::one_way(wish, &name, &about));
                warnings.extend(names::read_only(wish, &name, &about));
                if wish.system == Some(System::Linux) {
                    warnings.extend(folklore::saying(wish, &name));
                    warnings.extend(folklore::cut(wish, &name));
                }
            }
            Setting::Limit(Resource::Nofile, _) => {
                warnings.extend(files::many(wish));
                warnings.extend(files::above_ceiling(profile, wish));
            }
            _ => {}
        }
    }
    warnings.extend(ports::all_reserved(profile));
    warnings.extend(together::replaced(profile));
    warnings.extend(together::twins(profile));
    warnings.extend(containers::unreachable(profile, known));
    warnings.retain(|warning| !profile.allows(warning));
    warnings
}

impl Profile {
    /// Whether a warning is silenced: by the profile that was asked for, or by the file that it lies in.
    fn allows(&self, warning: &Problem) -> bool {
        let file = warning.places.first().map(|(origin, _)| &origin.source.label);
        let here = |label: &Option<String>| label.is_none() || label.as_ref() == file;
        self.allowed.iter().any(|(label, code)| Some(*code) == warning.code && here(label))
    }
}

/// The two ends of a range that is asked for, as far as they are plain numbers.
fn ends(wish: &Wish) -> Option<(i128, i128)> {
    let (Expectation::Exactly(Asked::Amounts(ends)) | Expectation::Covers(Asked::Amounts(ends))) = &wish.asked else {
        return None;
    };
    let &[first, last] = ends.as_slice() else { return None };
    Some((plain(first)?, plain(last)?))
}

/// From which to which number a setting may be, for each number of a list; nothing where what is asked for is no
/// number, or hangs on the machine. No limit is as high as can be.
fn spans(asked: &Expectation<Asked>) -> Option<Vec<(i128, i128)>> {
    let numbers = |asked: &Asked| match asked {
        Asked::Amount(amount) => Some(vec![plain(*amount)?]),
        Asked::Amounts(amounts) => amounts.iter().map(|amount| plain(*amount)).collect(),
        Asked::Unlimited => Some(vec![i128::MAX]),
        _ => None,
    };
    match asked {
        Expectation::Exactly(value) => Some(numbers(value)?.into_iter().map(|number| (number, number)).collect()),
        Expectation::Bounds { at_least, at_most } => {
            let low = at_least.as_ref().map(numbers);
            let high = at_most.as_ref().map(numbers);
            let (low, high) = match (low, high) {
                (Some(low), Some(high)) => (low?, high?),
                (Some(low), None) => (low.clone()?, vec![i128::MAX; low?.len()]),
                (None, Some(high)) => (vec![i128::MIN; high.as_ref()?.len()], high?),
                (None, None) => return None,
            };
            Some(low.into_iter().zip(high).collect())
        }
        Expectation::Covers(value) => match numbers(value)?.as_slice() {
            &[first, last] => Some(vec![(i128::MIN, first), (last, i128::MAX)]),
            _ => None,
        },
        Expectation::Includes(_) | Expectation::OneOf(_) => None,
    }
}

/// The highest number that is let pass, if there is one.
fn highest(wish: &Wish) -> Option<i128> {
    match spans(&wish.asked)?.as_slice() {
        &[(_, high)] if high < i128::MAX => Some(high),
        _ => None,
    }
}

/// The lowest number that will do, if there is one and it is not unlimited.
fn least(wish: &Wish) -> Option<i128> {
    match spans(&wish.asked)?.as_slice() {
        &[(low, _)] if low > i128::MIN && low < i128::MAX => Some(low),
        _ => None,
    }
}

/// Every plain number that is named.
fn numbers(wish: &Wish) -> Vec<i128> {
    let named = wish.asked.values().flat_map(|value| match value {
        Asked::Amount(amount) => std::slice::from_ref(amount),
        Asked::Amounts(amounts) => amounts,
        _ => &[],
    });
    named.filter_map(|amount| plain(*amount)).collect()
}
