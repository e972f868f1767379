//! The entry of one who goes on changing settings, for weeks perhaps: there is one of it, which holds what would stand
//! there without us, and which grows by no more settings than there are.

use nix::errno::Errno;

use super::boot_identity::BootIdentity;
use super::entry::{Author, Change, JournalEntry, Role, SettingRef, State};
use super::error::JournalError;
use super::planned_changes::standing;
use super::recorder::Recorder;
use super::store::Store;
use super::undo::is_elsewhere;
use crate::kernel::{Kernel, KernelError};

impl<'a> Recorder<'a> {
    /// As [`Recorder::begin`], for a watch that puts back what drifts: goes on with the entry that the last watch made,
    /// unless there has been an `apply` since, which is to be undone after what came behind it.
    ///
    /// # Errors
    /// The journal could not be read or written.
    pub fn go_on(
        kernel: &'a mut dyn Kernel,
        store: &'a Store,
        here: &'a BootIdentity,
        profiles: Vec<String>,
        changes: Vec<Change>,
    ) -> Result<Self, JournalError> {
        let boot = here.boot.clone();
        let mut entry = JournalEntry { boot, author: Author::Watch, profiles, changes };
        let mut number = store.next()?;
        for known in store.numbers()? {
            // One that can't be read is for a person to look at, and so stays as it is.
            let Ok(old) = store.read(known) else { break };
            if old.boot != here.boot || is_elsewhere(&old, here) {
                continue;
            }
            if old.author == Author::Watch {
                number = known;
                entry.changes = merge(kernel, old.changes, entry.changes);
            }
            break;
        }
        Self::resume(kernel, store, here, number, entry)
    }
}

/// What was changed before and what is to be changed now, in this order, each setting once.
fn merge(kernel: &mut dyn Kernel, mut all: Vec<Change>, new: Vec<Change>) -> Vec<Change> {
    // Of interfaces that are gone nothing is to be put back, and others come under other names without end.
    all.retain(|old| {
        let stands = !matches!(standing(kernel, &old.what), Err(KernelError { errno: Errno::ENOENT, .. }));
        // Else all that was ever noted would stay open with whoever watches.
        if let SettingRef::Key { key, .. } = &old.what {
            kernel.let_go(key);
        }
        stands
    });
    for new in new {
        match all.iter().position(|old| old.what == new.what) {
            Some(at) if goes_on(&all[at], &new) => {
                if new.role != Role::Along {
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

/// Whether what stood there before the old change is still what would stand there without us: unless somebody else has
/// written since, whose value it is that we write over now.
fn goes_on(old: &Change, new: &Change) -> bool {
    match (&old.state, &new.before) {
        (State::Untouched, _) => false,
        (State::Wrote(Some(found)), Some(now)) => new.role == Role::Along || old.what.same(found, now),
        _ => true,
    }
}
