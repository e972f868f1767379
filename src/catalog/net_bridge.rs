//! `net.bridge`: whether bridged packets pass the packet filter. Brought by the module `br_netfilter`.

use super::row::{ANY_INT, FLAG, NET, OFF_ON, Rare, ReadBack, Row, always};

const BRIDGE: Row = Row {
    values: FLAG,
    kernel_range: ANY_INT,
    unit: OFF_ON,
    default: always("1"),
    notes: &["absent until the module is loaded, which only the host can do"],
    rare: &Rare {
        read_back: Some(ReadBack::Changed("1 for every number but 0")),
        module: Some("br_netfilter"),
        ..Rare::NONE
    },
    sources: &["Documentation/networking/ip-sysctl.rst"],
    ..NET
};

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "net.bridge.bridge-nf-call-arptables",
        purpose: "whether bridged ARP packets pass arptables",
        ..BRIDGE
    },
    Row {
        name: "net.bridge.bridge-nf-call-ip6tables",
        purpose: "whether bridged IPv6 packets pass ip6tables",
        ..BRIDGE
    },
    Row {
        name: "net.bridge.bridge-nf-call-iptables",
        purpose: "whether bridged IPv4 packets pass iptables; Kubernetes networks want it",
        ..BRIDGE
    },
];
