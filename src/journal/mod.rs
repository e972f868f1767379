//! The journal: what `apply` changed and the values before it, so that `revert` can restore them.
//!
//! The original values are written down before the first change, each write is recorded before it is done and after,
//! and only what still has the value we wrote is restored. So a process that is killed anywhere leaves a journal from
//! which everything can be restored, and restoring can itself be killed and started again.

mod bench_entry;
mod boot_identity;
mod codec;
mod entry;
mod error;
mod location;
mod planned_changes;
mod recorder;
mod side_effects;
mod store;
mod undo;
mod watch_entry;

pub use bench_entry::{end_bench, keep_bench, revert_killed_benches};
pub use boot_identity::{BootIdentity, ProcessState};
pub use entry::{
    Author, Change, JournalEntry, Namespace, ProcessId, RevertOutcome, Role, SettingRef, StoredValue, WriteState,
};
pub use error::{BrokenEntry, JournalError, Unidentified, Untrusted};
pub use location::{JournalLocations, VARIABLE};
pub use planned_changes::{planned_changes, planned_side_effects, role};
pub use recorder::Recorder;
pub use store::Journal;
pub use undo::{Force, OnSignal, RevertedChange, is_elsewhere, preview, revert, undo, undo_own};
