//! Processes as `/proc` shows them: `proc_pid_stat(5)`, `proc_pid_status(5)`, `proc_pid_comm(5)`, `proc_pid_limits(5)`.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::errno_of;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::ranges::Ranges;
use crate::sys::{self, read_text};

/// A process for people: its PID and its command name, which is empty where it could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedProcess {
    /// The process ID.
    pub pid: i32,
    /// The command name, as in `/proc/PID/comm`.
    pub name: String,
}

impl NamedProcess {
    /// The process with this PID, its name read below `proc`.
    #[must_use]
    pub fn read(proc: &Path, pid: i32) -> Self {
        let name = ProcessDir::of(proc, pid).name().ok().flatten();
        Self { pid, name: name.unwrap_or_default() }
    }
}

/// The directory of a process in `/proc`.
///
/// What is read of a process is `None` where there is no such process. An error says that it is not known whether
/// there is one: `/proc` is not mounted, or shows not all processes (`hidepid`), or the file could not be read.
#[derive(Clone, Debug)]
pub struct ProcessDir {
    proc: PathBuf,
    /// `None` for `/proc/self`.
    pid: Option<i32>,
}

impl ProcessDir {
    /// Our own, `self`, where procfs is mounted at `proc`.
    #[must_use]
    pub fn own(proc: &Path) -> Self {
        Self { proc: proc.to_owned(), pid: None }
    }

    /// That of the process with this PID, where procfs is mounted at `proc`.
    #[must_use]
    pub fn of(proc: &Path, pid: i32) -> Self {
        Self { proc: proc.to_owned(), pid: Some(pid) }
    }

    /// The path of a file of this process.
    #[must_use]
    pub fn path(&self, file: &str) -> PathBuf {
        let process = match self.pid {
            Some(pid) => self.proc.join(pid.to_string()),
            None => self.proc.join("self"),
        };
        process.join(file)
    }

    /// State, parent and start time.
    ///
    /// # Errors
    /// Why it is not known; `EBADMSG` for a text that is no such line.
    pub fn stat(&self) -> Result<Option<ProcessStat>, Errno> {
        let parse = |text: String| ProcessStat::parse(&text).ok_or(Errno::EBADMSG);
        self.text("stat")?.map(parse).transpose()
    }

    /// Capabilities, seccomp mode and the like.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn status(&self) -> Result<Option<ProcessStatus>, Errno> {
        Ok(self.text("status")?.map(|text| ProcessStatus::parse(&text)))
    }

    /// The command name.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn name(&self) -> Result<Option<String>, Errno> {
        Ok(self.text("comm")?.map(|text| text.trim_end().to_owned()))
    }

    /// One of its resource limits, which anybody may read here; prlimit(2) takes as many rights to read as to set.
    ///
    /// # Errors
    /// Why it is not known; `EBADMSG` for a table without it.
    pub fn limits(&self, resource: Resource) -> Result<Option<Limits>, Errno> {
        let parse = |text: String| parse_limits(&text, resource).ok_or(Errno::EBADMSG);
        self.text("limits")?.map(parse).transpose()
    }

    /// A whole file of this process.
    ///
    /// # Errors
    /// As for all that is read of a process.
    pub(super) fn text(&self, file: &str) -> Result<Option<String>, Errno> {
        match read_text(&self.path(file)).map_err(|error| errno_of(&error)) {
            Ok(text) => Ok(Some(text)),
            // open(2) of a process that is gone, and read(2) of a file that was opened before it went.
            Err(Errno::ENOENT | Errno::ESRCH) if self.is_gone() => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Whether it is sure that there is no such process: `proc` is mounted and does not show it, and kill(2) does not
    /// know it either, as far as its PIDs are those of `proc`. With `hidepid`, `proc` does not show those of others.
    fn is_gone(&self) -> bool {
        let Some(pid) = self.pid else { return false };
        let Ok(own) = fs::read_link(self.proc.join("self")) else { return false };
        if fs::symlink_metadata(self.path("")).is_ok() {
            return false;
        }
        let same_numbers = own.to_str().and_then(|own| own.parse().ok()) == Some(sys::own_pid());
        !same_numbers || sys::kill(pid, 0).is_err_and(|error| errno_of(&error) == Errno::ESRCH)
    }
}

/// The PIDs of all processes that `proc` shows.
///
/// # Errors
/// The directory could not be read to its end.
pub fn pids(proc: &Path) -> Result<Vec<i32>, Errno> {
    let mut pids = Vec::new();
    for entry in fs::read_dir(proc).map_err(|error| errno_of(&error))? {
        let entry = entry.map_err(|error| errno_of(&error))?;
        if let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            pids.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            pids.push(pid);
        }
    }
    Ok(pids)
}

