//! The entry of a watch, which changes settings again and again, perhaps for weeks: there is one of them, it keeps the
//! values that the settings would have without the watch, and it grows by no more settings than there are.

use nix::errno::Errno;

use super::boot_identity::BootIdentity;
use super::entry::{Author, Change, JournalEntry, Role, SettingRef, WriteState};
use super::error::JournalError;
use super::planned_changes::read_current;
use super::recorder::Recorder;
use super::store::Journal;
use super::undo::is_elsewhere;
use crate::kernel::{Kernel, KernelError};

impl<'a> Recorder<'a> {
    /// As [`Recorder::begin`], for a watch: resumes the entry that the last watch made, unless an `apply` has made one
    /// since, which has to be reverted after what was written later.
    ///
    /// # Errors
    /// The journal could not be read or written.
    pub fn resume_or_create(
        kernel: &'a mut dyn Kernel,
        journal: &'a Journal,
        here: &'a BootIdentity,
        profiles: Vec<String>,
        changes: Vec<Change>,
    ) -> Result<Self, JournalError> {
        let mut entry = JournalEntry {
            boot_id: here.boot_id().unwrap_or_default().to_owned(),
            author: Author::Watch,
            profiles,
            changes,
        };
        let mut number = journal.next()?;
        for known in journal.numbers()? {
            // An entry that can't be read, or that may be of this boot, is for a person to look at, and is left as it is.
            let Ok(old) = journal.read(known) else { break };
            let Ok(is_this_boot) = here.is_this_boot(&old.boot_id) else { break };
            if !is_this_boot || is_elsewhere(&old, here) {
                continue;
            }
            if old.author == Author::Watch {
                number = known;
                entry.changes = merge(kernel, old.changes, entry.changes);
            }
            break;
        }
        Self::resume(kernel, journal, here, number, entry)
    }
}

/// The changes of before and those that are planned now, in this order, each setting once.
fn merge(kernel: &mut dyn Kernel, mut all: Vec<Change>, new: Vec<Change>) -> Vec<Change> {
    // Settings of removed interfaces can't be restored, and without this the entry would grow with each new name.
    all.retain(|old| {
        let exists = !matches!(read_current(kernel, &old.setting), Err(KernelError { errno: Errno::ENOENT, .. }));
        // A watching kernel keeps open what it has read.
        if let SettingRef::Key { key, .. } = &old.setting {
            kernel.close(key);
        }
        exists
    });
    for new in new {
        match all.iter().position(|old| old.setting == new.setting) {
            Some(at) if keeps_original(&all[at], &new) => {
                if new.role != Role::SideEffect {
                    all[at].role = new.role;
                }
            }
            Some(at) => {
                all.remove(at);
                all.push(new);
            }
            None => all.push(new),
        }
    }
    all
}

/// Whether the original value of the old change is still the value that the setting would have without us. Not where
/// another program has written to it since: then that program's value, which we overwrite now, is the original.
fn keeps_original(old: &Change, new: &Change) -> bool {
    match (&old.state, &new.original) {
        (WriteState::NotStarted, _) => false,
        (WriteState::Done(Some(found)), Some(now)) => {
            new.role == Role::SideEffect || old.setting.same_value(found, now)
        }
        _ => true,
    }
}
