//! `net.ipv4` from `fib` to `ipfrag`: addresses, ports, ICMP.

use super::row::{
    ANY_INT, BY_TICK, BYTE, Bounds, FLAG, INT_MAX, INT_MIN, IP_SYSCTL, Kubernetes, NET, OFF_ON, ROUNDED_TO_TICKS, Rare,
    ReadBack, Row, TICKS, TICKS_MS, TICKS_SECONDS_MAX, ULONG_MAX, Values, always, changed, number, since,
};
use super::scope::{InNewNetns, Scope};
use super::version::KernelVersion;
use crate::model::value::Kind;

pub(super) const IP: Row = Row { sources: &["ip(7)", IP_SYSCTL], ..NET };
const ICMP: Row = Row { sources: &["icmp(7)", IP_SYSCTL], ..NET };

/// Checked since 5.13 to fit a byte, and since 6.1 to be 0 or 1.
const ICMP_FLAG: Row = Row {
    values: FLAG,
    kernel_range: Some(
        const {
            &since(
                Bounds { min: INT_MIN, max: INT_MAX },
                &[
                    (KernelVersion(5, 13), Bounds { min: 0, max: 255 }),
                    (KernelVersion(6, 1), Bounds { min: 0, max: 1 }),
                ],
            )
        },
    ),
    unit: OFF_ON,
    ..ICMP
};

/// Before a version only the initial network namespace had it.
pub(super) const fn of_each_since(version: KernelVersion) -> Row {
    Row {
        scope: changed(Scope::HostNet, version, Scope::NetNs),
        in_new_netns: changed(InNewNetns::Absent, version, InNewNetns::Writable),
        ..IP
    }
}

