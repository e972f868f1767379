//! Why the journal could not be kept.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::sys;

/// Why the journal could not be kept or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JournalError {
    /// Another tunectl is at work.
    Locked {
        /// The file that it holds.
        lock: PathBuf,
    },
    /// The system refused.
    Refused {
        /// What was attempted, `create`.
        step: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        errno: Errno,
    },
    /// Somebody else could have written what stands there.
    Untrusted {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// What stands there is not understood.
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl JournalError {
    pub(super) fn refused(step: &'static str, path: &Path, error: &io::Error) -> Self {
        let errno = error.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
        Self::Refused { step, path: path.to_owned(), errno }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        let help = match self {
            Self::Locked { .. } => "wait until it is done",
            Self::Untrusted { path, why } if why.contains("(mode") => return format!("`chmod 700 {}`", path.display()),
            Self::Refused { .. } | Self::Untrusted { .. } => "name another directory with TUNECTL_JOURNAL",
            Self::Broken { .. } => "nothing can be put back from it: move it away",
        };
        help.to_owned()
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { lock } => {
                write!(f, "another tunectl is changing settings just now: it holds `{}`", lock.display())
            }
            Self::Refused { step, path, errno } => {
                write!(f, "the journal can't be kept: {step} `{}`: {}", path.display(), sys::reason(&(*errno).into()))
            }
            Self::Untrusted { path, why } => write!(f, "the journal's directory `{}` {why}", path.display()),
            Self::Broken { path, why } => write!(f, "the journal `{}` can't be read: {why}", path.display()),
        }
    }
}
