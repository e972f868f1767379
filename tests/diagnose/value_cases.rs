//! What the kernel makes of a value, case by case, as `key_cases`.

use crate::key_cases::{Case, Followed, HERE};

pub(crate) const CASES: &[(&str, Case)] = &[
    (
        "a number that no kernel of this tick takes: EINVAL",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.tcp_keepalive_time=21474836",
            setting: "net.ipv4.tcp_keepalive_time",
            cause: "value-refused",
            why: "the kernel does not accept `21474836`: write: EINVAL",
            followed: Followed::Profile,
        },
    ),
    (
        "a name that the kernel does not know: ENOENT of write(2)",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.tcp_congestion_control=nonsense",
            setting: "net.ipv4.tcp_congestion_control",
            cause: "unknown-name",
            why: "this kernel has no `nonsense`",
            followed: Followed::Profile,
        },
    ),
    (
        "a range below the first unprivileged port",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set 'net.ipv4.ip_local_port_range=80 65535'",
            setting: "net.ipv4.ip_local_port_range",
            cause: "port-order",
            why: "net.ipv4.ip_unprivileged_port_start",
            followed: Followed::Beside("--set 'net.ipv4.ip_local_port_range=80 65535'"),
        },
    ),
    (
        "a first unprivileged port above the range",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.ip_unprivileged_port_start=40000",
            setting: "net.ipv4.ip_unprivileged_port_start",
            cause: "port-order",
            why: "net.ipv4.ip_local_port_range",
            followed: Followed::Beside("--set net.ipv4.ip_unprivileged_port_start=40000"),
        },
    ),
    (
        "a time that is rounded to clock ticks",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.neigh.lo.retrans_time_ms=1001",
            setting: "net.ipv4.neigh.lo.retrans_time_ms",
            cause: "rounded",
            why: "instead of `1001`",
            followed: Followed::Profile,
        },
    ),
    (
        "a value of which the kernel takes the first word",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set 'net.ipv4.igmp_qrv=3 abc'",
            setting: "net.ipv4.igmp_qrv",
            cause: "truncated",
            why: "only 2 of 5 bytes were taken",
            followed: Followed::Profile,
        },
    ),
    (
        "two names of one value, and another value for each",
        Case {
            enter: HERE,
            command: "check",
            asked: "--set net.ipv4.ip_forward=0 --set net.ipv4.conf.all.forwarding=1",
            setting: "net.ipv4.conf.all.forwarding",
            cause: "contradiction",
            why: "the profile also sets `net.ipv4.ip_forward` to 0, and both are the same setting",
            followed: Followed::Beside("--set net.ipv4.ip_forward=0"),
        },
    ),
    (
        "the same once both have been written",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set net.ipv4.ip_forward=0 --set net.ipv4.conf.all.forwarding=1",
            setting: "net.ipv4.conf.all.forwarding",
            cause: "contradiction",
            why: "the profile also sets `net.ipv4.ip_forward` to 0",
            followed: Followed::Beside("--set net.ipv4.ip_forward=0"),
        },
    ),
    (
        "a name of which the kernel keeps the first 64 bytes",
        Case {
            enter: "exec unshare --uts \"$@\"",
            command: "apply",
            asked: "--set kernel.domainname=0123456789012345678901234567890123456789012345678901234567890123456",
            setting: "kernel.domainname",
            cause: "truncated",
            why: "the kernel stored `0123456789012345678901234567890123456789012345678901234567890123` instead of",
            followed: Followed::Profile,
        },
    ),
    (
        "a value that the kernel takes and does nothing with",
        Case {
            enter: HERE,
            command: "apply",
            asked: "--set kernel.auto_msgmni=1",
            setting: "kernel.auto_msgmni",
            cause: "not-kept",
            why: "`1` was written, but `0` was read back",
            followed: Followed::Nothing,
        },
    ),
    (
        "a word where the profile has a number",
        Case {
            enter: HERE,
            command: "apply",
            asked: "-p key.toml",
            setting: "net.ipv4.tcp_fastopen_key",
            cause: "wrong-shape",
            why: "expected a whole number, found `00000000-00000000-00000000-00000000`",
            followed: Followed::Nothing,
        },
    ),
    (
        "a right that nothing around the key tells of: EPERM of write(2)",
        Case {
            enter: "exec unshare --pid --fork --mount-proc setpriv --bounding-set=-sys_admin,-checkpoint_restore \"$@\"",
            command: "apply",
            asked: "--set kernel.ns_last_pid=99",
            setting: "kernel.ns_last_pid",
            cause: "unknown",
            why: "the kernel refused it: write: EPERM (operation not permitted)",
            followed: Followed::Nothing,
        },
    ),
    (
        "a range that waits for ports to be reserved, which nobody can here",
        Case {
            enter: "exec unshare --mount sh -euc 'key=/proc/sys/net/ipv4/ip_local_reserved_ports
mount --bind $key $key
mount -o remount,bind,ro $key
exec \"$@\"' sh \"$@\"",
            command: "apply",
            asked: "--port 8080 --set 'net.ipv4.ip_local_port_range=1024 65535'",
            setting: "net.ipv4.ip_local_port_range",
            cause: "held-back",
            why: "not written: `net.ipv4.ip_local_reserved_ports` fell short",
            followed: Followed::Other("net.ipv4.ip_local_reserved_ports"),
        },
    ),
];
