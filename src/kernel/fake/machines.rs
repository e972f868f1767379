//! The two machines: their keys, with values and ranges.
//!
//! Linux is kernel 6.12 as Debian builds it, with a gigabyte of memory, measured. The Mac has macOS 15 by the source of
//! XNU (xnu-11417), where most of these keys are plain integers without any check, and the rest clamp silently.

use nix::errno::Errno;

use super::{Behaviour, Fake, OutOfRange, StoredAs, limits};
use crate::model::setting::System;

const I32: i128 = (1 << 31) - 1;

/// Any `int`: no check at all.
const INT: Behaviour = Behaviour::numbers(-I32 - 1, I32);
/// An `int` that must not be negative.
const COUNT: Behaviour = Behaviour::numbers(0, I32);
const UINT: Behaviour = Behaviour::numbers(0, (1 << 32) - 1);
const ULONG: Behaviour = Behaviour::numbers(0, (1 << 64) - 1);
const LONG: Behaviour = Behaviour::numbers(0, (1 << 63) - 1);
const U8: Behaviour = Behaviour::numbers(0, 255);
const SWITCH: Behaviour = Behaviour::numbers(0, 1);
const TRISTATE: Behaviour = Behaviour::numbers(0, 2);
const PERCENT: Behaviour = Behaviour::numbers(0, 100);
/// Seconds that are kept in ticks, with 250 of them a second.
const SECONDS: Behaviour = Behaviour::numbers(-I32 - 1, I32 / 250);
/// Milliseconds that are kept in ticks.
const MILLISECONDS: Behaviour = Behaviour::rounded(0, I32, StoredAs::Multiple(4));
const BUFFER: Behaviour = Behaviour::numbers(4096, I32);
const SEMAPHORES: Behaviour = Behaviour::Numbers {
    min: 0,
    max: I32,
    out_of_range: OutOfRange::Refused(Errno::ERANGE),
    stored_as: StoredAs::Same,
};
const POWER_OF_TWO: Behaviour = Behaviour::rounded(4096, 1 << 31, StoredAs::PowerOfTwo);
/// As many as memory allows, and success.
const HUGE_PAGES: Behaviour = Behaviour::clamped(0, 434);

pub(super) const LINUX_NET: &[(&str, &str, Behaviour)] = &[
    ("net.core.somaxconn", "4096", COUNT),
    ("net.core.netdev_max_backlog", "1000", INT),
    ("net.core.netdev_budget", "300", INT),
    ("net.core.rmem_default", "212992", Behaviour::numbers(2304, I32)),
    ("net.core.rmem_max", "212992", Behaviour::numbers(2304, I32)),
    ("net.core.wmem_default", "212992", Behaviour::numbers(4608, I32)),
    ("net.core.wmem_max", "212992", Behaviour::numbers(4608, I32)),
    ("net.core.optmem_max", "131072", COUNT),
    ("net.core.default_qdisc", "fq_codel", Behaviour::Word(&["fq_codel", "fq", "pfifo_fast"])),
    ("net.core.busy_poll", "0", COUNT),
    ("net.core.rps_sock_flow_entries", "0", Behaviour::rounded(0, 1 << 29, StoredAs::PowerOfTwo)),
    ("net.ipv4.ip_local_port_range", "32768\t60999", Behaviour::PortRange),
    ("net.ipv4.ip_local_reserved_ports", "", Behaviour::Ports),
    ("net.ipv4.ip_unprivileged_port_start", "1024", Behaviour::FirstPort),
    ("net.ipv4.ip_forward", "0", INT),
    ("net.ipv4.tcp_max_syn_backlog", "128", INT),
    ("net.ipv4.tcp_tw_reuse", "2", TRISTATE),
    ("net.ipv4.tcp_fin_timeout", "60", SECONDS),
    ("net.ipv4.tcp_max_tw_buckets", "4096", INT),
    ("net.ipv4.tcp_max_orphans", "4096", INT),
    ("net.ipv4.tcp_keepalive_time", "7200", SECONDS),
    ("net.ipv4.tcp_keepalive_intvl", "75", SECONDS),
    ("net.ipv4.tcp_keepalive_probes", "9", U8),
    ("net.ipv4.tcp_rmem", "4096\t131072\t6291456", BUFFER),
    ("net.ipv4.tcp_wmem", "4096\t16384\t4194304", Behaviour::numbers(1, I32)),
    ("net.ipv4.tcp_mem", "10704\t14273\t21408", ULONG),
    ("net.ipv4.udp_mem", "21408\t28547\t42816", ULONG),
    ("net.ipv4.tcp_syncookies", "1", U8),
    ("net.ipv4.tcp_abort_on_overflow", "0", U8),
    ("net.ipv4.tcp_slow_start_after_idle", "1", U8),
    ("net.ipv4.tcp_syn_retries", "6", Behaviour::numbers(1, 127)),
    ("net.ipv4.tcp_fastopen", "1", INT),
    ("net.ipv4.tcp_notsent_lowat", "4294967295", UINT),
    ("net.ipv4.tcp_available_congestion_control", "reno cubic", Behaviour::Text(0)),
    ("net.ipv4.tcp_congestion_control", "cubic", Behaviour::Word(&["reno", "cubic"])),
    ("net.ipv4.tcp_mtu_probing", "0", U8),
    ("net.ipv4.conf.all.rp_filter", "0", INT),
    ("net.ipv4.conf.default.rp_filter", "0", INT),
    ("net.ipv4.conf.eth0.rp_filter", "0", INT),
    ("net.ipv4.conf.eth0/100.rp_filter", "0", INT),
    ("net.ipv4.conf.lo.rp_filter", "0", INT),
    ("net.ipv4.neigh.default.gc_thresh3", "1024", COUNT),
    ("net.ipv4.neigh.eth0.base_reachable_time_ms", "30000", MILLISECONDS),
    ("net.ipv4.neigh.eth0.retrans_time_ms", "1000", MILLISECONDS),
    ("net.ipv4.ping_group_range", "1\t0", UINT),
    ("net.ipv4.route.flush", "0", INT),
    ("net.netfilter.nf_conntrack_max", "8192", COUNT),
    ("net.netfilter.nf_conntrack_count", "0", COUNT),
    ("net.netfilter.nf_conntrack_buckets", "8192", Behaviour::rounded(1, I32, StoredAs::Multiple(512))),
    ("net.unix.max_dgram_qlen", "10", COUNT),
];

