//! Namespaces, namespaces(7): which of them are the machine's initial ones, and entering those of another process.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat, readlinkat};
use nix::sys::stat::Mode;

use super::process::ProcessDir;
use super::system::enter_namespace;
use super::{errno_of, is_procfs};
use crate::sys;

/// For each kind of namespace whether a process is in the machine's initial one, as it is of a kind that the kernel was
/// built without. `None` where that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// System V IPC and POSIX message queues.
    pub ipc: Option<bool>,
    /// Host and domain name.
    pub uts: Option<bool>,
    /// Users and capabilities.
    pub user: Option<bool>,
    /// PID namespace, `pid_namespaces(7)`.
    pub pid: Option<bool>,
    /// Cgroup namespace, `cgroup_namespaces(7)`.
    pub cgroup: Option<bool>,
    /// Network namespace, `network_namespaces(7)`.
    pub net: Option<bool>,
}

impl Namespaces {
    /// Which of ours are initial, read where procfs is mounted at `proc`. What something else is mounted over is not
    /// known.
    #[must_use]
    pub fn own(proc: &Path) -> Self {
        let own = ProcessDir::own(proc);
        let visible = is_procfs(&own.path("ns")) == Some(true);
        let link = |kind: &str| if visible { read_link(&own.path("ns").join(kind)) } else { Err(Errno::EXDEV) };
        // The inode number of the initial network namespace is not fixed before 6.18, but only that one has this key.
        let net_core = proc.join("sys/net/core");
        let key = (is_procfs(&net_core) == Some(true)).then(|| read_link(&net_core.join("netdev_max_backlog")));
        let net = match key {
            // The file is there, and is no link (readlink(2)).
            Some(Err(Errno::EINVAL)) => Some(true),
            Some(Ok(None)) => Some(false),
            _ => matches!(link("net"), Ok(None)).then_some(true),
        };
        Self { net, ..Self::of_links(&link) }
    }

    /// By the links of a `/proc/PID/ns`: inode numbers of initial namespaces are fixed by the kernel's ABI
    /// (`include/linux/proc_ns.h`), but for the network's, which is left unknown. `link` reads one, with `None` for a
    /// kind that this kernel does not have.
    fn of_links(link: &dyn Fn(&str) -> Result<Option<OsString>, Errno>) -> Self {
        let is = |kind: &str, initial: u64| {
            let Some(link) = link(kind).ok()? else { return Some(true) };
            let inode =
                link.to_str()?.strip_prefix(kind)?.strip_prefix(":[")?.strip_suffix(']')?.parse::<u64>().ok()?;
            Some(inode == initial)
        };
        Self {
            ipc: is("ipc", 0xEFFF_FFFF),
            uts: is("uts", 0xEFFF_FFFE),
            user: is("user", 0xEFFF_FFFD),
            pid: is("pid", 0xEFFF_FFFC),
            cgroup: is("cgroup", 0xEFFF_FFFB),
            net: None,
        }
    }

    /// Whether one of them is known to be (`Some(true)`), known not to be or not known.
    #[must_use]
    pub fn any_is(self, initial: Option<bool>) -> bool {
        [self.ipc, self.uts, self.user, self.pid, self.cgroup, self.net].contains(&initial)
    }
}

/// The user of the parent user namespace that `user` is, by a `/proc/PID/uid_map` (`user_namespaces(7)`): lines of
/// first user inside, first user outside, length. `None` where none is mapped.
#[must_use]
pub fn parent_uid(uid_map: &str, user: u32) -> Option<u64> {
    let user = u64::from(user);
    uid_map.lines().find_map(|line| {
        let numbers: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        let &[inside, outside, length] = numbers.as_slice() else { return None };
        let offset = user.checked_sub(inside).filter(|offset| *offset < length)?;
        outside.checked_add(offset)
    })
}

/// What a link leads to; `None` where there is none.
fn read_link(path: &Path) -> Result<Option<OsString>, Errno> {
    match fs::read_link(path).map_err(|error| errno_of(&error)) {
        Ok(target) => Ok(Some(target.into_os_string())),
        Err(Errno::ENOENT) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// The kinds of namespaces that are entered, as `/proc/PID/ns` calls them. Not the mount namespace: the files of
/// `/proc/sys` speak of the namespaces of whoever opens them, and ours can be written where a container's are read-only.
const ENTERED: [&str; 3] = ["net", "ipc", "uts"];

/// What was found out about a process whose namespaces were entered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnteredNamespaces {
    /// Which of its namespaces are initial, those too that were not entered. Its network's is not known here: that
    /// shows only from within.
    pub initial: Namespaces,
    /// Whether it is in another user namespace than we are.
    pub other_users: bool,
    /// Whether it is in another PID namespace than we are. A process can't enter one itself, only its children can.
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
        let errno = |errno: &Errno| sys::describe_errno(*errno as i32);
        match self {
            Self::Gone => f.write_str("there is no such process"),
            Self::NoProc => f.write_str("/proc is not there: mount /proc first"),
            Self::Ended => f.write_str("it has ended (or its main thread has) and is no longer in any namespace"),
            Self::Masked => f.write_str("something is mounted over its directory in /proc"),
            Self::Hidden(why) => write!(f, "cannot read its namespaces: {}", errno(why)),
            Self::Refused(kind, why) => write!(f, "cannot enter its {kind} namespace: {}", errno(why)),
        }
    }
}

