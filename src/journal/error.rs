//! Why the journal could not be written or read.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::kernel::KernelError;
use crate::sys;

/// Why the journal could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// Another tunectl holds the lock.
    Locked {
        /// The lock file.
        lock: PathBuf,
    },
    /// A system call failed.
    Refused {
        /// What was attempted, `create`.
        step: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why the kernel refused it.
        errno: Errno,
    },
    /// Another user could have written the directory.
    Untrusted {
        /// The directory that was opened.
        path: PathBuf,
        /// What is wrong with it.
        why: Untrusted,
    },
    /// An entry can't be used.
    Broken {
        /// The file of the entry.
        path: PathBuf,
        /// What is wrong with it.
        why: BrokenEntry,
    },
}

/// Why a directory is not trusted as a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Untrusted {
    /// It is not a directory.
    NotADirectory,
    /// It belongs to this user, not to ours.
    Owner(u32),
    /// Its mode, permission bits of `inode(7)`, lets other users write to it.
    Mode(u32),
}

/// Why an entry can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokenEntry {
    /// It is not a regular file.
    NotAFile,
    /// It belongs to this user, neither to ours nor to root.
    Owner(u32),
    /// Its mode, permission bits of `inode(7)`, lets other users write to it.
    Mode(u32),
    /// Its first line is not that of a journal entry.
    NoHeader,
    /// Its format is of another version of tunectl.
    OtherVersion,
    /// A line is not understood.
    Line {
        /// The line's number, from 1.
        number: usize,
        /// Its fields, separated by blanks.
        text: String,
    },
    /// It ends before all changes that its header announces.
    Truncated,
}

/// What a value in the journal belongs to, where that could not be compared with what is here now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unidentified {
    /// The id of this boot can't be read.
    Boot(KernelError),
    /// The id of the boot could not be read when the entry was made.
    EntryBoot,
    /// Our namespace of this kind (`net`) can't be read.
    Namespace(&'static str, Errno),
    /// The cookie of our network namespace is not known, and its inode number may have been used before.
    NetworkCookie(Errno),
    /// The namespace could not be read, or not wholly, when the entry was made.
    EntryNamespace,
    /// Whether the process still runs can't be found out.
    Process(Errno),
}

impl fmt::Display for Unidentified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let described = |errno: Errno| sys::describe_errno(errno as i32);
        match *self {
            Self::Boot(error) => write!(f, "the id of this boot can't be read: {error}"),
            Self::EntryBoot => f.write_str("the id of the boot could not be read when it was applied"),
            Self::Namespace(kind, errno) => write!(f, "our {kind} namespace can't be read: {}", described(errno)),
            Self::NetworkCookie(errno) => {
                write!(f, "the cookie of our network namespace can't be read: {}", described(errno))
            }
            Self::EntryNamespace => f.write_str("its namespace could not be read when it was applied"),
            Self::Process(errno) => write!(f, "the process can't be read: {}", described(errno)),
        }
    }
}

impl JournalError {
    pub(super) fn refused(step: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Refused { step, path: path.to_owned(), errno: errno_of(error) }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Locked { .. } => "wait until it has finished".to_owned(),
            Self::Untrusted { path, why: Untrusted::Mode(_) } => format!("`chmod 700 {}`", path.display()),
            Self::Refused { .. } | Self::Untrusted { .. } => "set TUNECTL_JOURNAL to another directory".to_owned(),
            Self::Broken { .. } => "nothing can be reverted from it: move it away".to_owned(),
        }
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { lock } => {
                write!(f, "another tunectl is changing settings: it holds `{}`", lock.display())
            }
            Self::Refused { step, path, errno } => {
                write!(f, "cannot write the journal: {step} `{}`: {}", path.display(), sys::strerror(&(*errno).into()))
            }
            Self::Untrusted { path, why } => write!(f, "the journal's directory `{}` {why}", path.display()),
            Self::Broken { path, why } => write!(f, "cannot read the journal `{}`: {why}", path.display()),
        }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADirectory => f.write_str("is not a directory"),
            Self::Owner(uid) => write!(f, "belongs to uid {uid}, not to us"),
            Self::Mode(mode) => write!(f, "is writable by other users (mode {mode:04o})"),
        }
    }
}

impl fmt::Display for BrokenEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAFile => f.write_str("it is not a regular file"),
            Self::Owner(uid) => write!(f, "it belongs to uid {uid}"),
            Self::Mode(mode) => write!(f, "it is writable by other users (mode {mode:04o})"),
            Self::NoHeader => f.write_str("its first line is not a journal header"),
            Self::OtherVersion => f.write_str("it was written by another version of tunectl"),
            Self::Line { number, text } => write!(f, "cannot parse its line {number}: `{text}`"),
            Self::Truncated => f.write_str("it is truncated"),
        }
    }
}

/// The errno of an error; `EIO` for one that has none, such as a write of no bytes.
pub(super) fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
