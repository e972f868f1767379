//! What a watch reports, as data. The sentences are made in `messages`.

use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use crate::journal::JournalError;
use crate::kernel::KernelError;
use crate::model::setting::{Key, Setting};
use crate::model::value::Value;
use crate::plan::{Requirement, Unreadable};

/// Something that a watch reports.
#[derive(Debug)]
pub enum WatchEvent {
    /// The first sweep found a setting that does not hold.
    NotSatisfied(Observed),
    /// A setting can be read now, and could not before; or a sweep found a new one that does not hold.
    Appeared(Observed),
    /// These settings exist now, did not before, and hold: an interface has come.
    AppearedSatisfied(Vec<Key>),
    /// These settings no longer exist: an interface was removed.
    Gone(Vec<Key>),
    /// A setting can't be read.
    Unreadable(Observed),
    /// A setting held, and does not any more.
    Drifted {
        /// The setting now.
        setting: Observed,
        /// The value before.
        before: Value,
        /// When it changed.
        since: Since,
        /// The process that wrote it, where that is known.
        writer: Option<Writer>,
    },
    /// A setting has another value, and holds or does not hold as before.
    Changed {
        /// The setting now.
        setting: Observed,
        /// The value before.
        before: Value,
        /// When it changed.
        since: Since,
        /// The process that wrote it, where that is known.
        writer: Option<Writer>,
    },
    /// A setting did not hold, and does now, without us.
    Recovered {
        /// The setting now.
        setting: Observed,
        /// The value before.
        before: Value,
        /// How long it did not hold.
        after: Option<Duration>,
        /// The process that wrote it, where that is known.
        writer: Option<Writer>,
    },
    /// A setting changed more often than was reported.
    MoreChanges {
        /// The setting now.
        setting: Observed,
        /// How many changes were not reported.
        count: u32,
    },
    /// A setting was repaired.
    Repaired {
        /// The setting now.
        setting: Observed,
        /// The value before.
        before: Value,
    },
    /// A setting could not be repaired. Reported once; it is tried again until [`WatchEvent::GivenUp`].
    NotRepaired {
        /// The setting now.
        setting: Observed,
        /// Why it was not restored.
        why: RepairFailure,
    },
    /// A setting was repaired, or tried to be, so many times in a row that it is not tried again before a reload.
    GivenUp {
        /// The setting now.
        setting: Observed,
        /// How many times.
        tries: u32,
    },
    /// The journal can't be written, so nothing is repaired.
    RepairSuspended(JournalError),
    /// The watch has begun, and has read every setting.
    Started(Summary),
    /// The profile was read again, and every setting with it.
    Reloaded(Summary),
    /// The profile on disk is wrong: the one before it stays in use. The text says what is wrong.
    KeptPreviousProfile(String),
    /// The metrics could not be written.
    MetricsNotWritten {
        /// The file of the entry.
        path: PathBuf,
        /// Why it could not be written.
        error: std::io::Error,
    },
}

/// The state of a setting when something happened.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The key of `requirement.setting`.
    pub key: Key,
    /// What is required of it.
    pub requirement: Rc<Requirement>,
    /// Whether it belongs to the host, so that it is not ours to write.
    pub host_owned: bool,
    /// Its value, or why that is not known.
    pub found: Result<Value, Unreadable>,
}

impl Observed {
    /// Whether its value satisfies the requirement.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.found.as_ref().is_ok_and(|value| self.requirement.wanted.holds(value))
    }
}

/// When a value changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// At this time.
    At(SystemTime),
    /// At some time between two readings.
    Between(SystemTime, SystemTime),
}

/// The process that wrote a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The process ID.
    pub pid: i32,
    /// The name of the program.
    pub name: WriterName,
}

/// The name of a process, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriterName {
    /// This name, as /proc has it.
    Known(String),
    /// The process had ended before its name was read.
    Ended,
    /// It could not be read.
    Unknown,
}

/// Why a setting could not be repaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepairFailure {
    /// It could not be undone before the next boot.
    Irreversible,
    /// The kernel refused the write.
    Refused(KernelError),
    /// The kernel accepted the write, and another value is read back.
    NotKept,
    /// This other setting, which it depends on, does not hold.
    Dependency(Setting),
}

/// How many settings are watched, and for which profiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The names of the profiles, as they were given.
    pub profiles: Vec<String>,
    /// How many settings there are.
    pub all: usize,
    /// Those that do not hold.
    pub unsatisfied: usize,
}

impl WatchEvent {
    /// Whether it tells of the watch itself, and not of a setting: it goes to standard error.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::KeptPreviousProfile(_) | Self::MetricsNotWritten { .. })
    }
}
