//! An entry of the journal: the settings that one `apply` or `run`, or a watch's repairs, changed, with their original values
//! and how far writing each of them got.

use super::error::Unidentified;
use crate::kernel::{KernelError, Process, WriteMode};
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;
use crate::model::value::{Kind, Value};

/// The changes of one `apply` or `run`, or of all repairs of `watch --repair`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// The kernel's id of the boot in which it was made (`BootIdentity::boot_id`): no value outlives the boot.
    pub boot_id: String,
    /// The command that made the changes.
    pub author: Author,
    /// The names of the profiles, as they were given.
    pub profiles: Vec<String>,
    /// The settings, in the order of the plan.
    pub changes: Vec<Change>,
}

/// The command that made an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Author {
    /// `apply` or `run`, once.
    Apply,
    /// `watch --repair`, again and again.
    Watch,
    /// `bench`, for as long as this process runs: once it has ended, the next command that writes reverts its changes.
    Bench(Box<ProcessId>),
}

/// One setting that is to be changed, or that the kernel changes when another is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The setting that is changed.
    pub setting: SettingRef,
    /// The value before the change; `None` where it could not be read, so that it can't be restored.
    pub original: Option<StoredValue>,
    /// Why the setting is in the journal.
    pub role: Role,
    /// How far the writing got.
    pub state: WriteState,
}

/// A setting, and the namespace or process that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingRef {
    /// A sysctl or an attribute of sysfs.
    Key {
        /// The name of the key.
        key: Key,
        /// The shape of its values.
        kind: Kind,
        /// The namespace that it belongs to.
        namespace: Namespace,
    },
    /// A resource limit of a process, soft and hard.
    Limit {
        /// The limit that is set.
        resource: Resource,
        /// The process whose limit it is.
        process: ProcessId,
    },
}

/// Identifies a process for the rest of this boot: its number may be used again, together with its start time it
/// is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessId {
    /// The process's number; 0 is the calling process, as in prlimit(2), which no stored entry has.
    pub pid: i32,
    /// Its start time in clock ticks since the boot, field 22 of `proc_pid_stat(5)`.
    pub start: u64,
    /// Its name, for messages.
    pub name: String,
    /// The PID namespace in which the number is valid.
    pub namespace: Namespace,
}

impl ProcessId {
    /// `process` without what tells it from a later one of the same number: for changes that are kept in memory only.
    #[must_use]
    pub fn of_now(process: Process) -> Self {
        let pid = match process {
            Process::Own => 0,
            Process::Pid(pid) => pid,
        };
        Self { pid, start: 0, name: String::new(), namespace: Namespace::Machine }
    }

    /// The process, for the kernel.
    #[must_use]
    pub fn process(&self) -> Process {
        if self.pid == 0 { Process::Own } else { Process::Pid(self.pid) }
    }
}

/// The namespace that a setting or the number of a process belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// None: the whole machine has one, or the kernel has no such namespaces.
    Machine,
    /// This one: `ipc:[4026531839]`, `net:[4026531840], cookie 1` (`BootIdentity::namespace_of`).
    Id(String),
    /// It could not be read when the entry was made.
    Unknown,
}

/// Why a setting is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is to be written.
    Written,
    /// It is to be written, and can't be restored before the next boot.
    Irreversible,
    /// The kernel changes it when one of the others is written (`side_effects`).
    SideEffect,
}

/// How far writing a setting got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteState {
    /// No write was begun.
    NotStarted,
    /// A write was about to begin; whether it was done was not recorded.
    Started,
    /// The write was done, and this was read back; `None` where reading back failed.
    Done(Option<StoredValue>),
}

/// The value of a setting, as the journal stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredValue {
    /// Of a key: a text that restores the value when it is written.
    Text(String),
    /// Of a limit: its soft and hard side.
    Limits(Limits),
}

impl StoredValue {
    /// For messages: blanks are joined, and an empty list is `(empty)`.
    #[must_use]
    pub fn for_display(&self) -> String {
        let text = self.to_text();
        if text.is_empty() { "(empty)".to_owned() } else { text.split_whitespace().collect::<Vec<_>>().join(" ") }
    }

