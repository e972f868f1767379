//! The journal's files: one for each entry, numbered, the newest with the highest number; and a lock.
//!
//! A file is replaced whole (written under another name, synced, renamed, the directory synced), so there is always
//! the old one or the new one. Only progress records are appended, each with one write(2): a killed process loses none
//! of those, and after a crash of the machine no value is left to restore.
//!
//! Beside the entry of a benchmark, `000003.journal`, there is an empty file `000003.bench`, so that whoever looks for
//! what a killed benchmark left needs to read no entry. It is created before the entry and removed after it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::sys::FileLock;

use super::codec;
use super::entry::JournalEntry;
use super::error::{BrokenEntry, JournalError};
use super::location::JournalLocations;

/// How often a lock that another tunectl holds is tried, and the pause between: most hold it for a millisecond.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// Open flags of the journal's files: a FIFO is not waited for, and a symbolic link not followed (open(2)).
const SAFE_OPEN: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;
/// The ends of the names of an entry's file, and of the empty one beside it that says that a benchmark made it.
const ENTRY: &str = ".journal";
const BENCH_MARK: &str = ".bench";

/// The open journal, locked against every other tunectl until it is dropped.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    _lock: FileLock,
}

impl Journal {
    /// Opens the journal to write to it, and creates its directory if there is none.
    ///
    /// # Errors
    /// No directory is usable, or another tunectl has held the lock for five seconds.
    pub fn open_or_create(locations: &JournalLocations) -> Result<Self, JournalError> {
        Self::open(locations.create()?)
    }

    /// Opens every directory in which there is a journal.
    ///
    /// # Errors
    /// In place of a journal: it is not trusted, or can't be opened.
    #[must_use]
    pub fn open_all(locations: &JournalLocations) -> Vec<Result<Self, JournalError>> {
        locations.find_all().into_iter().map(|found| Self::open(found?)).collect()
    }

    fn open(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join("lock");
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(SAFE_OPEN).open(&path);
        let mut file = opened.map_err(|error| JournalError::refused("open", &path, &error))?;
        for _ in 0..TRIES {
            match FileLock::new(file) {
                Ok(lock) => return Ok(Self { directory: directory.to_owned(), _lock: lock }),
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
        numbers(&self.directory, ENTRY)
    }

    /// The numbers of the entries that a benchmark made, the newest first. Those of entries that are gone, or that
    /// [`Journal::unmark_bench`] could not be called for, may be among them.
    ///
    /// # Errors
    /// The directory can't be read.
    pub(super) fn bench_numbers(&self) -> Result<Vec<u64>, JournalError> {
        numbers(&self.directory, BENCH_MARK)
    }

    /// Whether a journal may have an entry that a benchmark made. Opens no journal and takes no lock; a directory that
    /// can't be read may have one.
    #[must_use]
    pub fn may_have_bench_entries(locations: &JournalLocations) -> bool {
        let trusted = locations.find_all().into_iter().flatten();
        trusted.into_iter().any(|directory| numbers(directory, BENCH_MARK).map_or(true, |numbers| !numbers.is_empty()))
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
        let path = self.path(number);
        let changed = fs::symlink_metadata(&path).and_then(|found| found.modified());
        changed.map_err(|error| JournalError::refused("read", &path, &error))
    }

    /// The file of an entry.
    #[must_use]
    pub fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:06}{ENTRY}"))
    }

    fn bench_mark(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:06}{BENCH_MARK}"))
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// It can't be read, is not trusted or not understood.
    pub fn read(&self, number: u64) -> Result<JournalEntry, JournalError> {
        let path = self.path(number);
        let refused = |error: &io::Error| JournalError::refused("read", &path, error);
        let mut file =
            OpenOptions::new().read(true).custom_flags(SAFE_OPEN).open(&path).map_err(|error| refused(&error))?;
        let found = file.metadata().map_err(|error| refused(&error))?;
        let owner = fs::metadata(&self.directory).map_err(|error| refused(&error))?.uid();
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
        Ok(self.numbers()?.first().map_or(1, |newest| newest.saturating_add(1)))
    }

    /// Writes an entry whole, in place of an old one.
    ///
    /// # Errors
    /// It could not be written: then the old one is still there, or none.
    pub(super) fn replace(&self, number: u64, entry: &JournalEntry) -> Result<(), JournalError> {
        let (path, unfinished) = (self.path(number), self.directory.join("new"));
        let written = (|| {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .custom_flags(SAFE_OPEN)
                .open(&unfinished)?;
            file.write_all(codec::format(entry).as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            self.sync()
        })();
        written.map_err(|error| JournalError::refused("write", &path, &error))
    }

    /// Removes an entry.
    ///
    /// # Errors
    /// It could not be removed.
    pub fn remove(&self, number: u64) -> Result<(), JournalError> {
        self.remove_file(&self.path(number))?;
        self.unmark_bench(number)
    }

    /// Marks an entry, before it is written, as made by a benchmark.
    ///
    /// # Errors
    /// The mark could not be created.
    pub(super) fn mark_bench(&self, number: u64) -> Result<(), JournalError> {
        let path = self.bench_mark(number);
        let created = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(SAFE_OPEN).open(&path);
        created.map(drop).map_err(|error| JournalError::refused("create", &path, &error))
    }

    /// Removes the mark of an entry that is no longer a benchmark's.
    ///
    /// # Errors
    /// It could not be removed.
    pub(super) fn unmark_bench(&self, number: u64) -> Result<(), JournalError> {
        self.remove_file(&self.bench_mark(number))
    }

    fn remove_file(&self, path: &Path) -> Result<(), JournalError> {
        let removed = match fs::remove_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.and_then(|()| self.sync()),
        };
        removed.map_err(|error| JournalError::refused("remove", path, &error))
    }

    /// Opens an entry to append progress records.
    ///
    /// # Errors
    /// It could not be opened.
    pub(super) fn append(&self, number: u64) -> Result<File, JournalError> {
        let path = self.path(number);
        OpenOptions::new().append(true).open(&path).map_err(|error| JournalError::refused("open", &path, &error))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }
}

/// The numbers of the files in `directory` whose name is a number and `end`, the highest first.
fn numbers(directory: &Path, end: &str) -> Result<Vec<u64>, JournalError> {
    let refused = |error: &io::Error| JournalError::refused("read", directory, error);
    let mut numbers = Vec::new();
    for file in fs::read_dir(directory).map_err(|error| refused(&error))? {
        let name = file.map_err(|error| refused(&error))?.file_name();
        numbers.extend(name.to_str().and_then(|name| name.strip_suffix(end)?.parse::<u64>().ok()));
    }
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    Ok(numbers)
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
