//! The entry of a benchmark: it is reverted at its end, by whoever writes next where the benchmark was killed, or kept
//! as if `apply` had made it.

use super::boot_identity::{BootIdentity, ProcessState};
use super::entry::Author;
use super::error::JournalError;
use super::store::Journal;
use super::undo::{Force, OnSignal, RevertedChange, is_elsewhere, revert};
use crate::kernel::Kernel;

/// Reverts an entry of a benchmark that has ended.
///
/// # Errors
/// The journal could not be read or written.
pub fn end_bench(
    kernel: &mut dyn Kernel,
    journal: &Journal,
    number: u64,
    here: &BootIdentity,
) -> Result<Vec<RevertedChange>, JournalError> {
    let entry = journal.read(number)?;
    revert(kernel, journal, number, entry, here, (Force::No, OnSignal::GoOn))
}

/// Lets what a benchmark changed stay, until `revert`.
///
/// # Errors
/// The journal could not be read or written.
pub fn keep_bench(journal: &Journal, number: u64) -> Result<(), JournalError> {
    let mut entry = journal.read(number)?;
    entry.author = Author::Apply;
    journal.replace(number, &entry)?;
    journal.unmark_bench(number)
}

/// Reverts the entries of benchmarks that were killed, the newest first. Says what became of each setting.
///
/// # Errors
/// The journal could not be read or written.
pub fn revert_killed_benches(
    kernel: &mut dyn Kernel,
    journal: &Journal,
    here: &BootIdentity,
) -> Result<Vec<RevertedChange>, JournalError> {
    let mut reverted = Vec::new();
    for number in journal.bench_numbers()? {
        // Killed after the mark was created and before the entry, or at the end between removing the two.
        if matches!(journal.path(number).try_exists(), Ok(false)) {
            journal.unmark_bench(number)?;
            continue;
        }
        // An entry that can't be read is for a person to look at, and is left as it is.
        let Ok(entry) = journal.read(number) else { continue };
        let Author::Bench(process) = &entry.author else {
            journal.unmark_bench(number)?;
            continue;
        };
        let is_ours = here.is_this_boot(&entry.boot_id) == Ok(true) && here.numbers_alike(process) == Ok(true);
        if is_ours && !is_elsewhere(&entry, here) && here.state_of(process) == ProcessState::Gone {
            reverted.extend(revert(kernel, journal, number, entry, here, (Force::No, OnSignal::GoOn))?);
        }
    }
    Ok(reverted)
}
