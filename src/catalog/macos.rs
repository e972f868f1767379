//! macOS. Read in the sources of its kernel (xnu-11417); it checks next to nothing, so most of what is
//! refused here is refused by us.

use super::row::{Access, FLAG, INT_MAX, INT_MIN, MACOS, OFF_ON, Rare, ReadBack, Row, always, number, takes};

const KERN: Row = Row {
    kernel_range: Some(const { &takes(INT_MIN, INT_MAX) }),
    sources: &["sysctl(3)", "bsd/kern/kern_sysctl.c"],
    ..MACOS
};
const SOCKETS: Row = Row {
    kernel_range: Some(const { &takes(INT_MIN, INT_MAX) }),
    sources: &["bsd/kern/uipc_socket.c", "bsd/kern/uipc_socket2.c"],
    ..MACOS
};
const TCP: Row = Row {
    kernel_range: Some(const { &takes(INT_MIN, INT_MAX) }),
    sources: &["tcp(4)", "bsd/netinet/tcp_subr.c"],
    ..MACOS
};
const UDP: Row = Row {
    kernel_range: Some(const { &takes(INT_MIN, INT_MAX) }),
    sources: &["udp(4)", "bsd/netinet/udp_usrreq.c"],
    ..MACOS
};
const LOCAL: Row = Row {
    values: number(1, INT_MAX),
    kernel_range: Some(const { &takes(INT_MIN, INT_MAX) }),
    unit: "bytes",
    default: always("8192"),
    sources: &["unix(4)", "bsd/kern/uipc_usrreq.c"],
    ..MACOS
};

/// Ports; what is outside of 1024 to 65535 is brought into it without an error.
const PORTS: Row = Row {
    values: number(1024, 65535),
    kernel_range: Some(const { &takes(INT_MIN, INT_MAX) }),
    unit: "port",
    rare: &Rare { read_back: Some(ReadBack::Clamped("brought into 1024 to 65535")), ..Rare::NONE },
    sources: &["ip(4)", "bsd/netinet/in_pcb.c"],
    ..MACOS
};

