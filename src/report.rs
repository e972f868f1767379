//! Outcomes: of each setting what is required, what was read back, and whether that satisfies the requirement.
#![forbid(unsafe_code)]

use std::rc::Rc;

use crate::kernel::{Evidence, KernelError};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::Setting;
use crate::model::value::Value;
use crate::plan::{Requirement, Unforeseen, Unreadable};

/// The outcomes of a plan that was carried out, or only checked.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of the plan's steps.
    pub outcomes: Vec<Outcome>,
}

/// One setting after reading back.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is required, and where the profile says so.
    pub requirement: Rc<Requirement>,
    /// The value before anything was written, where that could be read.
    pub before: Option<Value>,
    /// The value that was read back, never the one that was written.
    pub found: Option<Value>,
    /// Whether that satisfies the requirement.
    pub verdict: Verdict,
    /// How restoring the value before went, where a required setting fell short; nothing where it did not have to be
    /// restored. Boxed, as `evidence` is: most outcomes have neither.
    pub undone: Option<Box<Undone>>,
    /// What the kernel shows of the setting beside its value; gathered only where it falls short.
    pub evidence: Option<Box<Evidence>>,
}

/// Whether the value that was read back satisfies the requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does, and the value before did.
    Holds,
    /// It does now.
    Changed,
    /// It does not, and this would be written: the verdict of a dry run.
    WouldChange(Value),
    /// It does not, this would be written, and it is not known whether the kernel takes it: of a dry run as well.
    MayChange(Value, Unforeseen),
    /// It does not.
    Short(Shortfall),
}

/// How a setting came to fall short. Why, and what to do about it, is for `diagnose` to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// It has another value, and was not written.
    Differs,
    /// It belongs to the host, and we are in a container or namespace: it was not written.
    HostOwned,
    /// It is a limit of the calling shell, which can be set there only.
    CallingShell,
    /// It could not be read.
    Unread(Unreadable),
    /// The kernel refused the write.
    Refused(KernelError),
    /// It was not written: the kernel is known to refuse the value, with this error.
    Foreseen(KernelError),
    /// The kernel took the write, and it has another value.
    NotKept,
    /// It was not written because this other setting, which it depends on, fell short.
    DependencyFailed(Setting),
    /// The limit itself satisfies the requirement, but the control group allows only so many processes.
    Capped(u64),
}

/// How restoring the original value of a setting went, and what it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// How it went.
    pub result: UndoResult,
    /// The value that was read back after that.
    pub now: Option<Value>,
}

/// How restoring the original value of a setting went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UndoResult {
    /// It has its original value again, read back.
    Restored,
    /// The kernel refused the write.
    Refused(KernelError),
    /// It was written, and has another value.
    NotKept,
    /// Nothing that can be written restores it before the next boot.
    Irreversible,
    /// Another program has written to it since, so it was not reverted.
    ChangedSince,
}

impl Outcome {
    /// Whether the requirement is not satisfied.
    #[must_use]
    pub fn falls_short(&self) -> bool {
        matches!(self.verdict, Verdict::Short(_) | Verdict::WouldChange(_) | Verdict::MayChange(..))
    }

    /// Whether it would be written: of a dry run.
    #[must_use]
    pub fn would_change(&self) -> bool {
        matches!(self.verdict, Verdict::WouldChange(_) | Verdict::MayChange(..))
    }

    /// How restoring its original value went; nothing where it did not have to be restored.
    #[must_use]
    pub fn undo_result(&self) -> Option<&UndoResult> {
        self.undone.as_ref().map(|undone| &undone.result)
    }

    /// The value that was read back after it had been restored.
    #[must_use]
    pub fn now(&self) -> Option<&Value> {
        self.undone.as_ref()?.now.as_ref()
    }

    /// What the kernel shows of the setting beside its value, as far as it was gathered.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.evidence.as_deref().copied().unwrap_or_default()
    }

    /// Whether the requirement is not satisfied and has to be.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.requirement.required && matches!(self.verdict, Verdict::Short(_))
    }
}

impl Report {
    /// Whether a required setting falls short.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.outcomes.iter().any(Outcome::fails)
    }

    /// Whether a required setting falls short that could have been set: then nothing is to stay changed.
    #[must_use]
    pub fn is_to_be_undone(&self) -> bool {
        let is_ours = |outcome: &&Outcome| outcome.verdict != Verdict::Short(Shortfall::CallingShell);
        self.outcomes.iter().filter(is_ours).any(Outcome::fails)
    }

    /// Compares a soft `nproc` with `pids_max` of the control group too: the lower of both is in force.
    pub fn apply_pids_max(&mut self, pids_max: u64) {
        let nproc = Setting::Limit(Resource::Nproc, Side::Soft);
        for outcome in
            self.outcomes.iter_mut().filter(|outcome| outcome.requirement.setting == nproc && !outcome.falls_short())
        {
            let allowed = Limit::Value(pids_max);
            let above = matches!(outcome.found, Some(Value::Limit(found)) if found > allowed);
            if above && !outcome.requirement.wanted.holds(&Value::Limit(allowed)) {
                outcome.verdict = Verdict::Short(Shortfall::Capped(pids_max));
            }
        }
    }

    /// Counts the outcomes by verdict.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let short = self.outcomes.iter().filter(|outcome| outcome.falls_short());
        Tally {
            all: self.outcomes.len(),
            changed: self.outcomes.iter().filter(|outcome| outcome.verdict == Verdict::Changed).count(),
            short: short.clone().count(),
            required_short: short.filter(|outcome| outcome.requirement.required).count(),
        }
    }
}

/// The outcomes, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub all: usize,
    /// Those that are satisfied now and were not before.
    pub changed: usize,
    /// Those that fall short.
    pub short: usize,
    /// Those of the short ones that are required.
    pub required_short: usize,
}
