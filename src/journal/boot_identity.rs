//! Identifies the boot, the namespaces and the processes that the values in the journal belong to.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use super::entry::ProcessId;
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
    network_cookie: Option<u64>,
}

/// What is known of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs, and this identifies it.
    Running(ProcessId),
    /// There is no process with this number, or another one has it now.
    Gone,
    /// Whether it runs could not be found out.
    Unknown(KernelError),
}

impl BootIdentity {
    /// Reads the id of this boot (`kernel.random.boot_id`, `kern.bootsessionuuid`). Namespaces and processes are looked
    /// up in `proc`, usually `/proc`; `network_cookie` is that of our network namespace
    /// ([`crate::sys::network_cookie`]).
    pub fn of(kernel: &mut dyn Kernel, version: KernelVersion, proc: &Path, network_cookie: Option<u64>) -> Self {
        let system = kernel.system();
        let name = match system {
            System::Linux => "kernel.random.boot_id",
            System::MacOs => "kern.bootsessionuuid",
        };
        let not_a_name = KernelError { operation: Operation::OpenToRead, errno: Errno::ENOENT };
        let key = SysctlName::parse(name).map(Key::Sysctl).map_err(|_| not_a_name);
        let boot_id = key.and_then(|key| kernel.read(&key)).map(|id| id.trim().to_owned());
        Self { boot_id, system, version, proc: proc.to_owned(), network_cookie }
    }

    /// The id of this boot, which the kernel makes up anew each time.
    ///
    /// # Errors
    /// Why it could not be read.
    pub fn boot_id(&self) -> Result<&str, KernelError> {
        self.boot_id.as_deref().map_err(|error| *error)
    }

    /// The id of this boot as entries keep it: empty where it could not be read.
    pub(super) fn boot_id_or_empty(&self) -> String {
        self.boot_id.as_ref().map_or_else(|_| String::new(), Clone::clone)
    }

    /// Whether an entry with this id was made in this boot.
    #[must_use]
    pub fn is_same_boot(&self, boot_id: &str) -> bool {
        self.boot_id_or_empty() == boot_id
    }

    /// Our namespace of the kind that `key` belongs to; `None` for a setting of the whole machine.
    #[must_use]
    pub fn namespace_of(&self, key: &Key) -> Option<String> {
        if self.system != System::Linux {
            return None;
        }
        self.namespace(scope_of(self.system, key, self.version).namespace()?)
    }

    /// Our namespace of a kind, `net:[4026531840], cookie 1`. The inode numbers of namespaces are used again once one
    /// is gone; the network's has a cookie beside it, which is not (`SO_NETNS_COOKIE`, `net/core/net_namespace.c`).
    fn namespace(&self, kind: &str) -> Option<String> {
        let link = fs::read_link(self.proc.join("self/ns").join(kind)).ok()?;
        let link = link.to_str()?;
        match self.network_cookie {
            Some(cookie) if kind == "net" => Some(format!("{link}, cookie {cookie}")),
            _ => Some(link.to_owned()),
        }
    }

    /// Looks a process up by its number; `name` is kept for messages.
    #[must_use]
    pub fn process(&self, pid: i32, name: &str) -> ProcessState {
        let Some(start) = start_time(&self.proc, pid) else { return ProcessState::Gone };
        ProcessState::Running(ProcessId { pid, start, name: name.to_owned(), namespace: self.namespace("pid") })
    }

    /// Whether `process` still runs, if its number means the same here ([`BootIdentity::shares_pids`]).
    #[must_use]
    pub fn state_of(&self, process: &ProcessId) -> ProcessState {
        match self.process(process.pid, &process.name) {
            ProcessState::Running(now) if now.start != process.start => ProcessState::Gone,
            state => state,
        }
    }

    /// Whether process numbers mean here what they mean in `process`: both are of one PID namespace.
    #[must_use]
    pub fn shares_pids(&self, process: &ProcessId) -> bool {
        process.namespace == self.namespace("pid")
    }
}

/// The start time of a process, in clock ticks since the boot.
fn start_time(proc: &Path, pid: i32) -> Option<u64> {
    ProcessDir::of(proc, pid).stat().ok()?.map(|stat| stat.start_time)
}