pub(super) const LINUX_OTHERS: &[(&str, &str, Behaviour)] = &[
    ("kernel.random.boot_id", "8e4ac0ed-7ba5-4c43-a1ba-9fa1a3e5c9d1", Behaviour::Text(36)),
    ("fs.file-max", "97485", LONG),
    ("fs.nr_open", "1048576", Behaviour::numbers(64, 2_147_483_584)),
    ("fs.aio-max-nr", "65536", ULONG),
    ("fs.inotify.max_user_watches", "8192", COUNT),
    ("fs.inotify.max_user_instances", "128", COUNT),
    ("fs.inotify.max_queued_events", "16384", COUNT),
    ("fs.pipe-max-size", "1048576", POWER_OF_TWO),
    ("fs.suid_dumpable", "0", TRISTATE),
    ("kernel.pid_max", "32768", Behaviour::numbers(301, 4_194_304)),
    ("kernel.threads-max", "7661", Behaviour::numbers(1, 1 << 29)),
    ("kernel.shmmax", "18446744073692774399", ULONG),
    ("kernel.shmall", "18446744073692774399", ULONG),
    ("kernel.shmmni", "4096", Behaviour::numbers(0, 32768)),
    ("kernel.sem", "32000\t1024000000\t500\t32000", SEMAPHORES),
    ("kernel.msgmax", "8192", COUNT),
    ("kernel.msgmnb", "16384", COUNT),
    ("kernel.randomize_va_space", "2", INT),
    ("kernel.perf_event_paranoid", "3", INT),
    ("kernel.numa_balancing", "0", Behaviour::numbers(0, 4)),
    ("kernel.core_pattern", "core", Behaviour::Text(127)),
    ("kernel.hostname", "fake", Behaviour::Text(64)),
    ("kernel.io_uring_disabled", "0", TRISTATE),
    ("vm.max_map_count", "65530", COUNT),
    ("vm.overcommit_memory", "0", TRISTATE),
    ("vm.overcommit_ratio", "50", INT),
    ("vm.overcommit_kbytes", "0", ULONG),
    ("vm.swappiness", "60", Behaviour::numbers(0, 200)),
    ("vm.dirty_ratio", "20", PERCENT),
    ("vm.dirty_bytes", "0", Behaviour::numbers(8192, (1 << 64) - 1)),
    ("vm.dirty_background_ratio", "10", PERCENT),
    ("vm.vfs_cache_pressure", "100", COUNT),
    ("vm.min_free_kbytes", "45056", COUNT),
    ("vm.nr_hugepages", "0", HUGE_PAGES),
    ("vm.drop_caches", "0", Behaviour::numbers(1, 4)),
    ("vm.compact_memory", "0", Behaviour::numbers(1, 1)),
    ("user.max_user_namespaces", "3830", COUNT),
    ("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never", HUGE_ENABLED),
    ("/sys/kernel/mm/transparent_hugepage/defrag", "always defer defer+madvise [madvise] never", HUGE_DEFRAG),
    ("/sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "1", SWITCH),
    ("/sys/kernel/mm/ksm/run", "0", TRISTATE),
];

const HUGE_ENABLED: Behaviour = Behaviour::Choice(&["always", "madvise", "never"]);
const HUGE_DEFRAG: Behaviour = Behaviour::Choice(&["always", "defer", "defer+madvise", "madvise", "never"]);

/// What only the initial network namespace has.
const INITIAL_NETNS_ONLY: &[&str] = &[
    "net.core.netdev_max_backlog",
    "net.core.netdev_budget",
    "net.core.default_qdisc",
    "net.core.busy_poll",
    "net.core.rps_sock_flow_entries",
    "net.ipv4.tcp_mem",
    "net.ipv4.udp_mem",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.neigh.default.gc_thresh3",
];

/// What is read-only in other network namespaces.
const READ_ONLY_ELSEWHERE: &[&str] = &[
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_buckets",
];

/// `SYSCTL_INT`: whatever 32 bits hold, negative or not.
const XNU_INT: Behaviour = Behaviour::numbers(-(1 << 31), (1 << 31) - 1);

/// `RANGECHK` of `bsd/netinet/in_pcb.c`.
const XNU_PORT: Behaviour = Behaviour::clamped(1024, 65535);

pub(super) const MACOS: &[(&str, &str, Behaviour)] = &[
    ("kern.bootsessionuuid", "5B1F3A0C-3B1E-4E5B-9C57-0D6C1A1B7A11", Behaviour::Text(36)),
    ("kern.maxfiles", "122880", XNU_INT),
    ("kern.maxfilesperproc", "61440", XNU_INT),
    ("kern.maxproc", "4000", Behaviour::numbers(0, 4000)),
    ("kern.maxprocperuid", "2666", Behaviour::numbers(0, 4000)),
    ("kern.ipc.somaxconn", "128", XNU_INT),
    ("kern.ipc.maxsockbuf", "8388608", XNU_INT),
    ("net.inet.ip.portrange.first", "49152", XNU_PORT),
    ("net.inet.ip.portrange.last", "65535", XNU_PORT),
    ("net.inet.ip.portrange.hifirst", "49152", XNU_PORT),
    ("net.inet.ip.portrange.hilast", "65535", XNU_PORT),
    ("net.inet.ip.portrange.lowfirst", "1023", Behaviour::clamped(1, 1023)),
    ("net.inet.ip.portrange.lowlast", "600", Behaviour::clamped(1, 1023)),
    ("net.inet.tcp.msl", "15000", XNU_INT),
    ("net.inet.tcp.sendspace", "131072", XNU_INT),
    ("net.inet.tcp.recvspace", "131072", XNU_INT),
    ("hw.ncpu", "8", XNU_INT),
    ("hw.memsize", "17179869184", XNU_INT),
];

impl Fake {
    /// A Linux machine, with the values of a fresh installation.
    #[must_use]
    pub fn linux() -> Self {
        let whole = Self::new(System::Linux, limits::linux());
        let keys = LINUX_NET.iter().chain(LINUX_OTHERS);
        let whole = keys.fold(whole, |fake, (name, text, behaviour)| fake.with(name, text, *behaviour));
        let whole = ["net.ipv4.route.flush", "vm.drop_caches", "vm.compact_memory"]
            .iter()
            .fold(whole, |fake, name| fake.mode(name, 0o200));
        whole
            .mode("net.netfilter.nf_conntrack_count", 0o444)
            .mode("kernel.random.boot_id", 0o444)
            .zeroing("vm.dirty_bytes", "vm.dirty_ratio")
            .zeroing("vm.dirty_ratio", "vm.dirty_bytes")
            .zeroing("vm.overcommit_kbytes", "vm.overcommit_ratio")
            .zeroing("vm.overcommit_ratio", "vm.overcommit_kbytes")
    }

    /// In another network namespace than the initial one, what is only that one's is missing or read-only.
    #[must_use]
    pub fn in_network_namespace(self) -> Self {
        let hidden = INITIAL_NETNS_ONLY.iter().fold(self, |fake, name| fake.without(name));
        READ_ONLY_ELSEWHERE.iter().fold(hidden, |fake, name| fake.mode(name, 0o444))
    }

    /// A Mac with the values of a fresh installation.
    #[must_use]
    pub fn macos() -> Self {
        let whole = Self::new(System::MacOs, limits::macos());
        let whole = MACOS.iter().fold(whole, |fake, (name, text, behaviour)| fake.with(name, text, *behaviour));
        whole.mode("kern.bootsessionuuid", 0o444).mode("hw.ncpu", 0o444).mode("hw.memsize", 0o444)
    }
}
