//! What the kernel makes of a value: refuses it, rounds it, cuts it, or keeps another one.

use nix::errno::Errno;

use super::{Code, Family, obstacle};
use crate::catalog::ReadBack;
use crate::diagnose::case::{KeyCase, LimitCase};
use crate::diagnose::context::is_named;
use crate::diagnose::key_remedies::load_module;
use crate::diagnose::remedy::{Action, ProfileLine, Remedy};
use crate::kernel::{KernelError, Operation};
use crate::model::expectation::Expectation;
use crate::model::setting::System;
use crate::model::value::{UnexpectedValue, Value};
use crate::plan::Unreadable;
use crate::report::Shortfall;

const WRONG_SHAPE: &Code = &Code {
    name: "wrong-shape",
    explanation: "The value found has a different type than the profile's, such as a word instead of a \
                  number.",
};

const VALUE_REFUSED: &Code = &Code {
    name: "value-refused",
    explanation: "The kernel answered \"invalid argument\" or \"out of range\": the value is outside the \
                  accepted range. Ranges change between kernel versions, even within a stable series.",
};

const UNKNOWN_NAME: &Code = &Code {
    name: "unknown-name",
    explanation: "The file exists, but the kernel has no algorithm of that name: its module (tcp_bbr, \
                  sch_fq) may not be loaded or not be built. With `one_of` a profile can also name one that \
                  always exists.",
};

const PORT_ORDER: &Code = &Code {
    name: "port-order",
    explanation: "The first port of net.ipv4.ip_local_port_range must not be below \
                  net.ipv4.ip_unprivileged_port_start; the kernel refuses a write to either that would break \
                  this. Docker sets the latter to 0.",
};

const ROUNDED: &Code = &Code {
    name: "rounded",
    explanation: "The kernel stores this setting in another unit (clock ticks, pages, powers of two) and \
                  rounded the value without an error. Ask for the rounded value, or use `at_least`.",
};

const CLAMPED: &Code = &Code {
    name: "clamped",
    explanation: "The kernel accepted the value without an error and clamped it to its range.",
};

const TRUNCATED: &Code = &Code {
    name: "truncated",
    explanation: "The kernel stored only the first part of the value: a number followed by something else, \
                  or a list that is too long.",
};

const NOT_KEPT: &Code = &Code {
    name: "not-kept",
    explanation: "The write succeeded, but another value was read back: the kernel changed it, another \
                  setting of the profile reset it, or another program (tuned, kube-proxy, networkd) \
                  overwrote it.",
};

const ONE_WAY: &Code = &Code {
    name: "one-way",
    explanation: "The kernel lets this setting be raised but not lowered until reboot. Look for what sets \
                  it: sysctl.d(5) or the kernel command line.",
};

/// What became of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueCause {
    /// What was found is of another shape than what is asked for.
    WrongShape(UnexpectedValue),
    /// The kernel refused the value.
    Refused {
        /// The value that was written.
        value: Value,
        /// The range that it takes, where that is known and the value is outside of it.
        range: Option<(i128, i128)>,
        /// What it said.
        error: KernelError,
    },
    /// The kernel knows no algorithm, discipline or the like of this name.
    UnknownName {
        /// The name that was written.
        value: Value,
    },
    /// The range of local ports would begin below the first unprivileged port.
    PortOrder {
        /// Which of the two was written.
        bound: PortBound,
        /// The value that was asked for.
        value: Value,
    },
    /// The kernel took only a part of the value.
    CutShort {
        /// The value that was asked for.
        value: Value,
        /// How much of it.
        error: KernelError,
    },
    /// The kernel rounded it.
    Rounded(Stored),
    /// The kernel brought it into its own range.
    Clamped(Stored),
    /// The kernel kept the first part of it.
    Truncated(Stored),
    /// Another value was read back, for whatever reason.
    NotKept(Stored),
    /// It has the one value that can't be undone before the next boot.
    OneWay {
        /// The value that stays until the next boot.
        value: &'static str,
    },
}

/// What was read back in place of what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The value that was written.
    pub asked: Value,
    /// The value that was read back.
    pub stored: Option<Value>,
    /// How the kernel changes values of this setting, where that is known.
    pub rule: Option<ReadBack>,
}

