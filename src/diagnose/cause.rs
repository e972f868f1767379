//! Causes, by their codes, each with what `tunectl explain CODE` says of it.

/// Why a setting falls short. The codes are part of the JSON output: they are only ever added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody has set it, and it can be set from here.
    NotApplied,
    /// A file of this system sets it to the value that was found.
    SetElsewhere,
    /// The mount that its file is on is read-only, as container runtimes make it.
    ReadOnlyMount,
    /// It is the whole machine's, and we are in a container or namespace.
    HostSetting,
    /// Its owner is a user whom our user namespace does not map.
    OwnerNotMapped,
    /// This network namespace does not have it; only the machine's own one does.
    HiddenInNamespace,
    /// A network namespace that a user namespace owns does not have it on this kernel.
    HiddenInUserNamespace,
    /// This namespace shows it and nobody can write it here.
    ReadOnlyInNamespace,
    /// We are not the user who may.
    NotPermitted,
    /// A capability is missing.
    MissingCapability,
    /// A security module of the kernel refuses, `AppArmor`, `SELinux` or Landlock.
    SecurityModule,
    /// A filter of system calls refuses, seccomp(2).
    SeccompFilter,
    /// The kernel module that brings it is not loaded.
    ModuleMissing,
    /// This kernel's version does not have it.
    NotInThisKernel,
    /// There is no such setting.
    NoSuchKey,
    /// The pattern matches nothing that exists.
    NoMatch,
    /// Another file is mounted over it.
    Masked,
    /// It can be written and not read, so nothing can be verified.
    WriteOnly,
    /// It can be read and never written.
    ReadOnly,
    /// It stands where nothing leads back from before the next boot.
    OneWay,
    /// Its values have another shape than the profile's.
    WrongShape,
    /// The kernel does not take this value.
    ValueRefused,
    /// The kernel knows no algorithm, discipline or the like of this name.
    UnknownName,
    /// The range would begin below `net.ipv4.ip_unprivileged_port_start`, or that above the range.
    PortOrder,
    /// The kernel took the value and rounded it.
    Rounded,
    /// The kernel took the value and brought it into its own range.
    Clamped,
    /// The kernel took only a part of the value.
    Truncated,
    /// The kernel took the value, and another one stands there.
    NotKept,
    /// It was held back because another setting fell short.
    HeldBack,
    /// It needs a higher hard limit, and raising that needs `CAP_SYS_RESOURCE`.
    HardLimit,
    /// It is above `fs.nr_open`.
    AboveNrOpen,
    /// The control group allows fewer processes than the limit does.
    PidsMax,
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

