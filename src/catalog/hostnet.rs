//! The settings below `net.` that are not a network namespace's own, though the rule "`net.` is namespaced"
//! of every container runtime says so: in a fresh namespace they are absent, or a read-only copy.
//!
//! Measured by comparing the two trees on Linux 6.18; what was given to each namespace between 5.10 and
//! then has the version that did so. Rows say the same of themselves, a test holds the two together.

use super::scope::InNewNetns;
use super::version::KernelVersion;
use crate::model::setting::Key;

/// Names in one folder of which only the initial network namespace has, or may write, the real one.
struct Group {
    /// Beneath `/proc/sys/net/`, with a slash behind it.
    folder: &'static str,
    /// The names in it; none for all of them.
    names: &'static [&'static str],
    /// What a fresh namespace has of them.
    presence: InNewNetns,
    /// The first kernel on which this is no longer so.
    until: KernelVersion,
}

const ALWAYS: KernelVersion = KernelVersion::NEWEST;

const GROUPS: &[Group] = &[
    Group {
        folder: "core/",
        names: &[
            "bpf_jit_enable",
            "bpf_jit_harden",
            "bpf_jit_kallsyms",
            "bpf_jit_limit",
            "busy_poll",
            "busy_read",
            "default_qdisc",
            "dev_weight",
            "dev_weight_rx_bias",
            "dev_weight_tx_bias",
            "devconf_inherit_init_net",
            "fb_tunnels_only_for_init_net",
            "flow_limit_cpu_bitmap",
            "flow_limit_table_len",
            "gro_normal_batch",
            "high_order_alloc_disable",
            "max_skb_frags",
            "mem_pcpu_rsv",
            "message_burst",
            "message_cost",
            "netdev_budget",
            "netdev_budget_usecs",
            "netdev_max_backlog",
            "netdev_rss_key",
            "netdev_tstamp_prequeue",
            "netdev_unregister_timeout_secs",
            "rps_sock_flow_entries",
            "skb_defer_max",
            "warnings",
        ],
        presence: InNewNetns::Absent,
        until: ALWAYS,
    },
    Group {
        folder: "core/",
        names: &["rmem_default", "rmem_max", "wmem_default", "wmem_max"],
        presence: InNewNetns::Absent,
        until: KernelVersion(6, 11),
    },
    Group {
        folder: "core/",
        names: &["rmem_default", "rmem_max", "wmem_default", "wmem_max"],
        presence: InNewNetns::ReadOnly,
        until: ALWAYS,
    },
    Group { folder: "core/", names: &["optmem_max"], presence: InNewNetns::Absent, until: KernelVersion(6, 8) },
    Group {
        folder: "ipv4/",
        names: &[
            "cipso_cache_bucket_size",
            "cipso_cache_enable",
            "cipso_rbm_optfmt",
            "cipso_rbm_strictvalid",
            "fib_sync_mem",
            "inet_peer_maxttl",
            "inet_peer_minttl",
            "inet_peer_threshold",
            "ipfrag_secret_interval",
            "tcp_available_ulp",
            "tcp_low_latency",
            "tcp_max_orphans",
            "tcp_mem",
            "udp_mem",
        ],
        presence: InNewNetns::Absent,
        until: ALWAYS,
    },
    Group { folder: "core/", names: &["tstamp_allow_data"], presence: InNewNetns::Absent, until: KernelVersion(6, 13) },
    Group {
        folder: "ipv4/",
        names: &["icmp_msgs_burst", "icmp_msgs_per_sec"],
        presence: InNewNetns::Absent,
        until: KernelVersion(6, 1),
    },
    Group { folder: "ipv4/", names: &["route/min_adv_mss"], presence: InNewNetns::Absent, until: KernelVersion(5, 18) },
    Group {
        folder: "ipv4/",
        names: &["route/min_pmtu", "route/mtu_expires"],
        presence: InNewNetns::Absent,
        until: KernelVersion(5, 17),
    },
    Group {
        folder: "ipv4/",
        names: &["tcp_allowed_congestion_control"],
        presence: InNewNetns::ReadOnly,
        until: ALWAYS,
    },
    Group { folder: "ipv4/neigh/default/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group {
        folder: "ipv4/route/",
        names: &[
            "error_burst",
            "error_cost",
            "gc_elasticity",
            "gc_interval",
            "gc_min_interval",
            "gc_min_interval_ms",
            "gc_thresh",
            "gc_timeout",
            "max_size",
            "redirect_load",
            "redirect_number",
            "redirect_silence",
        ],
        presence: InNewNetns::Absent,
        until: ALWAYS,
    },
    Group {
        folder: "ipv6/",
        names: &[
            "calipso_cache_bucket_size",
            "calipso_cache_enable",
            "ip6frag_secret_interval",
            "mld_max_msf",
            "mld_qrv",
        ],
        presence: InNewNetns::Absent,
        until: ALWAYS,
    },
    Group { folder: "ipv6/neigh/default/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group {
        folder: "netfilter/",
        names: &["nf_conntrack_buckets", "nf_conntrack_expect_max", "nf_conntrack_max"],
        presence: InNewNetns::ReadOnly,
        until: ALWAYS,
    },
    Group { folder: "netfilter/", names: &["nf_log_all_netns"], presence: InNewNetns::Absent, until: ALWAYS },
    Group {
        folder: "sctp/",
        names: &["sctp_mem", "sctp_rmem", "sctp_wmem"],
        presence: InNewNetns::Absent,
        until: ALWAYS,
    },
    // Protocols that register all they have for the initial namespace alone.
    Group { folder: "appletalk/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "ax25/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "dccp/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "llc/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "netrom/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "phonet/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "rds/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "rose/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "rxrpc/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "tipc/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "x25/", names: &[], presence: InNewNetns::Absent, until: ALWAYS },
    Group { folder: "", names: &["nf_conntrack_max"], presence: InNewNetns::Absent, until: ALWAYS },
];

