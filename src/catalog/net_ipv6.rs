//! `net.ipv6`.

use super::row::{
    ANY_INT, BY_TICK, BYTE, FLAG, HOST_NET, INT_MAX, IP_SYSCTL, NET, NoEffect, OFF_ON, Rare, Row, TICKS,
    TICKS_SECONDS_MAX, ULONG_MAX, always, number,
};
use super::version::KernelVersion;

const IPV6: Row = Row { sources: &["ipv6(7)", IP_SYSCTL], ..NET };

/// One of each for every interface, `all`, and `default` for interfaces yet to come. Unlike those of IPv4,
/// new network namespaces start with the kernel's defaults.
const CONF: Row = Row { values: FLAG, kernel_range: ANY_INT, unit: OFF_ON, sources: &[IP_SYSCTL], ..NET };

/// What a change of `forwarding` changes with it.
const HOST_OR_ROUTER: Row = Row { rare: &Rare { after: &["net.ipv6.conf.all.forwarding"], ..Rare::NONE }, ..CONF };

const NEIGH_HOST: Row = Row {
    values: number(0, INT_MAX),
    unit: "entries",
    notes: &["shared by all network namespaces"],
    sources: &[IP_SYSCTL],
    ..HOST_NET
};

/// Absent in a network namespace that a user namespace owns, on every kernel so far.
const ROUTE: Row = Row { rare: &Rare { in_user_netns_since: Some(KernelVersion::NEWEST), ..Rare::NONE }, ..IPV6 };

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.ipv6.bindv6only",
        values: FLAG,
        kernel_range: BYTE,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether a socket bound to :: takes IPv6 only; the default of IPV6_V6ONLY",
        ..IPV6
    },
    Row {
        name: "net.ipv6.conf.*.accept_dad",
        values: number(0, 2),
        unit: "0 no, 1 yes, 2 and switch IPv6 off when a clash is found",
        default: always("1; 0 for all"),
        purpose: "whether it is checked that nobody else has an address",
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.*.accept_ra",
        values: number(0, 2),
        unit: "0 no, 1 unless forwarding, 2 always",
        default: always("1"),
        purpose: "whether routers' announcements are taken",
        ..HOST_OR_ROUTER
    },
    Row {
        name: "net.ipv6.conf.*.accept_redirects",
        default: always("1"),
        purpose: "whether redirects are followed",
        ..HOST_OR_ROUTER
    },
    Row {
        name: "net.ipv6.conf.*.accept_source_route",
        values: number(-1, INT_MAX),
        unit: "-1 no, 0 and more yes for routing header type 2",
        default: always("0"),
        purpose: "whether packets that name their own route are taken",
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.*.autoconf",
        default: always("1"),
        purpose: "whether addresses are made from routers' announcements",
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.*.disable_ipv6",
        default: always("0"),
        purpose: "whether the interface has no IPv6",
        notes: &["1 drops the interface's addresses, and 0 does not bring them back", "`all` sets every interface"],
        rare: &Rare { after: &["net.ipv6.conf.all.disable_ipv6"], ..Rare::NONE },
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.*.forwarding",
        default: always("0"),
        purpose: "whether the interface acts as a router's",
        notes: &["only that of `all` makes the machine pass packets on, and sets every interface"],
        rare: &Rare { after: &["net.ipv6.conf.all.forwarding"], ..Rare::NONE },
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.*.hop_limit",
        values: number(1, 255),
        kernel_range: None,
        unit: "hops",
        default: always("64"),
        purpose: "how many routers a packet may pass",
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.*.use_tempaddr",
        values: number(-1, 2),
        unit: "0 off, 1 on, 2 preferred",
        default: always("0"),
        purpose: "whether temporary addresses are made (RFC 8981)",
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.all.disable_ipv6",
        default: always("0"),
        purpose: "whether all interfaces have no IPv6",
        notes: &[
            "sets every interface and `default`; 1 drops their addresses, and 0 does not bring them back",
            "5.10 takes what is no number without an error, and sets 0",
        ],
        ..CONF
    },
    Row {
        name: "net.ipv6.conf.all.forwarding",
        default: always("0"),
        purpose: "whether packets for others are passed on between interfaces",
        notes: &["sets every interface and `default`, and with them what a router takes from other routers"],
        ..CONF
    },
    Row {
        name: "net.ipv6.ip6frag_high_thresh",
        values: number(0, ULONG_MAX),
        unit: "bytes",
        default: always("4194304"),
        purpose: "memory for fragments of packets, beyond which new ones are dropped",
        notes: &["must not be below ip6frag_low_thresh"],
        ..IPV6
    },
    Row {
        name: "net.ipv6.ip6frag_low_thresh",
        values: number(0, ULONG_MAX),
        unit: "bytes",
        default: always("3145728"),
        purpose: "without a use any more but as the least that ip6frag_high_thresh may be",
        notes: &["must not be above ip6frag_high_thresh"],
        rare: &Rare { after: &["net.ipv6.ip6frag_high_thresh"], ..Rare::NONE },
        ..IPV6
    },
    Row {
        name: "net.ipv6.ip6frag_time",
        values: number(1, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("60"),
        purpose: "how long fragments of a packet are kept",
        ..IPV6
    },
    Row {
        name: "net.ipv6.ip_nonlocal_bind",
        values: FLAG,
        kernel_range: BYTE,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether bind(2) takes addresses that the machine does not have",
        ..IPV6
    },
    Row {
        name: "net.ipv6.neigh.default.gc_thresh1",
        default: always("128"),
        purpose: "neighbours below which none is dropped",
        ..NEIGH_HOST
    },
    Row {
        name: "net.ipv6.neigh.default.gc_thresh2",
        default: always("512"),
        purpose: "neighbours above which those unused for 5 seconds are dropped",
        ..NEIGH_HOST
    },
    Row {
        name: "net.ipv6.neigh.default.gc_thresh3",
        default: always("1024"),
        purpose: "the most neighbours",
        ..NEIGH_HOST
    },
    Row {
        name: "net.ipv6.route.gc_thresh",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "entries",
        default: always("1024"),
        purpose: "routes above which unused ones are dropped",
        ..ROUTE
    },
    Row {
        name: "net.ipv6.route.max_size",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "entries",
        default: always("4096; 2147483647 since 6.3"),
        rare: &Rare { no_effect: Some(NoEffect::since(KernelVersion(6, 3))), ..Rare::NONE },
        purpose: "the most cached routes, but without effect since 6.3",
        ..IPV6
    },
];
