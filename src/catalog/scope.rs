//! What a setting can belong to, and what a fresh network namespace can have of it.

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

    /// The namespace's name below `/proc/PID/ns`; none for what is the whole machine's.
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

/// What a freshly made network namespace has of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InNewNetns {
    /// One of its own, which its root can write.
    Writable,
    /// Its own or the host's value to look at; nobody can write it there.
    ReadOnly,
    /// Nothing: the file does not exist there.
    Absent,
    /// The same one that the whole machine has: a network namespace makes no difference.
    Shared,
}
