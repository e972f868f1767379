//! Errors that programs and the kernel print, the settings behind them, and what to type.

/// An error that people see, for `tunectl explain`.
#[derive(Clone, Copy, Debug)]
pub struct ErrorRow {
    /// The text that strerror(3) or the kernel's log has for it, in lower case.
    pub text: &'static str,
    /// Its other names in lower case: errno names, counters, other texts for the same.
    pub names: &'static [&'static str],
    /// What it means, as one paragraph.
    pub explanation: &'static str,
    /// What to type. PID, PROFILE and COMMAND stand for what the reader has.
    pub commands: &'static [&'static str],
    /// What `tunectl explain` knows besides: settings, limits, causes.
    pub see: &'static [&'static str],
}

/// The errors that `tunectl explain` knows.
pub const ERRORS: &[ErrorRow] = &[
    ErrorRow {
        text: "too many open files",
        names: &["emfile", "enfile", "too many open files in system"],
        explanation: "The process has as many descriptors open as its soft limit `nofile` allows (EMFILE). The soft limit \
                      can be raised up to the hard limit without any rights. \"Too many open files in system\" (ENFILE) is \
                      the limit of the whole machine, fs.file-max.",
        commands: &["tunectl limits --pid PID", "tunectl run -p base --rlimit nofile=65536 -- COMMAND"],
        see: &["nofile", "fs.nr_open", "fs.file-max", "hard-limit"],
    },
    ErrorRow {
        text: "listen queue overflow",
        names: &[
            "listenoverflows",
            "listendrops",
            "accept queue",
            "times the listen queue of a socket overflowed",
            "syn flooding",
            "tcpreqqfulldrop",
        ],
        explanation: "More connections were waiting to be accepted than the queue of the listening socket takes. Its length is \
                      the backlog that the service passes to listen(2), and at most net.core.somaxconn; it is set at \
                      listen(2), so the service has to be restarted. \"SYN flooding\" in the kernel's log is about \
                      connections whose handshake is not complete: net.ipv4.tcp_max_syn_backlog.",
        commands: &["sudo tunectl check -p loadtest --port 8080 --pid PID", "nstat -az TcpExtListenOverflows"],
        see: &["net.core.somaxconn", "net.ipv4.tcp_max_syn_backlog", "net.ipv4.tcp_abort_on_overflow"],
    },
    ErrorRow {
        text: "cannot assign requested address",
        names: &["eaddrnotavail", "can't assign requested address"],
        explanation: "On connect(2): every port of net.ipv4.ip_local_port_range is in use towards that address and port. A \
                      closed connection keeps its port for a minute (TIME_WAIT). Widen the range, and reserve the \
                      ports that services listen on. On bind(2): the address is not one of this machine.",
        commands: &["sudo tunectl apply -p loadtest --port 8080", "ss -s"],
        see: &["net.ipv4.ip_local_port_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_tw_reuse"],
    },
    ErrorRow {
        text: "read-only file system",
        names: &["erofs", "read-only filesystem"],
        explanation: "Container engines mount /proc/sys and /sys read-only. Settings of the container's own network and IPC \
                      namespaces are set by the engine when it starts the container; settings of the whole machine \
                      are set on the host. `check` in the container prints the flags or the command.",
        commands: &["tunectl check -p PROFILE"],
        see: &["read-only-mount", "host-setting"],
    },
    ErrorRow {
        text: "operation not permitted",
        names: &["eperm"],
        explanation: "`ulimit`: only CAP_SYS_RESOURCE raises a hard limit; root in a container usually does not have it. \
                      `sysctl -w`: the setting belongs to the whole machine, or needs a capability. `check` names what \
                      is missing, and who can set it.",
        commands: &["tunectl check -p PROFILE", "tunectl limits"],
        see: &["hard-limit", "missing-capability", "not-permitted", "host-setting"],
    },
    ErrorRow {
        text: "permission denied",
        names: &["eacces"],
        explanation: "Writing most settings needs root. Where root gets this too, a Linux security module (AppArmor, SELinux) or \
                      a user namespace is in the way; `check` says which.",
        commands: &["tunectl check -p PROFILE", "sudo tunectl apply -p PROFILE"],
        see: &["not-permitted", "security-module", "owner-not-mapped"],
    },
    ErrorRow {
        text: "address already in use",
        names: &["eaddrinuse"],
        explanation: "Another socket listens on that port, or the kernel gave the port to an outgoing connection, because \
                      it is within net.ipv4.ip_local_port_range and not reserved. `--port` reserves it.",
        commands: &["ss -tanp 'sport = :8080'", "sudo tunectl apply -p loadtest --port 8080"],
        see: &["net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_local_port_range"],
    },
    ErrorRow {
        text: "no space left on device",
        names: &["enospc", "file watchers reached", "inotify watch limit"],
        explanation: "If the disk is not full, a program that watches files has used all of the user's inotify watches: \
                      fs.inotify.max_user_watches. \"Too many open files\" from inotify_init(2) is \
                      fs.inotify.max_user_instances.",
        commands: &["sudo tunectl apply --set fs.inotify.max_user_watches=524288"],
        see: &["fs.inotify.max_user_watches", "fs.inotify.max_user_instances"],
    },
    ErrorRow {
        text: "resource temporarily unavailable",
        names: &["eagain", "cannot fork", "unable to create new native thread", "pthread_create failed"],
        explanation: "On fork(2) and pthread_create(3): the user has as many processes and threads as the soft limit `nproc` \
                      allows, the control group as many as its pids.max allows, or the machine as many as \
                      kernel.threads-max or kernel.pid_max allows.",
        commands: &["tunectl limits --pid PID", "tunectl check --rlimit nproc=65536"],
        see: &["nproc", "kernel.threads-max", "kernel.pid_max", "pids-max"],
    },
    ErrorRow {
        text: "cannot allocate memory",
        names: &["enomem", "max virtual memory areas", "map failed"],
        explanation: "On mmap(2), with memory free: the process has as many mappings as vm.max_map_count allows, or \
                      vm.overcommit_memory = 2 refuses what is not backed by memory and swap. Elasticsearch asks for \
                      vm.max_map_count of at least 262144.",
        commands: &["sudo tunectl apply --set vm.max_map_count=262144"],
        see: &["vm.max_map_count", "vm.overcommit_memory", "as", "memlock"],
    },
    ErrorRow {
        text: "nf_conntrack: table full, dropping packet",
        names: &["conntrack table full", "table full, dropping packet"],
        explanation: "The kernel tracks as many connections as net.netfilter.nf_conntrack_max allows, and drops packets of \
                      new ones. It is set on the host, not in a container.",
        commands: &["sudo tunectl apply --set net.netfilter.nf_conntrack_max=1048576"],
        see: &["net.netfilter.nf_conntrack_max", "net.netfilter.nf_conntrack_count"],
    },
    ErrorRow {
        text: "neighbour table overflow",
        names: &["neighbor table overflow", "arp_cache: neighbo"],
        explanation: "More neighbours on the network segment than the kernel keeps: net.ipv4.neigh.default.gc_thresh3, and \
                      the same of IPv6.",
        commands: &["sudo tunectl apply --set net.ipv4.neigh.default.gc_thresh3=4096"],
        see: &["net.ipv4.neigh.default.gc_thresh3", "net.ipv6.neigh.default.gc_thresh3"],
    },
];

/// The error that a text is about: one of its names, or a line of a log that has the error's text in it.
#[must_use]
pub fn error(text: &str) -> Option<&'static ErrorRow> {
    let text = text.to_ascii_lowercase();
    let names = |row: &'static ErrorRow| std::iter::once(row.text).chain(row.names.iter().copied());
    let is_word = |name: &str| !name.contains(' ');
    let exact = ERRORS.iter().find(|row| names(row).any(|name| name == text));
    exact.or_else(|| ERRORS.iter().find(|row| names(row).any(|name| !is_word(name) && text.contains(name))))
}
