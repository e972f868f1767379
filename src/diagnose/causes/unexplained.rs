//! Where the cause is not known: what was attempted, and the kernel's own word.

use super::{Code, Family};
use crate::diagnose::case::LimitCase;
use crate::kernel::KernelError;
use crate::plan::Unreadable;
use crate::report::Shortfall;

const UNKNOWN: &Code = &Code {
    name: "unknown",
    explanation: "tunectl could not establish the cause. The message has the kernel's own answer; `context` \
                  in the JSON output describes the environment.",
};

/// What is known instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unexplained {
    /// The kernel refused to write or to set it.
    Refused(KernelError),
    /// The kernel refused to read it.
    Unread(KernelError),
    /// A filter of system calls or a security module refused setrlimit(2).
    FilterOrModule(KernelError),
    /// Nothing beyond the value.
    Nothing,
}

impl Family for Unexplained {
    const CODES: &'static [&'static Code] = &[UNKNOWN];

    fn code(&self) -> &'static Code {
        UNKNOWN
    }

    fn of_limit(case: &LimitCase<'_>) -> Option<Self> {
        let details = case.context.details;
        let either = details.confined.is_some() && details.filtered();
        let held = case.may_raise() == Some(true) && !case.is_below_hard();
        case.not_permitted().filter(|_| either && held).map(Self::FilterOrModule)
    }
}

impl Unexplained {
    pub(super) fn of(shortfall: &Shortfall) -> Self {
        match shortfall {
            Shortfall::Refused(error) | Shortfall::Foreseen(error) => Self::Refused(*error),
            Shortfall::Unread(Unreadable::Refused(error)) => Self::Unread(*error),
            _ => Self::Nothing,
        }
    }
}
