//! Settings below `net` that sort after `ipv6`: multipath TCP, connection tracking, Unix sockets.

use super::row::{
    ADMIN_NET, ANY_INT, BY_TICK, Bounds, FLAG, HOST_NET, INT_MAX, INT_MIN, NET, NET_SHOWN, OFF_ON, Rare, ReadBack, Row,
    TICKS_SECONDS_MAX, UINT_MAX, always, never_changed, number, since, takes,
};
use super::scope::InNewNetns;
use super::version::KernelVersion;

const NETFILTER: &str = "Documentation/networking/nf_conntrack-sysctl.rst";

const CONNTRACK: Row = Row { rare: &Rare { module: Some("nf_conntrack"), ..Rare::NONE }, sources: &[NETFILTER], ..NET };

/// How long an idle entry of a kind is kept.
const TIMEOUT: Row = Row {
    values: number(1, TICKS_SECONDS_MAX),
    kernel_range: Some(const { &takes(-2_147_483, 2_147_483) }),
    rare: &Rare { range_varies: BY_TICK, ..*CONNTRACK.rare },
    unit: "seconds",
    ..CONNTRACK
};

/// One for the whole machine, of which other namespaces have a read-only copy.
const CONNTRACK_HOST: Row = Row {
    in_new_netns: never_changed(InNewNetns::ReadOnly),
    rare: &Rare { module: Some("nf_conntrack"), ..Rare::NONE },
    sources: &[NETFILTER],
    ..HOST_NET
};

const CONNTRACK_MAX: Row = Row {
    values: number(1, INT_MAX),
    kernel_range: Some(
        const {
            &since(
                Bounds { min: INT_MIN, max: INT_MAX },
                &[
                    (KernelVersion(6, 1), Bounds { min: 0, max: INT_MAX }),
                    (KernelVersion(7, 2), Bounds { min: 1, max: INT_MAX }),
                ],
            )
        },
    ),
    unit: "connections",
    default: always("nf_conntrack_buckets, 4 times that before 5.15"),
    purpose: "connections that are tracked; beyond it new ones are dropped: `nf_conntrack: table full, dropping packet`",
    notes: &["each network namespace may have that many", "each takes about 320 bytes"],
    ..CONNTRACK_HOST
};

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.mptcp.enabled",
        values: FLAG,
        unit: OFF_ON,
        default: always("1; 0 in Red Hat 8"),
        purpose: "whether programs may make multipath TCP sockets",
        sources: &["Documentation/networking/mptcp-sysctl.rst"],
        ..NET
    },
    Row {
        name: "net.netfilter.nf_conntrack_acct",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether packets and bytes of each connection are counted",
        ..CONNTRACK
    },
    Row {
        name: "net.netfilter.nf_conntrack_buckets",
        values: number(1, INT_MAX),
        unit: "buckets",
        default: always("by memory, at most 262144"),
        purpose: "the size of the table of connections",
        rare: &Rare {
            read_back: Some(ReadBack::Rounded("rounded up to what fills whole pages: 5000 becomes 5120")),
            ..*CONNTRACK_HOST.rare
        },
        ..CONNTRACK_HOST
    },
    Row {
        name: "net.netfilter.nf_conntrack_count",
        values: number(0, UINT_MAX),
        unit: "connections",
        default: always("counted"),
        purpose: "connections that are tracked now, against nf_conntrack_max",
        rare: &Rare { module: Some("nf_conntrack"), ..Rare::NONE },
        sources: &[NETFILTER],
        ..NET_SHOWN
    },
    Row {
        name: "net.netfilter.nf_conntrack_expect_max",
        values: number(1, INT_MAX),
        unit: "expectations",
        default: always("nf_conntrack_buckets / 256"),
        purpose: "connections that helpers such as FTP's may announce",
        ..CONNTRACK_HOST
    },
    Row {
        name: "net.netfilter.nf_conntrack_generic_timeout",
        default: always("600"),
        purpose: "how long an idle entry of an unknown protocol is kept",
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_icmp_timeout",
        default: always("30"),
        purpose: "how long an idle ICMP entry is kept",
        ..TIMEOUT
    },
    Row { name: "net.netfilter.nf_conntrack_max", ..CONNTRACK_MAX },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_be_liberal",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether only resets outside the window count as invalid",
        ..CONNTRACK
    },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_loose",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether connections that were there before are taken up",
        ..CONNTRACK
    },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_timeout_close_wait",
        default: always("60"),
        purpose: "how long an entry is kept whose one side has closed",
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_timeout_established",
        default: always("432000"),
        purpose: "how long an idle connection is kept",
        notes: &["432000 is five days"],
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_timeout_fin_wait",
        default: always("120"),
        purpose: "how long an entry is kept whose end was announced",
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_timeout_syn_recv",
        default: always("60"),
        purpose: "how long an entry is kept that was asked for and answered",
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_timeout_syn_sent",
        default: always("120"),
        purpose: "how long an entry is kept that was asked for",
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
        default: always("120"),
        purpose: "how long an entry in TIME-WAIT is kept",
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_udp_timeout",
        default: always("30"),
        purpose: "how long an idle UDP entry is kept",
        ..TIMEOUT
    },
    Row {
        name: "net.netfilter.nf_conntrack_udp_timeout_stream",
        default: always("120"),
        purpose: "how long an idle UDP entry with traffic both ways is kept",
        ..TIMEOUT
    },
    Row {
        name: "net.nf_conntrack_max",
        in_new_netns: never_changed(InNewNetns::Absent),
        notes: &["another name of net.netfilter.nf_conntrack_max"],
        ..CONNTRACK_MAX
    },
    Row {
        name: "net.unix.max_dgram_qlen",
        values: number(1, INT_MAX),
        kernel_range: ANY_INT,
        unit: "datagrams",
        default: always("10; systemd sets 512"),
        purpose: "datagrams that may wait at a Unix socket",
        notes: &["taken when the socket is made", "negative numbers are taken, but by 6.12"],
        sources: &["unix(7)", ADMIN_NET],
        ..NET
    },
];
