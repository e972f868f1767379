//! Warnings: what a profile may say and most likely does not mean.
//!
//! Each is a [`Warning`] beside its check, in the file of its subject, and a line of [`WARNINGS`].

mod combinations;
mod containers;
mod keys;
mod limits;
mod myths;
mod ports;
mod systems;

use super::problem::Problem;
use super::value_expr::plain;
use super::{Profile, RawRequirement, ValueExpr};
use crate::model::expectation::Expectation;
use crate::model::setting::{Key, Setting, System};

/// A kind of warning.
#[derive(Debug)]
pub struct Warning {
    /// Its code in messages and in `[lint] allow`.
    pub code: &'static str,
    /// What it warns of, in one line.
    pub title: &'static str,
    /// Why, and what to do: whole sentences, for `tunectl explain CODE` and the documentation.
    pub explanation: &'static str,
    check: Check,
}

/// How a warning is found.
enum Check {
    /// In one requirement of a profile, with what is known of it.
    Requirement(fn(&Subject<'_>) -> Option<Problem>),
    /// In the profile as a whole.
    Profile(fn(&Profile, &LintFacts<'_>) -> Vec<Problem>),
}

impl std::fmt::Debug for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Requirement(_) => "Requirement",
            Self::Profile(_) => "Profile",
        })
    }
}

pub use ports::unreserved_ports;
pub use systems::other_system;

/// All warnings, in the order of their codes.
pub static WARNINGS: [&Warning; 21] = [
    &ports::UNRESERVED_RANGE,
    &ports::PARITY,
    &keys::MISSPELT,
    &keys::REMOVED,
    &myths::MYTH,
    &limits::MANY_FILES,
    &keys::RECENT,
    &combinations::CONTRADICTS_EXTENDED,
    &combinations::REPEATS_EXTENDED,
    &combinations::TWINS,
    &limits::ABOVE_NR_OPEN,
    &containers::OUT_OF_REACH,
    &keys::IRREVERSIBLE,
    &keys::READ_ONLY,
    &myths::BELOW_DEFAULT,
    &ports::ALL_RESERVED,
    &limits::TOO_HIGH,
    &limits::TOO_LOW,
    &keys::HIDDEN_LETTERS,
    &ports::BELOW_UNPRIVILEGED,
    &systems::OTHER_SYSTEM,
];

/// The warning of this code, in upper or lower case.
#[must_use]
pub fn warning(code: &str) -> Option<&'static Warning> {
    WARNINGS.into_iter().find(|warning| warning.code.eq_ignore_ascii_case(code))
}

/// What the checks have to be told, since they look nothing up themselves.
pub struct LintFacts<'a> {
    /// The system that we run on.
    pub system: System,
    /// The names of all sysctls in the catalog.
    pub names: &'a [(System, &'a str)],
    /// What is known of a key; the default of an unknown one.
    pub key: &'a dyn Fn(System, &Key) -> KeyFacts,
}

impl std::fmt::Debug for LintFacts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LintFacts").field("names", &self.names.len()).finish_non_exhaustive()
    }
}

/// What is known of a key. Kernels are named as in `Linux 6.14`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// The first kernel that has it, where not every supported one does.
    pub since: Option<String>,
    /// The first kernel that no longer has it.
    pub gone: Option<String>,
    /// The kernel that we run on, where that is too old or too new for it.
    pub lacked_here: Option<String>,
    /// Whether it belongs to the whole machine.
    pub of_host: bool,
    /// The value that can't be undone before the next boot.
    pub one_way: Option<&'static str>,
    /// Whether it can't be written.
    pub read_only: bool,
    /// Where it has no effect any more.
    pub idle: Option<Idle>,
    /// What to do where it is gone.
    pub instead: Option<&'static str>,
}

/// Since when a key has no effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Idle {
    /// The first kernel on which it has none.
    pub since: Option<String>,
    /// Whether it has one on older kernels that are supported.
    pub works_on_older: bool,
    /// Why it has none.
    pub reason: Option<&'static str>,
}

