//! Undo: what `apply` changed and the values before it, so that `revert` can put them back.
//!
//! The originals are written down before the first change, each write is noted before it is done and after, and
//! what is put back is only what still is as we left it. So a process that is killed anywhere leaves a journal from
//! which everything is put back, and putting back can itself be killed and begun again.

mod boot_identity;
mod codec;
mod entry;
mod error;
mod location;
mod ongoing;
mod planned_changes;
mod recorder;
mod side_effects;
mod store;
mod undo;

pub use boot_identity::BootIdentity;
pub use entry::{Author, Change, JournalEntry, ProcessId, RevertOutcome, Role, SettingRef, State, StoredValue};
pub use error::JournalError;
pub use location::{JournalLocations, VARIABLE};
pub use planned_changes::{changes, irreversible};
pub use recorder::Recorder;
pub use store::Store;
pub use undo::{Force, RevertedChange, is_elsewhere, preview, revert};