/// That the PIDs in `proc` are those that kill(2) takes: in a PID namespace whose `/proc` was not mounted anew they
/// are not.
///
/// # Errors
/// `ESRCH`: they are not; `ENOENT`: nothing is mounted at `proc`.
pub fn expect_own_proc(proc: &Path) -> Result<(), Errno> {
    let own = fs::read_link(proc.join("self")).map_err(|error| errno_of(&error))?;
    let is_ours = own.to_str().and_then(|pid| pid.parse().ok()) == Some(sys::own_pid());
    if is_ours { Ok(()) } else { Err(Errno::ESRCH) }
}

/// What tunectl uses of `/proc/PID/stat`, `proc_pid_stat(5)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessStat {
    /// Field 3, one letter: `R`, `S`, `Z` for a zombie.
    pub state: char,
    /// Field 4, the PID of the parent; 0 where that is in another PID namespace.
    pub parent: i32,
    /// Field 20, how many threads it has.
    pub threads: u32,
    /// Field 22, when it started, in clock ticks since the boot.
    pub start_time: u64,
}

impl ProcessStat {
    /// Field 2 is the name, in parentheses, and may hold anything, closing ones too: the others start behind the last.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        let threads = fields.nth(15)?.parse().ok()?;
        let start_time = fields.nth(1)?.parse().ok()?;
        Some(Self { state, parent, threads, start_time })
    }

    /// Whether nothing of it is left but its PID, for its parent to ask about. Of a process whose first thread alone
    /// has ended, others are left.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.state, 'Z' | 'X') && self.threads <= 1
    }
}

/// The mode of seccomp(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seccomp {
    /// No filter at all.
    Off,
    /// Nothing but read, write and exit.
    Strict,
    /// A program decides for each call.
    Filter,
}

impl Seccomp {
    /// The word for it in JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Strict => "strict",
            Self::Filter => "filter",
        }
    }
}

/// What tunectl uses of `/proc/PID/status`, `proc_pid_status(5)`. `None` for a line that the kernel does not print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessStatus {
    /// `CapEff`: the effective capabilities, bit N for capability N.
    pub effective: Option<u64>,
    /// `CapBnd`: the bounding set.
    pub bounding: Option<u64>,
    /// `NoNewPrivs`: whether exec gives no new rights.
    pub no_new_privileges: Option<bool>,
    /// `Seccomp`: the mode of the filter of system calls.
    pub seccomp: Option<Seccomp>,
    /// `Cpus_allowed_list`: how many processors it may run on.
    pub allowed_cpus: Option<u32>,
}

impl ProcessStatus {
    /// Reads the lines that are known. A name in the first line can't forge one: the kernel escapes newlines in it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let field =
            |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let set = |name: &str| u64::from_str_radix(field(name)?, 16).ok();
        let cpus = |list: &str| {
            let ranges = Ranges::parse(list, u32::MAX).ok()?;
            Some(ranges.as_slice().iter().map(|(low, high)| high - low + 1).sum())
        };
        Self {
            effective: set("CapEff"),
            bounding: set("CapBnd"),
            no_new_privileges: match field("NoNewPrivs") {
                Some("0") => Some(false),
                Some("1") => Some(true),
                _ => None,
            },
            seccomp: match field("Seccomp") {
                Some("0") => Some(Seccomp::Off),
                Some("1") => Some(Seccomp::Strict),
                Some("2") => Some(Seccomp::Filter),
                _ => None,
            },
            allowed_cpus: field("Cpus_allowed_list").and_then(cpus),
        }
    }
}

