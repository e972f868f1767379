//! Every version at which the catalog lets something change, and where that is said: a commit of the kernel, or a
//! measurement. A version in the catalog that is not here, and one here that is not there, both fail.

use tunectl::catalog::{self, KernelVersion, Row};
use tunectl::model::setting::System;

/// What changed: a row's field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Came,
    Went,
    Default,
    Range,
    Owner,
    NewNetns,
    Rootless,
}
use What::{Came, Default, NewNetns, Owner, Range, Rootless, Went};

/// The version, what changed, the source, and the settings.
type Boundary = ((u16, u16), What, &'static str, &'static [&'static str]);

/// Measured on Debian's kernels 5.10.223, 6.1.192, 6.12.117 and 7.2.13 and on 6.18.44: the first that has it.
const MEASURED: &str = "measured";

const BOUNDARIES: &[Boundary] = &[
    ((4, 12), Went, "4396e46187ca tcp: remove tcp_tw_recycle", &["net.ipv4.tcp_tw_recycle"]),
    ((5, 11), Default, "92890123749b inotify: Increase default limit", &["fs.inotify.max_user_watches"]),
    ((5, 11), Default, "d0d4730ac2e4 userfaultfd: add user-mode only option", &["vm.unprivileged_userfaultfd"]),
    (
        (5, 13),
        Came,
        "5b8fea65d197 fanotify: configurable limits via sysfs",
        &[
            "fs.fanotify.max_queued_events",
            "fs.fanotify.max_user_groups",
            "fs.fanotify.max_user_marks",
            "user.max_fanotify_groups",
            "user.max_fanotify_marks",
        ],
    ),
    (
        (5, 13),
        Went,
        "8a99b6833c88 sched: Move SCHED_DEBUG sysctl to debugfs",
        &[
            "kernel.sched_latency_ns",
            "kernel.sched_migration_cost_ns",
            "kernel.sched_min_granularity_ns",
            "kernel.sched_wakeup_granularity_ns",
        ],
    ),
    ((5, 13), Range, "cb9444130662 sysctl: add proc_dou8vec_minmax(), and what follows it", BYTES),
    ((5, 14), Came, "0cd7c741f01d delayacct: Add sysctl to enable at runtime", &["kernel.task_delayacct"]),
    ((5, 14), Came, "f9ac779f881c net: Introduce net.ipv4.tcp_migrate_req", &["net.ipv4.tcp_migrate_req"]),
    (
        (5, 14),
        Came,
        "74f44822097c mm/page_alloc: introduce vm.percpu_pagelist_high_fraction",
        &["vm.percpu_pagelist_high_fraction"],
    ),
    ((5, 14), Range, "4253b4986f98 ipv4: Add custom multipath hash policy", &["net.ipv4.fib_multipath_hash_policy"]),
    ((5, 14), Went, "bbbecb35a41c mm/page_alloc: delete vm.percpu_pagelist_fraction", &["vm.percpu_pagelist_fraction"]),
    ((5, 14), Went, "3af3d772f721 block_dump: remove block_dump feature", &["vm.block_dump"]),
    ((5, 16), Default, "8a03e56b253e bpf: Disallow unprivileged bpf by default", &["kernel.unprivileged_bpf_disabled"]),
    ((5, 17), Owner, MTU, &["net.ipv4.route.min_pmtu", "net.ipv4.route.mtu_expires"]),
    ((5, 17), NewNetns, MTU, &["net.ipv4.route.min_pmtu", "net.ipv4.route.mtu_expires"]),
    (
        (5, 18),
        Came,
        "e187013abeb4 txhash: Make rethinking txhash behavior configurable via sysctl",
        &["net.core.txrehash"],
    ),
    ((5, 18), Owner, MSS, &["net.ipv4.route.min_adv_mss"]),
    ((5, 18), NewNetns, MSS, &["net.ipv4.route.min_adv_mss"]),
    ((5, 18), Range, "c574bbe91703 NUMA balancing: optimize for memory tiering", &["kernel.numa_balancing"]),
    (
        (6, 1),
        Came,
        "d1e5e6408b30 tcp: Introduce optional per-netns ehash",
        &["net.ipv4.tcp_child_ehash_entries", "net.ipv4.tcp_ehash_entries"],
    ),
    (
        (6, 1),
        Default,
        "79e3602caa6f tcp: make global challenge ack rate limitation per net-ns",
        &["net.ipv4.tcp_challenge_ack_limit"],
    ),
    // In the stable series; b056b4cd9178 of 6.12 in the main one.
    ((6, 1), Owner, MEASURED, &["net.ipv4.icmp_msgs_burst", "net.ipv4.icmp_msgs_per_sec"]),
    ((6, 1), NewNetns, MEASURED, &["net.ipv4.icmp_msgs_burst", "net.ipv4.icmp_msgs_per_sec"]),
    (
        (6, 1),
        Range,
        MEASURED,
        &[
            "net.core.netdev_budget_usecs",
            "net.ipv4.icmp_echo_ignore_all",
            "net.ipv4.icmp_echo_ignore_broadcasts",
            "net.ipv4.icmp_ignore_bogus_error_responses",
            "net.ipv4.tcp_ecn",
            "net.netfilter.nf_conntrack_max",
            "net.nf_conntrack_max",
        ],
    ),
    ((6, 2), Came, "727209376f49 x86/split_lock: Add sysctl to control misery", &["kernel.split_lock_mitigate"]),
    ((6, 2), Came, "9804985bf27f udp: Introduce optional per-netns hash table", &["net.ipv4.udp_child_hash_entries"]),
    ((6, 3), Came, "105ff5339f49 mm/memfd: add MFD_NOEXEC_SEAL and MFD_EXEC", &["vm.memfd_noexec"]),
    (
        (6, 3),
        Rootless,
        "6b754d7bd007 sysctl: expose all net/core sysctls inside netns",
        &["net.core.somaxconn", "net.core.txrehash"],
    ),
    (
        (6, 5),
        Came,
        "b650d953cd39 tcp: enforce receive buffer memory limits by allowing the tcp window to shrink",
        &["net.ipv4.tcp_shrink_window"],
    ),
    ((6, 5), Came, "ccce324dabfe tcp: make the first N SYN RTO backoffs linear", &["net.ipv4.tcp_syn_linear_timeouts"]),
    (
        (6, 6),
        Came,
        "76d3ccecfa18 io_uring: add a sysctl to disable io_uring system-wide",
        &["kernel.io_uring_disabled", "kernel.io_uring_group"],
    ),
    ((6, 7), Went, "17e7170645e3 sched/debug: Remove sched_child_runs_first", &["kernel.sched_child_runs_first"]),
    ((6, 8), Default, "4944566706b2 net: increase optmem_max default value", &["net.core.optmem_max"]),
    ((6, 8), Owner, OPTMEM, &["net.core.optmem_max"]),
    ((6, 8), NewNetns, OPTMEM, &["net.core.optmem_max"]),
    ((6, 8), Range, OPTMEM, &["net.core.optmem_max"]),
    ((6, 11), Came, "f086edef71be tcp: add sysctl_tcp_rto_min_us", &["net.ipv4.tcp_rto_min_us"]),
    (
        (6, 11),
        NewNetns,
        "19249c0724f2 net: make net.core.{r,w}mem_{default,max} namespaced",
        &["net.core.rmem_default", "net.core.rmem_max", "net.core.wmem_default", "net.core.wmem_max"],
    ),
    ((6, 12), Range, MEASURED, &["vm.page-cluster"]),
    ((6, 13), Owner, TSTAMP, &["net.core.tstamp_allow_data"]),
    ((6, 13), NewNetns, TSTAMP, &["net.core.tstamp_allow_data"]),
    (
        (6, 14),
        Came,
        "ca6a6f93867a tcp: Add sysctl to configure TIME-WAIT reuse delay",
        &["net.ipv4.tcp_tw_reuse_delay"],
    ),
    ((6, 14), Owner, "7863dcc72d0f pid: allow pid_max to be set per pid namespace", &["kernel.pid_max"]),
    ((6, 15), Came, "1280c26228bd tcp: add tcp_rto_max_ms sysctl", &["net.ipv4.tcp_rto_max_ms"]),
    (
        (6, 16),
        Default,
        "9ea3bfa61b09 tcp: increase tcp_limit_output_bytes default value to 4MB",
        &["net.ipv4.tcp_limit_output_bytes"],
    ),
    ((6, 16), Default, "572be9bf9d0d tcp: increase tcp_rmem[2] to 32 MB", &["net.ipv4.tcp_rmem"]),
    (
        (6, 18),
        Default,
        "a6d4f25888b8 net: set net.core.rmem_max and net.core.wmem_max to 4 MB",
        &["net.core.rmem_max", "net.core.wmem_max"],
    ),
    ((6, 18), Range, MEASURED, &["net.ipv4.icmp_ratelimit", "net.ipv4.tcp_invalid_ratelimit"]),
    ((7, 2), Default, MEASURED, &["kernel.sched_rt_runtime_us"]),
    ((7, 2), Range, MEASURED, &["net.ipv4.tcp_ecn", "net.netfilter.nf_conntrack_max", "net.nf_conntrack_max"]),
    // On no kernel so far (net/ipv6/route.c).
    ((u16::MAX, u16::MAX), Rootless, MEASURED, &["net.ipv6.route.gc_thresh"]),
];

const MTU: &str = "1de6b15a434c Namespaceify min_pmtu sysctl, 1135fad20480 Namespaceify mtu_expires sysctl";
const MSS: &str = "2e9589ff809e ipv4: Namespaceify min_adv_mss sysctl knob";
const OPTMEM: &str = "f5769faeec36 net: Namespace-ify sysctl_optmem_max";
const TSTAMP: &str = "da5e06dee58a net-timestamp: namespacify the sysctl_tstamp_allow_data";

const BYTES: &[&str] = &[
    "net.ipv4.icmp_echo_ignore_all",
    "net.ipv4.icmp_echo_ignore_broadcasts",
    "net.ipv4.icmp_ignore_bogus_error_responses",
    "net.ipv4.ip_early_demux",
    "net.ipv4.ip_no_pmtu_disc",
    "net.ipv4.ip_nonlocal_bind",
    "net.ipv4.tcp_abort_on_overflow",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_dsack",
    "net.ipv4.tcp_ecn",
    "net.ipv4.tcp_fack",
    "net.ipv4.tcp_frto",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_min_tso_segs",
    "net.ipv4.tcp_moderate_rcvbuf",
    "net.ipv4.tcp_mtu_probing",
    "net.ipv4.tcp_no_metrics_save",
    "net.ipv4.tcp_orphan_retries",
    "net.ipv4.tcp_recovery",
    "net.ipv4.tcp_retries1",
    "net.ipv4.tcp_retries2",
    "net.ipv4.tcp_rfc1337",
    "net.ipv4.tcp_sack",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_synack_retries",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_thin_linear_timeouts",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tso_win_divisor",
    "net.ipv4.tcp_tw_recycle",
    "net.ipv4.tcp_window_scaling",
    "net.ipv4.udp_early_demux",
    "net.ipv6.bindv6only",
    "net.ipv6.ip_nonlocal_bind",
];

fn of_row(row: &Row) -> Vec<(KernelVersion, What)> {
    let mut found = Vec::new();
    found.extend(row.rare.since.map(|version| (version, Came)));
    found.extend(row.rare.removed_in.map(|version| (version, Went)));
    found.extend(row.default.then.iter().map(|(version, _)| (*version, Default)));
    found.extend(row.kernel_range.into_iter().flat_map(|range| range.then).map(|(version, _)| (*version, Range)));
    found.extend(row.scope.before.map(|(version, _)| (version, Owner)));
    found.extend(row.in_new_netns.before.map(|(version, _)| (version, NewNetns)));
    found.extend(row.rare.in_user_netns_since.map(|version| (version, Rootless)));
    found
}

#[test]
fn every_version_in_the_catalog_has_a_source() {
    let mut held: Vec<(KernelVersion, What, &str)> = catalog::rows(System::Linux)
        .flat_map(|row| of_row(row).into_iter().map(move |(version, what)| (version, what, row.name)))
        .collect();
    let mut sourced: Vec<(KernelVersion, What, &str)> = BOUNDARIES
        .iter()
        .flat_map(|((major, minor), what, _, names)| {
            names.iter().map(|name| (KernelVersion(*major, *minor), *what, *name))
        })
        .collect();
    held.sort();
    sourced.sort();
    let without: Vec<_> = held.iter().filter(|one| !sourced.contains(one)).collect();
    let beyond: Vec<_> = sourced.iter().filter(|one| !held.contains(one)).collect();
    assert!(without.is_empty() && beyond.is_empty(), "without a source: {without:?}; not in the catalog: {beyond:?}");
    assert!(sourced.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn sources_are_commits_or_measurements() {
    for (version, what, source, _) in BOUNDARIES {
        let commit = source.split_once(' ').map(|(hash, _)| hash);
        let is_commit =
            commit.is_some_and(|hash| hash.len() == 12 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(is_commit || *source == MEASURED, "{version:?} {what:?}: {source}");
        // Only on what was measured can it have been found.
        let measured = [(6, 1), (6, 12), (6, 18), (7, 2), (u16::MAX, u16::MAX)].contains(version);
        assert!(is_commit || measured, "{version:?} {what:?}");
    }
}
