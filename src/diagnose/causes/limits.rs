//! Why a limit falls short: setrlimit(2), prlimit(2), and what else bounds it.

use nix::errno::Errno;

use super::{Code, Family};
use crate::catalog;
use crate::diagnose::case::LimitCase;
use crate::diagnose::remedy::{Action, ProfileLine, Remedy, host_key};
use crate::diagnose::runtimes;
use crate::kernel::KernelError;
use crate::model::expectation::Expectation;
use crate::model::limit::Limit;
use crate::model::setting::{Key, System};
use crate::model::value::Value;
use crate::plan;
use crate::report::Shortfall;

const HARD_LIMIT: &Code = &Code {
    name: "hard-limit",
    explanation: "A process may raise its soft limit up to the hard limit, and may lower the hard limit. \
                  Raising the hard limit needs CAP_SYS_RESOURCE in the initial user namespace, which \
                  containers do not have; so whoever starts the process has to give it a higher one.",
};

const ABOVE_NR_OPEN: &Code = &Code {
    name: "above-nr-open",
    explanation: "fs.nr_open is the kernel's upper bound of nofile for every process, root included; \
                  `unlimited` is refused as well. It is a setting of the whole machine; systemd raises it to \
                  2^30 on many distributions.",
};

const PIDS_MAX: &Code = &Code {
    name: "pids-max",
    explanation: "The limit allows more processes than the control group (pids.max). The lower of the two \
                  applies, and fork(2) fails with EAGAIN. The container runtime (--pids-limit, podPidsLimit) \
                  or the unit (TasksMax=) sets the group's limit.",
};

const NO_SUCH_LIMIT: &Code = &Code {
    name: "no-such-limit",
    explanation: "getrlimit(2) answered \"invalid argument\": macOS has only nine of Linux's sixteen limits.",
};

const NOT_OUR_PROCESS: &Code = &Code {
    name: "not-our-process",
    explanation: "Setting the limits of another user's process needs CAP_SYS_RESOURCE (prlimit(2)); they can \
                  be read where /proc/PID/limits is readable. Try sudo.",
};

const PROCESS_GONE: &Code =
    &Code { name: "process-gone", explanation: "There is no process with this PID: it has ended, or never existed." };

/// What bounds a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LimitCause {
    /// It needs a higher hard limit, and raising that needs a right.
    HardLimit {
        /// The hard limit, where it is known.
        hard: Option<Limit>,
        /// The one that is needed.
        needed: Limit,
        /// What raising it takes.
        need: HardLimitNeed,
    },
    /// It is above what the kernel gives anyone.
    AboveCeiling {
        /// The limit that is wanted.
        wanted: Limit,
        /// The key that says how much that is: `fs.nr_open`.
        key: Key,
        /// The value of that key.
        most: u64,
    },
    /// The control group allows fewer processes than the limit does.
    PidsMax {
        /// As many as it allows, `pids.max`.
        most: u64,
    },
    /// This system has no such limit.
    NoSuchLimit,
    /// The process is somebody else's.
    NotOurProcess,
    /// The process is gone.
    ProcessGone,
}

/// What raising a hard limit takes, and whether we have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HardLimitNeed {
    /// The rights of root, on macOS.
    Root,
    /// `CAP_SYS_RESOURCE`; nobody has tried.
    Capability,
    /// `CAP_SYS_RESOURCE`, which we do not have.
    CapabilityNotHeld,
    /// `CAP_SYS_RESOURCE` of the machine's own user namespace, and we have that of another one.
    CapabilityOfMachine,
    /// `CAP_SYS_RESOURCE`; whether we have it is not known, and the kernel refused.
    CapabilityUnclear(KernelError),
}

