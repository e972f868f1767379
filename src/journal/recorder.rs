//! A kernel that notes every write in the journal, before it is done and after. Whoever walks a plan needs to know
//! nothing of it, and none that writes can forget to.

use std::fs::File;
use std::io::{self, Write as _};

use nix::errno::Errno;

use super::along;
use super::entry::{Author, Change, Entry, Role, State, What};
use super::here::Here;
use super::intent::{self, kind_of};
use super::lines;
use super::store::Store;
use super::trouble::Trouble;
use crate::kernel::{Evidence, Kernel, Operation, Pieces, Process, Refusal};
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys;

/// A kernel whose writes are noted in an entry of the journal.
pub struct Recorder<'a> {
    kernel: &'a mut dyn Kernel,
    here: &'a Here,
    store: &'a Store,
    number: u64,
    entry: Entry,
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
        here: &'a Here,
        profiles: Vec<String>,
        changes: Vec<Change>,
    ) -> Result<Self, Trouble> {
        let entry = Entry { boot: here.boot.clone(), author: Author::Apply, profiles, changes };
        Self::resume(kernel, store, here, store.next()?, entry)
    }

    /// Puts an entry in its place, whole, and goes on from there.
    ///
    /// # Errors
    /// The journal could not be opened.
    pub(super) fn resume(
        kernel: &'a mut dyn Kernel,
        store: &'a Store,
        here: &'a Here,
        number: u64,
        entry: Entry,
    ) -> Result<Self, Trouble> {
        // Also one that is there: its last line may have been cut off, and what is added must not become part of it.
        store.replace(number, &entry)?;
        let file = store.append(number)?;
        Ok(Self { kernel, here, store, number, entry, written: Vec::new(), file })
    }

    /// What is noted so far.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// Keeps of the entry what was really changed, with what was read back last, and returns its number; where that
    /// is nothing, the entry goes.
    ///
    /// # Errors
    /// The journal could not be written: then it says no less than before.
    pub fn finish(mut self) -> Result<Option<u64>, Trouble> {
        for at in self.written {
            let change = &mut self.entry.changes[at];
            change.state = State::Wrote(intent::standing(self.kernel, &change.what).ok());
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
    pub(super) fn keep(mut self, keep: &dyn Fn(usize) -> bool) -> Result<(), Trouble> {
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
        write: &mut dyn FnMut(&mut dyn Kernel) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        // What is not noted must not be written: a crash would lose it.
        self.note(&lines::writing(numbers)).map_err(|error| {
            log::error!("the journal can't be written, so nothing else is: {}", sys::reason(&error));
            Refusal { operation, errno: error.raw_os_error().map_or(Errno::EIO, Errno::from_raw) }
        })?;
        self.written.extend(numbers);
        let result = write(self.kernel);
        for number in numbers {
            let change = &mut self.entry.changes[*number];
            let found = intent::standing(self.kernel, &change.what).ok();
            let line = lines::wrote(*number, found.as_ref());
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
            let change = intent::key(self.kernel, self.here, key, kind, Role::Written);
            self.note(&lines::change_line(&change))?;
            self.entry.changes.push(change);
            self.entry.changes.len() - 1
        };
        let patterns = along::along_with(key);
        let along = |what: &What| match what {
            What::Key { key: Key::Sysctl(name), .. } => patterns.iter().any(|pattern| pattern.matches(name)),
            _ => false,
        };
        let others = self.entry.changes.iter().enumerate().filter(|(at, change)| *at != own && along(&change.what));
        Ok([own].into_iter().chain(others.map(|(at, _)| at)).collect())
    }
}

fn is_key(change: &Change, key: &Key) -> bool {
    matches!(&change.what, What::Key { key: its, .. } if its == key)
}

impl Kernel for Recorder<'_> {
    fn system(&self) -> System {
        self.kernel.system()
    }

    fn read(&mut self, key: &Key) -> Result<String, Refusal> {
        self.kernel.read(key)
    }

    fn write(&mut self, key: &Key, text: &str, pieces: Pieces) -> Result<(), Refusal> {
        let numbers = self.numbers_of(key).map_err(|error| {
            let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            Refusal { operation: Operation::Write, errno }
        })?;
        self.noted(&numbers, Operation::Write, &mut |kernel| kernel.write(key, text, pieces))
    }

    fn names(&mut self, pattern: &SysctlName) -> Vec<SysctlName> {
        self.kernel.names(pattern)
    }

    fn inspect(&mut self, key: &Key) -> Evidence {
        self.kernel.inspect(key)
    }

    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, Refusal> {
        self.kernel.limits(process, resource)
    }

    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), Refusal> {
        let is_it = |change: &Change| match &change.what {
            What::Limit { resource: its, process: whom } => *its == resource && process == Process::Pid(whom.pid),
            What::Key { .. } => false,
        };
        let numbers: Vec<usize> = self.entry.changes.iter().position(is_it).into_iter().collect();
        self.noted(&numbers, Operation::SetLimits, &mut |kernel| kernel.set_limits(process, resource, limits))
    }
}
