//! Why the service was not started, as facts, and the exit code of each. `messages.rs` makes the sentences.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::accounts::Database;
use super::file_format::{FileFormat, identify};
use crate::sys::{self, Ids};

/// A required resource limit could not be had in the process that was to become the service. What it was has been
/// printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsFallShort;

/// Why the service was not started.
#[derive(Debug)]
pub(crate) enum StageError {
    /// The command can't be executed.
    Exec(ExecError),
    /// A user or group that was asked for is not known.
    Account(UnknownAccount),
    /// A process attribute could not be set.
    Attribute(AttributeError),
    /// A required resource limit falls short.
    Limits {
        /// The command's name.
        command: String,
    },
    /// A change of user, group or capabilities failed, or was not kept.
    Privileges(PrivilegeError),
    /// chdir(2) to the working directory failed.
    WorkingDirectory {
        /// The directory that was asked for.
        path: PathBuf,
        /// What chdir(2) answered.
        error: io::Error,
    },
    /// The kernel refuses the signal that the service is to get when its parent dies.
    ParentDeathSignal(io::Error),
    /// The parent died before the kernel knew of that signal.
    ParentDied,
}

impl StageError {
    /// 125 for what tunectl could not do, else as [`ExecError::exit_code`].
    pub(crate) fn exit_code(&self) -> i32 {
        match self {
            Self::Exec(error) => error.exit_code(),
            _ => 125,
        }
    }
}

impl From<ExecError> for StageError {
    fn from(error: ExecError) -> Self {
        Self::Exec(error)
    }
}

/// Why a command can't be executed.
#[derive(Debug)]
pub(crate) enum ExecError {
    /// No such program.
    NotFound {
        /// What was asked for.
        command: String,
        /// The `PATH` that was searched; none for a name with a slash.
        searched: Option<String>,
    },
    /// There is a file, but it can't be executed.
    NotExecutable {
        /// The file that was found.
        path: PathBuf,
        /// Why it can't be executed.
        reason: NotExecutableReason,
    },
    /// A signal came first that would have ended the service.
    Interrupted {
        /// The number of the signal.
        signal: i32,
    },
}

/// Why a file can't be executed.
#[derive(Debug)]
pub(crate) enum NotExecutableReason {
    /// It is a directory.
    Directory,
    /// It is a device, a socket or a pipe.
    NotRegularFile,
    /// It has no execute permission at all; these are its permission bits.
    NoExecuteBit(u32),
    /// A directory of its path may not be searched.
    UnsearchableDirectory,
    /// execve(2): `EACCES`, because its file system is mounted noexec.
    NoexecMount,
    /// execve(2): `EACCES`, though it has some execute permission.
    PermissionDenied {
        /// Our effective user ID.
        uid: u32,
    },
    /// execve(2): `ENOENT` or `ENOEXEC`, and this is what the file holds.
    Format(FileFormat),
    /// execve(2) failed otherwise.
    Other(io::Error),
}

impl ExecError {
    /// The shell's codes: 127 not found, 126 found but not executed, 128+N for a signal.
    pub(crate) fn exit_code(&self) -> i32 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } => 126,
            Self::Interrupted { signal } => 128 + signal,
        }
    }

    /// What `error` of execve(2) means for `path`.
    pub(super) fn from_exec(path: &CStr, error: &io::Error) -> Self {
        let place = Path::new(OsStr::from_bytes(path.to_bytes()));
        let number = error.raw_os_error().unwrap_or(0);
        let reason = match number {
            libc::ENOENT | libc::ENOTDIR if !place.exists() => {
                return Self::NotFound { command: place.to_string_lossy().into_owned(), searched: None };
            }
            libc::EACCES if place.is_dir() => NotExecutableReason::Directory,
            libc::EACCES if sys::is_noexec(path) => NotExecutableReason::NoexecMount,
            libc::EACCES => NotExecutableReason::PermissionDenied { uid: sys::effective_ids().effective_uid },
            libc::ENOENT | libc::ENOEXEC => NotExecutableReason::Format(identify(&first_page(place))),
            other => NotExecutableReason::Other(io::Error::from_raw_os_error(other)),
        };
        Self::NotExecutable { path: place.to_owned(), reason }
    }
}