/// The same below 1024.
const LOW_PORTS: Row = Row {
    values: number(1, 1023),
    rare: &Rare { read_back: Some(ReadBack::Clamped("brought into 1 to 1023")), ..*PORTS.rare },
    ..PORTS
};

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "kern.aiomax",
        values: number(1, INT_MAX),
        unit: "requests",
        default: always("90"),
        purpose: "asynchronous requests that all programs together may have",
        ..KERN
    },
    Row {
        name: "kern.ipc.maxsockbuf",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "bytes",
        default: always("8388608, by memory"),
        purpose: "the largest buffer that a program may ask for with SO_RCVBUF or SO_SNDBUF",
        notes: &["refused outside of a range that hangs on memory"],
        ..SOCKETS
    },
    Row {
        name: "kern.ipc.nmbclusters",
        values: number(0, INT_MAX),
        unit: "buffers",
        default: always("by memory"),
        purpose: "buffers of the network",
        notes: &["set at boot, with ncl in boot-args"],
        access: Access::ReadOnly,
        ..SOCKETS
    },
    Row {
        name: "kern.ipc.somaxconn",
        values: number(1, 32767),
        unit: "connections",
        default: always("128"),
        purpose: "the longest queue of connections that a listening socket can have",
        notes: &[
            "the kernel keeps a socket's queue in 16 bits with a sign: above 32767 it turns negative",
            "taken when the service calls listen(2)",
        ],
        ..SOCKETS
    },
    Row {
        name: "kern.maxfiles",
        values: number(1, INT_MAX),
        unit: "open files",
        default: always("30720 or more, by memory"),
        purpose: "files that all processes together may have open",
        notes: &["the kernel checks nothing: a tiny or negative number is taken"],
        ..KERN
    },
    Row {
        name: "kern.maxfilesperproc",
        values: number(1, INT_MAX),
        unit: "open files per process",
        default: always("10240 or more, by memory"),
        purpose: "files that one process may have open, whatever its limit (nofile) says",
        notes: &["a limit above it is taken without an error, and this is what counts"],
        rare: &Rare { after: &["kern.maxfiles"], ..Rare::NONE },
        ..KERN
    },
    Row {
        name: "kern.maxproc",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "processes",
        default: always("1000 or more, by memory"),
        purpose: "processes that the machine may have",
        notes: &[
            "refused above a bound that is fixed at boot, by memory",
            "limits of processes (nproc) are brought under it without an error",
        ],
        ..KERN
    },
    Row {
        name: "kern.maxprocperuid",
        values: number(1, INT_MAX),
        unit: "processes per user",
        default: always("two thirds of kern.maxproc"),
        purpose: "processes that a user may have",
        notes: &["limits of processes (nproc) are brought under it without an error"],
        rare: &Rare { after: &["kern.maxproc"], ..Rare::NONE },
        ..KERN
    },
    Row {
        name: "kern.maxvnodes",
        values: number(1, INT_MAX),
        unit: "vnodes",
        default: always("by memory"),
        purpose: "files that the kernel remembers",
        ..KERN
    },
    Row {
        name: "kern.timer.coalescing_enabled",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether timers are put together to save power",
        ..KERN
    },
    Row {
        name: "kern.tty.ptmx_max",
        values: number(1, 999),
        kernel_range: None,
        unit: "pseudo-terminals",
        default: always("511"),
        purpose: "pseudo-terminals that all may have open",
        sources: &["bsd/kern/tty_ptmx.c"],
        ..KERN
    },
    Row {
        name: "net.inet.ip.portrange.first",
        default: always("49152"),
        purpose: "the lowest port that outgoing connections are given",
        ..PORTS
    },
    Row {
        name: "net.inet.ip.portrange.hifirst",
        default: always("49152"),
        purpose: "the lowest port for programs that ask for a high one",
        ..PORTS
    },
    Row {
        name: "net.inet.ip.portrange.hilast",
        default: always("65535"),
        purpose: "the highest port for programs that ask for a high one",
        ..PORTS
    },
    Row {
        name: "net.inet.ip.portrange.last",
        default: always("65535"),
        purpose: "the highest port that outgoing connections are given",
        ..PORTS
    },
    Row {
        name: "net.inet.ip.portrange.lowfirst",
        default: always("1023"),
        purpose: "where the search for a low port begins; it goes down",
        ..LOW_PORTS
    },
    Row {
        name: "net.inet.ip.portrange.lowlast",
        default: always("600"),
        purpose: "where the search for a low port ends",
        ..LOW_PORTS
    },
    Row {
        name: "net.inet.tcp.always_keepalive",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether idle connections are probed that did not ask for it",
        ..TCP
    },
    Row {
        name: "net.inet.tcp.autorcvbufmax",
        values: number(1, INT_MAX),
        unit: "bytes",
        default: always("by memory"),
        purpose: "how far receive buffers grow by themselves",
        ..TCP
    },
    Row {
        name: "net.inet.tcp.autosndbufmax",
        values: number(1, INT_MAX),
        unit: "bytes",
        default: always("by memory"),
        purpose: "how far send buffers grow by themselves",
        ..TCP
    },
    Row {
        name: "net.inet.tcp.blackhole",
        values: number(0, 3),
        unit: "0 reset, 1 no answer to a connection, 2 to anything",
        default: always("0"),
        purpose: "whether packets to closed ports go unanswered",
        ..TCP
    },
    Row {
        name: "net.inet.tcp.delayed_ack",
        values: number(0, 3),
        unit: "0 at once, 1 to 3 later",
        default: always("3"),
        purpose: "whether acknowledgements wait for data to go with",
        ..TCP
    },
    Row {
        name: "net.inet.tcp.keepidle",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "ms",
        default: always("7200000"),
        purpose: "how long a connection with SO_KEEPALIVE is silent before it is probed",
        sources: &["tcp(4)", "bsd/netinet/tcp_timer.c"],
        ..TCP
    },
    Row {
        name: "net.inet.tcp.keepintvl",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "ms",
        default: always("75000"),
        purpose: "time between two keepalive probes",
        sources: &["tcp(4)", "bsd/netinet/tcp_timer.c"],
        ..TCP
    },
    Row {
        name: "net.inet.tcp.msl",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "ms",
        default: always("15000"),
        purpose: "how long a packet may live: TIME-WAIT takes twice that, 30 s",
        sources: &["tcp(4)", "bsd/netinet/tcp_timer.c"],
        ..TCP
    },
    Row {
        name: "net.inet.tcp.mssdflt",
        values: number(32, 65535),
        unit: "bytes",
        default: always("512"),
        purpose: "the segment size where nothing else is known",
        ..TCP
    },
    Row {
        name: "net.inet.tcp.recvspace",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "bytes",
        default: always("131072"),
        purpose: "the receive buffer that a connection starts with",
        notes: &["refused above kern.ipc.maxsockbuf, less a part for overhead"],
        rare: &Rare { after: &["kern.ipc.maxsockbuf"], ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.inet.tcp.sendspace",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "bytes",
        default: always("131072"),
        purpose: "the send buffer that a connection starts with",
        notes: &["refused above kern.ipc.maxsockbuf, less a part for overhead"],
        rare: &Rare { after: &["kern.ipc.maxsockbuf"], ..Rare::NONE },
        ..TCP
    },
    Row {
        name: "net.inet.udp.maxdgram",
        values: number(1, 65535),
        kernel_range: None,
        unit: "bytes",
        default: always("9216"),
        purpose: "the largest UDP packet that is sent",
        notes: &["refused above kern.ipc.maxsockbuf, less a part for overhead"],
        rare: &Rare { after: &["kern.ipc.maxsockbuf"], ..Rare::NONE },
        ..UDP
    },
    Row {
        name: "net.inet.udp.recvspace",
        values: number(1, INT_MAX),
        kernel_range: None,
        unit: "bytes",
        default: always("786896"),
        purpose: "the receive buffer of UDP sockets",
        notes: &["refused above kern.ipc.maxsockbuf, less a part for overhead"],
        rare: &Rare { after: &["kern.ipc.maxsockbuf"], ..Rare::NONE },
        ..UDP
    },
    Row {
        name: "net.local.dgram.recvspace",
        default: always("4096"),
        purpose: "the receive buffer of Unix datagram sockets",
        ..LOCAL
    },
    Row { name: "net.local.stream.recvspace", purpose: "the receive buffer of Unix stream sockets", ..LOCAL },
    Row { name: "net.local.stream.sendspace", purpose: "the send buffer of Unix stream sockets", ..LOCAL },
];