impl Family for LimitCause {
    const CODES: &'static [&'static Code] =
        &[HARD_LIMIT, ABOVE_NR_OPEN, PIDS_MAX, NO_SUCH_LIMIT, NOT_OUR_PROCESS, PROCESS_GONE];

    fn code(&self) -> &'static Code {
        match self {
            Self::HardLimit { .. } => HARD_LIMIT,
            Self::AboveCeiling { .. } => ABOVE_NR_OPEN,
            Self::PidsMax { .. } => PIDS_MAX,
            Self::NoSuchLimit => NO_SUCH_LIMIT,
            Self::NotOurProcess => NOT_OUR_PROCESS,
            Self::ProcessGone => PROCESS_GONE,
        }
    }

    fn of_limit(case: &LimitCase<'_>) -> Option<Self> {
        match case.shortfall {
            _ if case.access_error().is_some() => None,
            _ if case.error().is_some() && case.not_permitted().is_none() => Self::of_error(case.error()?, case),
            Shortfall::Capped(most) => Some(Self::PidsMax { most: *most }),
            Shortfall::Differs | Shortfall::CallingShell | Shortfall::NotKept | Shortfall::Refused(_) => {
                Self::above_ceiling(case).or_else(|| Self::too_low(case))
            }
            Shortfall::Foreseen(_) | Shortfall::DependencyFailed(_) | Shortfall::HostOwned | Shortfall::Unread(_) => {
                None
            }
        }
    }

    fn limit_remedies(&self, case: &LimitCase<'_>) -> Vec<Remedy> {
        let context = case.context;
        match self {
            Self::HardLimit { .. } => runtimes::of(context).set_limit(case.resource, case.limits(), context),
            Self::AboveCeiling { key, .. } => higher_ceiling(key, case).into_iter().flatten().collect(),
            Self::PidsMax { .. } => runtimes::of(context).raise_pids(case.wanted, context),
            Self::NotOurProcess if context.environment.user != 0 && context.details.no_new_privileges != Some(true) => {
                vec![context.apply_as_root()]
            }
            Self::NotOurProcess | Self::NoSuchLimit | Self::ProcessGone => Vec::new(),
        }
    }
}

impl LimitCause {
    /// What the kernel's error proves by itself.
    fn of_error(error: KernelError, case: &LimitCase<'_>) -> Option<Self> {
        match error.errno {
            Errno::EINVAL => Some(Self::NoSuchLimit),
            Errno::ESRCH => Some(Self::ProcessGone),
            Errno::EPERM | Errno::EACCES if !case.context.own_limits => Some(Self::NotOurProcess),
            _ => None,
        }
    }

    fn above_ceiling(case: &LimitCase<'_>) -> Option<Self> {
        let most = case.exceeded_ceiling()?;
        let key = plan::ceiling_key(case.context.environment.system)?;
        Some(Self::AboveCeiling { wanted: case.wanted, key, most })
    }

    /// That the hard limit has to be raised, and we may not, or may not be able to.
    fn too_low(case: &LimitCase<'_>) -> Option<Self> {
        let macos = case.context.environment.system == System::MacOs;
        let need = match case.shortfall {
            Shortfall::Differs | Shortfall::CallingShell if case.is_settable() => return None,
            Shortfall::Refused(_) if case.is_below_hard() || case.may_raise() == Some(true) => return None,
            Shortfall::NotKept => return None,
            _ if macos => HardLimitNeed::Root,
            Shortfall::Refused(error) => match (case.may_raise(), case.holds_capability()) {
                (Some(_), Some(true)) => HardLimitNeed::CapabilityOfMachine,
                (Some(_), _) => HardLimitNeed::CapabilityNotHeld,
                (None, _) => HardLimitNeed::CapabilityUnclear(*error),
            },
            _ => HardLimitNeed::Capability,
        };
        Some(Self::HardLimit { hard: case.hard, needed: case.limits().hard, need })
    }
}

/// Have the ceiling raised first.
fn higher_ceiling(key: &Key, case: &LimitCase<'_>) -> Option<Vec<Remedy>> {
    let environment = case.context.environment;
    let Limit::Value(number) = case.wanted else { return None };
    let number = i128::from(number);
    // The ceiling has one too, and nothing goes above that.
    let top = catalog::row(environment.system, key).and_then(|row| row.range_on(environment.version()).1);
    if top.is_some_and(|top| number > top) {
        return None;
    }
    // The ceiling is the machine's: in a container what the profile asks of it would not be carried out.
    if environment.is_contained() {
        return Some(host_key(key, &Value::Number(number), environment.in_container()));
    }
    let wanted = Expectation::Bounds { at_least: Some(Value::Number(number)), at_most: None };
    Some(vec![Action::Profile(ProfileLine::key(key, environment.system, wanted)).into()])
}