impl Stored {
    /// Whether what was read back is how what was written begins.
    fn is_cut(&self) -> bool {
        let begin = self.stored.as_ref().map(Value::to_kernel).filter(|begin| begin != "\n");
        begin.is_some_and(|begin| self.asked.to_kernel().starts_with(&begin))
    }
}

/// Which of two settings for ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortBound {
    /// The setting `net.ipv4.ip_local_port_range`.
    LocalRange,
    /// The setting `net.ipv4.ip_unprivileged_port_start`.
    UnprivilegedStart,
}

impl PortBound {
    /// The name of its key.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LocalRange => "net.ipv4.ip_local_port_range",
            Self::UnprivilegedStart => "net.ipv4.ip_unprivileged_port_start",
        }
    }
}

impl Family for ValueCause {
    const CODES: &'static [&'static Code] =
        &[WRONG_SHAPE, VALUE_REFUSED, UNKNOWN_NAME, PORT_ORDER, ROUNDED, CLAMPED, TRUNCATED, NOT_KEPT, ONE_WAY];

    fn code(&self) -> &'static Code {
        match self {
            Self::WrongShape(_) => WRONG_SHAPE,
            Self::Refused { .. } => VALUE_REFUSED,
            Self::UnknownName { .. } => UNKNOWN_NAME,
            Self::PortOrder { .. } => PORT_ORDER,
            Self::Rounded(_) => ROUNDED,
            Self::Clamped(_) => CLAMPED,
            Self::CutShort { .. } | Self::Truncated(_) => TRUNCATED,
            Self::NotKept(_) => NOT_KEPT,
            Self::OneWay { .. } => ONE_WAY,
        }
    }

    fn of_key(case: &KeyCase<'_>) -> Option<Self> {
        match case.shortfall {
            Shortfall::Unread(Unreadable::UnexpectedValue(found)) => Some(Self::WrongShape(found.clone())),
            Shortfall::NotKept => Some(Self::not_kept(case)),
            Shortfall::Differs => Self::one_way(case).filter(|_| obstacle(case).is_none()),
            Shortfall::Refused(error) => Self::written(case, *error),
            Shortfall::Foreseen(error) => Self::written(case, *error).filter(|_| obstacle(case).is_none()),
            _ => None,
        }
    }

    fn of_limit(case: &LimitCase<'_>) -> Option<Self> {
        let not_kept = *case.shortfall == Shortfall::NotKept;
        not_kept.then(|| {
            let (asked, stored) = (Value::Limit(case.wanted), case.outcome.found.clone());
            Self::Clamped(Stored { asked, stored, rule: None })
        })
    }

    fn key_remedies(&self, case: &KeyCase<'_>) -> Vec<Remedy> {
        match self {
            Self::Refused { value, .. } => in_range(value, case).into_iter().collect(),
            Self::UnknownName { value } => known_name(value, case),
            Self::PortOrder { value, .. } => other_bound(value).into_iter().collect(),
            // What the kernel makes of it stays what it is when it is written.
            Self::Rounded(_) | Self::Clamped(_) | Self::Truncated(_) | Self::CutShort { .. } => {
                let kept = case.found.cloned().map(Expectation::Exactly);
                kept.map(|kept| case.ask_for(kept)).into_iter().collect()
            }
            Self::WrongShape(_) | Self::NotKept(_) | Self::OneWay { .. } => Vec::new(),
        }
    }
}

impl ValueCause {
    /// What write(2) says of the value.
    fn written(case: &KeyCase<'_>, error: KernelError) -> Option<Self> {
        match (error.operation, error.errno) {
            (Operation::Write, Errno::ENOENT) => Some(Self::UnknownName { value: case.value() }),
            // sysctl(3) of macOS says so of any key that we may not write.
            (Operation::Write, Errno::EPERM) if !case.context.is_linux() => None,
            (Operation::Write, Errno::EPERM | Errno::EACCES) => Self::one_way(case),
            (Operation::Write, Errno::EINVAL | Errno::ERANGE) => {
                Self::one_way(case).or_else(|| Some(Self::refused(case, error)))
            }
            (Operation::ShortWrite { .. }, _) => Some(Self::CutShort { value: case.value(), error }),
            _ => None,
        }
    }