/// A requirement that is checked.
struct Subject<'a> {
    requirement: &'a RawRequirement,
    /// The profile that it is of.
    profile: &'a Profile,
    /// The name of the sysctl; empty for other settings.
    name: &'a str,
    /// What is known of the key.
    key: &'a KeyFacts,
    facts: &'a LintFacts<'a>,
}

impl Subject<'_> {
    fn is_linux(&self) -> bool {
        self.requirement.system == Some(System::Linux)
    }
}

/// Checks a merged profile. What its `[lint] allow` names is left out.
#[must_use]
pub fn lint(profile: &Profile, facts: &LintFacts<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for requirement in &profile.requirements {
        let sysctl = match &requirement.setting {
            Setting::Key(key @ Key::Sysctl(_)) => Some(key),
            _ => None,
        };
        let name = sysctl.map(ToString::to_string).unwrap_or_default();
        let key = sysctl.zip(requirement.system).map(|(key, system)| (facts.key)(system, key)).unwrap_or_default();
        let subject = Subject { requirement, profile, name: &name, key: &key, facts };
        for warning in WARNINGS {
            if let Check::Requirement(check) = warning.check {
                problems.extend(check(&subject));
            }
        }
    }
    for warning in WARNINGS {
        if let Check::Profile(check) = warning.check {
            problems.extend(check(profile, facts));
        }
    }
    problems.retain(|problem| !profile.allows(problem));
    problems
}

impl Profile {
    /// Whether a warning is silenced: by the profile that was asked for, or by the file that it is about.
    fn allows(&self, problem: &Problem) -> bool {
        let file = problem.places.first().map(|(origin, _)| &origin.source.label);
        let here = |label: &Option<String>| label.is_none() || label.as_ref() == file;
        self.allowed.iter().any(|(label, code)| Some(*code) == problem.code && here(label))
    }
}

impl RawRequirement {
    /// A warning about this requirement.
    fn warn(&self, warning: &Warning, message: String) -> Problem {
        Problem::warning(warning.code, message, self.origin.clone())
    }
}

/// The two ends of each range that is asked, as far as they are plain numbers.
fn ranges(requirement: &RawRequirement) -> Vec<(i128, i128)> {
    let ends = requirement.wanted.values().filter_map(|value| match *plains(value)? {
        [first, last] => Some((first, last)),
        _ => None,
    });
    ends.collect()
}

/// The numbers of a value; `None` where it is no number, or depends on the machine. Unlimited is the highest number.
fn plains(asked: &ValueExpr) -> Option<Box<[i128]>> {
    match asked {
        ValueExpr::Amount(amount) => Some(Box::new([plain(*amount)?])),
        ValueExpr::Amounts(amounts) => amounts.iter().map(|amount| plain(*amount)).collect(),
        ValueExpr::Unlimited => Some(Box::new([i128::MAX])),
        _ => None,
    }
}

/// The lowest and the highest number that are accepted, for each number of a list. `None` where what is asked is no
/// number, or depends on the machine. For `one_of`, from the lowest choice to the highest.
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

/// The highest number that is accepted, where there is a bound.
fn highest(requirement: &RawRequirement) -> Option<i128> {
    match spans(&requirement.wanted)?.as_slice() {
        &[(_, high)] if high < i128::MAX => Some(high),
        _ => None,
    }
}

/// The lowest number that is accepted, where there is a bound and it is not unlimited.
fn least(requirement: &RawRequirement) -> Option<i128> {
    match spans(&requirement.wanted)?.as_slice() {
        &[(low, _)] if low > i128::MIN && low < i128::MAX => Some(low),
        _ => None,
    }
}

/// Every number that is written, but for those that depend on the machine.
fn numbers(requirement: &RawRequirement) -> Vec<i128> {
    requirement.wanted.values().filter_map(plains).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_counted_through_and_found() {
        for (number, code) in (1..).zip(WARNINGS) {
            assert_eq!(code.code, format!("W{number:03}"));
            assert!(code.explanation.ends_with('.') && !code.explanation.contains("  "), "{}", code.code);
            assert!(!code.title.ends_with('.'), "{}", code.code);
        }
        assert_eq!(warning("w012").map(|warning| warning.code), Some("W012"));
        assert!(warning("W999").is_none());
    }
}
