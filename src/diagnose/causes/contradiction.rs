//! Two requirements of one profile that can't both be met, where only the machine shows it: what is certain without one
//! is refused when the profile is read.

use super::{Code, Family};
use crate::catalog::{self, Coupling};
use crate::diagnose::case::{KeyCase, LimitCase};
use crate::diagnose::remedy::{Action, ProfileLine, Remedy};
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Side};
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::report::Shortfall;

const CONTRADICTION: &Code = &Code {
    name: "contradiction",
    explanation: "The profile requires two things that exclude each other, such as a soft limit above the hard one.",
};

/// What else the profile asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// Another key, and whichever of the two is written sets the other to 0.
    Zeroes {
        /// The other key.
        other: Key,
    },
    /// Another key, and both are one setting.
    SameSetting {
        /// The other key.
        other: Key,
        /// What is asked of it.
        wanted: Expectation<Value>,
        /// The value that this leaves for ours.
        left: Value,
    },
    /// A hard limit that is lower than the soft one.
    SoftAboveHard {
        /// The hard limit.
        hard: Limit,
    },
}

impl Family for Contradiction {
    const CODES: &'static [&'static Code] = &[CONTRADICTION];

    fn code(&self) -> &'static Code {
        CONTRADICTION
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        if !matches!(
            case.shortfall,
            Shortfall::HostOwned | Shortfall::NotKept | Shortfall::Differs | Shortfall::Foreseen(_)
        ) {
            return None;
        }
        let (other, coupling) = catalog::bond(case.context.environment.system, case.key)?;
        let ours = case.wanted?;
        let theirs = &case.context.outcome_of(&Setting::Key(other.clone()))?.requirement.wanted;
        match coupling {
            Coupling::Zeroes => {
                let zero = Value::Number(0);
                (!ours.holds(&zero) && !theirs.holds(&zero)).then_some(Self::Zeroes { other })
            }
            Coupling::Same => {
                let left = theirs.nearest(case.found)?;
                let meet = |one: &Expectation<Value>, two: &Expectation<Value>| {
                    let value = one.nearest(case.found).and_then(|value| two.nearest(Some(&value)));
                    value.is_some_and(|value| one.holds(&value))
                };
                let apart = !meet(ours, theirs) && !meet(theirs, ours);
                apart.then(|| Self::SameSetting { other, wanted: theirs.clone(), left })
            }
        }
    }

    fn of_limit(case: &LimitCase<'_>) -> Option<Self> {
        let tried = matches!(case.shortfall, Shortfall::Differs) || case.not_permitted().is_some();
        if !tried || case.side != Side::Soft {
            return None;
        }
        let hard = case.context.outcome_of(&Setting::Limit(case.resource, Side::Hard))?;
        match hard.requirement.wanted.nearest(Some(&Value::Limit(case.wanted)))? {
            Value::Limit(hard) if hard < case.wanted => Some(Self::SoftAboveHard { hard }),
            _ => None,
        }
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        let left = match self {
            Self::Zeroes { .. } => Value::Number(0),
            Self::SameSetting { left, .. } => left.clone(),
            Self::SoftAboveHard { .. } => return Vec::new(),
        };
        vec![case.ask_for(Expectation::Exactly(left))]
    }

    fn limit_remedies(&self, case: &LimitCase<'_>) -> Vec<Remedy> {
        match self {
            Self::SoftAboveHard { hard } => vec![Action::Profile(ProfileLine::Limit(case.resource, *hard)).into()],
            Self::Zeroes { .. } | Self::SameSetting { .. } => Vec::new(),
        }
    }
}