/// The first 4096 bytes of a file, or nothing where it can't be read: they only serve an explanation.
fn first_page(path: &Path) -> Vec<u8> {
    use io::Read;
    let mut bytes = Vec::new();
    if let Ok(file) = fs::File::open(path) {
        drop(file.take(4096).read_to_end(&mut bytes));
    }
    bytes
}

/// A user or group that was asked for by name and has no entry.
#[derive(Debug)]
pub(crate) struct UnknownAccount {
    /// Which file it was looked up in.
    pub(super) database: Database,
    /// The name that was looked up.
    pub(super) name: String,
    /// Why that file could not be read, if it could not.
    pub(super) unread: Option<io::Error>,
}

/// Why a process attribute could not be set.
#[derive(Debug)]
pub(crate) enum AttributeError {
    /// Writing or reading back `/proc/self/oom_score_adj` failed.
    OomScoreAdj {
        /// The value that was asked for.
        wanted: i32,
        /// What the kernel answered.
        error: io::Error,
    },
    /// It reads back otherwise.
    OomScoreAdjNotKept {
        /// The value that was asked for.
        wanted: i32,
        /// What it reads.
        found: String,
    },
    /// setpriority(2) refused the nice value.
    Nice {
        /// The value that was asked for.
        wanted: i32,
        /// What the kernel answered.
        error: io::Error,
    },
    /// getpriority(2) tells another value.
    NiceNotKept {
        /// The value that was asked for.
        wanted: i32,
        /// The value that it tells.
        found: i32,
    },
    /// umask(2) tells another value than this one, which was set.
    UmaskNotKept(u32),
}

/// Which identity of a process is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The user ID.
    User,
    /// The group ID.
    Group,
    /// The supplementary group IDs.
    Groups,
}

/// Why privileges could not be given up, or were found not to be. Capabilities are given by their numbers,
/// capabilities(7).
#[derive(Debug)]
pub(crate) enum PrivilegeError {
    /// setresuid(2), setresgid(2) or setgroups(2) failed.
    SetIdentity {
        /// What was to be changed.
        identity: Identity,
        /// The user or group ID; for supplementary groups that of the group.
        id: u32,
        /// What the kernel answered.
        error: io::Error,
    },
    /// The process has other user or group IDs than these.
    IdentityNotKept {
        /// The user ID that was asked for.
        uid: u32,
        /// The group ID that was asked for.
        gid: u32,
        /// Those that it has.
        found: Ids,
    },
    /// It has other supplementary groups than were set.
    GroupsNotKept,
    /// Dropping a capability from the bounding set failed, `PR_CAPBSET_DROP`.
    DropBounding {
        /// The capability, by its number.
        capability: u32,
        /// What the kernel answered.
        error: io::Error,
    },
    /// It is in the bounding set still.
    BoundingKept {
        /// The capability, by its number.
        capability: u32,
    },
    /// It is to be kept, and is not in our permitted set.
    NotPermitted {
        /// The capability, by its number.
        capability: u32,
    },
    /// Raising an ambient capability failed, `PR_CAP_AMBIENT_RAISE`.
    RaiseAmbient {
        /// The capability, by its number.
        capability: u32,
        /// What the kernel answered.
        error: io::Error,
    },
    /// The sets of capabilities are others than were set.
    CapabilitiesNotKept {
        /// The set that was asked for, a bit for each capability.
        wanted: u64,
        /// The effective, permitted and inheritable sets.
        found: sys::Capabilities,
        /// The ambient set.
        ambient: u64,
    },
    /// `no_new_privs` was set and reads as unset.
    NoNewPrivsNotKept,
    /// Another system call failed.
    Call {
        /// What it sets or reads, as in messages.
        operation: &'static str,
        /// What the kernel answered.
        error: io::Error,
    },
}
