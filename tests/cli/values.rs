//! Values as the kernel keeps them: lists, pairs, roundings, names with dots, and the order of writes.

use std::fs;

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside, rename_loopback, skip, this_test};
use crate::support::test::Test;

fn applies(profile: &str, stdout: &str) {
    let profile = format!("{profile}[lint]\nallow = 'W001'\n");
    Test::new(["apply", "-p", "p.toml"]).file("p.toml", profile).stdout(stdout).run();
}

#[test]
fn value_rounded_by_the_kernel_falls_short() {
    inside(this_test!(), || {
        put("net/ipv4/neigh/lo/retrans_time_ms", "1001");
        let found = sysctl("net/ipv4/neigh/lo/retrans_time_ms");
        put("net/ipv4/neigh/lo/retrans_time_ms", "2000");
        if found == "1001" {
            // This kernel's tick is a millisecond, so that it has nothing to round.
            let kept = "net.ipv4.neigh.lo.retrans_time_ms 2000 → 1001\n1 setting changed and read back\n";
            return applies("linux.sysctl.net.ipv4.neigh.lo.retrans_time_ms = 1001\n", kept);
        }
        let ran = Test::new(["apply", "-p", "p.toml"])
            .file("p.toml", "linux.sysctl.net.ipv4.neigh.lo.retrans_time_ms = 1001\n")
            .stderr(&format!(
                "tunectl: error: net.ipv4.neigh.lo.retrans_time_ms is {found}, required 1001: \
the kernel stored `{found}` instead of `1001`[..]
  --> p.toml:1:1
  in the profile, under [linux.sysctl]:
    \"net.ipv4.neigh.lo.retrans_time_ms\" = {found}
more about the cause: tunectl explain rounded
tunectl: error: a required setting falls short; nothing was changed (1 setting had been set and is back at its previous value)
"
            ))
            .code(1)
            .run();
        assert_eq!(ran.stdout, "");
        assert_eq!(sysctl("net/ipv4/neigh/lo/retrans_time_ms"), "2000");
    });
}

/// A range of groups that is upside down becomes the empty one, on every kernel (`ipv4_ping_group_range`).
#[test]
fn value_changed_by_the_kernel_falls_short() {
    inside(this_test!(), || {
        if fs::write("/proc/sys/net/ipv4/ping_group_range", "5 2").is_err() {
            return skip(this_test!(), "the user namespace of a plain user maps one group only: run it as root");
        }
        put("net/ipv4/ping_group_range", "0 0");
        Test::new(["apply", "-p", "p.toml"])
            .file("p.toml", "linux.sysctl.net.ipv4.ping_group_range = { at_least = [5, 2] }\n")
            .expected("cli/values/value_changed_by_the_kernel_falls_short");
        assert_eq!(sysctl("net/ipv4/ping_group_range"), "0 0");
    });
}

#[test]
fn long_port_lists_are_written_whole() {
    inside(this_test!(), || {
        let ports: Vec<String> = (0..1000).map(|n| (10_001 + 2 * n).to_string()).collect();
        let profile = format!("linux.sysctl.net.ipv4.ip_local_reserved_ports = [{}]\n", ports.join(", "));
        Test::new(["apply", "-p", "p.toml"])
            .file("p.toml", profile)
            .stdout("net.ipv4.ip_local_reserved_ports (empty) → [..]\n1 setting changed and read back\n")
            .run();
        assert_eq!(sysctl("net/ipv4/ip_local_reserved_ports"), ports.join(","));
    });
}

#[test]
fn ports_are_compared_as_sets_and_added() {
    inside(this_test!(), || {
        put("net/ipv4/ip_local_reserved_ports", "9000-9009,9010,80");
        put("net/ipv4/ip_local_port_range", "8000 60999");
        let nothing = "nothing to change, 1 already matches\n";
        applies("linux.sysctl.net.ipv4.ip_local_reserved_ports = \"80,9000-9010\"\n", nothing);
        applies("service.ports = [9003]\n", nothing);
        applies(
            "service.ports = [8080]\n",
            "net.ipv4.ip_local_reserved_ports 80,9000-9010 → 80,8080,9000-9010\n1 setting changed and read back\n",
        );
        assert_eq!(sysctl("net/ipv4/ip_local_reserved_ports"), "80,8080,9000-9010");
        applies(
            "linux.sysctl.net.ipv4.ip_local_reserved_ports = \"\"\n",
            "net.ipv4.ip_local_reserved_ports 80,8080,9000-9010 → (empty)\n1 setting changed and read back\n",
        );
        assert_eq!(sysctl("net/ipv4/ip_local_reserved_ports"), "");
    });
}

