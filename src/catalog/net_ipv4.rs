//! `net.ipv4` up to `route`: addresses, ports, interfaces and neighbours.

use super::row::{ANY_INT, IP_SYSCTL, Kubernetes, NET, Row, always, number};
use crate::model::setting::Spec;
use crate::model::value::Kind;

const IP: Row = Row { sources: &["ip(7)", IP_SYSCTL], ..NET };

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "net.ipv4.ip_forward",
        spec: number(0, 1),
        kernel_range: ANY_INT,
        unit: "0 off, 1 on",
        default: always("0"),
        purpose: "whether packets for others are passed on between interfaces",
        notes: &[
            "a change sets the per-interface settings beneath net.ipv4.conf back to what a router or a host has",
            "a new network namespace starts with the host's value",
        ],
        capability: Some("CAP_NET_ADMIN"),
        ..IP
    },
    Row {
        name: "net.ipv4.ip_local_port_range",
        spec: Spec { kind: Kind::PortRange, min: Some(1), max: Some(65535) },
        unit: "ports",
        default: always("32768 60999"),
        purpose: "the ports that outgoing connections are given",
        notes: &[
            "the low end must not be below ip_unprivileged_port_start",
            "a range over a service's own port lets an outgoing connection take it, and its next bind fails: list it in ip_local_reserved_ports",
            "two ends of one parity make the kernel log a warning, and an odd count of ports wastes the last one",
        ],
        kubernetes: Kubernetes::Safe { since: "1.4" },
        after: &["net.ipv4.ip_local_reserved_ports"],
        ..IP
    },
    Row {
        name: "net.ipv4.ip_local_reserved_ports",
        spec: Spec { kind: Kind::Ports, min: Some(0), max: Some(65535) },
        unit: "ports",
        default: always("none"),
        purpose: "ports that no outgoing connection is given, though they lie in ip_local_port_range",
        notes: &[
            "an explicit bind to such a port still works",
            "a write is cut at a page, the rest goes on at the next offset; only a newline clears the list",
        ],
        read_back: Some("sorted and merged into ranges"),
        kubernetes: Kubernetes::Safe { since: "1.27" },
        ..IP
    },
    Row {
        name: "net.ipv4.ip_unprivileged_port_start",
        spec: number(0, 65535),
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
];