/// The bounds of all ICMP messages: each namespace's since 6.12, and in stable series from 6.1 on.
const ICMP_ALL: Row = of_each_since(KernelVersion(6, 1));

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.ipv4.fib_multipath_hash_policy",
        values: number(0, 3),
        kernel_range: Some(
            const { &since(Bounds { min: 0, max: 2 }, &[(KernelVersion(5, 14), Bounds { min: 0, max: 3 })]) },
        ),
        unit: "0 addresses, 1 ports too, 2 inner addresses, 3 fib_multipath_hash_fields",
        default: always("0"),
        purpose: "by what packets are spread over several routes",
        ..IP
    },
    Row {
        name: "net.ipv4.icmp_echo_ignore_all",
        default: always("0"),
        purpose: "whether pings go unanswered",
        ..ICMP_FLAG
    },
    Row {
        name: "net.ipv4.icmp_echo_ignore_broadcasts",
        default: always("1"),
        purpose: "whether pings to broadcast addresses go unanswered",
        ..ICMP_FLAG
    },
    Row {
        name: "net.ipv4.icmp_ignore_bogus_error_responses",
        default: always("1"),
        purpose: "whether warnings of routers that break RFC 1122 are not logged",
        ..ICMP_FLAG
    },
    Row {
        name: "net.ipv4.icmp_msgs_burst",
        values: number(0, INT_MAX),
        unit: "messages",
        default: always("50"),
        purpose: "ICMP messages that may go out at once beyond icmp_msgs_per_sec",
        ..ICMP_ALL
    },
    Row {
        name: "net.ipv4.icmp_msgs_per_sec",
        values: number(0, INT_MAX),
        unit: "messages per second",
        default: always("1000"),
        purpose: "ICMP messages of the kinds in icmp_ratemask that may go out",
        ..ICMP_ALL
    },
    Row {
        name: "net.ipv4.icmp_ratelimit",
        values: number(0, INT_MAX),
        kernel_range: TICKS_MS,
        unit: "ms between two, 0 no bound",
        default: always("1000"),
        purpose: "how often ICMP messages of the kinds in icmp_ratemask go to one target",
        rare: &Rare { read_back: Some(ROUNDED_TO_TICKS), ..Rare::NONE },
        ..ICMP
    },
    Row {
        name: "net.ipv4.icmp_ratemask",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "bits, by type of message",
        default: always("6168"),
        purpose: "the kinds of ICMP message that are bounded",
        ..ICMP
    },
    Row {
        name: "net.ipv4.igmp_max_memberships",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "groups per socket",
        default: always("20"),
        purpose: "multicast groups that a socket may join",
        ..IP
    },
    Row {
        name: "net.ipv4.ip_autobind_reuse",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether bind(2) to port 0 shares ports among sockets with SO_REUSEADDR once they run out",
        notes: &["can break programs that do not expect it"],
        ..IP
    },
    Row {
        name: "net.ipv4.ip_default_ttl",
        values: number(1, 255),
        unit: "hops",
        default: always("64"),
        purpose: "how many routers a packet may pass",
        ..IP
    },
    Row {
        name: "net.ipv4.ip_early_demux",
        values: FLAG,
        kernel_range: BYTE,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether a packet's socket is looked up before its route",
        ..IP
    },
    Row {
        name: "net.ipv4.ip_forward",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether packets for others are passed on between interfaces",
        notes: &[
            "a change sets settings below net.ipv4.conf to what a router or a host has",
            "a new network namespace starts with the host's value",
        ],
        rare: &Rare { capability: Some("CAP_NET_ADMIN"), ..Rare::NONE },
        ..IP
    },
    Row {
        name: "net.ipv4.ip_local_port_range",
        values: Values { kind: Kind::PortRange, bounds: Some(Bounds { min: 1, max: 65535 }) },
        unit: "ports",
        default: always("32768 60999"),
        purpose: "the ports that outgoing connections are given",
        notes: &[
            "the low end must not be below ip_unprivileged_port_start",
            "a range over a service's own port lets an outgoing connection take it, and the next bind fails: reserve it in ip_local_reserved_ports",
            "two ends of one parity make the kernel log a warning, and an odd count of ports wastes the last one",
        ],
        kubernetes: Kubernetes::Safe { since: "1.4" },
        rare: &Rare { after: &["net.ipv4.ip_local_reserved_ports"], ..Rare::NONE },
        ..IP
    },
    Row {
        name: "net.ipv4.ip_local_reserved_ports",
        values: Values { kind: Kind::Ports, bounds: Some(Bounds { min: 0, max: 65535 }) },
        unit: "ports",
        default: always("none"),
        purpose: "ports that no outgoing connection is given, though they lie in ip_local_port_range",
        notes: &[
            "an explicit bind to such a port still works",
            "a write is cut at a page, and the rest goes on at the next offset; only a newline clears the list",
        ],
        rare: &Rare { read_back: Some(ReadBack::Changed("sorted and merged into ranges")), ..Rare::NONE },
        kubernetes: Kubernetes::Safe { since: "1.27" },
        ..IP
    },
    Row {
        name: "net.ipv4.ip_no_pmtu_disc",
        values: number(0, 3),
        kernel_range: BYTE,
        unit: "0 discover, 1 to 3 not",
        default: always("0"),
        purpose: "whether the largest packet for a path is not found out",
        ..IP
    },
    Row {
        name: "net.ipv4.ip_nonlocal_bind",
        values: FLAG,
        kernel_range: BYTE,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether bind(2) takes addresses that the machine does not have, as for a failover",
        ..IP
    },
    Row {
        name: "net.ipv4.ip_unprivileged_port_start",
        values: number(0, 65535),
        unit: "port",
        default: always("1024"),
        purpose: "the lowest port that a process without CAP_NET_BIND_SERVICE may bind",
        notes: &[
            "must not be above the low end of ip_local_port_range",
            "Docker since 20.10 sets it to 0 in a container's own network namespace",
        ],
        kubernetes: Kubernetes::Safe { since: "1.22" },
        ..IP
    },
    Row {
        name: "net.ipv4.ipfrag_high_thresh",
        values: number(0, ULONG_MAX),
        unit: "bytes",
        default: always("4194304"),
        purpose: "memory for fragments of packets, beyond which new ones are dropped",
        notes: &["must not be below ipfrag_low_thresh"],
        ..IP
    },
    Row {
        name: "net.ipv4.ipfrag_low_thresh",
        values: number(0, ULONG_MAX),
        unit: "bytes",
        default: always("3145728"),
        purpose: "without a use any more but as the least that ipfrag_high_thresh may be",
        notes: &["must not be above ipfrag_high_thresh"],
        rare: &Rare { after: &["net.ipv4.ipfrag_high_thresh"], ..Rare::NONE },
        ..IP
    },
    Row {
        name: "net.ipv4.ipfrag_time",
        values: number(1, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("30"),
        purpose: "how long fragments of a packet are kept",
        ..IP
    },
];
