//! Causes, by their codes.

/// Why a setting falls short. The codes are part of the JSON output: they are only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody has set it, and it can be set from here.
    NotApplied,
    /// The mount that its file is on is read-only, as container runtimes make it.
    ReadOnlyMount,
    /// It is the whole machine's, and we are in a container or namespace.
    HostSetting,
    /// This network namespace does not have it; only the machine's own one does.
    HiddenInNamespace,
    /// This namespace shows it and nobody can write it here.
    ReadOnlyInNamespace,
    /// We are not the user who may.
    NotPermitted,
    /// A capability is missing.
    MissingCapability,
    /// The kernel module that brings it is not loaded.
    ModuleMissing,
    /// This kernel's version does not have it.
    NotInThisKernel,
    /// There is no such setting.
    NoSuchKey,
    /// The pattern matches nothing that exists.
    NoMatch,
    /// It can be written and not read, so nothing can be verified.
    WriteOnly,
    /// It can be read and never written.
    ReadOnly,
    /// Its values have another shape than the profile's.
    WrongShape,
    /// The kernel does not take this value.
    ValueRefused,
    /// The kernel knows no algorithm, discipline or the like of this name.
    UnknownName,
    /// The range would begin below `net.ipv4.ip_unprivileged_port_start`, or that above the range.
    PortOrder,
    /// The kernel took the value and made another of it.
    NotKept,
    /// It was held back because another setting fell short.
    HeldBack,
    /// It needs a higher hard limit, and raising that needs `CAP_SYS_RESOURCE`.
    HardLimit,
    /// It is above `fs.nr_open`.
    AboveNrOpen,
    /// It is above what the profile itself sets for the hard limit.
    Contradiction,
    /// This system has no such limit.
    NoSuchLimit,
    /// The process is somebody else's.
    NotOurProcess,
    /// The process is gone.
    ProcessGone,
    /// It is of a namespace of the process that nobody can enter from outside.
    OutOfReach,
    /// `/proc/sys` is not there.
    NoProc,
    /// None of the above could be shown to be the case.
    Unknown,
}

impl Cause {
    /// The code, as it stands in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotApplied => "not-applied",
            Self::ReadOnlyMount => "read-only-mount",
            Self::HostSetting => "host-setting",
            Self::HiddenInNamespace => "hidden-in-namespace",
            Self::ReadOnlyInNamespace => "read-only-in-namespace",
            Self::NotPermitted => "not-permitted",
            Self::MissingCapability => "missing-capability",
            Self::ModuleMissing => "module-missing",
            Self::NotInThisKernel => "not-in-this-kernel",
            Self::NoSuchKey => "no-such-key",
            Self::NoMatch => "no-match",
            Self::WriteOnly => "write-only",
            Self::ReadOnly => "read-only",
            Self::WrongShape => "wrong-shape",
            Self::ValueRefused => "value-refused",
            Self::UnknownName => "unknown-name",
            Self::PortOrder => "port-order",
            Self::NotKept => "not-kept",
            Self::HeldBack => "held-back",
            Self::HardLimit => "hard-limit",
            Self::AboveNrOpen => "above-nr-open",
            Self::Contradiction => "contradiction",
            Self::NoSuchLimit => "no-such-limit",
            Self::NotOurProcess => "not-our-process",
            Self::ProcessGone => "process-gone",
            Self::OutOfReach => "out-of-reach",
            Self::NoProc => "no-proc",
            Self::Unknown => "unknown",
        }
    }
}
