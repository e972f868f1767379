//! Which boot, which namespaces, which process: whose the values are that the journal names.

use std::fs;
use std::path::{Path, PathBuf};

use super::entry::ProcessId;
use crate::catalog::{KernelVersion, scope_of};
use crate::kernel::Kernel;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys::text_of;

/// Where we are.
#[derive(Clone, Debug)]
pub struct BootIdentity {
    /// The boot, by a number that the kernel makes up anew each time.
    pub boot: String,
    system: System,
    version: KernelVersion,
    proc: PathBuf,
    network: Option<u64>,
}

impl BootIdentity {
    /// Finds out which boot this is. Namespaces and processes are looked up beneath `proc`, usually `/proc`;
    /// `network` is the cookie of our network namespace ([`crate::sys::network_cookie`]).
    pub fn of(kernel: &mut dyn Kernel, version: KernelVersion, proc: &Path, network: Option<u64>) -> Self {
        let system = kernel.system();
        let name = match system {
            System::Linux => "kernel.random.boot_id",
            System::MacOs => "kern.bootsessionuuid",
        };
        let key = SysctlName::parse(name).ok().map(Key::Sysctl);
        let boot = key.and_then(|key| kernel.read(&key).ok()).map_or_else(String::new, |id| id.trim().to_owned());
        Self { boot, system, version, proc: proc.to_owned(), network }
    }

    /// The namespace that `key` belongs to, ours of that kind; nothing for what is the whole machine's.
    #[must_use]
    pub fn namespace_of(&self, key: &Key) -> Option<String> {
        if self.system != System::Linux {
            return None;
        }
        self.namespace(scope_of(self.system, key, self.version).namespace()?)
    }

    /// Our namespace of a kind. The numbers of namespaces are used again once one is gone; the network's has a
    /// cookie beside it, which is not (`SO_NETNS_COOKIE`, `net/core/net_namespace.c`).
    fn namespace(&self, kind: &str) -> Option<String> {
        let link = fs::read_link(self.proc.join("self/ns").join(kind)).ok()?;
        let link = link.to_str()?;
        match self.network {
            Some(cookie) if kind == "net" => Some(format!("{link}, cookie {cookie}")),
            _ => Some(link.to_owned()),
        }
    }

    /// A process, if it is there.
    #[must_use]
    pub fn process(&self, pid: i32, name: &str) -> Option<ProcessId> {
        let start = start(&self.proc, pid)?;
        Some(ProcessId { pid, start, name: name.to_owned(), namespace: self.namespace("pid") })
    }

    /// Whether this is the same process still, if its number means the same here.
    #[must_use]
    pub fn is_alive(&self, process: &ProcessId) -> bool {
        start(&self.proc, process.pid) == Some(process.start)
    }

    /// Whether the numbers of processes mean here what they meant to `process`.
    #[must_use]
    pub fn shares_pids(&self, process: &ProcessId) -> bool {
        process.namespace == self.namespace("pid")
    }
}

/// When a process started, in ticks since the boot: the 22nd field of `proc_pid_stat(5)`. The second is the name, in
/// parentheses, and may hold anything.
fn start(proc: &Path, pid: i32) -> Option<u64> {
    let stat = text_of(&proc.join(pid.to_string()).join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}
