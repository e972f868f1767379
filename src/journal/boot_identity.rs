//! Identifies the boot, the namespaces and the processes that the values in the journal belong to.
//!
//! What can't be read is unknown: it is neither the same nor another one.

use std::cell::RefCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::entry::{Namespace, ProcessId, SettingRef};
use super::error::{Unidentified, errno_of};
use crate::catalog::{KernelVersion, scope_of};
use crate::kernel::{Kernel, KernelError, Operation};
use crate::linux::process::ProcessDir;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};

/// The boot and the namespaces that we run in.
#[derive(Clone, Debug)]
pub struct BootIdentity {
    boot_id: Result<String, KernelError>,
    system: System,
    version: KernelVersion,
    /// Where processes are found, usually `/proc`.
    proc: PathBuf,
    network: Network,
    /// Our namespaces by their kinds, as far as they were looked up: each setting of an entry is compared with one.
    links: RefCell<Vec<(String, Link)>>,
}

/// A namespace, or none where there are no namespaces of that kind.
type Link = Result<Option<String>, Errno>;

/// What tells our network namespace from another one with the same inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Network {
    /// It is the machine's initial one, which is never removed: its number belongs to no other.
    Initial,
    /// Its cookie (`SO_NETNS_COOKIE`), which is never used again; `None` before Linux 5.14.
    Cookie(Option<u64>),
    /// Its cookie could not be had.
    Unknown(Errno),
}

/// What is known of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, and this identifies it.
    Running(ProcessId),
    /// There is no process with this number, or another one has it now.
    Gone,
    /// Whether it runs could not be found out.
    Unknown(Unidentified),
}

impl BootIdentity {
    /// Reads the id of this boot (`kernel.random.boot_id`, `kern.bootsessionuuid`). Namespaces and processes are looked
    /// up in `proc`, usually `/proc`. `network_cookie` is that of our network namespace
    /// ([`crate::sys::network_cookie`]), `initial_network` whether that is known to be the machine's initial one.
    pub fn of(
        kernel: &mut dyn Kernel,
        version: KernelVersion,
        proc: &Path,
        network_cookie: io::Result<Option<u64>>,
        initial_network: bool,
    ) -> Self {
        let system = kernel.system();
        let name = match system {
            System::Linux => "kernel.random.boot_id",
            System::MacOs => "kern.bootsessionuuid",
        };
        let not_a_name = KernelError { operation: Operation::OpenToRead, errno: Errno::ENOENT };
        let key = SysctlName::parse(name).map(Key::Sysctl).map_err(|_| not_a_name);
        let boot_id = key.and_then(|key| kernel.read(&key)).map(|id| id.trim().to_owned());
        let empty = KernelError { operation: Operation::Read, errno: Errno::ENODATA };
        let boot_id = boot_id.and_then(|id| if id.is_empty() { Err(empty) } else { Ok(id) });
        let network = match network_cookie {
            _ if initial_network => Network::Initial,
            Ok(cookie) => Network::Cookie(cookie),
            Err(error) => Network::Unknown(errno_of(&error)),
        };
        Self { boot_id, system, version, proc: proc.to_owned(), network, links: RefCell::default() }
    }

    /// The id of this boot, which the kernel makes up anew each time.
    ///
    /// # Errors
    /// Why it could not be read.
    pub fn boot_id(&self) -> Result<&str, Unidentified> {
        self.boot_id.as_deref().map_err(|error| Unidentified::Boot(*error))
    }

    /// Whether an entry with this id was made in this boot.
    ///
    /// # Errors
    /// One of the two ids is not known.
    pub fn is_this_boot(&self, entry: &str) -> Result<bool, Unidentified> {
        if entry.is_empty() { Err(Unidentified::EntryBoot) } else { Ok(self.boot_id()? == entry) }
    }

    /// Our namespace of the kind that `key` belongs to.
    #[must_use]
    pub fn namespace_of(&self, key: &Key) -> Namespace {
        let kind = scope_of(self.system, key, self.version).namespace();
        match kind.map(|kind| (kind, self.link(kind))) {
            None | Some((_, Ok(None))) => Namespace::Machine,
            Some((_, Err(_))) => Namespace::Unknown,
            Some((kind, Ok(Some(link)))) => Namespace::Id(match self.network {
                Network::Cookie(Some(cookie)) if kind == "net" => format!("{link}{COOKIE}{cookie}"),
                _ => link,
            }),
        }
    }

