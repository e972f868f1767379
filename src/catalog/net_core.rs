//! `net.core`: what all protocols share.

use super::row::{ADMIN_NET, ANY_INT, HOST_NET, INT_MAX, InNewNetns, NET, Row, always, number, since, takes};
use super::version::KernelVersion;

/// Only the initial network namespace has it.
const HOST: Row = Row { sources: &[ADMIN_NET, "net/core/sysctl_net_core.c"], ..HOST_NET };

/// A buffer size whose read-only copy shows in other namespaces since about 6.12.
const BUFFER: Row = Row {
    unit: "bytes",
    in_new_netns: since(InNewNetns::Absent, &[(KernelVersion(6, 12), InNewNetns::ReadOnly)]),
    sources: &["socket(7)", ADMIN_NET],
    ..HOST
};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "net.core.netdev_max_backlog",
        spec: number(1, INT_MAX),
        kernel_range: ANY_INT,
        unit: "packets per processor",
        default: always("1000"),
        purpose: "packets that may wait for the stack when they arrive faster than it takes them",
        notes: &["negative numbers are taken; drops are counted in the 2nd column of /proc/net/softnet_stat"],
        ..HOST
    },
    Row {
        name: "net.core.rmem_max",
        spec: number(2304, INT_MAX),
        default: since("212992", &[(KernelVersion(6, 18), "4194304")]),
        purpose: "the largest receive buffer that a program may ask for with SO_RCVBUF",
        notes: &["the kernel doubles what a program asks for; TCP's own tuning is bounded by tcp_rmem instead"],
        ..BUFFER
    },
    Row {
        name: "net.core.somaxconn",
        spec: number(1, INT_MAX),
        kernel_range: Some(takes(0, INT_MAX)),
        unit: "connections",
        default: always("4096"),
        purpose: "the longest queue of established connections that a listening socket can have",
        notes: &[
            "taken when the service calls listen(2): raising it later changes nothing until it listens again",
            "the service's own backlog counts too, the lower of the two wins: 511 in nginx, Redis and Node, 50 in Java",
            "was 128 before 5.4",
        ],
        in_user_netns_since: Some(KernelVersion(6, 12)),
        sources: &["listen(2)", "Documentation/networking/ip-sysctl.rst"],
        ..NET
    },
    Row {
        name: "net.core.wmem_max",
        spec: number(4608, INT_MAX),
        default: since("212992", &[(KernelVersion(6, 18), "4194304")]),
        purpose: "the largest send buffer that a program may ask for with SO_SNDBUF",
        notes: &["the kernel doubles what a program asks for; TCP's own tuning is bounded by tcp_wmem instead"],
        ..BUFFER
    },
];
