//! Why a setting falls short, and what to do about it: causes and remedies with their facts, as data. Pure: outcomes and
//! where they were found go in. The sentences and the lines to paste are made in `output`.
#![forbid(unsafe_code)]

mod case;
mod causes;
mod context;
mod key_remedies;
mod remedy;
mod rights;
mod runtimes;
pub mod search;

pub use causes::*;
pub use context::DiagnosisContext;
pub use remedy::*;
pub use rights::Writers;
pub use runtimes::{runtime_code, runtime_files};

use case::{KeyCase, LimitCase};

use crate::catalog;
use crate::environment::{Environment, EnvironmentDetails};
use crate::kernel::{Evidence, KernelError};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::plan::Unreadable;
use crate::report::{Outcome, Report, Shortfall, Verdict};

/// Why a setting falls short, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// Why it falls short.
    pub cause: Cause,
    /// What to do, the most fitting first. Empty where nothing that could be pasted would help.
    pub remedies: Vec<Remedy>,
}

impl Diagnosis {
    /// Whether `tunectl apply` fixes it, by itself or once something else is fixed.
    fn is_mended_by_apply(&self) -> bool {
        matches!(self.cause, Cause::Untried(_) | Cause::SetElsewhere(_)) || self.remedies.iter().any(Remedy::is_apply)
    }
}

/// Diagnoses every outcome of a report: `apply` is all or nothing: where a required setting falls short that it
/// does not fix, the remedy has `--best-effort`.
#[must_use]
pub fn diagnose_all(context: &DiagnosisContext<'_>) -> Vec<Option<Diagnosis>> {
    let outcomes = &context.report.outcomes;
    let mut diagnoses: Vec<_> = outcomes.iter().map(|outcome| diagnose(outcome, context)).collect();
    let remains = |(outcome, diagnosis): (&Outcome, &Option<Diagnosis>)| {
        outcome.fails() && diagnosis.as_ref().is_some_and(|diagnosis| !diagnosis.is_mended_by_apply())
    };
    if outcomes.iter().zip(&diagnoses).any(remains) {
        for remedy in diagnoses.iter_mut().flatten().flat_map(|diagnosis| &mut diagnosis.remedies) {
            if let Action::Apply(apply) = &mut remedy.action {
                apply.best_effort = true;
            }
        }
    }
    diagnoses
}

/// Says why a setting falls short; nothing where it does not.
#[must_use]
pub fn diagnose(outcome: &Outcome, context: &DiagnosisContext<'_>) -> Option<Diagnosis> {
    let Verdict::Short(shortfall) = &outcome.verdict else { return None };
    Some(match &outcome.requirement.setting {
        Setting::Key(key) => Diagnosis::of_key(&KeyCase::new(key, outcome, shortfall, context)),
        Setting::Limit(resource, side) => {
            Diagnosis::of_limit(&LimitCase::new((*resource, *side), outcome, shortfall, context))
        }
    })
}

impl Diagnosis {
    fn of_key(case: &KeyCase<'_>) -> Self {
        let found = Cause::of_key(case);
        Self { remedies: found.key_remedies(case), cause: found }
    }

    fn of_limit(case: &LimitCase<'_>) -> Self {
        let found = Cause::of_limit(case);
        Self { remedies: found.limit_remedies(case), cause: found }
    }
}

/// What keeps us from reading or writing a key, whatever its value; nothing where nothing does. `unread` is how
/// reading it failed.
#[must_use]
pub fn obstacle_to(
    key: &Key,
    unread: Option<KernelError>,
    evidence: Evidence,
    environment: &Environment,
    details: &EnvironmentDetails,
) -> Option<Cause> {
    let is_hosts = || catalog::scope_of(environment.system, key, environment.version()).is_host();
    let shortfall = match unread {
        Some(error) => Shortfall::Unread(Unreadable::Refused(error)),
        None if environment.is_contained() && is_hosts() => Shortfall::HostOwned,
        None => Shortfall::Differs,
    };
    let (setting, report) = (Setting::Key(key.clone()), Report::default());
    let context = DiagnosisContext::new(environment, details, &report);
    let cause = Cause::of_key(&KeyCase::unasked(&setting, key, &shortfall, evidence, &context));
    Some(cause).filter(|cause| !cause.is_not_applied())
}

/// A setting that holds, as far as the profile goes, and causes trouble nevertheless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caution {
    /// The soft limit of open files is so high that programs which close every possible descriptor one by one take
    /// minutes.
    EndlessDescriptors,
}

impl Caution {
    /// From how many descriptors on closing them all, one by one, takes minutes: at a quarter of a microsecond each. As
    /// many as `fs.nr_open` can be, less a few, is what container engines from before 2023 give (1073741816).
    const ENDLESS: u64 = 1 << 29;

    /// What to warn of; nothing where the setting falls short, which says more.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Option<Self> {
        let (Setting::Limit(Resource::Nofile, Side::Soft), Some(Value::Limit(Limit::Value(found)))) =
            (&outcome.requirement.setting, &outcome.found)
        else {
            return None;
        };
        (!outcome.falls_short() && *found >= Self::ENDLESS).then_some(Self::EndlessDescriptors)
    }

    /// The code of the lint that says the same of a profile, for `tunectl explain`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::EndlessDescriptors => "W006",
        }
    }
}