    /// The value of a key from what the kernel printed: of a choice (`always [madvise] never`) the chosen word only, of
    /// all else the kernel's own words.
    #[must_use]
    pub fn of_key(kind: Kind, printed: &str) -> Self {
        let own = printed.trim_end_matches('\n');
        let text = match (kind, kind.parse(printed)) {
            (Kind::Choice, Ok(value)) => value.to_string(),
            // Runs of blanks can be significant in a text.
            (Kind::Text, _) | (_, Err(_)) => own.to_owned(),
            _ => own.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Self::Text(text)
    }

    /// For JSON and the journal: `4096`, `1024 65535`, and of a limit `1024:524288`.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Limits(limits) => format!("{}:{}", limits.soft, limits.hard),
        }
    }
}

impl SettingRef {
    /// Its name in messages, `net.core.somaxconn` or `nofile`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Key { key, .. } => key.to_string(),
            Self::Limit { resource, .. } => resource.to_string(),
        }
    }

    /// Whether two values of this setting are the same to the kernel, whatever their spelling. `-0` is not `0`: so the
    /// kernel prints a time below zero that is less than one of its units.
    #[must_use]
    pub fn same_value(&self, one: &StoredValue, other: &StoredValue) -> bool {
        match (self, one, other) {
            (Self::Key { kind, .. }, StoredValue::Text(one), StoredValue::Text(other)) => {
                let (typed, its) = (kind.parse(one), kind.parse(other));
                one == other || typed.is_ok() && typed == its && one.starts_with('-') == other.starts_with('-')
            }
            _ => one == other,
        }
    }

    /// Whether a value of this setting is the number zero, which some keys can't be set to.
    #[must_use]
    pub fn is_zero(&self, value: &StoredValue) -> bool {
        match (self, value) {
            (Self::Key { kind, .. }, StoredValue::Text(text)) => kind.parse(text) == Ok(Value::Number(0)),
            _ => false,
        }
    }
}

/// The bytes to write to a key's file. Never empty: a write of no bytes succeeds and does nothing; a newline clears
/// a list.
#[must_use]
pub(super) fn to_kernel(text: &str) -> &str {
    if text.is_empty() { "\n" } else { text }
}

/// Whether a value of this kind may be written in several pieces.
#[must_use]
pub(super) fn write_mode(kind: Kind) -> WriteMode {
    match kind {
        Kind::Ports => WriteMode::Lists,
        _ => WriteMode::One,
    }
}

/// Parses both sides of a limit, `1024:unlimited`.
pub(super) fn parse_limits(text: &str) -> Option<Limits> {
    let side = |text: &str| match text {
        "unlimited" => Some(Limit::Unlimited),
        number => number.parse().ok().map(Limit::Value),
    };
    let (soft, hard) = text.split_once(':')?;
    Some(Limits { soft: side(soft)?, hard: side(hard)? })
}

/// The outcome of reverting one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevertOutcome {
    /// The original value was restored, and read back.
    Reverted {
        /// The value until then.
        from: StoredValue,
    },
    /// The original value would be restored: the outcome of `--dry-run`.
    WouldRevert {
        /// The value now.
        from: StoredValue,
    },
    /// The setting has its original value already.
    AlreadyOriginal,
    /// The setting was planned to be written, and was not.
    NeverWritten,
    /// The key or the process no longer exists.
    Gone,
    /// The setting belongs to another namespace than ours.
    OtherNamespace,
    /// Whether the setting is still the one that was changed could not be found out.
    Unidentified(Unidentified),
    /// The value is not the one that was written: another program has changed it since, so it was not reverted.
    ChangedSince {
        /// The value now.
        now: StoredValue,
        /// The value that was written, where it was read back.
        wrote: Option<StoredValue>,
    },
    /// The original value can't be restored before the next boot.
    Irreversible,
    /// The kernel refused to read or write it.
    Refused(KernelError),
    /// The kernel accepted the write, and another value is read back.
    NotKept {
        /// The value now.
        now: StoredValue,
    },
    /// A signal that asks us to end came before it was written.
    Interrupted,
}

impl RevertOutcome {
    /// Whether the setting does not have its original value.
    #[must_use]
    pub fn falls_short(&self) -> bool {
        matches!(
            self,
            Self::OtherNamespace
                | Self::Unidentified(_)
                | Self::ChangedSince { .. }
                | Self::Irreversible
                | Self::Refused(_)
                | Self::NotKept { .. }
                | Self::Interrupted
        )
    }

    /// Whether another revert could still restore the setting.
    #[must_use]
    pub fn stays(&self) -> bool {
        self.falls_short() && *self != Self::Irreversible || matches!(self, Self::WouldRevert { .. })
    }
}