/// What a fresh network namespace has of the file `path` below `/proc/sys/net/`, if that is not one of its
/// own.
pub(super) fn presence(path: &str, version: KernelVersion) -> Option<InNewNetns> {
    // Most groups are of another folder, which their first letters tell.
    let begins = |group: &Group| group.folder.is_empty() || group.folder.as_bytes().first() == path.as_bytes().first();
    let name_in = |group: &Group| path.strip_prefix(group.folder).filter(|name| !name.is_empty());
    let is_of = |group: &&Group| {
        begins(group)
            && name_in(group).is_some_and(|name| group.names.is_empty() || group.names.contains(&name))
            && version < group.until
    };
    GROUPS.iter().find(is_of).map(|group| group.presence)
}

/// Whether a setting is of those that one row describes along with others: `net.ipv4.neigh.*` is each namespace's, but
/// not its `default`.
pub(super) fn is_of_all_neighbours(key: &Key) -> bool {
    let Key::Sysctl(name) = key else { return false };
    ["net/ipv4/neigh/default/", "net/ipv6/neigh/default/"].iter().any(|folder| name.path().starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fresh_namespace_lacks_depends_on_the_kernel() {
        let absent = Some(InNewNetns::Absent);
        for (path, version, expected) in [
            ("core/netdev_max_backlog", KernelVersion(6, 18), absent),
            ("core/somaxconn", KernelVersion(6, 18), None),
            ("core/rmem_max", KernelVersion(6, 1), absent),
            ("core/rmem_max", KernelVersion(6, 18), Some(InNewNetns::ReadOnly)),
            ("core/optmem_max", KernelVersion(6, 1), absent),
            ("core/optmem_max", KernelVersion(6, 12), None),
            ("ipv4/neigh/default/gc_thresh3", KernelVersion(6, 18), absent),
            ("ipv4/neigh/default/", KernelVersion(6, 18), None),
            ("ipv4/neigh/eth0/gc_stale_time", KernelVersion(6, 18), None),
            ("nf_conntrack_max", KernelVersion(6, 18), absent),
            ("netfilter/nf_conntrack_max", KernelVersion(6, 18), Some(InNewNetns::ReadOnly)),
            ("somewhere/nf_conntrack_max", KernelVersion(6, 18), None),
        ] {
            assert_eq!(presence(path, version), expected, "{path} on {version}");
        }
    }
}
