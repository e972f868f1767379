//! Why a command can't be executed, in words and as an exit code.

use std::borrow::Cow;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use super::program::{Program, identify};
use crate::model::signal::Signal;
use crate::sys;

/// Why the service was not started.
#[derive(Debug)]
pub enum ExecError {
    /// No such program.
    NotFound {
        /// What was asked for.
        command: String,
        /// The `PATH` that was searched; none for a name with a slash.
        searched: Option<String>,
    },
    /// There is something, but it can't be executed.
    NotExecutable {
        /// Where.
        path: PathBuf,
        /// Why not.
        obstacle: Obstacle,
    },
    /// A signal came first that would have ended the service.
    Interrupted {
        /// Its number.
        signal: i32,
    },
}

/// What stands between a file and its execution.
#[derive(Debug)]
pub enum Obstacle {
    /// It is a directory.
    Directory,
    /// It is a device, a socket or a pipe.
    NoFile,
    /// It has no execute permission at all; these are its permission bits.
    Mode(u32),
    /// A directory on the way can't be entered.
    Unreachable,
    /// execve(2): `EACCES`, though some execute permission is there.
    Denied {
        /// Its file system is mounted so that nothing on it can be executed.
        noexec: bool,
    },
    /// execve(2): `ENOENT` or `ENOEXEC`, and this is what the file holds.
    Content(Program),
    /// execve(2) failed otherwise.
    Other(io::Error),
}

impl ExecError {
    /// The shell's codes: 127 not found, 126 found but not executed, 128+N for a signal.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } => 126,
            Self::Interrupted { signal } => 128 + signal,
        }
    }

    /// What execve(2) of `path` meant with `error`.
    pub(super) fn from_exec(path: &CStr, error: &io::Error) -> Self {
        let place = Path::new(OsStr::from_bytes(path.to_bytes()));
        let number = error.raw_os_error().unwrap_or(0);
        let obstacle = match number {
            libc::ENOENT | libc::ENOTDIR if !place.exists() => {
                return Self::NotFound { command: place.to_string_lossy().into_owned(), searched: None };
            }
            libc::EACCES if place.is_dir() => Obstacle::Directory,
            libc::EACCES => Obstacle::Denied { noexec: sys::is_noexec(path) },
            libc::ENOENT | libc::ENOEXEC => Obstacle::Content(identify(&head(place))),
            other => Obstacle::Other(io::Error::from_raw_os_error(other)),
        };
        Self::NotExecutable { path: place.to_owned(), obstacle }
    }
}

/// The first page of a file, or nothing: it only serves an explanation.
fn head(place: &Path) -> Vec<u8> {
    use io::Read;
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(place) {
        drop(file.take(4096).read_to_end(&mut bytes));
    }
    bytes
}

/// As much of a text as helps.
fn cut(text: &str) -> Cow<'_, str> {
    const MOST: usize = 500;
    match text.char_indices().nth(MOST) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

impl std::error::Error for ExecError {}

impl fmt::Display for ExecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { command, .. } if command.is_empty() => f.write_str("the name of the command is empty"),
            Self::NotFound { command, searched: Some(path) } => {
                write!(f, "`{}` is in none of the directories of PATH (`{}`)", cut(command), cut(path))
            }
            Self::NotFound { command, searched: None } => write!(f, "`{}` does not exist", cut(command)),
            Self::NotExecutable { path, obstacle } => write!(f, "`{}` can't be executed: {obstacle}", path.display()),
            Self::Interrupted { signal } => match Signal::new(*signal) {
                Some(signal) => write!(f, "{signal} came before the service was started"),
                None => write!(f, "signal {signal} came before the service was started"),
            },
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory => f.write_str("it is a directory"),
            Self::NoFile => f.write_str("it is not a regular file"),
            Self::Mode(mode) => write!(f, "its mode {mode:04o} has no execute permission (`chmod +x` it)"),
            Self::Unreachable => f.write_str("a directory on the way to it may not be searched"),
            Self::Denied { noexec: true } => f.write_str("its file system is mounted noexec"),
            Self::Denied { noexec: false } => {
                let uid = sys::effective_ids().effective_uid;
                write!(f, "uid {uid} lacks the permission to execute it or its interpreter")
            }
            Self::Content(program) => program.fmt(f),
            Self::Other(error) => match error.raw_os_error() {
                Some(libc::E2BIG) => f.write_str(
                    "its arguments and environment are too long: together they may take a quarter of the stack limit",
                ),
                Some(libc::EAGAIN) => f.write_str("its user has more processes already than the limit nproc allows"),
                Some(libc::ETXTBSY) => f.write_str("it is open for writing somewhere"),
                _ => f.write_str(&sys::reason(error)),
            },
        }
    }
}
