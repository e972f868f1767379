//! One setting that falls short, with all that its cause is found from and its remedies depend on.

use nix::errno::Errno;

use super::context::{DiagnosisContext, belongs_to_host};
use super::remedy::{Action, ProfileLine, Remedy};
use crate::catalog::{self, Row, Scope};
use crate::kernel::{Evidence, KernelError, Operation};
use crate::model::capability::Capability;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Key, Setting, System};
use crate::model::value::Value;
use crate::plan::Unreadable;
use crate::report::{Outcome, Shortfall};

/// A key that falls short.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyCase<'a> {
    pub(super) setting: &'a Setting,
    pub(super) key: &'a Key,
    /// What the catalog knows of it.
    pub(super) row: Option<Row>,
    pub(super) shortfall: &'a Shortfall,
    /// What is asked of it; nothing where nothing is, and only whether it could be written matters.
    pub(super) wanted: Option<&'a Expectation<Value>>,
    pub(super) required: bool,
    /// The value before anything was written.
    pub(super) before: Option<&'a Value>,
    /// The value that was read last.
    pub(super) found: Option<&'a Value>,
    pub(super) evidence: Evidence,
    pub(super) context: &'a DiagnosisContext<'a>,
}

impl<'a> KeyCase<'a> {
    pub(super) fn new(
        key: &'a Key,
        outcome: &'a Outcome,
        shortfall: &'a Shortfall,
        context: &'a DiagnosisContext<'a>,
    ) -> Self {
        Self {
            setting: &outcome.requirement.setting,
            key,
            row: catalog::row(context.environment.system, key),
            shortfall,
            wanted: Some(&outcome.requirement.wanted),
            required: outcome.requirement.required,
            before: outcome.before.as_ref(),
            found: outcome.found.as_ref(),
            evidence: outcome.evidence(),
            context,
        }
    }

    /// A key that nobody asks anything of.
    pub(super) fn unasked(
        setting: &'a Setting,
        key: &'a Key,
        shortfall: &'a Shortfall,
        evidence: Evidence,
        context: &'a DiagnosisContext<'a>,
    ) -> Self {
        let row = catalog::row(context.environment.system, key);
        let (wanted, before, found) = (None, None, None);
        Self { setting, key, row, shortfall, wanted, required: false, before, found, evidence, context }
    }

    /// What it belongs to.
    pub(super) fn scope(&self) -> Scope {
        catalog::scope_of(self.context.environment.system, self.key, self.context.environment.version())
    }

    /// Whether it is the host's: the whole machine's, or that of a namespace that we share with the host.
    pub(super) fn is_hosts(&self) -> bool {
        belongs_to_host(self.scope(), self.context.environment.initial) == Some(true)
    }

    /// The value that was written, or would be.
    pub(super) fn value(&self) -> Value {
        self.wanted.and_then(|wanted| wanted.nearest(self.before)).unwrap_or_else(|| Value::text(""))
    }

    /// The range of numbers that this kernel takes, as far as the catalog knows it.
    pub(super) fn range(&self) -> Option<(i128, i128)> {
        let (min, max) = self.row?.range_on(self.context.environment.version());
        Some((min?, max?))
    }

    /// The capability that its writer needs besides the file's mode.
    pub(super) fn capability(&self) -> Option<Capability> {
        Capability::parse(self.row?.rare.capability?).ok()
    }

    /// How it could not be read.
    pub(super) fn read_error(&self) -> Option<KernelError> {
        match self.shortfall {
            Shortfall::Unread(Unreadable::Refused(error)) => Some(*error),
            _ => None,
        }
    }

    /// How it could not be written.
    pub(super) fn write_error(&self) -> Option<KernelError> {
        match self.shortfall {
            Shortfall::Refused(error) | Shortfall::Foreseen(error) => Some(*error),
            _ => None,
        }
    }

    /// Whether its file is known to have no write bit.
    pub(super) fn is_never_writable(&self) -> bool {
        self.evidence.mode.is_some_and(|mode| mode & 0o222 == 0)
    }

    /// Whether the mount that its file is on is known to be read-only.
    pub(super) fn read_only_mount(&self) -> bool {
        self.evidence.read_only_mount == Some(true)
    }

    /// Whether the question is what keeps us from writing it: nobody has tried, or opening it to write was denied.
    pub(super) fn is_denied(&self) -> bool {
        match self.shortfall {
            Shortfall::Differs | Shortfall::Foreseen(_) | Shortfall::CallingShell | Shortfall::DependencyFailed(_) => {
                true
            }
            Shortfall::Refused(KernelError { operation: Operation::OpenToWrite, errno }) => match errno {
                Errno::EACCES => true,
                // A mount that is known to be writable did not say so: a filter of system calls could.
                Errno::EROFS => self.evidence.read_only_mount != Some(false),
                _ => false,
            },
            // sysctl(3) of macOS, which has no open(2), says so here.
            Shortfall::Refused(KernelError { operation: Operation::Write, errno: Errno::EPERM }) => {
                !self.context.is_linux()
            }
            _ => false,
        }
    }

