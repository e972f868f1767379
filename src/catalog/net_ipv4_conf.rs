//! `net.ipv4.conf`: one of each for every interface, `all`, and `default` for interfaces yet to come.

use super::row::{ANY_INT, FLAG, INT_MAX, IP_SYSCTL, NET, OFF_ON, Rare, Row, always, number};

/// `ip_forward` sets some of these anew, so it goes first.
const CONF: Row = Row {
    values: FLAG,
    kernel_range: ANY_INT,
    unit: OFF_ON,
    default: always("0"),
    rare: &Rare { after: &["net.ipv4.ip_forward"], ..Rare::NONE },
    sources: &[IP_SYSCTL],
    ..NET
};

/// On where either `all` or the interface has it on.
const OR: &[&str] = &["on where either `all` or the interface says so", INHERITED];
/// On only where both have it on.
const AND: &[&str] = &["on only where both `all` and the interface say so", INHERITED];
/// The higher of the two counts.
const MAX: &[&str] = &["the higher of `all` and the interface counts", INHERITED];
/// `devconf_inherit_init_net` in its default.
const INHERITED: &str = "a new network namespace starts with the host's value";

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.ipv4.conf.*.accept_local",
        purpose: "whether packets from one of the machine's own addresses are taken",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.accept_redirects",
        default: always("1 on a host, 0 on a router"),
        purpose: "whether ICMP redirects are followed",
        notes: &[
            "on a router, only where both `all` and the interface say so; on a host, where either does",
            "ip_forward sets the one of `all`",
            INHERITED,
        ],
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.accept_source_route",
        default: always("0 for all, 1 for default"),
        purpose: "whether packets that name their own route are taken",
        notes: AND,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.arp_accept",
        values: number(0, 2),
        unit: "0 no, 1 yes, 2 from the same subnet (since 6.0)",
        purpose: "whether unasked ARP makes new entries",
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.arp_announce",
        values: number(0, 2),
        unit: "0 any, 1 of the target's subnet if possible, 2 the best",
        purpose: "which of the machine's addresses ARP requests come from",
        notes: MAX,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.arp_filter",
        purpose: "whether ARP is answered only by the interface that would route back",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.arp_ignore",
        values: number(0, 8),
        unit: "0 any address, 1 the interface's own, up to 8 none",
        purpose: "which ARP requests are answered",
        notes: MAX,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.arp_notify",
        purpose: "whether others are told by ARP when an interface or its address changes",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.forwarding",
        purpose: "whether packets for others that arrive here are passed on",
        notes: &["`all` is the same as ip_forward, and sets every interface", INHERITED],
        rare: &Rare { capability: Some("CAP_NET_ADMIN"), ..*CONF.rare },
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.log_martians",
        purpose: "whether packets with impossible addresses are logged",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.promote_secondaries",
        purpose: "whether a secondary address takes the place of a primary one that is removed",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.proxy_arp",
        purpose: "whether ARP for addresses beyond other interfaces is answered",
        notes: OR,
        ..CONF
    },
    Row { name: "net.ipv4.conf.*.route_localnet", purpose: "whether 127.0.0.0/8 may be routed", notes: OR, ..CONF },
    Row {
        name: "net.ipv4.conf.*.rp_filter",
        values: number(0, 2),
        unit: "0 off, 1 strict, 2 loose",
        default: always("0; systemd sets 2"),
        purpose: "whether a packet is dropped whose answer would leave by another interface",
        notes: MAX,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.secure_redirects",
        default: always("1"),
        purpose: "whether ICMP redirects are followed only to known gateways",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.send_redirects",
        default: always("1"),
        purpose: "whether a router tells hosts of better routes",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.shared_media",
        default: always("1"),
        purpose: "whether other subnets are taken to be on the same wire; overrides secure_redirects",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.src_valid_mark",
        purpose: "whether a packet's mark counts when its source is checked",
        notes: OR,
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.*.tag",
        values: number(0, INT_MAX),
        unit: "number",
        purpose: "a number for programs to use as they like",
        ..CONF
    },
    Row {
        name: "net.ipv4.conf.all.rp_filter",
        values: number(0, 2),
        unit: "0 off, 1 strict, 2 loose",
        purpose: "whether a packet is dropped whose answer would leave by another interface, on every interface",
        notes: &[
            "the higher of this and the interface's own counts: lowering this alone may change nothing",
            INHERITED,
        ],
        ..CONF
    },
];
