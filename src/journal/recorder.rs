//! A kernel that records every write in the journal, before and after it is done. Whoever carries out a plan needs to
//! know nothing of the journal, and can't forget it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write as _};

use nix::errno::Errno;

use super::boot_identity::BootIdentity;
use super::codec;
use super::entry::{Author, Change, JournalEntry, Role, SettingRef, StoredValue, WriteState};
use super::error::{JournalError, errno_of};
use super::planned_changes::{current_change, kind_of, read_current};
use super::side_effects::side_effects_of;
use super::store::Journal;
use crate::kernel::{Evidence, Kernel, KernelError, Operation, Process, WriteMode};
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys;

/// A kernel whose writes are recorded in an entry of the journal.
pub struct Recorder<'a> {
    kernel: &'a mut dyn Kernel,
    here: &'a BootIdentity,
    journal: &'a Journal,
    number: u64,
    entry: JournalEntry,
    /// The index in `entry.changes` of each key.
    indices: HashMap<Key, usize>,
    /// Indices in `entry.changes` of what was written; a setting that is written twice is in it twice.
    written: Vec<usize>,
    file: File,
    /// Results of writes that are appended with the next record: one that a killed process loses counts as a write
    /// that was started.
    results: String,
    /// For each index in `written` whether it was read after the last write: then its state is its current value.
    read_since: HashMap<usize, bool>,
    /// Whether any of them was.
    is_read_since: bool,
}

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        if !self.results.is_empty() {
            drop(self.append(""));
        }
    }
}

impl std::fmt::Debug for Recorder<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("number", &self.number).finish_non_exhaustive()
    }
}

impl<'a> Recorder<'a> {
    /// Writes an entry with the planned changes. Nothing may be written to the kernel before this has returned.
    ///
    /// # Errors
    /// The journal could not be written.
    pub fn begin(
        kernel: &'a mut dyn Kernel,
        journal: &'a Journal,
        here: &'a BootIdentity,
        author: Author,
        profiles: Vec<String>,
        changes: Vec<Change>,
    ) -> Result<Self, JournalError> {
        let entry = JournalEntry { boot_id: here.boot_id().unwrap_or_default().to_owned(), author, profiles, changes };
        let number = journal.next()?;
        if let Author::Bench(_) = &entry.author {
            journal.mark_bench(number)?;
        }
        Self::resume(kernel, journal, here, number, entry)
    }

    /// Writes an entry whole, and appends to it from then on.
    ///
    /// # Errors
    /// The journal could not be written.
    pub(super) fn resume(
        kernel: &'a mut dyn Kernel,
        journal: &'a Journal,
        here: &'a BootIdentity,
        number: u64,
        entry: JournalEntry,
    ) -> Result<Self, JournalError> {
        // An old entry is replaced too: its last line may be incomplete, and appending would add to it.
        journal.replace(number, &entry)?;
        let file = journal.append(number)?;
        let keys = entry.changes.iter().enumerate().rev().filter_map(|(index, change)| match &change.setting {
            SettingRef::Key { key, .. } => Some((key.clone(), index)),
            SettingRef::Limit { .. } => None,
        });
        let indices = keys.collect();
        Ok(Self {
            kernel,
            here,
            journal,
            number,
            entry,
            indices,
            written: Vec::new(),
            file,
            results: String::new(),
            read_since: HashMap::new(),
            is_read_since: false,
        })
    }

    /// The number of the entry.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The entry as it is recorded so far.
    #[must_use]
    pub fn entry(&self) -> &JournalEntry {
        &self.entry
    }

    /// Keeps in the entry what was really changed, with the values as they are now, and returns its number; removes
    /// the entry where nothing was changed.
    ///
    /// # Errors
    /// The journal could not be written: then it says no less than before.
    pub fn finish(mut self) -> Result<Option<u64>, JournalError> {
        self.read_back();
        let changed = |change: &Change| match (&change.state, &change.original) {
            (WriteState::NotStarted, _) => false,
            (WriteState::Done(Some(found)), Some(original)) => !change.setting.same_value(found, original),
            _ => true,
        };
        if self.entry.changes.iter().any(changed) {
            let side_effect =
                |change: &Change| change.role == Role::SideEffect && change.state != WriteState::NotStarted;
            self.entry.changes.retain(|change| changed(change) || side_effect(change));
            self.journal.replace(self.number, &self.entry)?;
            Ok(Some(self.number))
        } else {
            self.journal.remove(self.number)?;
            Ok(None)
        }
    }

    /// Takes over the values that everything that was written has now.
    pub(super) fn read_back(&mut self) {
        // In the order of their directories, which limits have none of.
        let key = |index: &usize| match &self.entry.changes[*index].setting {
            SettingRef::Key { key, .. } => Some(key.clone()),
            SettingRef::Limit { .. } => None,
        };
        self.written.sort_by_cached_key(key);
        for index in self.written.iter().filter(|index| self.read_since.get(index) != Some(&true)) {
            let change = &mut self.entry.changes[*index];
            change.state = WriteState::Done(read_current(self.kernel, &change.setting).ok());
        }
    }