#[test]
fn wider_port_range_is_kept() {
    inside(this_test!(), || {
        put("net/ipv4/ip_local_port_range", "10000 60999");
        applies(
            "linux.sysctl.net.ipv4.ip_local_port_range = { covers = [20000, 65534] }\n",
            "net.ipv4.ip_local_port_range 10000 60999 → 10000 65534\n1 setting changed and read back\n",
        );
        put("net/ipv4/tcp_keepalive_time", "100");
        applies(
            "linux.sysctl.net.ipv4.tcp_keepalive_time = { at_most = 300 }\n",
            "nothing to change, 1 already matches\n",
        );
        applies(
            "linux.sysctl.net.ipv4.tcp_keepalive_time = { at_least = 50 }\n",
            "nothing to change, 1 already matches\n",
        );
        assert_eq!(sysctl("net/ipv4/tcp_keepalive_time"), "100");
    });
}

/// The kernel refuses whichever write would put the first unprivileged port above the range, so the order of the
/// two hangs on the direction. The profile has them in the wrong order both times.
#[test]
fn port_range_and_unprivileged_port_start_are_ordered() {
    inside(this_test!(), || {
        put("net/ipv4/ip_local_port_range", "32768 60999");
        put("net/ipv4/ip_unprivileged_port_start", "1024");
        applies(
            "[linux.sysctl.net.ipv4]\nip_local_port_range = [500, 60999]\nip_unprivileged_port_start = 400\n",
            "net.ipv4.ip_unprivileged_port_start 1024 → 400\n\
             net.ipv4.ip_local_port_range 32768 60999 → 500 60999\n\
             2 settings changed and read back\n",
        );
        applies(
            "[linux.sysctl.net.ipv4]\nip_unprivileged_port_start = 20000\nip_local_port_range = [30000, 60999]\n",
            "net.ipv4.ip_local_port_range 500 60999 → 30000 60999\n\
             net.ipv4.ip_unprivileged_port_start 400 → 20000\n\
             2 settings changed and read back\n",
        );
        assert_eq!(sysctl("net/ipv4/ip_unprivileged_port_start"), "20000");
        assert_eq!(sysctl("net/ipv4/ip_local_port_range"), "30000 60999");
    });
}

#[test]
fn service_ports_are_reserved_before_the_range_widens() {
    inside(this_test!(), || {
        put("net/ipv4/ip_local_port_range", "32768 60999");
        put("net/ipv4/ip_local_reserved_ports", "\n");
        Test::new(["apply", "-p", "p.toml", "--port", "9000-9010"])
            .file(
                "p.toml",
                "service.ports = [8080]\nlinux.sysctl.net.ipv4.ip_local_port_range = { covers = [1024, 65535] }\n",
            )
            .stdout(
                "net.ipv4.ip_local_reserved_ports (empty) → 8080,9000-9010\n\
                 net.ipv4.ip_local_port_range 32768 60999 → 1024 65535\n\
                 2 settings changed and read back\n",
            )
            .run();
        assert_eq!(sysctl("net/ipv4/ip_local_reserved_ports"), "8080,9000-9010");
        assert_eq!(sysctl("net/ipv4/ip_local_port_range"), "1024 65535");
    });
}

#[test]
fn patterns_expand_to_existing_keys_and_names_override() {
    inside(this_test!(), || {
        for interface in ["all", "default", "lo"] {
            put(&format!("net/ipv4/conf/{interface}/rp_filter"), "0");
        }
        applies(
            "[linux.sysctl]\n\"net.ipv4.conf.lo.rp_filter\" = 0\n\"net.ipv4.conf.*.rp_filter\" = 2\n",
            "net.ipv4.conf.*.rp_filter 0 → 2  (2 settings)\n\
             2 settings changed and read back, 1 already matches\n",
        );
        let filters = ["all", "default", "lo"].map(|name| sysctl(&format!("net/ipv4/conf/{name}/rp_filter")));
        assert_eq!(filters, ["2", "2", "0"]);
        Test::new(["apply", "-p", "p.toml"])
            .file("p.toml", "linux.sysctl.\"net.ipv4.conf.nonsense*.rp_filter\" = 2\n")
            .stderr(
                "tunectl: error: net.ipv4.conf.nonsense*.rp_filter: no existing setting matches this pattern
  --> p.toml:1:1
more about the cause: tunectl explain no-match
tunectl: error: a required setting falls short; nothing was changed
",
            )
            .code(1)
            .run();
    });
}

