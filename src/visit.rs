//! Going where another process is: into its network, IPC and UTS namespaces, so that what is read and written
//! there is its own. The mount namespace stays ours: the files of `/proc/sys` speak of the namespaces of whoever
//! opens them, and ours can be written where a container's are read-only.

use std::fmt;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::sys::stat::Mode;

use crate::environment::{Namespaces, initial_namespaces, link_at};
use crate::sys;

/// The kinds of namespaces that are entered, as `/proc/PID/ns` calls them (namespaces(7)).
const ENTERED: [&str; 3] = ["net", "ipc", "uts"];

/// What was found out about a process whose namespaces we are in now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnteredNamespaces {
    /// Which of its namespaces are the machine's own, those too that were not entered. Of its network nothing
    /// is said here: that shows only from within.
    pub initial: Namespaces,
    /// Whether it is in another user namespace than we are.
    pub other_users: bool,
    /// Whether it is in another PID namespace than we are. Nobody can enter that himself, only his children.
    pub other_pids: bool,
}

/// Why a process's namespaces could not be entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnterError {
    /// There is no such process.
    Gone,
    /// There is no `/proc` to look for it in.
    NoProc,
    /// It, or the thread that it began with, has ended: its number is still taken, its namespaces are gone.
    Ended,
    /// Something else is mounted over what tells of its namespaces.
    Masked,
    /// We can't see its namespaces.
    Hidden(Errno),
    /// We can't enter its namespace of this kind.
    Refused(&'static str, Errno),
}

impl fmt::Display for EnterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errno = |errno: &Errno| sys::described(*errno as i32);
        match self {
            Self::Gone => f.write_str("there is no such process"),
            Self::NoProc => f.write_str("/proc is not there: mount /proc first"),
            Self::Ended => f.write_str("it has ended, or its first thread has: it is in no namespaces any more"),
            Self::Masked => f.write_str("something is mounted over its part of /proc"),
            Self::Hidden(why) => write!(f, "its namespaces can't be seen: {}", errno(why)),
            Self::Refused(kind, why) => write!(f, "its {kind} namespace can't be entered: {}", errno(why)),
        }
    }
}

/// Enters the network, IPC and UTS namespaces of a process, for the rest of our life, as far as they are not ours
/// already; its user namespace only where nothing else gives us the right to. `processes` is `/proc`.
///
/// # Errors
/// Why not. Some of the namespaces may have been entered by then.
pub fn enter(processes: &Path, pid: i32) -> Result<EnteredNamespaces, EnterError> {
    let directory = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    // Held, so that everything is read of one process, whatever becomes of its number.
    let process = open(&processes.join(pid.to_string()), directory, Mode::empty()).map_err(|errno| match errno {
        Errno::ENOENT if processes.join("self").symlink_metadata().is_err() => EnterError::NoProc,
        Errno::ENOENT | Errno::ESRCH => EnterError::Gone,
        errno => EnterError::Hidden(errno),
    })?;
    if sys::is_proc(&processes.join(format!("{pid}/ns"))) == Some(false) {
        return Err(EnterError::Masked);
    }
    let own = processes.join("self/ns");
    let ours = |kind: &str| link_at(&own.join(kind));
    // Of a thread that has ended the kernel says ENOENT (`ns_get_name`, fs/nsfs.c), as it does of a kind that it was
    // built without. That one we don't have either.
    let hidden = |errno| match errno {
        Errno::ESRCH => EnterError::Gone,
        Errno::ENOENT => EnterError::Ended,
        errno => EnterError::Hidden(errno),
    };
    let theirs = |kind: &str| match readlinkat(&process, format!("ns/{kind}").as_str()) {
        Err(Errno::ENOENT) if sys::is_proc(&own) == Some(true) && matches!(ours(kind), Ok(None)) => Ok(None),
        link => link.map(Some),
    };
    let differs = |kind: &str| {
        let theirs = theirs(kind).map_err(hidden)?;
        Ok(theirs.is_some() && theirs != ours(kind).ok().flatten())
    };
    let file = |kind: &str| {
        let path = format!("ns/{kind}");
        openat(&process, path.as_str(), OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(hidden)
    };
    let mut visit = EnteredNamespaces {
        other_users: differs("user")?,
        other_pids: differs("pid")?,
        ..EnteredNamespaces::default()
    };
    visit.initial = initial_namespaces(&theirs);
    let mut files: Vec<(&'static str, OwnedFd)> = Vec::new();
    for kind in ENTERED {
        if differs(kind)? {
            files.push((kind, file(kind)?));
        }
    }
    let users = if visit.other_users && !files.is_empty() { Some(file("user")?) } else { None };
    enter_all(&files, users.as_ref())?;
    Ok(visit)
}

/// Who may not enter a container's namespaces as he is may perhaps as its root: the user who started a rootless
/// one. Root of the host stays what it is, since only that may write host names.
fn enter_all(files: &[(&'static str, OwnedFd)], users: Option<&OwnedFd>) -> Result<(), EnterError> {
    let mut users = users;
    for (kind, file) in files {
        let mut entered = sys::enter_namespace(file.as_fd());
        if entered.is_err() {
            if let Some(users) = users.take() {
                // What this is refused for shows at the next step.
                let _ = sys::enter_namespace(users.as_fd());
                entered = sys::enter_namespace(file.as_fd());
            }
        }
        let errno = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(0));
        entered.map_err(|error| EnterError::Refused(kind, errno(error)))?;
    }
    Ok(())
}
