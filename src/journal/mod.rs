//! Undo: what `apply` changed and the values before it, so that `revert` can put them back.
//!
//! The originals are written down before the first change, each write is noted before it is done and after, and
//! what is put back is only what still is as we left it. So a process that is killed anywhere leaves a journal from
//! which everything is put back, and putting back can itself be killed and begun again.

mod along;
mod entry;
mod here;
mod intent;
mod lines;
mod ongoing;
mod place;
mod recorder;
mod store;
mod trouble;
mod undo;

pub use entry::{Author, Change, Entry, Outcome, Role, Standing, State, What, Whom};
pub use here::Here;
pub use intent::{changes, irreversible};
pub use place::{Places, VARIABLE};
pub use recorder::Recorder;
pub use store::Store;
pub use trouble::Trouble;
pub use undo::{Force, Undone, is_elsewhere, preview, revert};
