//! Outcomes and verdicts: what was asked, what was read back, and whether that will do.
#![forbid(unsafe_code)]

use std::rc::Rc;

use crate::kernel::{Evidence, KernelError};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::Setting;
use crate::model::value::Value;
use crate::plan::{Requirement, Unreadable};

/// All outcomes of one walk of a plan.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order in which the settings were walked.
    pub outcomes: Vec<Outcome>,
}

/// One setting after reading back.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What is required, and where the profile says so.
    pub requirement: Rc<Requirement>,
    /// What stood there before the walk, where that could be read.
    pub before: Option<Value>,
    /// What was read back, never what was written.
    pub found: Option<Value>,
    /// Whether that will do.
    pub verdict: Verdict,
    /// How putting back what was changed went, because a required setting fell short; nothing where nothing had to be
    /// put back. Boxed, as `evidence` is: most outcomes have neither.
    pub undone: Option<Box<Undone>>,
    /// What stands around the key; looked at only where it falls short.
    pub evidence: Option<Box<Evidence>>,
}

/// Whether what was read back is what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is, and it was before.
    Holds,
    /// It is now.
    Changed,
    /// It would be changed to this: the verdict of a plan that is only shown.
    WouldChange(Value),
    /// It is not.
    Short(Shortfall),
}

/// How a setting came to fall short. Why, and what to do, is for the diagnosis to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// Another value stands there, and nobody tried to change it.
    Differs,
    /// It belongs to the host, and we are in a container or namespace: it was not written.
    HostOwned,
    /// It could not be read.
    Unread(Unreadable),
    /// The kernel refused what was written or set.
    Refused(KernelError),
    /// The kernel took what was written, and another value stands there.
    NotKept,
    /// It was not written because this other setting fell short, without which it would do harm.
    HeldBack(Setting),
    /// The limit holds, and the control group allows only so many.
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
    /// Another program has written to it since, and it was left.
    ChangedSince,
}

impl Outcome {
    /// Whether what is asked for does not hold.
    #[must_use]
    pub fn falls_short(&self) -> bool {
        matches!(self.verdict, Verdict::Short(_) | Verdict::WouldChange(_))
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

    /// What stands around it, as far as that was looked at.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        self.evidence.as_deref().copied().unwrap_or_default()
    }

    /// Whether this outcome fails the whole.
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

    /// Holds a soft `nproc` to what the control group allows as well: the lower of both counts.
    pub fn cap_processes(&mut self, most: u64) {
        let nproc = Setting::Limit(Resource::Nproc, Side::Soft);
        for outcome in
            self.outcomes.iter_mut().filter(|outcome| outcome.requirement.setting == nproc && !outcome.falls_short())
        {
            let allowed = Limit::Value(most);
            let above = matches!(outcome.found, Some(Value::Limit(found)) if found > allowed);
            if above && !outcome.requirement.wanted.holds(&Value::Limit(allowed)) {
                outcome.verdict = Verdict::Short(Shortfall::Capped(most));
            }
        }
    }

    /// How many settings hold, how many fall short, how many of those are required.
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
    /// Those that hold now and did not before.
    pub changed: usize,
    /// Those that fall short.
    pub short: usize,
    /// Those of the short ones that are required.
    pub required_short: usize,
}