#[test]
fn interface_names_with_dots_work_in_every_spelling() {
    inside(this_test!(), || {
        put("net/ipv4/conf/lo/rp_filter", "0");
        rename_loopback("eth0.100");
        for (value, spelling) in [
            ("2", "\"net.ipv4.conf.eth0/100.rp_filter\""),
            ("1", "\"net/ipv4/conf/eth0.100/rp_filter\""),
            ("2", "net.ipv4.conf.\"eth0.100\".rp_filter"),
        ] {
            applies(
                &format!("linux.sysctl.{spelling} = {value}\n"),
                "net.ipv4.conf.eth0/100.rp_filter [..]\n1 setting changed and read back\n",
            );
            assert_eq!(fs::read_to_string("/proc/sys/net/ipv4/conf/eth0.100/rp_filter").unwrap().trim(), value);
        }
        Test::new(["apply", "--set", "net.ipv4.conf.eth*.rp_filter=0"])
            .stdout("net.ipv4.conf.eth0/100.rp_filter 2 → 0\n1 setting changed and read back\n")
            .run();
        assert_eq!(sysctl("net/ipv4/conf/eth0.100/rp_filter"), "0");
    });
}

const FORWARD: &str = "[linux.sysctl.net.ipv4]\nconf.all.accept_redirects = { at_least = 1 }\nip_forward = 1\n";

/// Turning forwarding on takes redirects away, though they were allowed before and needed no write.
#[test]
fn keys_reset_by_another_write_are_set_again() {
    inside(this_test!(), || {
        put("net/ipv4/ip_forward", "0");
        put("net/ipv4/conf/all/accept_redirects", "1");
        applies(FORWARD, "net.ipv4.ip_forward 0 → 1\n1 setting changed and read back, 1 already matches\n");
        assert_eq!(sysctl("net/ipv4/ip_forward"), "1");
        assert_eq!(sysctl("net/ipv4/conf/all/accept_redirects"), "1");
    });
}

/// Turning it off again allows them, though they had not been.
#[test]
fn undo_restores_keys_reset_by_the_undo() {
    inside(this_test!(), || {
        put("net/ipv4/ip_forward", "0");
        put("net/ipv4/conf/all/accept_redirects", "0");
        Test::new(["apply", "-p", "p.toml", "--set", "net.ipv4.tcp_congestion_control=nonsense"])
            .file("p.toml", "[linux.sysctl.net.ipv4]\nconf.all.accept_redirects = 0\nip_forward = 1\n")
            .expected("cli/values/undo_restores_keys_reset_by_the_undo");
        assert_eq!(sysctl("net/ipv4/ip_forward"), "0");
        assert_eq!(sysctl("net/ipv4/conf/all/accept_redirects"), "0");
    });
}

/// Forwarding is set on every interface along with `ip_forward`, and reset with it.
#[test]
fn undo_without_journal_restores_side_effects() {
    inside(this_test!(), || {
        for (command, end, code) in [("apply", &["--no-journal"][..], 1), ("run", &["--", "true"], 125)] {
            put("net/ipv4/ip_forward", "0");
            put("net/ipv4/conf/lo/forwarding", "1");
            let set = ["-p", "p.toml", "--set", "net.ipv4.tcp_congestion_control=nonsense"];
            Test::new([&[command], &set[..], end].concat())
                .file("p.toml", "[linux.sysctl.net.ipv4]\nip_forward = 1\n")
                .stderr_is_anything()
                .code(code)
                .run();
            assert_eq!(sysctl("net/ipv4/ip_forward"), "0", "{command}");
            assert_eq!(sysctl("net/ipv4/conf/lo/forwarding"), "1", "{command}");
        }
    });
}
