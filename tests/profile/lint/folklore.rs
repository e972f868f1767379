//! Keys that kernels lack, that do nothing, or that do not do what guides say.

use super::linux;
use crate::support::test::Test;

#[test]
fn removed_keys_are_warned_of() {
    for (line, expected) in [
        ("net.ipv4.tcp_tw_recycle = 1", "W004: `net.ipv4.tcp_tw_recycle` was removed in Linux 4.12"),
        (
            "kernel.sched_wakeup_granularity_ns = 1",
            "W004: `kernel.sched_wakeup_granularity_ns` was removed in Linux 5.13",
        ),
        ("vm.percpu_pagelist_fraction = 8", "W004: `vm.percpu_pagelist_fraction` was removed in Linux 5.14"),
        ("net.ipv4.tcp_max_ssthresh = 100", "W004: `net.ipv4.tcp_max_ssthresh` was removed in Linux 3.13"),
        ("net.ipv4.tcp_thin_dupack = 1", "W004: `net.ipv4.tcp_thin_dupack` was removed in Linux 4.11"),
        ("vm.block_dump = 1", "W004: `vm.block_dump` was removed in Linux 5.14"),
        ("kernel.sched_child_runs_first = 1", "W004: `kernel.sched_child_runs_first` was removed in Linux 6.7"),
        (
            "net.ipv4.tcp_tw_reuse_delay = 1",
            "W007: `net.ipv4.tcp_tw_reuse_delay` was added in Linux 6.14, and older kernels are supported too",
        ),
    ] {
        assert_eq!(linux(line), [expected], "{line}");
    }
    assert_eq!(linux("net.ipv4.tcp_tw_reuse_delay = { exactly = 1, required = false }"), [""; 0]);
    assert_eq!(
        linux("kernel.modules_disabled = 1"),
        ["W013: `kernel.modules_disabled` stays 1 until the next boot, whatever is written afterwards"]
    );
    assert_eq!(linux("kernel.modules_disabled = 0"), [""; 0]);
}

/// What a supported kernel still heeds is left out only for those that don't.
#[test]
fn removed_keys_name_the_kernels_that_have_them() {
    for (key, help) in [
        ("net.ipv4.tcp_adv_win_scale", "leave it out, unless for kernels before Linux 6.6"),
        ("net.ipv6.route.max_size", "leave it out, unless for kernels before Linux 6.3"),
        ("net.ipv4.tcp_fack", "leave it out"),
        ("net.ipv4.route.max_size", "leave it out"),
    ] {
        let test =
            Test::new(["profile", "validate", "p.toml"]).file("p.toml", format!("[linux.sysctl]\n'{key}' = 1\n"));
        let ran = test.stdout_is_anything().stderr_is_anything().run();
        assert!(ran.stderr.contains(&format!("  = help: {help}\n")), "{key}: {}", ran.stderr);
    }
}

#[test]
fn tuning_folklore_is_warned_of() {
    for (line, expected) in [
        ("net.ipv4.tcp_fin_timeout = 15", "W005: `net.ipv4.tcp_fin_timeout` does not shorten TIME-WAIT"),
        (
            "net.ipv4.tcp_max_tw_buckets = 5000",
            "W005: `net.ipv4.tcp_max_tw_buckets` at a low value does not save connections in TIME-WAIT, it destroys them",
        ),
        ("net.ipv4.tcp_low_latency = 1", "W005: `net.ipv4.tcp_low_latency` is without effect since Linux 4.14"),
        ("net.ipv4.tcp_fack = 1", "W005: `net.ipv4.tcp_fack` is without effect since Linux 4.15"),
        ("net.ipv4.tcp_adv_win_scale = 2", "W005: `net.ipv4.tcp_adv_win_scale` is without effect since Linux 6.6"),
        (
            "net.ipv4.route.max_size = 1",
            "W005: `net.ipv4.route.max_size` is without effect since Linux 3.6: the routing cache is gone",
        ),
        (
            "net.ipv4.route.gc_timeout = 1",
            "W005: `net.ipv4.route.gc_timeout` is without effect since Linux 3.6: the routing cache is gone",
        ),
        (
            "net.ipv4.udp_wmem_min = 8192",
            "W005: `net.ipv4.udp_wmem_min` is without effect: UDP counts sending by other means",
        ),
        ("net.ipv6.route.max_size = 1", "W005: `net.ipv6.route.max_size` is without effect since Linux 6.3"),
        (
            "net.ipv4.tcp_timestamps = 0",
            "W005: `net.ipv4.tcp_timestamps` without timestamps, `net.ipv4.tcp_tw_reuse` does nothing",
        ),
        ("vm.swappiness = 0", "W005: `vm.swappiness` at 0 does not switch swap off"),
        (
            "net.ipv4.tcp_mem = [8388608, 12582912, 16777216]",
            "W005: `net.ipv4.tcp_mem` counts pages, not bytes: 16777216 of them are 64 GiB",
        ),
    ] {
        assert_eq!(linux(line), [expected], "{line}");
    }
    for line in [
        "net.ipv4.tcp_max_tw_buckets = { at_least = 5000 }",
        "net.ipv4.tcp_timestamps = 1",
        "vm.swappiness = { at_most = 10 }",
    ] {
        assert_eq!(linux(line), [""; 0], "{line}");
    }
}

#[test]
fn values_below_todays_defaults_are_warned_of() {
    for (line, expected) in [
        (
            "net.core.somaxconn = 1024",
            "W015: `net.core.somaxconn` at 1024 or less is below the default of current kernels",
        ),
        (
            "kernel.shmmax = 68719476736",
            "W015: `kernel.shmmax` at 68719476736 or less is below the default of current kernels",
        ),
        (
            "net.core.wmem_max = 212992",
            "W015: `net.core.wmem_max` at 212992 or less is below the default of current kernels",
        ),
        (
            "net.ipv4.tcp_rmem = [4096, 87380, 6291456]",
            "W015: `net.ipv4.tcp_rmem` at [4096, 87380, 6291456] or less is below the default of current kernels",
        ),
        (
            "net.core.somaxconn = { one_of = [128, 1024] }",
            "W015: `net.core.somaxconn` at 1024 or less is below the default of current kernels",
        ),
    ] {
        assert_eq!(linux(line), [expected], "{line}");
    }
    for line in [
        "net.core.somaxconn = { at_least = 1024 }",
        "net.core.somaxconn = 4096",
        "net.core.somaxconn = { one_of = [1024, 4096] }",
        "net.core.wmem_max = 4194304",
        "net.ipv4.tcp_rmem = { at_least = [4096, 87380, 6291456] }",
        "net.ipv4.tcp_wmem = [4096, 16384, 4194304]",
    ] {
        assert_eq!(linux(line), [""; 0], "{line}");
    }
}
