//! `net.ipv4.tcp_*` from `tcp_no` on, and `net.ipv4.udp_*`, for IPv6 too.

use super::net_tcp::{TCP, TCP_FLAG, TCP_HOST};
use super::row::{
    ASCENDING, BYTE, FLAG, INT_MAX, IP_SYSCTL, Kubernetes, NoEffect, OFF_ON, Rare, Row, UINT_MAX, ULONG_MAX, always,
    number, numbers, since,
};
use super::version::KernelVersion;

/// Times that something is sent again, kept in a byte.
const RETRIES: Row = Row { values: number(0, 255), kernel_range: BYTE, unit: "times", ..TCP };
const PACING: Row = Row { values: number(0, 1000), unit: "percent", ..TCP };
const UDP: Row = Row { sources: &["udp(7)", IP_SYSCTL], ..TCP };

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.ipv4.tcp_no_metrics_save",
        default: always("0"),
        purpose: "whether what was learnt of a path is forgotten when its connection closes",
        notes: &["benchmarks set it to 1, so that runs do not depend on those before"],
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_notsent_lowat",
        values: number(0, UINT_MAX),
        unit: "bytes",
        default: always("4294967295"),
        purpose: "unsent data below which poll(2) says that a connection can be written",
        kubernetes: Kubernetes::Safe { since: "1.37" },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_orphan_retries",
        default: always("0, which means 8"),
        purpose: "times that data is sent again on a connection that no program holds any more",
        ..RETRIES
    },
    Row {
        name: "net.ipv4.tcp_pacing_ca_ratio",
        default: always("120"),
        purpose: "how fast packets leave in congestion avoidance, against the measured rate",
        ..PACING
    },
    Row {
        name: "net.ipv4.tcp_pacing_ss_ratio",
        default: always("200"),
        purpose: "how fast packets leave in slow start, against the measured rate",
        ..PACING
    },
    Row {
        name: "net.ipv4.tcp_recovery",
        values: number(0, 7),
        kernel_range: BYTE,
        unit: "bits: 1 RACK, 2 static window, 4 no duplicate threshold",
        default: always("1"),
        purpose: "how lost packets are recognised",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_reordering",
        values: number(1, INT_MAX),
        unit: "packets",
        default: always("3"),
        purpose: "how far packets may be out of order before they count as lost",
        notes: &["later releases of each series refuse more than tcp_max_reordering"],
        rare: &Rare { after: &["net.ipv4.tcp_max_reordering"], ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_retries1",
        default: always("3"),
        purpose: "times after which another route is looked for",
        ..RETRIES
    },
    Row {
        name: "net.ipv4.tcp_retries2",
        default: always("15"),
        purpose: "times after which a connection is given up: 15 is about 15 minutes, 5 about 6 seconds",
        notes: &["Elasticsearch advises 5"],
        ..RETRIES
    },
    Row {
        name: "net.ipv4.tcp_rfc1337",
        default: always("0"),
        purpose: "whether resets are ignored in TIME-WAIT",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_rmem",
        values: numbers(3, 1, INT_MAX),
        unit: "bytes: min, default, max",
        default: since("4096 131072 6291456", &[(KernelVersion(6, 16), "4096 131072 33554432")]),
        purpose: "receive buffers of TCP, and how far they grow",
        notes: &[
            "some stable kernels refuse numbers below 4096",
            "the order of the three is not checked, and of fewer than three the rest stay as they were",
            "the maximum is less on machines with little memory",
            "a new network namespace starts with the host's value",
        ],
        kubernetes: Kubernetes::Safe { since: "1.32" },
        rare: ASCENDING,
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_rto_max_ms",
        values: number(1000, 120_000),
        unit: "ms",
        default: always("120000"),
        purpose: "the longest wait before data is sent again",
        rare: &Rare { since: Some(KernelVersion(6, 15)), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_rto_min_us",
        values: number(1, INT_MAX),
        unit: "microseconds",
        default: always("200000"),
        purpose: "the shortest wait before data is sent again",
        rare: &Rare { since: Some(KernelVersion(6, 11)), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_sack",
        default: always("1"),
        purpose: "whether what has arrived is told piece by piece (RFC 2018)",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_shrink_window",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether a window that was offered may be taken back when memory is short",
        notes: &["the 6.1 series has it too"],
        rare: &Rare { since: Some(KernelVersion(6, 5)), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_slow_start_after_idle",
        default: always("1"),
        purpose: "whether a connection that was idle starts slowly again",
        notes: &["0 suits connections that are kept for many requests"],
        kubernetes: Kubernetes::Safe { since: "1.37" },
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_syn_linear_timeouts",
        values: number(0, 127),
        unit: "times",
        default: always("4"),
        purpose: "times that a connection is asked for at an even pace before the pace slows",
        rare: &Rare { since: Some(KernelVersion(6, 5)), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_syn_retries",
        values: number(1, 127),
        unit: "times",
        default: always("6"),
        purpose: "times that a connection is asked for again before connect(2) gives ETIMEDOUT",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_synack_retries",
        default: always("5"),
        purpose: "times that the answer to a new connection is sent again",
        ..RETRIES
    },
    Row {
        name: "net.ipv4.tcp_syncookies",
        values: number(0, 2),
        kernel_range: BYTE,
        unit: "0 off, 1 when the queue is full, 2 always",
        default: always("1"),
        purpose: "whether connections are remembered in the packets themselves when a queue is full",
        notes: &["the client believes itself connected while the server has no room for it"],
        kubernetes: Kubernetes::Safe { since: "1.4" },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_thin_linear_timeouts",
        default: always("0"),
        purpose: "whether connections with little data try again at an even pace",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_timestamps",
        values: number(0, 2),
        kernel_range: BYTE,
        unit: "0 off, 1 on with a random offset, 2 on without",
        default: always("1"),
        purpose: "whether packets carry time stamps (RFC 7323)",
        notes: &["tcp_tw_reuse needs them"],
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_tso_win_divisor",
        values: number(0, 255),
        kernel_range: BYTE,
        unit: "1/n of the window",
        default: always("3"),
        purpose: "how much of the window one large packet may take",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_tw_recycle",
        default: always("0"),
        purpose: "dropped TIME-WAIT early, and broke clients behind one address",
        notes: &["gone since 4.12: no supported kernel has it"],
        rare: &Rare { removed_in: Some(KernelVersion(4, 12)), ..Rare::NONE },
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_tw_reuse",
        values: number(0, 2),
        unit: "0 off, 1 on, 2 on loopback",
        default: always("2"),
        purpose: "whether an outgoing connection may take a port that is in TIME-WAIT",
        notes: &[
            "only for connect(2), and only with tcp_timestamps",
            "a second after the old connection, or tcp_tw_reuse_delay",
        ],
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_tw_reuse_delay",
        values: number(1, 60000),
        unit: "ms",
        default: always("1000"),
        purpose: "how long a port stays in TIME-WAIT before tcp_tw_reuse may take it",
        rare: &Rare { since: Some(KernelVersion(6, 14)), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_window_scaling",
        default: always("1"),
        purpose: "whether windows can be above 64 KiB (RFC 7323)",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_wmem",
        values: numbers(3, 1, INT_MAX),
        unit: "bytes: min, default, max",
        default: always("4096 16384 4194304"),
        purpose: "send buffers of TCP, and how far they grow",
        notes: &[
            "the order of the three is not checked, and of fewer than three the rest stay as they were",
            "a new network namespace starts with the host's value",
        ],
        kubernetes: Kubernetes::Safe { since: "1.32" },
        rare: ASCENDING,
        ..TCP
    },
    Row {
        name: "net.ipv4.udp_child_hash_entries",
        values: number(0, 65536),
        unit: "buckets, 0 shared with the host",
        default: always("0"),
        purpose: "the size of the socket table that network namespaces made from here get",
        notes: &["the size that is used is a power of two, and at least 128"],
        rare: &Rare { since: Some(KernelVersion(6, 2)), ..Rare::NONE },
        ..UDP
    },
    Row {
        name: "net.ipv4.udp_early_demux",
        kernel_range: BYTE,
        default: always("1"),
        purpose: "whether the socket of a UDP packet is looked up before its route",
        sources: &["udp(7)", IP_SYSCTL],
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.udp_mem",
        values: numbers(3, 0, ULONG_MAX),
        unit: "pages: low, pressure, max",
        default: always("by memory"),
        purpose: "memory for all UDP buffers of the machine",
        notes: &["in pages, not bytes", "5.10 takes a negative number without an error and changes nothing"],
        sources: &["udp(7)", IP_SYSCTL],
        rare: ASCENDING,
        ..TCP_HOST
    },
    Row {
        name: "net.ipv4.udp_rmem_min",
        values: number(1, INT_MAX),
        unit: "bytes per socket",
        default: always("4096"),
        purpose: "receive buffer that a UDP socket has even when memory is short",
        ..UDP
    },
    Row {
        name: "net.ipv4.udp_wmem_min",
        values: number(1, INT_MAX),
        unit: "bytes per socket",
        default: always("4096"),
        rare: &Rare {
            no_effect: Some(NoEffect { since: None, reason: Some("UDP counts sending by other means") }),
            ..Rare::NONE
        },
        purpose: "without effect: UDP counts sending by other means",
        ..UDP
    },
];
