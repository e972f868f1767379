//! The journal's files: one for each entry, numbered, the newest with the highest number; and a lock.
//!
//! A file is replaced whole, so there is always the old one or the new one. The directory is opened once, checked through
//! its descriptor, and every file reached from there. Only progress records are appended, each with one write(2): a
//! killed process loses none of those, and after a crash of the machine no value is left to restore.
//!
//! Beside the entry of a benchmark, `000003.journal`, there is an empty file `000003.bench`, so that whoever looks for
//! what a killed benchmark left needs to read no entry. It is created before the entry and removed after it.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::sys::{self, Access, Directory, FileLock, FileMode};

use super::codec;
use super::entry::JournalEntry;
use super::error::{BrokenEntry, JournalError};
use super::location::JournalLocations;

/// How often a lock that another tunectl holds is tried, and the pause between: most hold it for a millisecond.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// The ends of the names of an entry's file, and of the empty one beside it that says that a benchmark made it.
const ENTRY: &str = ".journal";
const BENCH_MARK: &str = ".bench";

/// The open journal, locked against every other tunectl until it is dropped.
#[derive(Debug)]
pub struct Journal {
    /// Its path, for messages.
    path: PathBuf,
    directory: Directory,
    _lock: FileLock,
}

impl Journal {
    /// Opens the journal to write to it, and creates its directory if there is none.
    ///
    /// # Errors
    /// No directory is usable, or another tunectl has held the lock for five seconds.
    pub fn open_or_create(locations: &JournalLocations) -> Result<Self, JournalError> {
        let (path, directory) = locations.create()?;
        Self::open(path, directory)
    }

    /// Opens every directory in which there is a journal.
    ///
    /// # Errors
    /// In place of a journal: it is not trusted, or can't be opened.
    #[must_use]
    pub fn open_all(locations: &JournalLocations) -> Vec<Result<Self, JournalError>> {
        let open =
            |found: Result<(&Path, Directory), JournalError>| found.and_then(|(path, found)| Self::open(path, found));
        locations.find_all().into_iter().map(open).collect()
    }