    fn refused(case: &KeyCase<'_>, error: KernelError) -> Self {
        let value = case.value();
        let bound = match &value {
            Value::Numbers(range) if range.is_sorted() => Some(PortBound::LocalRange),
            Value::Number(0..=65535) => Some(PortBound::UnprivilegedStart),
            _ => None,
        };
        if let Some(bound) = bound.filter(|bound| is_named(case.key, bound.name())) {
            return Self::PortOrder { bound, value };
        }
        let varies = case.row.is_some_and(|row| row.rare.range_varies.is_some());
        // A range that would let the value pass is not this kernel's, and one that its build decides may go further.
        let range = case.range().filter(|(min, max)| !is_within(&value, *min, *max) && !varies);
        Self::Refused { value, range, error }
    }

    fn not_kept(case: &KeyCase<'_>) -> Self {
        let rule = case.row.and_then(|row| row.rare.read_back);
        let stored = Stored { asked: case.value(), stored: case.found.cloned(), rule };
        match rule {
            Some(ReadBack::Rounded(_)) => Self::Rounded(stored),
            Some(ReadBack::Clamped(_)) => Self::Clamped(stored),
            Some(ReadBack::Changed(_)) | None if stored.is_cut() => Self::Truncated(stored),
            Some(ReadBack::Changed(_)) | None => Self::NotKept(stored),
        }
    }

    fn one_way(case: &KeyCase<'_>) -> Option<Self> {
        let value = case.row?.rare.one_way?;
        let reached = case.found.is_some_and(|found| found.to_string() == value);
        reached.then_some(Self::OneWay { value })
    }
}

/// The nearest value that the kernel is known to take.
fn in_range(value: &Value, case: &KeyCase<'_>) -> Option<Remedy> {
    let ((min, max), Value::Number(number)) = (case.range()?, value) else { return None };
    let nearest = Expectation::Exactly(Value::Number(*number.clamp(&min, &max)));
    (!(min..=max).contains(number)).then(|| case.ask_for(nearest))
}

/// The name that was asked for, or else the one that is there: the profile then holds on both kernels. And
/// what would bring the first, for the two lists that modules extend.
fn known_name(value: &Value, case: &KeyCase<'_>) -> Vec<Remedy> {
    let Some(found) = case.found.cloned() else { return Vec::new() };
    let either = Expectation::OneOf(vec![value.clone(), found]);
    let line = ProfileLine::key(case.key, System::Linux, either);
    let prefix = [("net.ipv4.tcp_congestion_control", "tcp_"), ("net.core.default_qdisc", "sch_")];
    let prefix = prefix.into_iter().find(|(name, _)| is_named(case.key, name));
    let module = prefix.map(|(_, prefix)| format!("{prefix}{value}"));
    let plain = |module: &String| module.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    let load = module.filter(plain).map(|module| load_module(&module, case.context).or());
    std::iter::once(Action::Profile(line).into()).chain(load).collect()
}

/// The same order of the two by the other one. `value` is what was asked of this one.
fn other_bound(value: &Value) -> Option<Remedy> {
    let (bound, wanted) = match value {
        Value::Numbers(range) => {
            let at_most = range.first().copied().map(Value::Number);
            (PortBound::UnprivilegedStart, Expectation::Bounds { at_least: None, at_most })
        }
        Value::Number(first) => {
            // Both ends of one parity would waste the last port.
            let last = 65535 - first.rem_euclid(2);
            if last <= *first {
                return None;
            }
            (PortBound::LocalRange, Expectation::Exactly(Value::Numbers(vec![*first, last])))
        }
        _ => return None,
    };
    Some(Action::Profile(ProfileLine::sysctl(bound.name().to_owned(), System::Linux, wanted)).into())
}

/// Whether every number is in the range; what is not a number is not outside it.
fn is_within(value: &Value, min: i128, max: i128) -> bool {
    match value {
        Value::Number(number) => (min..=max).contains(number),
        Value::Numbers(numbers) => numbers.iter().all(|number| (min..=max).contains(number)),
        _ => true,
    }
}
