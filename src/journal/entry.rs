//! One apply, or a watch's repairs, as the journal keeps them: what stood before, and how far the writing got.

use crate::kernel::{KernelError, WriteMode};
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;
use crate::model::value::{Kind, Value};

/// One apply, or all that a watch has put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// The boot that it was made in: no value outlives it.
    pub boot: String,
    /// Whose changes they are.
    pub author: Author,
    /// The profiles, as they were asked for.
    pub profiles: Vec<String>,
    /// In the order of the plan.
    pub changes: Vec<Change>,
}

/// Who made an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// `apply`, once.
    Apply,
    /// `watch --repair`, again and again.
    Watch,
}

/// One setting that is to be changed, or that changes along with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub what: SettingRef,
    /// What stood there before; nothing where that could not be read, so that nothing can be put back.
    pub before: Option<StoredValue>,
    /// How it came to be here.
    pub role: Role,
    /// How far the writing got.
    pub state: State,
}

/// A setting, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingRef {
    /// A key.
    Key {
        /// Which.
        key: Key,
        /// The shape of its values.
        kind: Kind,
        /// The namespace that it belongs to, `net:[4026531840]`; nothing where it is the whole machine's.
        namespace: Option<String>,
    },
    /// A limit of a process.
    Limit {
        /// Which.
        resource: Resource,
        /// Whose.
        process: ProcessId,
    },
}

/// A process that no other one can be taken for before the next boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessId {
    /// Its number.
    pub pid: i32,
    /// When it started, in the clock ticks since the boot of `proc_pid_stat(5)`.
    pub start: u64,
    /// Its name, for people.
    pub name: String,
    /// The PID namespace in which the number is its own.
    pub namespace: Option<String>,
}

/// How a setting came to be in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is to be written.
    Written,
    /// It is to be written, and can't be put back before the next boot.
    OneWay,
    /// The kernel changes it when one of the others is written.
    Along,
}

/// How far the writing got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has begun.
    Untouched,
    /// A write was about to begin: whether it was done, nobody has noted.
    Writing,
    /// It was done, and this was read back; nothing where that failed.
    Wrote(Option<StoredValue>),
}

/// What stands in a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredValue {
    /// In a key: the text, such that writing it brings the value back.
    Text(String),
    /// In a limit: both sides.
    Limits(Limits),
}

impl StoredValue {
    /// For people: an empty list is said to be one.
    #[must_use]
    pub fn shown(&self) -> String {
        let words = self.words();
        if words.is_empty() { "(empty)".to_owned() } else { words.split_whitespace().collect::<Vec<_>>().join(" ") }
    }

    /// The text of a key as it is to be kept: what the kernel printed, but of a choice only the chosen word.
    #[must_use]
    pub fn of_key(kind: Kind, printed: &str) -> Self {
        let text = match (kind, kind.read(printed)) {
            // Runs of blanks may mean something in a text.
            (Kind::Text, _) | (_, Err(_)) => printed.trim_end_matches('\n').to_owned(),
            (_, Ok(value)) => value.to_string(),
        };
        Self::Text(text)
    }

    /// For people and for the journal: `4096`, `1024 65535`, and of a limit `1024:524288`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Limits(limits) => format!("{}:{}", limits.soft, limits.hard),
        }
    }
}

impl SettingRef {
    /// As people call it: `net.core.somaxconn`, `nofile`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Key { key, .. } => key.to_string(),
            Self::Limit { resource, .. } => resource.to_string(),
        }
    }

    /// Whether the two mean the same value, whatever their spelling.
    #[must_use]
    pub fn same(&self, one: &StoredValue, other: &StoredValue) -> bool {
        match (self, one, other) {
            (Self::Key { kind, .. }, StoredValue::Text(one), StoredValue::Text(other)) => {
                let (typed, its) = (kind.read(one), kind.read(other));
                one == other || typed.is_ok() && typed == its
            }
            _ => one == other,
        }
    }

    /// Whether this is a number that is zero, which some keys can't be set to.
    #[must_use]
    pub fn is_zero(&self, standing: &StoredValue) -> bool {
        match (self, standing) {
            (Self::Key { kind, .. }, StoredValue::Text(text)) => kind.read(text) == Ok(Value::Number(0)),
            _ => false,
        }
    }
}

/// What is to be written to a key's file. Never empty: a write of nothing succeeds and does nothing, only a
/// newline clears a list.
#[must_use]
pub(super) fn to_kernel(text: &str) -> &str {
    if text.is_empty() { "\n" } else { text }
}

/// Whether a key's list may be handed over in pieces.
#[must_use]
pub(super) fn pieces(kind: Kind) -> WriteMode {
    match kind {
        Kind::Ports => WriteMode::Lists,
        _ => WriteMode::One,
    }
}

/// Both sides of a limit, `1024:unlimited`.
pub(super) fn parse_limits(text: &str) -> Option<Limits> {
    let side = |text: &str| match text {
        "unlimited" => Some(Limit::Unlimited),
        number => number.parse().ok().map(Limit::Value),
    };
    let (soft, hard) = text.split_once(':')?;
    Some(Limits { soft: side(soft)?, hard: side(hard)? })
}

/// How putting one setting back went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevertOutcome {
    /// What stood there before stands there again, read back.
    Done {
        /// What stood there until then.
        from: StoredValue,
    },
    /// It would be put back: the outcome of a revert that is only shown.
    WouldDo {
        /// What stands there now.
        from: StoredValue,
    },
    /// It stood there already.
    Already,
    /// We never came to write it.
    Never,
    /// The key or the process is no more.
    Gone,
    /// It belongs to a namespace that is not this one.
    ConfigLine,
    /// What stands there is not what we wrote: it is somebody else's by now, and was left.
    Foreign {
        /// What stands there.
        now: StoredValue,
        /// What we wrote.
        wrote: Option<StoredValue>,
    },
    /// It can't be put back before the next boot.
    OneWay,
    /// The kernel refused.
    Refused(KernelError),
    /// The kernel took it, and something else stands there.
    NotKept {
        /// What stands there.
        now: StoredValue,
    },
}

impl RevertOutcome {
    /// Whether the setting is not what it was before.
    #[must_use]
    pub fn falls_short(&self) -> bool {
        matches!(self, Self::ConfigLine | Self::Foreign { .. } | Self::OneWay | Self::Refused(_) | Self::NotKept { .. })
    }

    /// Whether there is something left that another revert could do.
    #[must_use]
    pub fn stays(&self) -> bool {
        self.falls_short() && *self != Self::OneWay || matches!(self, Self::WouldDo { .. })
    }
}
