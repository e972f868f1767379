//! Settings that nobody has set yet, and those not written because another one, on which they depend, fell short.

use super::{Code, Family};
use crate::diagnose::case::{KeyCase, LimitCase};
use crate::diagnose::remedy::{Action, Remedy};
use crate::diagnose::runtimes;
use crate::model::limit::Side;
use crate::model::setting::{Setting, System};
use crate::report::Shortfall;

const NOT_APPLIED: &Code = &Code {
    name: "not-applied",
    explanation: "Nobody has set it yet, and nothing prevents it. `tunectl apply` sets it, and `tunectl run` \
                  does so before it starts the service.",
};

const HELD_BACK: &Code = &Code {
    name: "held-back",
    explanation: "It depends on another setting that failed, so it was not written. Fix the other one first: \
                  a wide local port range without reserved ports lets the kernel give the service's own port \
                  to an outgoing connection.",
};

/// Why nobody has tried to set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untried {
    /// Nothing is known to be in the way.
    NotApplied(NotApplied),
    /// Another setting fell short, without which it was not to be set.
    DependencyFailed {
        /// The other setting.
        dependency: Setting,
        /// Why that keeps this one from being written.
        reason: DependencyReason,
    },
}

/// How sure it is that it can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotApplied {
    /// It can be.
    Settable,
    /// Nothing speaks against it.
    Probable,
    /// A security module confines us, and only trying shows what it lets us do.
    Confined {
        /// The label of our process.
        label: String,
    },
}

/// Why a setting is not set where another one falls short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyReason {
    /// It depends on the other one.
    DependsOnIt,
    /// It can't be undone before the next boot.
    Irreversible,
    /// A hard limit that is lowered can't be raised again.
    LowersHardLimit,
}

impl Family for Untried {
    const CODES: &'static [&'static Code] = &[NOT_APPLIED, HELD_BACK];

    fn code(&self) -> &'static Code {
        match self {
            Self::NotApplied(_) => NOT_APPLIED,
            Self::DependencyFailed { .. } => HELD_BACK,
        }
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        match case.shortfall {
            // What would have prevented writing it has to be fixed for it as well.
            Shortfall::DependencyFailed(other) => {
                let irreversible = case.found.is_none() || case.row.is_some_and(|row| row.rare.one_way.is_some());
                let reason = if irreversible { DependencyReason::Irreversible } else { DependencyReason::DependsOnIt };
                Some(Self::DependencyFailed { dependency: other.clone(), reason })
            }
            Shortfall::Differs => {
                let label = case.context.details.confined.clone();
                Some(Self::NotApplied(label.map_or(NotApplied::Probable, |label| NotApplied::Confined { label })))
            }
            _ => None,
        }
    }

    fn of_limit(case: &LimitCase<'_>) -> Option<Self> {
        match case.shortfall {
            Shortfall::DependencyFailed(other) => {
                Some(Self::DependencyFailed { dependency: other.clone(), reason: DependencyReason::LowersHardLimit })
            }
            Shortfall::Differs | Shortfall::CallingShell => {
                let free = case.context.details.confined.is_none();
                Some(Self::NotApplied(if free { NotApplied::Settable } else { NotApplied::Probable }))
            }
            _ => None,
        }
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        match self {
            Self::NotApplied(_) => {
                let context = case.context;
                let for_good = (!context.environment.is_contained()).then(|| context.apply_for_good().or());
                std::iter::once(context.apply()).chain(for_good).collect()
            }
            Self::DependencyFailed { .. } => Vec::new(),
        }
    }

    /// tunectl sets it; a shell does so for itself, and on macOS nobody else can.
    fn limit_remedies(&self, case: &LimitCase<'_>) -> Vec<Remedy> {
        if let Self::DependencyFailed { .. } = self {
            return Vec::new();
        }
        let LimitCase { resource, side, wanted: limit, context, .. } = *case;
        let ulimit = Remedy::from(Action::Ulimit { resource, side, limit });
        if context.environment.system == System::MacOs {
            return vec![ulimit];
        }
        let ulimit = (side == Side::Soft).then_some(ulimit);
        let by_container = if context.environment.in_container() {
            runtimes::of(context).set_limit(resource, case.limits(), context)
        } else {
            Vec::new()
        };
        let others = ulimit.into_iter().chain(by_container).map(Remedy::or);
        std::iter::once(context.apply()).chain(others).collect()
    }
}