    /// Keeps in the entry only the changes whose index `keep` accepts, and removes the entry where none is left.
    ///
    /// # Errors
    /// As [`Recorder::finish`].
    pub(super) fn keep(mut self, keep: &dyn Fn(usize) -> bool) -> Result<(), JournalError> {
        let mut index = 0;
        self.entry.changes.retain(|_| {
            index += 1;
            keep(index - 1)
        });
        if self.entry.changes.is_empty() {
            self.journal.remove(self.number)
        } else {
            self.journal.replace(self.number, &self.entry)
        }
    }

    /// Records that the changes with these indices are about to be written, writes, and records their new values.
    fn record(
        &mut self,
        indices: &[usize],
        operation: Operation,
        write: &mut dyn FnMut(&mut dyn Kernel) -> Result<(), KernelError>,
    ) -> Result<(), KernelError> {
        for change in indices.iter().map(|index| &self.entry.changes[*index]) {
            if change.original.is_none() && change.role == Role::Written {
                // Its original value would be lost.
                let errno = read_current(self.kernel, &change.setting).map_or_else(|error| error.errno, |_| Errno::EIO);
                return Err(KernelError { operation: Operation::Read, errno });
            }
        }
        // A write that is not recorded could not be reverted after a crash.
        self.append(&codec::started_line(indices)).map_err(|error| {
            log::error!("cannot write the journal, so nothing else is written: {}", sys::strerror(&error));
            KernelError { operation, errno: errno_of(&error) }
        })?;
        self.written.extend(indices);
        if self.is_read_since {
            self.is_read_since = false;
            self.read_since.values_mut().for_each(|is_read| *is_read = false);
        }
        self.read_since.extend(indices.iter().map(|index| (*index, false)));
        let result = write(self.kernel);
        for index in indices {
            let change = &mut self.entry.changes[*index];
            let found = read_current(self.kernel, &change.setting).ok();
            self.results += &codec::done_line(*index, found.as_ref());
            change.state = WriteState::Done(found);
        }
        result
    }

    fn append(&mut self, line: &str) -> io::Result<()> {
        self.results += line;
        let written = self.file.write_all(self.results.as_bytes());
        self.results.clear();
        written
    }

    /// The indices of `key` and of its side effects. A key that is not in the entry yet is added.
    fn indices_of(&mut self, key: &Key) -> io::Result<Vec<usize>> {
        let own = if let Some(own) = self.indices.get(key) {
            *own
        } else {
            let kind = kind_of(self.kernel.system(), key);
            let change = current_change(self.kernel, self.here.namespace_of(key), key, kind, Role::Written);
            self.append(&codec::change_line(&change))?;
            self.entry.changes.push(change);
            let own = self.entry.changes.len() - 1;
            self.indices.insert(key.clone(), own);
            own
        };
        let patterns = side_effects_of(key);
        if patterns.is_empty() {
            return Ok(vec![own]);
        }
        if patterns.iter().all(|pattern| !pattern.is_pattern()) {
            let others = patterns.into_iter().filter_map(|name| self.indices.get(&Key::Sysctl(name)).copied());
            return Ok([own].into_iter().chain(others.filter(|index| *index != own)).collect());
        }
        let is_side_effect = |setting: &SettingRef| match setting {
            SettingRef::Key { key: Key::Sysctl(name), .. } => patterns.iter().any(|pattern| pattern.matches(name)),
            _ => false,
        };
        let all = self.entry.changes.iter().enumerate();
        let others = all.filter(|(index, change)| *index != own && is_side_effect(&change.setting));
        Ok([own].into_iter().chain(others.map(|(index, _)| index)).collect())
    }
}

impl Kernel for Recorder<'_> {
    fn system(&self) -> System {
        self.kernel.system()
    }

    fn read(&mut self, key: &Key) -> Result<String, KernelError> {
        let read = self.kernel.read(key);
        if let Some((index, change)) =
            self.indices.get(key).and_then(|at| Some((*at, self.entry.changes.get_mut(*at)?)))
        {
            if let (Some(is_read), SettingRef::Key { kind, .. }) = (self.read_since.get_mut(&index), &change.setting) {
                let found = read.as_ref().ok().map(|text| StoredValue::of_key(*kind, text));
                change.state = WriteState::Done(found);
                (*is_read, self.is_read_since) = (true, true);
            }
        }
        read
    }

    fn write(&mut self, key: &Key, text: &str, mode: WriteMode) -> Result<(), KernelError> {
        let refused = |error: io::Error| KernelError { operation: Operation::Write, errno: errno_of(&error) };
        let indices = self.indices_of(key).map_err(refused)?;
        self.record(&indices, Operation::Write, &mut |kernel| kernel.write(key, text, mode))
    }

    fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError> {
        self.kernel.names(pattern)
    }

    fn ending_signal(&mut self) -> Option<i32> {
        self.kernel.ending_signal()
    }

    fn inspect(&mut self, key: &Key) -> Evidence {
        self.kernel.inspect(key)
    }

    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError> {
        self.kernel.limits(process, resource)
    }

    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError> {
        let is_it = |change: &Change| match &change.setting {
            SettingRef::Limit { resource: its, process: whose } => *its == resource && process == whose.process(),
            SettingRef::Key { .. } => false,
        };
        let Some(index) = self.entry.changes.iter().position(is_it) else {
            // Our own limits end with us, or with the service: nothing restores them.
            return self.kernel.set_limits(process, resource, limits);
        };
        self.record(&[index], Operation::SetLimits, &mut |kernel| kernel.set_limits(process, resource, limits))
    }
}