/// Enters the network, IPC and UTS namespaces of a process, for good, as far as they are not ours already; its user
/// namespace only where the right to enter the others can't be got otherwise. `proc` is where procfs is mounted.
///
/// # Errors
/// Why not. Some of the namespaces may have been entered by then.
pub fn enter(proc: &Path, pid: i32) -> Result<EnteredNamespaces, EnterError> {
    let directory = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    // Kept open, so that everything is read of one process, even where its PID is used again meanwhile.
    let process = open(&proc.join(pid.to_string()), directory, Mode::empty()).map_err(|errno| match errno {
        Errno::ENOENT if proc.join("self").symlink_metadata().is_err() => EnterError::NoProc,
        Errno::ENOENT | Errno::ESRCH => EnterError::Gone,
        errno => EnterError::Hidden(errno),
    })?;
    if is_procfs(&proc.join(format!("{pid}/ns"))) == Some(false) {
        return Err(EnterError::Masked);
    }
    let own = proc.join("self/ns");
    let ours = |kind: &str| read_link(&own.join(kind));
    // Of a thread that has ended the kernel says ENOENT (`ns_get_name`, fs/nsfs.c), as it does of a kind that it was
    // built without. That one we don't have either.
    let hidden = |errno| match errno {
        Errno::ESRCH => EnterError::Gone,
        Errno::ENOENT => EnterError::Ended,
        errno => EnterError::Hidden(errno),
    };
    let theirs = |kind: &str| match readlinkat(&process, format!("ns/{kind}").as_str()) {
        Err(Errno::ENOENT) if is_procfs(&own) == Some(true) && matches!(ours(kind), Ok(None)) => Ok(None),
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
    let mut entered = EnteredNamespaces {
        other_users: differs("user")?,
        other_pids: differs("pid")?,
        ..EnteredNamespaces::default()
    };
    entered.initial = Namespaces::of_links(&theirs);
    let mut files: Vec<(&'static str, OwnedFd)> = Vec::new();
    for kind in ENTERED {
        if differs(kind)? {
            files.push((kind, file(kind)?));
        }
    }
    let users = if entered.other_users && !files.is_empty() { Some(file("user")?) } else { None };
    enter_all(&files, users.as_ref())?;
    Ok(entered)
}

/// Carries something out in the network namespace of a process, and comes back. Sockets that are opened there stay of
/// that namespace. `proc` is where procfs is mounted.
///
/// # Errors
/// The namespace can't be entered, or could be entered and not left again: then it is not entered.
pub fn within_network_of<T>(proc: &Path, pid: i32, act: impl FnOnce() -> T) -> Result<T, EnterError> {
    let file = |process: &str| {
        let path = proc.join(process).join("ns/net");
        open(&path, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC, Mode::empty())
    };
    let theirs = file(&pid.to_string()).map_err(|errno| match errno {
        Errno::ENOENT | Errno::ESRCH => EnterError::Gone,
        errno => EnterError::Hidden(errno),
    })?;
    let own = file("self").map_err(EnterError::Hidden)?;
    let enter =
        |namespace: &OwnedFd| enter_namespace(namespace.as_fd()).map_err(|errno| EnterError::Refused("network", errno));
    if is_same_network(proc, pid) == Some(true) {
        return Ok(act());
    }
    // Whoever may not enter the one that we are in could not come back.
    enter(&own)?;
    enter(&theirs)?;
    let result = act();
    enter(&own)?;
    Ok(result)
}

/// Whether a process is in our network namespace; `None` where that can't be seen.
#[must_use]
pub fn is_same_network(proc: &Path, pid: i32) -> Option<bool> {
    let link = |process: &str| read_link(&proc.join(process).join("ns/net")).ok();
    Some(link(&pid.to_string())?? == link("self")??)
}

/// Enters `files`. Whoever may not, as the user who started a rootless container, tries it again from within its user
/// namespace. Not at first: in there, root of the host could no longer write host names.
fn enter_all(files: &[(&'static str, OwnedFd)], users: Option<&OwnedFd>) -> Result<(), EnterError> {
    let mut users = users;
    for (kind, file) in files {
        let mut entered = enter_namespace(file.as_fd());
        if entered.is_err() {
            if let Some(users) = users.take() {
                // Where this fails, so does the next call, and says why.
                let _ = enter_namespace(users.as_fd());
                entered = enter_namespace(file.as_fd());
            }
        }
        entered.map_err(|errno| EnterError::Refused(kind, errno))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_the_kernel_does_not_have_is_initial() {
        let links = |kind: &str| match kind {
            "uts" => Ok(Some("uts:[4026531838]".into())),
            "ipc" => Ok(Some("ipc:[4026532000]".into())),
            "user" => Ok(Some("uts:[4026531837]".into())),
            "pid" => Err(Errno::EACCES),
            _ => Ok(None),
        };
        let (yes, no) = (Some(true), Some(false));
        let found = Namespaces { ipc: no, uts: yes, user: None, pid: None, cgroup: yes, net: None };
        assert_eq!(Namespaces::of_links(&links), found);
    }

    #[test]
    fn a_directory_that_is_no_procfs_tells_nothing() {
        assert_eq!(Namespaces::own(Path::new("/nonexistent")), Namespaces::default());
    }

    #[test]
    fn a_user_is_followed_through_one_map() {
        assert_eq!(parent_uid("         0          0 4294967295\n", 0), Some(0));
        assert_eq!(parent_uid("0 100000 65536", 0), Some(100_000));
        assert_eq!(parent_uid("0 1000 1\n1 100000 65535\n", 5), Some(100_004));
        for hostile in ["", "0 0", "x 0 1", "0 -1 1", "1 0 5", "0 0 0", "0 18446744073709551615 9\n1 0 1"] {
            assert_eq!(parent_uid(hostile, 0).filter(|user| *user != u64::MAX), None, "{hostile}");
        }
    }
}
