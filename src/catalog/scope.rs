//! What a setting belongs to, for known and unknown settings alike: what may be written from inside a
//! container, and what is the host's.

use super::hostnet;
use super::version::KernelVersion;
use crate::model::setting::{Key, System};

/// What a setting belongs to: whoever writes it changes it for all of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One network namespace.
    NetNs,
    /// One IPC namespace.
    IpcNs,
    /// One UTS namespace.
    UtsNs,
    /// One user namespace.
    UserNs,
    /// One PID namespace.
    PidNs,
    /// The whole machine.
    Host,
    /// The whole machine too, though its name begins with `net.`: only the initial network namespace has
    /// it, or may write it.
    HostNet,
}

impl Scope {
    /// Whether it is the whole machine's, so that a container must not write it.
    #[must_use]
    pub fn is_host(self) -> bool {
        matches!(self, Self::Host | Self::HostNet)
    }

    /// In a sentence: "belongs to …".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::NetNs => "the network namespace",
            Self::IpcNs => "the IPC namespace",
            Self::UtsNs => "the UTS namespace",
            Self::UserNs => "the user namespace",
            Self::PidNs => "the PID namespace",
            Self::Host => "the host",
            Self::HostNet => "the host, in its initial network namespace",
        }
    }

    /// The namespace's name beneath `/proc/PID/ns`; none for what is the whole machine's.
    #[must_use]
    pub fn namespace(self) -> Option<&'static str> {
        match self {
            Self::NetNs => Some("net"),
            Self::IpcNs => Some("ipc"),
            Self::UtsNs => Some("uts"),
            Self::UserNs => Some("user"),
            Self::PidNs => Some("pid"),
            Self::Host | Self::HostNet => None,
        }
    }
}

/// What a setting belongs to on that kernel: as its row says, or where it has none, by its name.
///
/// A name that nothing is known of counts as the host's, unless it stands in a folder that the kernel keeps
/// for each namespace: refusing too much is the mistake that can be mended.
#[must_use]
pub fn scope_of(system: System, key: &Key, version: KernelVersion) -> Scope {
    if let Some(row) = super::row(system, key) {
        return row.scope.at(version);
    }
    match (system, key) {
        (System::Linux, Key::Sysctl(name)) => scope_by_name(name.path(), version),
        (System::Linux, Key::Sysfs(_)) | (System::MacOs, _) => Scope::Host,
    }
}

/// By the folder, as the kernel registers them: `net/` for each network namespace (`net/sysctl_net.c`) but
/// for what only the initial one gets, the names of `ipc/ipc_sysctl.c` and `ipc/mq_sysctl.c`, and `user/`
/// (`kernel/ucount.c`).
fn scope_by_name(path: &str, version: KernelVersion) -> Scope {
    let (top, rest) = path.split_once('/').unwrap_or((path, ""));
    match top {
        "net" if hostnet::presence(rest, version).is_some() => Scope::HostNet,
        "net" => Scope::NetNs,
        "user" => Scope::UserNs,
        "fs" if rest.starts_with("mqueue/") => Scope::IpcNs,
        "kernel" if is_ipc(rest) => Scope::IpcNs,
        "kernel" if rest == "ns_last_pid" => Scope::PidNs,
        _ => Scope::Host,
    }
}

fn is_ipc(name: &str) -> bool {
    const NAMES: [&str; 3] = ["sem", "sem_next_id", "auto_msgmni"];
    NAMES.contains(&name) || (name.starts_with("shm") || name.starts_with("msg")) && !name.contains('/')
}