/// One limit of `/proc/PID/limits`: a heading, then a line a limit in the order of their numbers, with its name in 25
/// columns, the soft limit and the hard one, in the units of setrlimit(2) (`proc_pid_limits`, fs/proc/base.c).
fn parse_limits(table: &str, resource: Resource) -> Option<Limits> {
    let mut words = table.lines().nth(1 + resource as usize)?.get(25..)?.split_whitespace();
    let mut side = || match words.next()? {
        "unlimited" => Some(Limit::Unlimited),
        number => number.parse().ok().map(Limit::Value),
    };
    Some(Limits { soft: side()?, hard: side()? })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_name_in_stat_may_hold_anything() {
        let stat = |name: &str, state, threads| {
            format!("7 ({name}) {state} 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 {threads} 0 99 0 1")
        };
        let expected = ProcessStat { state: 'S', parent: 1, threads: 3, start_time: 99 };
        for name in ["sh", "", "a) Z 9 (b", ") ) )", "\n"] {
            assert_eq!(ProcessStat::parse(&stat(name, 'S', 3)), Some(expected), "{name:?}");
        }
        for wrong in ["", "7", "7 (a)", "7 (a) S", "7 (a) S 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 3 0", "7 (a) S x"] {
            assert_eq!(ProcessStat::parse(wrong), None, "{wrong:?}");
        }
        let ended = |state, threads| ProcessStat::parse(&stat("a", state, threads)).unwrap().has_ended();
        assert!(ended('Z', 1) && ended('X', 0));
        assert!(!ended('Z', 2), "other threads are left");
        assert!(!ended('S', 1));
    }

    #[test]
    fn status_lines_that_are_missing_or_wrong_are_unknown() {
        let text = "Name:\tCapEff: ffff\nCapPrm:\t0000000000000000\nCapEff:\t000001fffeffffff\nCapBnd:\tx\n\
                    NoNewPrivs:\t1\nSeccomp:\t2\nCpus_allowed_list:\t0-4,7\n";
        let expected = ProcessStatus {
            effective: Some(0x1ff_feff_ffff),
            bounding: None,
            no_new_privileges: Some(true),
            seccomp: Some(Seccomp::Filter),
            allowed_cpus: Some(6),
        };
        assert_eq!(ProcessStatus::parse(text), expected);
        assert_eq!(ProcessStatus::parse(""), ProcessStatus::default());
    }

    #[test]
    fn limits_that_are_no_table_are_unknown() {
        let heading = "Limit                     Soft Limit           Hard Limit           Units     \n";
        let row = |line: &str| parse_limits(&format!("{heading}{line}\n"), Resource::Cpu);
        let both = Limits { soft: Limit::Value(5), hard: Limit::Unlimited };
        assert_eq!(row("Max cpu time              5                    unlimited            seconds   "), Some(both));
        for wrong in ["", "Max cpu time", "Max cpu time              5", "Max cpu time              -1 x", "é"] {
            assert_eq!(row(wrong), None, "{wrong}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own_process_is_read() {
        let proc = Path::new("/proc");
        let own = ProcessDir::of(proc, sys::own_pid());
        // State and threads change from one read to the next.
        let lasting = |dir: &ProcessDir| dir.stat().unwrap().map(|stat| (stat.parent, stat.start_time));
        assert_eq!(lasting(&own).unwrap().0, sys::parent());
        assert_eq!(lasting(&own), lasting(&ProcessDir::own(proc)));
        assert!(own.status().unwrap().unwrap().effective.is_some());
        assert!(pids(proc).unwrap().contains(&sys::own_pid()));
        assert_eq!(expect_own_proc(proc), Ok(()));
    }

    /// Unreadable is not gone: without a procfs nothing is known of any process.
    #[test]
    fn a_process_is_gone_only_where_proc_could_show_it() {
        let proc = std::env::temp_dir().join(format!("tunectl-process-{}", std::process::id()));
        fs::create_dir_all(&proc).unwrap();
        let of = |pid| ProcessDir::of(&proc, pid);
        assert_eq!(of(i32::MAX).stat(), Err(Errno::ENOENT), "no /proc");
        assert_eq!(ProcessDir::own(&proc).stat(), Err(Errno::ENOENT));
        symlink(sys::own_pid().to_string(), proc.join("self")).unwrap();
        assert_eq!(of(i32::MAX).stat(), Ok(None));
        assert_eq!(of(sys::parent()).stat(), Err(Errno::ENOENT), "hidden, and kill(2) knows it");
        fs::create_dir_all(proc.join("9")).unwrap();
        assert_eq!(of(9).stat(), Err(Errno::ENOENT), "a directory without the file");
        fs::create_dir_all(proc.join("9/stat")).unwrap();
        assert_eq!(of(9).stat(), Err(Errno::EISDIR));
        fs::write(proc.join("9/comm"), "a b\n").unwrap();
        assert_eq!(of(9).name(), Ok(Some("a b".to_owned())));
        fs::write(proc.join("9/limits"), "").unwrap();
        assert_eq!(of(9).limits(Resource::Cpu), Err(Errno::EBADMSG));
        fs::remove_dir_all(&proc).unwrap();
    }
}