    fn open(path: &Path, directory: Directory) -> Result<Self, JournalError> {
        let (folder, path) = (path, path.join("lock"));
        let opened = directory.open_file(OsStr::new("lock"), Access::CreateOrAppend);
        let mut file = opened.map_err(|error| JournalError::refused("open", &path, &error))?;
        for _ in 0..TRIES {
            match FileLock::new(file) {
                Ok(lock) => return Ok(Self { path: folder.to_owned(), directory, _lock: lock }),
                Err((unlocked, error)) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => file = unlocked,
                    _ => return Err(JournalError::refused("lock", &path, &error)),
                },
            }
            thread::sleep(PAUSE);
        }
        Err(JournalError::Locked { lock: path })
    }

    /// The numbers of all entries, the newest first.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn numbers(&self) -> Result<Vec<u64>, JournalError> {
        self.numbers_of(ENTRY)
    }

    /// The numbers of the entries that a benchmark made, the newest first. Those of entries that are gone, or that
    /// [`Journal::unmark_bench`] could not be called for, may be among them.
    ///
    /// # Errors
    /// The directory can't be read.
    pub(super) fn bench_numbers(&self) -> Result<Vec<u64>, JournalError> {
        self.numbers_of(BENCH_MARK)
    }

    /// Whether a journal may have an entry that a benchmark made. Opens no journal and takes no lock; a directory that
    /// can't be read may have one.
    #[must_use]
    pub fn may_have_bench_entries(locations: &JournalLocations) -> bool {
        let is_mark = |name: &OsString| number_in(name, BENCH_MARK).is_some();
        let may_have = |directory: &Directory| directory.names().map_or(true, |names| names.iter().any(is_mark));
        locations.find_all().into_iter().flatten().any(|(_, directory)| may_have(&directory))
    }

    fn numbers_of(&self, end: &str) -> Result<Vec<u64>, JournalError> {
        let mut numbers: Vec<u64> = self.names()?.iter().filter_map(|name| number_in(name, end)).collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(numbers)
    }

    fn names(&self) -> Result<Vec<OsString>, JournalError> {
        self.directory.names().map_err(|error| JournalError::refused("read", &self.path, &error))
    }

    /// The entries of several journals, the newest first: the index of its journal, and its number there. Those of one
    /// journal are in the order of their numbers, those of several in that of their files' times.
    ///
    /// # Errors
    /// A directory or the time of a file can't be read.
    pub fn newest_first(journals: &[Self]) -> Result<Vec<(usize, u64)>, JournalError> {
        let mut all = Vec::new();
        for (index, journal) in journals.iter().enumerate() {
            let mut last = None;
            for number in journal.numbers()? {
                let changed = if journals.len() == 1 { None } else { Some(journal.changed(number)?) };
                // An entry that was reverted in part has a later time than its number says.
                let time = last.map_or(changed, |last| changed.min(last));
                last = Some(time);
                all.push((time, index, number));
            }
        }
        all.sort_by(|(one, ..), (other, ..)| other.cmp(one));
        Ok(all.into_iter().map(|(_, index, number)| (index, number)).collect())
    }

    /// When the file of an entry was written last.
    fn changed(&self, number: u64) -> Result<SystemTime, JournalError> {
        let changed = self.directory.modified(&name(number, ENTRY));
        changed.map_err(|error| JournalError::refused("read", &self.path(number), &error))
    }

    /// The file of an entry.
    #[must_use]
    pub fn path(&self, number: u64) -> PathBuf {
        self.path.join(name(number, ENTRY))
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// It can't be read, is not trusted or not understood.
    pub fn read(&self, number: u64) -> Result<JournalEntry, JournalError> {
        let path = self.path(number);
        let refused = |error: &io::Error| JournalError::refused("read", &path, error);
        let mut file = self.directory.open_file(&name(number, ENTRY), Access::Read).map_err(|error| refused(&error))?;
        let found = file.metadata().map_err(|error| refused(&error))?;
        let owner = self.directory.metadata().map_err(|error| refused(&error))?.uid();
        if let Some(why) = untrusted(&found, owner) {
            return Err(JournalError::Broken { path, why });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| refused(&error))?;
        codec::parse(&String::from_utf8_lossy(&bytes)).map_err(|why| JournalError::Broken { path, why })
    }

    /// The number of the next entry.
    ///
    /// # Errors
    /// As [`Journal::numbers`].
    pub(super) fn next(&self) -> Result<u64, JournalError> {
        // Under the lock, an unfinished file is one of a process that was killed.
        for name in self.names()?.iter().filter(|name| sys::unfinished_by(name).is_some()) {
            drop(self.directory.remove(name));
        }
        Ok(self.numbers()?.first().map_or(1, |newest| newest.saturating_add(1)))
    }

    /// Writes an entry whole, in place of an old one.
    ///
    /// # Errors
    /// It could not be written: then the old one is still there, or none.
    pub(super) fn replace(&self, number: u64, entry: &JournalEntry) -> Result<(), JournalError> {
        let text = codec::format(entry);
        let written = self.directory.replace(&name(number, ENTRY), text.as_bytes(), FileMode::Exactly(0o600));
        written.map_err(|error| JournalError::refused("write", &self.path(number), &error))
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// It could not be removed.
    pub fn remove(&self, number: u64) -> Result<(), JournalError> {
        self.remove_file(&name(number, ENTRY))?;
        self.unmark_bench(number)
    }

    /// Marks an entry, before it is written, as made by a benchmark.
    ///
    /// # Errors
    /// The mark could not be created.
    pub(super) fn mark_bench(&self, number: u64) -> Result<(), JournalError> {
        let mark = name(number, BENCH_MARK);
        let created = self.directory.open_file(&mark, Access::CreateOrAppend);
        created.map(drop).map_err(|error| JournalError::refused("create", &self.path.join(mark), &error))
    }

    /// Removes the mark of an entry that is no longer a benchmark's.
    ///
    /// # Errors
    /// It could not be removed.
    pub(super) fn unmark_bench(&self, number: u64) -> Result<(), JournalError> {
        self.remove_file(&name(number, BENCH_MARK))
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), JournalError> {
        let removed = self.directory.remove(name).map(drop);
        removed.map_err(|error| JournalError::refused("remove", &self.path.join(name), &error))
    }

    /// Opens an entry to append progress records.
    ///
    /// # Errors
    /// It could not be opened.
    pub(super) fn append(&self, number: u64) -> Result<File, JournalError> {
        let opened = self.directory.open_file(&name(number, ENTRY), Access::Append);
        opened.map_err(|error| JournalError::refused("open", &self.path(number), &error))
    }
}

/// The name of the file of an entry, or with another `end` of one beside it.
fn name(number: u64, end: &str) -> OsString {
    format!("{number:06}{end}").into()
}

/// The number of a file whose name is one and `end`.
fn number_in(name: &OsStr, end: &str) -> Option<u64> {
    name.to_str()?.strip_suffix(end)?.parse().ok()
}

/// Why an entry is not to be trusted, though its directory, which belongs to `owner`, is.
fn untrusted(found: &Metadata, owner: u32) -> Option<BrokenEntry> {
    if !found.is_file() {
        Some(BrokenEntry::NotAFile)
    } else if found.uid() != owner && found.uid() != 0 {
        Some(BrokenEntry::Owner(found.uid()))
    } else if found.mode() & 0o022 != 0 {
        Some(BrokenEntry::Mode(found.mode() & 0o7777))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::journal::entry::Author;

    /// Whoever can rename the directory could else have its files swapped between the check and the reading.
    #[test]
    fn a_directory_that_is_put_in_its_place_is_not_used() {
        let folder = std::env::temp_dir().join(format!("tunectl-store-{}", std::process::id()));
        let (path, away) = (folder.join("journal"), folder.join("away"));
        let locations = JournalLocations::only(&path, sys::effective_ids().effective_uid);
        let journal = Journal::open_or_create(&locations).unwrap();
        let entry = JournalEntry { boot_id: "b".into(), author: Author::Apply, profiles: vec![], changes: vec![] };
        journal.replace(1, &entry).unwrap();
        fs::rename(&path, &away).unwrap();
        fs::create_dir(&path).unwrap();
        for name in ["000001.journal", "000007.journal", ".tunectl-new-1-0"] {
            fs::write(path.join(name), "other").unwrap();
        }
        assert_eq!(journal.numbers(), Ok(vec![1]));
        assert_eq!(journal.next(), Ok(2));
        assert_eq!(journal.read(1), Ok(entry.clone()));
        journal.replace(2, &entry).unwrap();
        journal.append(2).unwrap();
        journal.remove(1).unwrap();
        assert_eq!((journal.numbers(), away.join("000002.journal").is_file()), (Ok(vec![2]), true));
        assert_eq!(fs::read_dir(&path).unwrap().count(), 3);
        assert_eq!(fs::read_to_string(path.join("000001.journal")).unwrap(), "other");
        fs::remove_dir_all(&folder).unwrap();
    }
}