/// Every cause with its code, and at length what it means.
const TABLE: [(Cause, &str, &str); 39] = [
    (
        Cause::NotApplied,
        "not-applied",
        "Nothing that we can see stands in the way: the value is simply another one. `tunectl apply` sets it, and \
         `tunectl run` does so before it starts the service.",
    ),
    (
        Cause::SetElsewhere,
        "set-elsewhere",
        "The value is the one that a file of this system asks for. Applied settings hold until that file is read \
         again: at boot by systemd-sysctl(8), by `sysctl --system` (which alone reads /etc/sysctl.conf, last of all), \
         at login by pam_limits(8), or when systemd starts the unit. So the line has to be changed as well.",
    ),
    (
        Cause::ReadOnlyMount,
        "read-only-mount",
        "The file is on a mount that is read-only: Docker, Podman and Kubernetes mount /proc/sys so, and systemd does \
         with ProtectKernelTunables=yes. No capability helps. What starts the container can set every setting that \
         is the container's own, before the mount is made read-only; --privileged is not needed and gives far more.",
    ),
    (
        Cause::HostSetting,
        "host-setting",
        "The kernel has this setting once for the whole machine. From inside a container or namespace tunectl checks \
         it and does not write it, though a privileged container could: it would change the host and every other \
         container. Set it on the host. --allow-host-settings writes it all the same.",
    ),
    (
        Cause::OwnerNotMapped,
        "owner-not-mapped",
        "The file belongs to a user whom this user namespace does not map (user_namespaces(7)), usually the host's \
         root; it is shown as owned by 65534. Root inside of the namespace is another user, and no capability that \
         it has counts for this file.",
    ),
    (
        Cause::HiddenInNamespace,
        "hidden-in-namespace",
        "Only the machine's own network namespace has this file; in every other one, such as a container's, it does \
         not exist. `docker run --sysctl` lets its name pass, and then the container does not start. Set it on the \
         host, where it counts for all. It can't be checked from here.",
    ),
    (
        Cause::HiddenInUserNamespace,
        "hidden-in-user-namespace",
        "Kernels before the one named do not show this file in a network namespace that a user namespace owns, as a \
         rootless container's. A newer kernel does, and so does a container that the machine's root starts.",
    ),
    (
        Cause::ReadOnlyInNamespace,
        "read-only-in-namespace",
        "This network namespace shows the machine's value, mode 0444, and nobody can write it here, a privileged \
         container included. Set it on the host: the value counts here too.",
    ),
    (
        Cause::NotPermitted,
        "not-permitted",
        "The file's mode allows its owner alone to write: root, whatever capabilities others have, but for net.*, \
         where CAP_NET_ADMIN will do. The kernel looks at the mode before it looks at the mount, so a file on a \
         read-only mount is \"permission denied\" too.",
    ),
    (
        Cause::MissingCapability,
        "missing-capability",
        "The kernel asks for a capability (capabilities(7)) besides the file's mode, and our process does not have \
         it: a container runtime, a unit's CapabilityBoundingSet= or a user namespace has taken it. A capability of \
         a user namespace counts for what belongs to that namespace only.",
    ),
    (
        Cause::SecurityModule,
        "security-module",
        "Mode, owner, mount and capabilities allow it, and the kernel says \"permission denied\": a security module \
         refuses. AppArmor's docker-default keeps containers from writing most of /proc/sys; SELinux does so by \
         type; Landlock binds what a process has bound itself or was started by. What goes by paths, as AppArmor and \
         Landlock do, only trying shows. Its log says which rule.",
    ),
    (
        Cause::SeccompFilter,
        "seccomp-filter",
        "The limits allow it and the kernel refuses setrlimit(2), while a filter of system calls is in force \
         (seccomp(2)), and such a filter is the only other thing that says so. Whoever starts the container or the \
         unit sets the filter: it has to let prlimit64 and setrlimit pass.",
    ),
    (
        Cause::ModuleMissing,
        "module-missing",
        "A kernel module brings this setting, and as long as the module is not loaded the file does not exist. Only \
         the host can load it; a file in /etc/modules-load.d does so at boot.",
    ),
    (
        Cause::NotInThisKernel,
        "not-in-this-kernel",
        "The setting came with a later kernel, or went with this one or an earlier. Nothing brings it here: mark it \
         `required = false` where a profile is for several kernels.",
    ),
    (
        Cause::NoSuchKey,
        "no-such-key",
        "The file does not exist, and no module, namespace or kernel version that we know of explains it: the name \
         may be misspelt, or the kernel built without it.",
    ),
    (Cause::NoMatch, "no-match", "The pattern stands for no file that exists now. An interface may not be there yet."),
    (
        Cause::Masked,
        "masked",
        "Another file is mounted over this one, or over a folder on the way. What stands there is not the kernel's, and \
         is neither read nor written.",
    ),
    (
        Cause::WriteOnly,
        "write-only",
        "The file is an order to the kernel rather than a value: it can be written and never read, so nothing can be \
         compared, and a profile should not have it.",
    ),
    (Cause::ReadOnly, "read-only", "The kernel shows this value and lets nobody write it, here or elsewhere."),
    (
        Cause::OneWay,
        "one-way",
        "The kernel lets this setting be raised and never lowered again: only a boot leads back. Look for what sets \
         it, in sysctl.d(5) or on the kernel's command line.",
    ),
    (
        Cause::WrongShape,
        "wrong-shape",
        "What stands there is of another shape than what the profile asks for, such as a word where it has a number.",
    ),
    (
        Cause::ValueRefused,
        "value-refused",
        "The kernel answered \"invalid argument\" or \"out of range\": the value is outside of what it takes. Ranges \
         change from one kernel to the next, inside stable series too.",
    ),
    (
        Cause::UnknownName,
        "unknown-name",
        "The file exists, and the kernel knows no algorithm of that name: tcp_bbr or sch_fq may not be loaded or not \
         be built. With `one_of` a profile can name one that is always there as well.",
    ),
    (
        Cause::PortOrder,
        "port-order",
        "The first port of net.ipv4.ip_local_port_range must not be below net.ipv4.ip_unprivileged_port_start, and \
         the kernel refuses whichever of the two is written against that. Docker sets the latter to 0.",
    ),
    (
        Cause::Rounded,
        "rounded",
        "The kernel keeps this setting in a unit of its own (clock ticks, pages, powers of two), took the value, said \
         nothing, and rounded it. Ask for the value that it makes of it, or for `at_least`.",
    ),
    (Cause::Clamped, "clamped", "The kernel took the value, said nothing, and brought it into what it can have."),
    (
        Cause::Truncated,
        "truncated",
        "The kernel took the first part of the value and left the rest: a number with something behind it, or a list \
         that is too long.",
    ),
    (
        Cause::NotKept,
        "not-kept",
        "The write succeeded, and another value was read back. The kernel may have changed it, another setting of \
         the profile may have reset it, or another program (tuned, kube-proxy, networkd) may have written it.",
    ),
    (
        Cause::HeldBack,
        "held-back",
        "Without the other setting this one does harm, so it was not written. Mend the other: a wide range of local \
         ports without reserved ones gives the service's own port away.",
    ),
    (
        Cause::HardLimit,
        "hard-limit",
        "A process may raise its soft limit up to the hard one and lower the hard one. To raise the hard one takes \
         CAP_SYS_RESOURCE in the machine's own user namespace, which containers do not have; so whoever starts the \
         process has to give it more. sudo of a user without the right does not help either.",
    ),
    (
        Cause::AboveNrOpen,
        "above-nr-open",
        "fs.nr_open is the most descriptors that the kernel lets any process have, root included, and `unlimited` is \
         refused as well. It is the whole machine's; systemd raises it to 2^30 on many distributions.",
    ),
    (
        Cause::PidsMax,
        "pids-max",
        "The limit allows more processes than the control group does (pids.max): the lower of both counts, and \
         fork(2) fails with EAGAIN. The group is the runtime's (--pids-limit, podPidsLimit) or the unit's (TasksMax=).",
    ),
    (
        Cause::Contradiction,
        "contradiction",
        "The profile asks for two things that can't both be had, such as a soft limit above the hard one.",
    ),
    (
        Cause::NoSuchLimit,
        "no-such-limit",
        "getrlimit(2) answered \"invalid argument\": macOS has no more than nine of Linux's sixteen limits.",
    ),
    (
        Cause::NotOurProcess,
        "not-our-process",
        "Limits of another user's process can be set with CAP_SYS_RESOURCE alone, prlimit(2), and read where its \
         /proc/PID/limits is shown: try sudo.",
    ),
    (Cause::ProcessGone, "process-gone", "There is no process of this number, no more or not yet."),
    (
        Cause::OutOfReach,
        "out-of-reach",
        "`--pid` enters the network, IPC and UTS namespaces of the process, not its user and PID namespaces. Those it \
         has to itself, so what is read from here would be somebody else's. Run tunectl inside, as nsenter(1) can, or \
         set it when the container is started.",
    ),
    (
        Cause::NoProc,
        "no-proc",
        "Nothing can be read or written without /proc: mount it (`mount -t proc proc /proc`), or start the container \
         with it. Resource limits can be had without.",
    ),
    (
        Cause::Unknown,
        "unknown",
        "None of the causes that tunectl knows could be shown to be the case. The kernel's own answer stands in the \
         message, and the context of the JSON output may help whoever looks into it.",
    ),
];

impl Cause {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(cause, _, _)| *cause)
    }

    /// The code, as it stands in JSON.
    #[must_use]
    pub fn code(self) -> &'static str {
        // The order is that of the enum, a test holds it so.
        TABLE[self as usize].1
    }

    /// What it means, at length, as one paragraph.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// Finds a cause by its code.
    #[must_use]
    pub fn by_code(code: &str) -> Option<Self> {
        Self::all().find(|cause| cause.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_every_code_leads_back() {
        for (at, cause) in Cause::all().enumerate() {
            assert_eq!(cause as usize, at, "{}", cause.code());
            assert_eq!(Cause::by_code(cause.code()), Some(cause));
            assert!(cause.explanation().ends_with('.') && !cause.explanation().contains("  "), "{}", cause.code());
        }
        assert_eq!(Cause::Unknown as usize + 1, TABLE.len());
    }
}