    /// Whether a setting belongs to our namespaces.
    ///
    /// # Errors
    /// Its namespace or ours is not known.
    pub fn is_here(&self, setting: &SettingRef) -> Result<bool, Unidentified> {
        match setting {
            SettingRef::Key { key, namespace, .. } => {
                self.is_ours(scope_of(self.system, key, self.version).namespace(), namespace)
            }
            SettingRef::Limit { process, .. } => self.numbers_alike(process),
        }
    }

    /// Whether the number of a process means the same here: whether it is of our PID namespace.
    ///
    /// # Errors
    /// Its namespace or ours is not known.
    pub(super) fn numbers_alike(&self, process: &ProcessId) -> Result<bool, Unidentified> {
        self.is_ours(Some("pid"), &process.namespace)
    }

    /// Whether `theirs` is our namespace of this kind; `None` for what belongs to the whole machine.
    fn is_ours(&self, kind: Option<&'static str>, theirs: &Namespace) -> Result<bool, Unidentified> {
        let Some(kind) = kind else { return Ok(*theirs == Namespace::Machine) };
        let ours = self.link(kind).map_err(|errno| Unidentified::Namespace(kind, errno))?;
        match (ours, theirs) {
            (_, Namespace::Unknown) | (Some(_), Namespace::Machine) => Err(Unidentified::EntryNamespace),
            (None, theirs) => Ok(*theirs == Namespace::Machine),
            (Some(ours), Namespace::Id(theirs)) => {
                let (link, cookie) = theirs
                    .split_once(COOKIE)
                    .map_or((theirs.as_str(), None), |(link, cookie)| (link, cookie.parse::<u64>().ok()));
                if ours != link || kind != "net" { Ok(ours == link) } else { self.has_cookie(cookie) }
            }
        }
    }

    /// Whether a network namespace with our inode number and this cookie is ours.
    fn has_cookie(&self, theirs: Option<u64>) -> Result<bool, Unidentified> {
        match (self.network, theirs) {
            (Network::Initial, _) => Ok(true),
            (Network::Cookie(Some(_)), None) => Err(Unidentified::EntryNamespace),
            (Network::Cookie(ours), theirs) => Ok(ours == theirs),
            (Network::Unknown(errno), _) => Err(Unidentified::NetworkCookie(errno)),
        }
    }

    /// Our namespace of a kind, `net:[4026531840]`, namespaces(7); `None` where there are no namespaces of that kind.
    /// Inode numbers are used again once a namespace is removed.
    fn link(&self, kind: &str) -> Link {
        if let Some((_, link)) = self.links.borrow().iter().find(|(its, _)| its == kind) {
            return link.clone();
        }
        let link = self.read_link(kind);
        self.links.borrow_mut().push((kind.to_owned(), link.clone()));
        link
    }

    fn read_link(&self, kind: &str) -> Link {
        if self.system != System::Linux {
            return Ok(None);
        }
        let folder = ProcessDir::own(&self.proc).path("ns");
        match fs::read_link(folder.join(kind)).map_err(|error| errno_of(&error)) {
            Ok(link) => link.into_os_string().into_string().map(Some).map_err(|_| Errno::EBADMSG),
            // The kernel was built without them, if it has others.
            Err(Errno::ENOENT) if folder.is_dir() => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Looks a process up by its number; `name` is kept for messages.
    #[must_use]
    pub fn process(&self, pid: i32, name: &str) -> ProcessState {
        let namespace = match self.link("pid") {
            Ok(None) => Namespace::Machine,
            Ok(Some(link)) => Namespace::Id(link),
            Err(errno) => return ProcessState::Unknown(Unidentified::Namespace("pid", errno)),
        };
        match ProcessDir::of(&self.proc, pid).stat() {
            Ok(None) => ProcessState::Gone,
            Ok(Some(stat)) => {
                ProcessState::Running(ProcessId { pid, start: stat.start_time, name: name.to_owned(), namespace })
            }
            Err(errno) => ProcessState::Unknown(Unidentified::Process(errno)),
        }
    }

    /// Whether `process` still runs, if its number means the same here ([`BootIdentity::is_here`]).
    #[must_use]
    pub fn state_of(&self, process: &ProcessId) -> ProcessState {
        match self.process(process.pid, &process.name) {
            ProcessState::Running(now) if now.start != process.start => ProcessState::Gone,
            state => state,
        }
    }
}

/// Between the link of a network namespace and its cookie.
const COOKIE: &str = ", cookie ";
