//! `net.bridge`, whether bridged packets pass the packet filter, and `net.core`, what all protocols share.

use super::row::{
    ADMIN_NET, ANY_INT, BY_TICK, Bounds, FLAG, HOST_NET, INT_MAX, INT_MIN, LONG_MAX, NET, OFF_ON, Rare, ReadBack, Row,
    TICKS, TICKS_SECONDS_MAX, always, changed, number, shape, since, takes,
};
use super::scope::{InNewNetns, Scope};
use super::version::KernelVersion;
use crate::model::value::Kind;

/// Only the initial network namespace has it.
const HOST: Row = Row { sources: &[ADMIN_NET, "net/core/sysctl_net_core.c"], ..HOST_NET };

/// A buffer size, of which other namespaces have a read-only copy on newer kernels.
const BUFFER: Row = Row {
    unit: "bytes",
    in_new_netns: changed(InNewNetns::Absent, KernelVersion(6, 11), InNewNetns::ReadOnly),
    sources: &["socket(7)", ADMIN_NET],
    ..HOST
};

/// What one round of the network's soft interrupt may take.
const BUDGET: Row =
    Row { notes: &["rounds that ran out are counted in the 3rd column of /proc/net/softnet_stat"], ..HOST };

/// Brought by the module `br_netfilter`.
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
    Row {
        name: "net.core.bpf_jit_enable",
        values: number(0, 2),
        unit: "0 off, 1 on, 2 on and traced",
        default: always("1"),
        purpose: "whether BPF programs are compiled",
        notes: &["fixed at 1 where the kernel was built without the interpreter"],
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), ..Rare::NONE },
        ..HOST
    },
    Row {
        name: "net.core.bpf_jit_harden",
        values: number(0, 2),
        unit: "0 off, 1 for the unprivileged, 2 for all",
        default: always("0"),
        purpose: "whether compiled BPF programs are hardened against JIT spraying",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), ..Rare::NONE },
        ..HOST
    },
    Row {
        name: "net.core.bpf_jit_limit",
        values: number(1, LONG_MAX),
        unit: "bytes",
        default: always("a quarter of the space for modules"),
        purpose: "memory that compiled BPF programs of unprivileged users may take",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), ..Rare::NONE },
        ..HOST
    },
    Row {
        name: "net.core.busy_poll",
        values: number(0, INT_MAX),
        unit: "microseconds, 0 off",
        default: always("0"),
        purpose: "how long poll(2) and select(2) ask the network card before they sleep",
        ..HOST
    },
    Row {
        name: "net.core.busy_read",
        values: number(0, INT_MAX),
        unit: "microseconds, 0 off",
        default: always("0"),
        purpose: "how long a read from a socket asks the network card before it sleeps",
        notes: &["the default of SO_BUSY_POLL"],
        ..HOST
    },
    Row {
        name: "net.core.default_qdisc",
        values: shape(Kind::Word),
        unit: "name",
        default: always("pfifo_fast; systemd sets fq_codel"),
        purpose: "the packet scheduler that new interfaces get",
        notes: &[
            "an unknown name gives ENOENT",
            "interfaces that are up keep theirs",
            "BBR paces by itself and does not need fq any more",
        ],
        rare: &Rare { capability: Some("CAP_NET_ADMIN"), ..Rare::NONE },
        ..HOST
    },
    Row {
        name: "net.core.dev_weight",
        values: number(1, INT_MAX),
        unit: "packets",
        default: always("64"),
        purpose: "packets that one device may hand over in one round",
        ..BUDGET
    },
    Row {
        name: "net.core.devconf_inherit_init_net",
        values: number(0, 3),
        unit: "0 IPv4 only, 1 both, 2 the kernel's defaults, 3 of the creating namespace",
        default: always("0"),
        purpose: "where a new network namespace takes net.ipv4.conf and net.ipv6.conf from",
        ..HOST
    },
    Row {
        name: "net.core.flow_limit_table_len",
        values: number(1, INT_MAX),
        unit: "entries",
        default: always("4096"),
        purpose: "how finely flow_limit tells large flows apart",
        notes: &["a power of two"],
        ..HOST
    },
    Row {
        name: "net.core.gro_normal_batch",
        values: number(1, INT_MAX),
        unit: "packets",
        default: always("8"),
        purpose: "packets that are collected before the stack takes them",
        ..HOST
    },
    Row {
        name: "net.core.message_burst",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "messages",
        default: always("10"),
        purpose: "warnings of the network that may be logged at once",
        ..HOST
    },
    Row {
        name: "net.core.message_cost",
        values: number(0, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds, 0 no bound",
        default: always("5"),
        purpose: "how long it takes until more warnings of the network are logged",
        ..HOST
    },
    Row {
        name: "net.core.netdev_budget",
        values: number(1, INT_MAX),
        kernel_range: ANY_INT,
        unit: "packets",
        default: always("300"),
        purpose: "packets that all devices together may hand over in one round",
        ..BUDGET
    },
    Row {
        name: "net.core.netdev_budget_usecs",
        values: number(1, INT_MAX),
        kernel_range: Some(
            const { &since(Bounds { min: 0, max: INT_MAX }, &[(KernelVersion(6, 1), Bounds { min: 20000, max: INT_MAX })]) },
        ),
        rare: &Rare { range_varies: Some("and less where the clock ticks faster than at 100 Hz"), ..Rare::NONE },
        unit: "microseconds",
        default: always("two clock ticks: 8000 at 250 Hz, 2000 at 1000 Hz"),
        purpose: "how long one round may take",
        notes: &["on newer kernels two clock ticks are also the least: 8000 at 250 Hz"],
        sources: &[ADMIN_NET, "net/core/sysctl_net_core.c"],
        ..BUDGET
    },
    Row {
        name: "net.core.netdev_max_backlog",
        values: number(1, INT_MAX),
        kernel_range: ANY_INT,
        unit: "packets per processor",
        default: always("1000"),
        purpose: "packets that may wait for the stack when they arrive faster than it takes them",
        notes: &["negative numbers are taken", "drops are counted in the 2nd column of /proc/net/softnet_stat"],
        ..HOST
    },
    Row {
        name: "net.core.optmem_max",
        values: number(0, INT_MAX),
        kernel_range: Some(
            const {
                &since(Bounds { min: INT_MIN, max: INT_MAX }, &[(KernelVersion(6, 8), Bounds { min: 0, max: INT_MAX })])
            },
        ),
        unit: "bytes per socket",
        scope: changed(Scope::HostNet, KernelVersion(6, 8), Scope::NetNs),
        default: since("20480", &[(KernelVersion(6, 8), "131072")]),
        purpose: "memory for ancillary data and options of a socket",
        in_new_netns: changed(InNewNetns::Absent, KernelVersion(6, 8), InNewNetns::Writable),
        sources: &["socket(7)", ADMIN_NET],
        ..NET
    },
    Row {
        name: "net.core.rmem_default",
        values: number(2304, INT_MAX),
        default: always("212992"),
        purpose: "the receive buffer of sockets other than TCP's",
        ..BUFFER
    },
    Row {
        name: "net.core.rmem_max",
        values: number(2304, INT_MAX),
        default: since("212992", &[(KernelVersion(6, 18), "4194304")]),
        purpose: "the largest receive buffer that a program may ask for with SO_RCVBUF",
        notes: &["the kernel doubles what is asked for", "TCP's own tuning is bounded by tcp_rmem instead"],
        ..BUFFER
    },
    Row {
        name: "net.core.rps_sock_flow_entries",
        values: number(0, 536_870_912),
        unit: "entries, 0 off",
        default: always("0"),
        purpose: "flows that receive flow steering remembers",
        rare: &Rare {
            read_back: Some(ReadBack::Rounded("rounded up to a power of two: 1000 becomes 1024")),
            ..Rare::NONE
        },
        sources: &["Documentation/networking/scaling.rst"],
        ..HOST
    },
    Row {
        name: "net.core.somaxconn",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "connections",
        default: always("4096"),
        purpose: "the longest queue of established connections that a listening socket can have",
        notes: &[
            "taken when the service calls listen(2): raising it later changes nothing until it listens again",
            "the lower of it and the service's own backlog counts: 511 in nginx, Redis and Node, 50 in Java",
            "a new network namespace starts with the default, not with the host's value",
            "was 128 before 5.4",
        ],
        rare: &Rare { in_user_netns_since: Some(KernelVersion(6, 3)), ..Rare::NONE },
        sources: &["listen(2)", "Documentation/networking/ip-sysctl.rst"],
        ..NET
    },
    Row {
        name: "net.core.tstamp_allow_data",
        values: FLAG,
        unit: OFF_ON,
        scope: changed(Scope::HostNet, KernelVersion(6, 13), Scope::NetNs),
        default: always("1"),
        purpose: "whether transmit time stamps come with the packet's data to processes without CAP_NET_RAW",
        in_new_netns: changed(InNewNetns::Absent, KernelVersion(6, 13), InNewNetns::Writable),
        sources: &[ADMIN_NET],
        ..NET
    },
    Row {
        name: "net.core.txrehash",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether a connection may take another path after a timeout",
        rare: &Rare { since: Some(KernelVersion(5, 18)), in_user_netns_since: Some(KernelVersion(6, 3)), ..Rare::NONE },
        sources: &[ADMIN_NET],
        ..NET
    },
    Row {
        name: "net.core.wmem_default",
        values: number(4608, INT_MAX),
        default: always("212992"),
        purpose: "the send buffer of sockets other than TCP's",
        ..BUFFER
    },
    Row {
        name: "net.core.wmem_max",
        values: number(4608, INT_MAX),
        default: since("212992", &[(KernelVersion(6, 18), "4194304")]),
        purpose: "the largest send buffer that a program may ask for with SO_SNDBUF",
        notes: &["the kernel doubles what is asked for", "TCP's own tuning is bounded by tcp_wmem instead"],
        ..BUFFER
    },
];
