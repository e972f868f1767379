//! What stands between a key and its value, case by case: how it comes about, what is said, and how the remedy is
//! followed.

const READ_ONLY: &str = "exec unshare --mount sh -euc 'mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec \"$@\"' sh \"$@\"";

/// Root of a user namespace whose user 0 is the machine's 100000, in the network namespace that it was in.
const UNMAPPED: &str = "exec setpriv --reuid=100000 --regid=100000 --clear-groups \
    unshare --user --map-root-user \"$@\"";

/// How a remedy is followed.
pub(crate) enum Followed {
    /// Its line goes into the profile, and then `apply` and `check`, in the place itself.
    Profile,
    /// The same for one of two wishes, with the words that ask for the other.
    Beside(&'static str),
    /// Typed in a shell outside of the place.
    Shell,
    /// What the unit runs before its sandbox is made, run outside of the place.
    ExecStartPre,
    /// What the unit runs before, for the other setting that this one waits for.
    Other(&'static str),
    /// Typed on the host, with the number of a process of the place.
    FromHost,
    /// Typed in the place itself, and then `apply`.
    Here,
    /// The place is made anew with what the remedy says is missing.
    Anew(&'static str),
    /// Nothing can be pasted.
    Nothing,
}

pub(crate) struct Case {
    pub(crate) enter: &'static str,
    pub(crate) command: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) setting: &'static str,
    pub(crate) cause: &'static str,
    pub(crate) why: &'static str,
    pub(crate) followed: Followed,
}

pub(crate) const HERE: &str = "exec \"$@\"";
pub(crate) const QUEUE: &str = "--set net.core.somaxconn=9999";

pub(crate) const CASES: &[(&str, Case)] = &[
    (
        "a read-only mount is told by statvfs before anything is written",
        Case {
            enter: READ_ONLY,
            command: "check",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "read-only-mount",
            why: "its mount is read-only here",
            followed: Followed::ExecStartPre,
        },
    ),
    (
        "EROFS",
        Case {
            enter: READ_ONLY,
            command: "apply",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "read-only-mount",
            why: "its mount is read-only here",
            followed: Followed::ExecStartPre,
        },
    ),
    (
        "an ordinary user",
        Case {
            enter: "exec setpriv --reuid=1000 --regid=1000 --clear-groups \"$@\"",
            command: "apply",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "not-permitted",
            why: "running as uid 1000",
            followed: Followed::Shell,
        },
    ),
    (
        "an ordinary user is told before anything is written",
        Case {
            enter: "exec setpriv --reuid=1000 --regid=1000 --clear-groups \"$@\"",
            command: "check",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "not-permitted",
            why: "writing it needs root or CAP_NET_ADMIN",
            followed: Followed::Shell,
        },
    ),
    (
        "an ordinary user on a read-only mount: EACCES, since the mode is checked first",
        Case {
            enter: "exec unshare --mount sh -euc 'mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
exec setpriv --reuid=1000 --regid=1000 --clear-groups \"$@\"' sh \"$@\"",
            command: "apply",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "not-permitted",
            why: "its mount is read-only too",
            followed: Followed::ExecStartPre,
        },
    ),
    (
        "CAP_NET_ADMIN is no right to what belongs to an IPC namespace",
        Case {
            enter: "exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps +net_admin \
                --ambient-caps +net_admin \"$@\"",
            command: "apply",
            asked: "--set kernel.shmmni=4000",
            setting: "kernel.shmmni",
            cause: "not-permitted",
            why: "writing it needs root (running",
            followed: Followed::Shell,
        },
    ),
    (
        "CAP_NET_ADMIN of an ordinary user is all that net.* takes",
        Case {
            enter: "exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps +net_admin \
                --ambient-caps +net_admin \"$@\"",
            command: "check",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "not-applied",
            why: "nothing has set it yet",
            followed: Followed::Here,
        },
    ),
    (
        "a handler that asks for a capability: EPERM of write(2)",
        Case {
            enter: "exec setpriv --bounding-set=-net_admin \"$@\"",
            command: "apply",
            asked: "--set net.ipv4.ip_forward=1",
            setting: "net.ipv4.ip_forward",
            cause: "missing-capability",
            why: "CAP_NET_ADMIN, which we do not have",
            followed: Followed::Anew("CapabilityBoundingSet=CAP_NET_ADMIN"),
        },
    ),
    (
        "the same is told before anything is written",
        Case {
            enter: "exec setpriv --bounding-set=-net_admin \"$@\"",
            command: "check",
            asked: "--set net.ipv4.ip_forward=1",
            setting: "net.ipv4.ip_forward",
            cause: "missing-capability",
            why: "CAP_NET_ADMIN, which we do not have",
            followed: Followed::Anew("CapabilityBoundingSet=CAP_NET_ADMIN"),
        },
    ),
    (
        "root of a user namespace that does not own the network namespace",
        Case {
            enter: UNMAPPED,
            command: "apply",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "owner-not-mapped",
            why: "its owner is a user that our user namespace does not map",
            followed: Followed::FromHost,
        },
    ),
    (
        "the same of an IPC namespace",
        Case {
            enter: UNMAPPED,
            command: "apply",
            asked: "--set kernel.shmmni=4001",
            setting: "kernel.shmmni",
            cause: "owner-not-mapped",
            why: "its owner is a user that our user namespace does not map",
            followed: Followed::FromHost,
        },
    ),
    (
        "what only the machine's own network namespace has",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.core.netdev_max_backlog=9999",
            setting: "net.core.netdev_max_backlog",
            cause: "hidden-in-namespace",
            why: "only the initial network namespace has it",
            followed: Followed::Profile,
        },
    ),
    (
        "a setting of a kernel that is gone",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.tcp_tw_recycle=1",
            setting: "net.ipv4.tcp_tw_recycle",
            cause: "not-in-this-kernel",
            why: "it was removed in Linux 4.12",
            followed: Followed::Profile,
        },
    ),
    (
        "a misspelt name",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.core.somaxcon=9999",
            setting: "net.core.somaxcon",
            cause: "no-such-key",
            why: "did you mean `net.core.somaxconn`",
            followed: Followed::Profile,
        },
    ),
    (
        "an interface whose name holds a dot, written with it",
        Case {
            enter: "exec unshare --net sh -euc 'ip link set lo name lo.100
exec \"$@\"' sh \"$@\"",
            command: "apply",
            asked: "--set net.ipv4.conf.lo.100.rp_filter=1",
            setting: "net.ipv4.conf.lo.100.rp_filter",
            cause: "no-such-key",
            why: "there is no such setting here, did you mean `net.ipv4.conf.lo/100.rp_filter`?",
            followed: Followed::Profile,
        },
    ),
    (
        "an interface that is not there",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.conf.eth0/100.rp_filter=1",
            setting: "net.ipv4.conf.eth0/100.rp_filter",
            cause: "no-such-key",
            why: "there is no `eth0.100` here, or it has no such setting on this kernel or machine",
            followed: Followed::Profile,
        },
    ),
    (
        "a pattern that matches nothing",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set 'net.ipv4.conf.nonsense*.rp_filter=1'",
            setting: "net.ipv4.conf.nonsense*.rp_filter",
            cause: "no-match",
            why: "no existing setting matches",
            followed: Followed::Profile,
        },
    ),
    (
        "a file that can only be written",
        Case {
            enter: HERE,
            command: "check",
            asked: "--set net.ipv4.route.flush=1",
            setting: "net.ipv4.route.flush",
            cause: "write-only",
            why: "it can be written but not read",
            followed: Followed::Nothing,
        },
    ),
    (
        "a file that nobody can write",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.tcp_available_congestion_control=x",
            setting: "net.ipv4.tcp_available_congestion_control",
            cause: "read-only",
            why: "nobody can write it",
            followed: Followed::Profile,
        },
    ),
    (
        "another file mounted over it",
        Case {
            enter: "exec unshare --mount sh -euc 'echo 5 >queue
mount --bind queue /proc/sys/net/core/somaxconn
exec \"$@\"' sh \"$@\"",
            command: "check",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "masked",
            why: "another file system is mounted over it",
            followed: Followed::Here,
        },
    ),
    (
        "a directory mounted over it",
        Case {
            enter: "exec unshare --mount sh -euc 'mount -t tmpfs none /proc/sys/net
exec \"$@\"' sh \"$@\"",
            command: "check",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "masked",
            why: "another file system is mounted over it",
            followed: Followed::Here,
        },
    ),
    (
        "a directory mounted over it, with a file in its place",
        Case {
            enter: "exec unshare --mount sh -euc 'mount -t tmpfs none /proc/sys/net/core
echo 9999 >/proc/sys/net/core/somaxconn
exec \"$@\"' sh \"$@\"",
            command: "check",
            asked: "--set net.core.somaxconn=9998",
            setting: "net.core.somaxconn",
            cause: "masked",
            why: "another file system is mounted over it",
            followed: Followed::Here,
        },
    ),
    (
        "no /proc/sys at all",
        Case {
            enter: "exec unshare --mount sh -euc 'mount -t tmpfs none /proc/sys
exec \"$@\"' sh \"$@\"",
            command: "apply",
            asked: QUEUE,
            setting: "net.core.somaxconn",
            cause: "no-proc",
            why: "/proc/sys is not the kernel's",
            followed: Followed::Here,
        },
    ),
];