    /// Have the profile ask for another value.
    pub(super) fn ask_for(&self, wanted: Expectation<Value>) -> Remedy {
        Action::Profile(ProfileLine::key(self.key, self.context.environment.system, wanted)).into()
    }

    /// Have the profile go on without it; nothing where it does so already.
    pub(super) fn not_required(&self) -> Option<Remedy> {
        let wanted = self.wanted.filter(|_| self.required)?.clone();
        let line = ProfileLine::key(self.key, self.context.environment.system, wanted);
        Some(Action::Profile(line.optional()).into())
    }
}

/// One side of a limit that falls short.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitCase<'a> {
    pub(super) resource: Resource,
    pub(super) side: Side,
    pub(super) outcome: &'a Outcome,
    pub(super) shortfall: &'a Shortfall,
    /// The value that was set, or would be.
    pub(super) wanted: Limit,
    /// The hard limit before anything was set.
    pub(super) hard: Option<Limit>,
    pub(super) context: &'a DiagnosisContext<'a>,
}

impl<'a> LimitCase<'a> {
    pub(super) fn new(
        (resource, side): (Resource, Side),
        outcome: &'a Outcome,
        shortfall: &'a Shortfall,
        context: &'a DiagnosisContext<'a>,
    ) -> Self {
        let wanted = match shortfall {
            // The limit itself would do: it is the group that has to allow as much.
            Shortfall::Capped(most) => nearest(&outcome.requirement.wanted, Some(&Value::Limit(Limit::Value(*most)))),
            _ => nearest(&outcome.requirement.wanted, outcome.before.as_ref()),
        };
        Self { resource, side, outcome, shortfall, wanted, hard: outcome.evidence().hard_limit, context }
    }

    /// The kernel's error, whether reading or setting failed.
    pub(super) fn error(&self) -> Option<KernelError> {
        match self.shortfall {
            Shortfall::Unread(Unreadable::Refused(error)) | Shortfall::Refused(error) => Some(*error),
            _ => None,
        }
    }

    /// The error of setrlimit(2) where it says that a right is missing.
    pub(super) fn not_permitted(&self) -> Option<KernelError> {
        let is_denied = |error: &KernelError| error.operation == Operation::SetLimits && error.errno == Errno::EPERM;
        self.error().filter(is_denied)
    }

    /// `EACCES`, which setrlimit(2) knows nothing of: security modules say so (`security_task_setrlimit`), and filters
    /// of system calls could.
    pub(super) fn access_error(&self) -> Option<KernelError> {
        self.error().filter(|error| error.errno == Errno::EACCES && self.context.is_linux())
    }

    /// The kernel's highest hard limit, where what is wanted is above it.
    pub(super) fn exceeded_ceiling(&self) -> Option<u64> {
        self.outcome.evidence().ceiling.filter(|ceiling| self.wanted > Limit::Value(*ceiling))
    }

    /// Whether we have the capability that raises hard limits.
    pub(super) fn holds_capability(&self) -> Option<bool> {
        self.context.details.has(Capability::SYS_RESOURCE.number())
    }

    /// Whether we may raise a hard limit; on macOS only root may (setrlimit(2) of XNU).
    pub(super) fn may_raise(&self) -> Option<bool> {
        let environment = self.context.environment;
        match (environment.system, self.holds_capability(), environment.own_user_namespace_is_initial()) {
            (System::MacOs, _, _) => Some(environment.user == 0),
            (_, Some(true), None | Some(true)) => Some(true),
            (_, Some(false), _) | (_, Some(true), Some(false)) => Some(false),
            _ => None,
        }
    }

    /// Whether nothing but the value that was found is known to be in the way of setting it.
    pub(super) fn is_settable(&self) -> bool {
        self.may_raise() == Some(true) || self.hard.is_some_and(|hard| self.wanted <= hard)
    }

    /// Whether both sides can be set without raising the hard limit.
    pub(super) fn is_below_hard(&self) -> bool {
        self.hard.is_some_and(|hard| self.limits().hard <= hard)
    }

    /// What both sides should be, since both are set in one call: of each what is asked, else what it was, and
    /// the hard limit at least as high as the soft.
    pub(super) fn limits(&self) -> Limits {
        let side = |side| {
            let outcome = self.context.outcome_of(&Setting::Limit(self.resource, side));
            outcome.map(|outcome| nearest(&outcome.requirement.wanted, outcome.before.as_ref()))
        };
        let (soft, hard) = (side(Side::Soft), side(Side::Hard));
        let before = |side, other: Limit| match (side, &self.outcome.before) {
            (Side::Hard, _) => self.hard.unwrap_or(other),
            (Side::Soft, Some(Value::Limit(now))) if self.side == Side::Soft => *now,
            _ => other,
        };
        let hard = hard.unwrap_or_else(|| before(Side::Hard, self.wanted)).max(soft.unwrap_or(Limit::Value(0)));
        let soft = soft.unwrap_or_else(|| before(Side::Soft, hard)).min(hard);
        Limits { soft, hard }
    }
}

fn nearest(wanted: &Expectation<Value>, found: Option<&Value>) -> Limit {
    match wanted.nearest(found) {
        Some(Value::Limit(limit)) => limit,
        _ => Limit::Unlimited,
    }
}
