//! The files of `--persist` in the JSON documents of `apply` and `revert`.

use serde::Serialize;

/// A file of `--persist`, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersistedFile {
    /// Its whole path.
    pub file: String,
    /// What came of it.
    pub outcome: PersistedState,
    /// Why it was left, a sentence.
    pub why: Option<String>,
}

/// What came of a file of `--persist`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PersistedState {
    /// It was written.
    Written,
    /// It would be written.
    WouldWrite,
    /// It had the right text already.
    Same,
    /// It was removed.
    TakenAway,
    /// It would be removed.
    WouldTakeAway,
    /// Nothing that was asked for goes there, and it was kept.
    Kept,
    /// It was left as it is.
    Left,
}
