//! `net.ipv4` from `neigh` to `route`: neighbours, who may ping, and routes.

use super::net_ipv4::{IP, of_each_since};
use super::row::{
    ANY_INT, BY_TICK, HOST_NET, INT_MAX, IP_SYSCTL, Kubernetes, NET, NoEffect, ROUNDED_TO_TICKS, Rare, Row, TICKS,
    TICKS_SECONDS_MAX, UINT_MAX, always, number, numbers, takes,
};
use super::version::KernelVersion;
use crate::model::setting::NumberOrder;

/// Of the routing cache of IPv4.
const NO_ROUTING_CACHE: NoEffect =
    NoEffect { since: Some(KernelVersion(3, 6)), reason: Some("the routing cache is gone") };

/// The neighbour table of each interface. That of `default` only the initial network namespace has.
const NEIGH: Row = Row { values: number(0, INT_MAX), sources: &["arp(7)", IP_SYSCTL], ..NET };

/// What bounds the neighbour tables of all namespaces together.
const NEIGH_HOST: Row = Row {
    values: number(0, INT_MAX),
    unit: "entries",
    notes: &["shared by all network namespaces: a host with many containers or pods runs out of it first"],
    sources: &["arp(7)", IP_SYSCTL],
    ..HOST_NET
};

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.ipv4.neigh.*.app_solicit",
        unit: "probes",
        default: always("0"),
        purpose: "times that a program is asked for a neighbour's address before multicast",
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.*.base_reachable_time_ms",
        unit: "ms",
        default: always("30000"),
        purpose: "about how long a neighbour counts as reachable",
        rare: &Rare { read_back: Some(ROUNDED_TO_TICKS), ..Rare::NONE },
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.*.delay_first_probe_time",
        values: number(0, TICKS_SECONDS_MAX),
        kernel_range: Some(const { &takes(0, 2_147_483) }),
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("5"),
        purpose: "how long to wait before a stale neighbour is probed",
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.*.gc_stale_time",
        values: number(0, TICKS_SECONDS_MAX),
        kernel_range: Some(const { &takes(0, 2_147_483) }),
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("60"),
        purpose: "how long an unused neighbour is kept before it may be dropped",
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.*.mcast_solicit",
        unit: "probes",
        default: always("3"),
        purpose: "times that a neighbour's address is asked for by broadcast",
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.*.retrans_time_ms",
        unit: "ms",
        default: always("1000"),
        purpose: "time between two probes of a neighbour",
        rare: &Rare { read_back: Some(ROUNDED_TO_TICKS), ..Rare::NONE },
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.*.ucast_solicit",
        unit: "probes",
        default: always("3"),
        purpose: "times that a known neighbour is asked itself",
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.*.unres_qlen_bytes",
        unit: "bytes",
        default: always("212992"),
        purpose: "packets that wait for a neighbour's address",
        ..NEIGH
    },
    Row {
        name: "net.ipv4.neigh.default.gc_interval",
        values: number(0, TICKS_SECONDS_MAX),
        kernel_range: Some(const { &takes(0, 2_147_483) }),
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("30"),
        purpose: "how often unused neighbours are dropped",
        ..NEIGH_HOST
    },
    Row {
        name: "net.ipv4.neigh.default.gc_thresh1",
        default: always("128"),
        purpose: "neighbours below which none is dropped",
        ..NEIGH_HOST
    },
    Row {
        name: "net.ipv4.neigh.default.gc_thresh2",
        default: always("512"),
        purpose: "neighbours above which those unused for 5 seconds are dropped",
        ..NEIGH_HOST
    },
    Row {
        name: "net.ipv4.neigh.default.gc_thresh3",
        default: always("1024"),
        purpose: "the most neighbours; beyond it the log says `neighbour: arp_cache: neighbor table overflow!`",
        ..NEIGH_HOST
    },
    Row {
        name: "net.ipv4.ping_group_range",
        values: numbers(2, 0, UINT_MAX - 1),
        unit: "group ids",
        default: always("1 0, which means nobody"),
        purpose: "the groups that may make ICMP sockets, and so ping without privileges",
        notes: &[
            "a group that the user namespace does not map is refused",
            "Docker sets `0 2147483647` where it uses no user namespace",
        ],
        kubernetes: Kubernetes::Safe { since: "1.18" },
        sources: &["icmp(7)", IP_SYSCTL],
        rare: &Rare { order: NumberOrder::AscendingOrEmpty([1, 0]), ..Rare::NONE },
        ..IP
    },
    Row {
        name: "net.ipv4.route.gc_timeout",
        values: number(0, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, no_effect: Some(NO_ROUTING_CACHE), ..Rare::NONE },
        unit: "seconds",
        default: always("300"),
        purpose: "without effect since the routing cache went in 3.6",
        sources: &[IP_SYSCTL],
        ..HOST_NET
    },
    Row {
        name: "net.ipv4.route.max_size",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "entries",
        default: always("2147483647"),
        rare: &Rare { no_effect: Some(NO_ROUTING_CACHE), ..Rare::NONE },
        purpose: "without effect since the routing cache went in 3.6",
        sources: &[IP_SYSCTL],
        ..HOST_NET
    },
    Row {
        name: "net.ipv4.route.min_adv_mss",
        values: number(0, 65535),
        kernel_range: ANY_INT,
        unit: "bytes",
        default: always("256"),
        purpose: "the least segment size that is offered to others",
        ..of_each_since(KernelVersion(5, 18))
    },
    Row {
        name: "net.ipv4.route.min_pmtu",
        values: number(68, 65535),
        kernel_range: Some(const { &takes(68, INT_MAX) }),
        unit: "bytes",
        default: always("552"),
        purpose: "the smallest packet that discovery of a path's size goes down to",
        ..of_each_since(KernelVersion(5, 17))
    },
    Row {
        name: "net.ipv4.route.mtu_expires",
        values: number(1, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("600"),
        purpose: "how long the size that was found for a path is remembered",
        ..of_each_since(KernelVersion(5, 17))
    },
];
