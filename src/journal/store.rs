//! The journal's files: one an apply, numbered, the newest the highest; and a lock.
//!
//! A file is replaced whole (written beside, synced, renamed, the directory synced), so there is always an old one
//! or a new one and never half of either. Only marks of what is being written are added behind its end, each with
//! one write(2): a killed process loses none of those, and of a crash of the machine no value is left to put back.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::model::order::by_place;
use crate::sys::Lock;

use super::codec;
use super::entry::JournalEntry;
use super::error::JournalError;
use super::location::JournalLocations;

/// How often another tunectl's lock is tried, and how long between: most are done in a millisecond.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// A FIFO of a file's name is not waited for, and a link not followed (open(2)).
const PLAIN: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;

/// The open journal, locked against every other tunectl until it is dropped.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    _lock: Lock,
}

impl Store {
    /// Opens the journal to write to it.
    ///
    /// # Errors
    /// Where no directory will do, or another tunectl holds on to it for five seconds.
    pub fn make(places: &JournalLocations) -> Result<Self, JournalError> {
        Self::open(places.make()?)
    }

    /// Opens the journal, if there is one.
    ///
    /// # Errors
    /// As [`Store::make`].
    pub fn find(places: &JournalLocations) -> Result<Option<Self>, JournalError> {
        places.find()?.map(Self::open).transpose()
    }

    fn open(directory: &Path) -> Result<Self, JournalError> {
        let path = directory.join("lock");
        let opened = OpenOptions::new().create(true).append(true).mode(0o600).custom_flags(PLAIN).open(&path);
        let mut file = opened.map_err(|error| JournalError::refused("open", &path, &error))?;
        for _ in 0..TRIES {
            match Lock::new(file) {
                Ok(lock) => return Ok(Self { directory: directory.to_owned(), _lock: lock }),
                Err((same, error)) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => file = same,
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
        let trouble = |error: &io::Error| JournalError::refused("read", &self.directory, error);
        let mut numbers = Vec::new();
        for file in fs::read_dir(&self.directory).map_err(|error| trouble(&error))? {
            let name = file.map_err(|error| trouble(&error))?.file_name();
            numbers.extend(name.to_str().and_then(|name| name.strip_suffix(".journal")?.parse::<u64>().ok()));
        }
        Ok(by_place(numbers, |number| usize::MAX - usize::try_from(*number).unwrap_or(usize::MAX)))
    }

    /// The file of an entry.
    #[must_use]
    pub fn path(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:06}.journal"))
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// It can't be read, or not understood.
    pub fn read(&self, number: u64) -> Result<JournalEntry, JournalError> {
        let path = self.path(number);
        let refused = |error: &io::Error| JournalError::refused("read", &path, error);
        let mut file =
            OpenOptions::new().read(true).custom_flags(PLAIN).open(&path).map_err(|error| refused(&error))?;
        let found = file.metadata().map_err(|error| refused(&error))?;
        let ours = fs::metadata(&self.directory).map_err(|error| refused(&error))?.uid();
        if let Some(why) = untrusted(&found, ours) {
            return Err(JournalError::Broken { path, why });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| refused(&error))?;
        codec::parse(&String::from_utf8_lossy(&bytes)).map_err(|why| JournalError::Broken { path, why })
    }

    /// The number of the next entry.
    ///
    /// # Errors
    /// As [`Store::numbers`].
    pub(super) fn next(&self) -> Result<u64, JournalError> {
        Ok(self.numbers()?.first().map_or(1, |newest| newest.saturating_add(1)))
    }

    /// Puts an entry in its place, whole.
    ///
    /// # Errors
    /// It could not be written: then the old one stands, or none.
    pub(super) fn replace(&self, number: u64, entry: &JournalEntry) -> Result<(), JournalError> {
        let (path, beside) = (self.path(number), self.directory.join("new"));
        let written = (|| {
            let mut file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .custom_flags(PLAIN)
                .open(&beside)?;
            file.write_all(codec::text(entry).as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            self.sync()
        })();
        written.map_err(|error| JournalError::refused("write", &path, &error))
    }

    /// Takes an entry away.
    ///
    /// # Errors
    /// It could not be removed.
    pub fn remove(&self, number: u64) -> Result<(), JournalError> {
        let path = self.path(number);
        let removed = match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.and_then(|()| self.sync()),
        };
        removed.map_err(|error| JournalError::refused("remove", &path, &error))
    }

    /// Opens an entry to add marks to it.
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

/// Why what a file says is not to be done, though its directory is ours.
fn untrusted(found: &Metadata, ours: u32) -> Option<String> {
    if !found.is_file() {
        Some("it is no file".to_owned())
    } else if found.uid() != ours && found.uid() != 0 {
        Some(format!("it belongs to uid {}", found.uid()))
    } else if found.mode() & 0o022 != 0 {
        Some(format!("others can write to it (mode {:04o})", found.mode() & 0o7777))
    } else {
        None
    }
}
