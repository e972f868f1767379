//! A kernel that notes every write in the journal, before it is done and after. Whoever walks a plan needs to know
//! nothing of it, and none that writes can forget to.

use std::fs::File;
use std::io::{self, Write as _};

use nix::errno::Errno;

use super::boot_identity::BootIdentity;
use super::codec;
use super::entry::{Author, Change, JournalEntry, Role, SettingRef, State};
use super::error::JournalError;
use super::planned_changes::{self, kind_of};
use super::side_effects;
use super::store::Store;
use crate::kernel::{Evidence, Kernel, KernelError, Operation, Process, WriteMode};
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys;

/// A kernel whose writes are noted in an entry of the journal.
pub struct Recorder<'a> {
    kernel: &'a mut dyn Kernel,
    here: &'a BootIdentity,
    store: &'a Store,
    number: u64,
    entry: JournalEntry,
    /// The places of what we have written, perhaps several times.
    written: Vec<usize>,
    file: File,
}

impl std::fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<'a> Recorder<'a> {
    /// Writes down what is about to be changed. Until this has returned, nothing may be.
    ///
    /// # Errors
    /// The journal could not be written.
    pub fn begin(
        kernel: &'a mut dyn Kernel,
        store: &'a Store,
        here: &'a BootIdentity,
        profiles: Vec<String>,
        changes: Vec<Change>,
    ) -> Result<Self, JournalError> {
        let entry = JournalEntry { boot: here.boot.clone(), author: Author::Apply, profiles, changes };
        Self::resume(kernel, store, here, store.next()?, entry)
    }

    /// Puts an entry in its place, whole, and goes on from there.
    ///
    /// # Errors
    /// The journal could not be opened.
    pub(super) fn resume(
        kernel: &'a mut dyn Kernel,
        store: &'a Store,
        here: &'a BootIdentity,
        number: u64,
        entry: JournalEntry,
    ) -> Result<Self, JournalError> {
        // Also one that is there: its last line may have been cut off, and what is added must not become part of it.
        store.replace(number, &entry)?;
        let file = store.append(number)?;
        Ok(Self { kernel, here, store, number, entry, written: Vec::new(), file })
    }

    /// What is noted so far.
    #[must_use]
    pub fn entry(&self) -> &JournalEntry {
        &self.entry
    }

    /// Keeps of the entry what was really changed, with what was read back last, and returns its number; where that
    /// is nothing, the entry goes.
    ///
    /// # Errors
    /// The journal could not be written: then it says no less than before.
    pub fn finish(mut self) -> Result<Option<u64>, JournalError> {
        for at in self.written {
            let change = &mut self.entry.changes[at];
            change.state = State::Wrote(planned_changes::standing(self.kernel, &change.what).ok());
        }
        let changed = |change: &Change| match (&change.state, &change.before) {
            (State::Untouched, _) => false,
            (State::Wrote(Some(found)), Some(before)) => !change.what.same(found, before),
            _ => true,
        };
        if self.entry.changes.iter().any(changed) {
            let along = |change: &Change| change.role == Role::Along && change.state != State::Untouched;
            self.entry.changes.retain(|change| changed(change) || along(change));
            self.store.replace(self.number, &self.entry)?;
            Ok(Some(self.number))
        } else {
            self.store.remove(self.number)?;
            Ok(None)
        }
    }

    /// Keeps only these changes, by their place.
    ///
    /// # Errors
    /// As [`Recorder::finish`].
    pub(super) fn keep(mut self, keep: &dyn Fn(usize) -> bool) -> Result<(), JournalError> {
        let mut at = 0;
        self.entry.changes.retain(|_| {
            at += 1;
            keep(at - 1)
        });
        if self.entry.changes.is_empty() {
            self.store.remove(self.number)
        } else {
            self.store.replace(self.number, &self.entry)
        }
    }

    /// Notes `numbers`, then writes, then notes what came of each.
    fn noted(
        &mut self,
        numbers: &[usize],
        operation: Operation,
        write: &mut dyn FnMut(&mut dyn Kernel) -> Result<(), KernelError>,
    ) -> Result<(), KernelError> {
        // What is not noted must not be written: a crash would lose it.
        self.note(&codec::writing(numbers)).map_err(|error| {
            log::error!("the journal can't be written, so nothing else is: {}", sys::reason(&error));
            KernelError { operation, errno: error.raw_os_error().map_or(Errno::EIO, Errno::from_raw) }
        })?;
        self.written.extend(numbers);
        let result = write(self.kernel);
        for number in numbers {
            let change = &mut self.entry.changes[*number];
            let found = planned_changes::standing(self.kernel, &change.what).ok();
            let line = codec::wrote(*number, found.as_ref());
            change.state = State::Wrote(found);
            // Without this mark the setting counts as one that may have been written.
            drop(self.note(&line));
        }
        result
    }

    fn note(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())
    }

    /// The places of `key` and of what changes along with it. One that is not in the entry yet is added first.
    fn numbers_of(&mut self, key: &Key) -> io::Result<Vec<usize>> {
        let own = self.entry.changes.iter().position(|change| is_key(change, key));
        let own = if let Some(own) = own {
            own
        } else {
            let kind = kind_of(self.kernel.system(), key);
            let change = planned_changes::key(self.kernel, self.here, key, kind, Role::Written);
            self.note(&codec::change_line(&change))?;
            self.entry.changes.push(change);
            self.entry.changes.len() - 1
        };
        let patterns = side_effects::along_with(key);
        let along = |what: &SettingRef| match what {
            SettingRef::Key { key: Key::Sysctl(name), .. } => patterns.iter().any(|pattern| pattern.matches(name)),
            _ => false,
        };
        let others = self.entry.changes.iter().enumerate().filter(|(at, change)| *at != own && along(&change.what));
        Ok([own].into_iter().chain(others.map(|(at, _)| at)).collect())
    }
}

fn is_key(change: &Change, key: &Key) -> bool {
    matches!(&change.what, SettingRef::Key { key: its, .. } if its == key)
}

impl Kernel for Recorder<'_> {
    fn system(&self) -> System {
        self.kernel.system()
    }

    fn read(&mut self, key: &Key) -> Result<String, KernelError> {
        self.kernel.read(key)
    }

    fn write(&mut self, key: &Key, text: &str, pieces: WriteMode) -> Result<(), KernelError> {
        let numbers = self.numbers_of(key).map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            KernelError { operation: Operation::Write, errno }
        })?;
        self.noted(&numbers, Operation::Write, &mut |kernel| kernel.write(key, text, pieces))
    }

    fn names(&mut self, pattern: &SysctlName) -> Vec<SysctlName> {
        self.kernel.names(pattern)
    }

    fn inspect(&mut self, key: &Key) -> Evidence {
        self.kernel.inspect(key)
    }

    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError> {
        self.kernel.limits(process, resource)
    }

    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError> {
        let is_it = |change: &Change| match &change.what {
            SettingRef::Limit { resource: its, process: whom } => *its == resource && process == Process::Pid(whom.pid),
            SettingRef::Key { .. } => false,
        };
        let numbers: Vec<usize> = self.entry.changes.iter().position(is_it).into_iter().collect();
        self.noted(&numbers, Operation::SetLimits, &mut |kernel| kernel.set_limits(process, resource, limits))
    }
}
