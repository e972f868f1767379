//! `net.ipv4.tcp_*` up to `tcp_mtu`, for IPv6 too.

use super::row::{
    ANY_INT, ASCENDING, BY_TICK, BYTE, Bounds, FLAG, HOST_NET, INT_MAX, INT_MIN, IP_SYSCTL, Kubernetes, NET, NET_SHOWN,
    NoEffect, OFF_ON, ROUNDED_TO_TICKS, Rare, Row, TICKS, TICKS_MS, TICKS_SECONDS_MAX, ULONG_MAX, always,
    never_changed, number, numbers, shape, since,
};
use super::scope::{InNewNetns, Scope};
use super::version::KernelVersion;
use crate::model::value::Kind;

pub(super) const TCP: Row = Row { sources: &["tcp(7)", IP_SYSCTL], ..NET };
/// Only the initial network namespace has it.
pub(super) const TCP_HOST: Row = Row { sources: &["tcp(7)", IP_SYSCTL], ..HOST_NET };
/// What can only be read.
const TCP_SHOWN: Row = Row { sources: &["tcp(7)", IP_SYSCTL], ..NET_SHOWN };
/// A flag kept in a byte.
pub(super) const TCP_FLAG: Row = Row { values: FLAG, kernel_range: BYTE, unit: OFF_ON, ..TCP };
const KEEPALIVE: Row = Row { kubernetes: Kubernetes::Safe { since: "1.29" }, ..TCP };

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.ipv4.tcp_abort_on_overflow",
        default: always("0"),
        purpose: "whether clients get a reset when the listener's queue is full, rather than try again",
        notes: &["turns a short burst into errors that clients see"],
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_adv_win_scale",
        values: number(-31, 31),
        unit: "power of two",
        default: always("1"),
        rare: &Rare { no_effect: Some(NoEffect::since(KernelVersion(6, 6))), ..Rare::NONE },
        purpose: "how much of the receive buffer is the program's and not overhead, but without effect since 6.6",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_allowed_congestion_control",
        values: shape(Kind::Text),
        unit: "names",
        default: always("reno and the default"),
        purpose: "the congestion controls that unprivileged programs may choose",
        notes: &["before 5.12 a write in any namespace changed the host's"],
        scope: never_changed(Scope::HostNet),
        in_new_netns: never_changed(InNewNetns::ReadOnly),
        ..TCP_HOST
    },
    Row {
        name: "net.ipv4.tcp_autocorking",
        kernel_range: Some(
            const { &since(Bounds { min: INT_MIN, max: INT_MAX }, &[(KernelVersion(5, 13), Bounds { min: 0, max: 1 })]) },
        ),
        default: always("1"),
        purpose: "whether small writes are held back a little to make larger packets",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_available_congestion_control",
        values: shape(Kind::Text),
        unit: "names",
        default: always("reno cubic"),
        purpose: "the congestion controls that are there now; others may come with a module",
        ..TCP_SHOWN
    },
    Row {
        name: "net.ipv4.tcp_base_mss",
        values: number(88, 65535),
        kernel_range: ANY_INT,
        unit: "bytes",
        default: always("1024"),
        purpose: "where the search for a path's largest segment begins, with tcp_mtu_probing",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_challenge_ack_limit",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "per second",
        default: since("1000", &[(KernelVersion(6, 1), "2147483647")]),
        purpose: "challenge ACKs that go out (RFC 5961)",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_child_ehash_entries",
        values: number(0, 16_777_216),
        unit: "buckets, 0 shared with the host",
        default: always("0"),
        purpose: "the size of the connection table that network namespaces made from here get",
        notes: &["the size that is used is a power of two"],
        rare: &Rare { since: Some(KernelVersion(6, 1)), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_congestion_control",
        values: shape(Kind::Word),
        unit: "name",
        default: always("cubic"),
        purpose: "the congestion control of new connections",
        notes: &[
            "an unknown name gives ENOENT, though the file exists; see tcp_available_congestion_control",
            "a new network namespace starts with the host's value",
        ],
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_dsack",
        default: always("1"),
        purpose: "whether duplicates are told to the sender (RFC 2883)",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_early_retrans",
        values: number(0, 4),
        unit: "0 off, 3 tail loss probe",
        default: always("3"),
        purpose: "whether the end of a flight is sent again early",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_ecn",
        values: number(0, 5),
        kernel_range: Some(
            const {
                &since(
                    Bounds { min: INT_MIN, max: INT_MAX },
                    &[
                        (KernelVersion(5, 13), Bounds { min: 0, max: 255 }),
                        (KernelVersion(6, 1), Bounds { min: 0, max: 2 }),
                        (KernelVersion(7, 2), Bounds { min: 0, max: 5 }),
                    ],
                )
            },
        ),
        unit: "0 off, 1 ask and answer, 2 answer, 3 to 5 accurate ECN (7.2)",
        default: always("2"),
        purpose: "whether congestion is told by marks rather than loss",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_ehash_entries",
        values: shape(Kind::Number),
        unit: "buckets",
        default: always("by memory"),
        purpose: "the size of the connection table",
        notes: &["negative in a namespace that shares the host's"],
        rare: &Rare { since: Some(KernelVersion(6, 1)), ..Rare::NONE },
        ..TCP_SHOWN
    },
    Row {
        name: "net.ipv4.tcp_fack",
        default: always("0"),
        rare: &Rare { no_effect: Some(NoEffect::since(KernelVersion(4, 15))), ..Rare::NONE },
        purpose: "without effect since 4.15",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_fastopen",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "bits: 1 client, 2 server, 4 client without cookie, …",
        default: always("1"),
        purpose: "whether data may come with the first packet of a connection",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_fastopen_blackhole_timeout_sec",
        values: number(0, INT_MAX),
        unit: "seconds, 0 off",
        default: always("0"),
        purpose: "how long fast open rests after a middlebox swallowed it",
        notes: &["was 3600 before 5.14"],
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_fin_timeout",
        values: number(1, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("60"),
        purpose: "how long a connection that the program has let go waits for the other side's end (FIN-WAIT-2)",
        notes: &[
            "does not shorten TIME-WAIT, which is always 60 s, whatever many guides say",
            "0 and negative numbers are taken",
        ],
        kubernetes: Kubernetes::Safe { since: "1.29" },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_frto",
        values: number(0, 2),
        kernel_range: BYTE,
        unit: "0 off, else on",
        default: always("2"),
        purpose: "whether false timeouts are recognised (RFC 5682)",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_invalid_ratelimit",
        values: number(0, INT_MAX),
        kernel_range: TICKS_MS,
        unit: "ms, 0 no bound",
        default: always("500"),
        purpose: "how often invalid packets of a connection are answered",
        rare: &Rare { read_back: Some(ROUNDED_TO_TICKS), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_keepalive_intvl",
        values: number(1, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("75"),
        purpose: "time between two keepalive probes, of connections with SO_KEEPALIVE",
        ..KEEPALIVE
    },
    Row {
        name: "net.ipv4.tcp_keepalive_probes",
        values: number(0, 255),
        kernel_range: BYTE,
        unit: "probes",
        default: always("9"),
        purpose: "unanswered keepalive probes after which a connection is dead",
        ..KEEPALIVE
    },
    Row {
        name: "net.ipv4.tcp_keepalive_time",
        values: number(1, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("7200"),
        purpose: "how long a connection with SO_KEEPALIVE is silent before it is probed",
        notes: &["a program can't ask for more than 32767, this can"],
        ..KEEPALIVE
    },
    Row {
        name: "net.ipv4.tcp_limit_output_bytes",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "bytes per connection",
        default: since("1048576", &[(KernelVersion(6, 16), "4194304")]),
        purpose: "data of a connection that may wait in the packet scheduler and the device",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_low_latency",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("0"),
        rare: &Rare { no_effect: Some(NoEffect::since(KernelVersion(4, 14))), ..Rare::NONE },
        purpose: "without effect since 4.14",
        ..TCP_HOST
    },
    Row {
        name: "net.ipv4.tcp_max_orphans",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "connections",
        default: always("by memory"),
        purpose: "connections that no program holds any more; beyond it they are reset",
        notes: &["each takes up to 64 KiB that can't be swapped"],
        ..TCP_HOST
    },
    Row {
        name: "net.ipv4.tcp_max_reordering",
        values: number(1, INT_MAX),
        unit: "packets",
        default: always("300"),
        purpose: "how far tcp_reordering may grow by itself",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_max_syn_backlog",
        values: number(1, INT_MAX),
        kernel_range: ANY_INT,
        unit: "connections per listener",
        default: always("128 or more, by memory"),
        purpose: "connections of a listener whose client has not yet answered",
        notes: &[
            "the listener's own backlog bounds them too",
            "matters only with tcp_syncookies off or spent",
            "negative numbers are taken",
        ],
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_max_tw_buckets",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "connections",
        default: always("half of the connection table, by memory"),
        purpose: "connections in TIME-WAIT; beyond it they are dropped without it",
        notes: &[
            "lowering it drops TIME-WAIT, which protects new connections from old packets",
            "negative numbers are taken",
        ],
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_mem",
        values: numbers(3, 0, ULONG_MAX),
        unit: "pages: low, pressure, max",
        default: always("by memory"),
        purpose: "memory for all TCP buffers of the machine",
        notes: &[
            "in pages, not bytes",
            "the order of the three is not checked, and `0 0 0` is taken",
            "5.10 takes a negative number without an error and changes nothing",
        ],
        rare: ASCENDING,
        ..TCP_HOST
    },
    Row {
        name: "net.ipv4.tcp_migrate_req",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether connections of a closing listener go to another one of its SO_REUSEPORT group",
        rare: &Rare { since: Some(KernelVersion(5, 14)), ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_min_snd_mss",
        values: number(48, 65535),
        unit: "bytes",
        default: always("48"),
        purpose: "the least segment that is sent",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_min_tso_segs",
        values: number(1, 255),
        kernel_range: Some(
            const { &since(Bounds { min: 1, max: 65535 }, &[(KernelVersion(5, 13), Bounds { min: 1, max: 255 })]) },
        ),
        unit: "segments",
        default: always("2"),
        purpose: "the least number of segments that are handed to the device at once",
        ..TCP
    },
    Row {
        name: "net.ipv4.tcp_moderate_rcvbuf",
        default: always("1"),
        purpose: "whether receive buffers grow by themselves, up to tcp_rmem's third number",
        ..TCP_FLAG
    },
    Row {
        name: "net.ipv4.tcp_mtu_probing",
        values: number(0, 2),
        kernel_range: BYTE,
        unit: "0 off, 1 when packets vanish, 2 always",
        default: always("0"),
        purpose: "whether the largest segment of a path is found by trying",
        ..TCP
    },
];
