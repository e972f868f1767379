//! The daemon in a network namespace of its own: what it sees, when, and what it does about it.

use std::fs;
use std::time::Duration;

use super::watched::{Daemon, has_ip, ip};
use crate::support::kernel::{put, sysctl, until};
use crate::support::namespaces::{inside, this_test};
use crate::support::test::{Test, tunectl};

const PROFILE: &str = "[linux.sysctl]\nnet.core.somaxconn = { at_least = 4096 }\n";
const WATCHING: &str = "watching [..] setting[..] of [..]p.toml, [..]";

fn begin() {
    put("net/core/somaxconn", "4096");
}

#[test]
fn a_write_is_seen_without_a_sweep() {
    inside(this_test!(), || {
        begin();
        let daemon = Daemon::start(PROFILE, &["--interval", "1h"]);
        daemon.line(WATCHING);
        for round in 0..9 {
            // Ten lines of one setting are told between two sweeps, and this reads five rounds.
            if round == 5 {
                daemon.signal(libc::SIGHUP);
                daemon.line("reloaded: [..]");
            }
            put("net/core/somaxconn", "128");
            daemon.line("drifted: net.core.somaxconn 4096 → 128, wanted at least 4096, since [..]");
            put("net/core/somaxconn", "4096");
            daemon.line("holds again: net.core.somaxconn 128 → 4096[..]");
        }
        assert_eq!(daemon.end(libc::SIGTERM), Some(0));
    });
}

/// inotify tells nothing of what the kernel does by itself: `conf.all.forwarding` sets that of all interfaces.
#[test]
fn periodic_sweep_finds_changes_without_events() {
    inside(this_test!(), || {
        // A new network namespace takes it over from the machine.
        put("net/ipv4/conf/all/forwarding", "0");
        let daemon = Daemon::start("[linux.sysctl]\nnet.ipv4.conf.lo.forwarding = 0\n", &["--interval", "300ms"]);
        daemon.line(WATCHING);
        put("net/ipv4/conf/all/forwarding", "1");
        daemon.line("drifted: net.ipv4.conf.lo.forwarding 0 → 1, wanted 0, between [..]Z and [..]Z");
        assert_eq!(daemon.end(libc::SIGINT), Some(0));
    });
}

#[test]
fn drift_is_repaired_until_the_writer_persists() {
    inside(this_test!(), || {
        begin();
        let daemon = Daemon::start(PROFILE, &["--interval", "100ms", "--repair"]);
        daemon.line(WATCHING);
        for _ in 0..5 {
            put("net/core/somaxconn", "128");
            daemon.line("repaired: net.core.somaxconn 128 → 4096");
            assert_eq!(sysctl("net/core/somaxconn"), "4096");
        }
        put("net/core/somaxconn", "128");
        daemon.line("given up: net.core.somaxconn is 128, wanted at least 4096: repaired 5 times [..]");
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(sysctl("net/core/somaxconn"), "128");
        daemon.signal(libc::SIGHUP);
        daemon.line("repaired: net.core.somaxconn 128 → 4096");
    });
}

#[test]
fn revert_undoes_repairs_of_a_killed_watch() {
    inside(this_test!(), || {
        begin();
        let mut daemon = Daemon::start(PROFILE, &["--interval", "100ms", "--repair"]);
        daemon.line(WATCHING);
        for value in ["128", "200"] {
            put("net/core/somaxconn", value);
            daemon.line(&format!("repaired: net.core.somaxconn {value} → 4096"));
        }
        let journal = daemon.scratch.path().join("journal");
        daemon.kill();
        let mut revert = tunectl();
        let output = revert.arg("revert").env("TUNECTL_JOURNAL", &journal).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "net.core.somaxconn 4096 → 200\n1 setting put back\n");
        assert_eq!(sysctl("net/core/somaxconn"), "200");
    });
}

#[test]
fn repair_needs_a_journal_or_no_journal() {
    inside(this_test!(), || {
        begin();
        let watch = |more: &[&str]| {
            let words = ["watch", "--once", "--repair", "--set", "net.core.somaxconn=128"];
            Test::new(words.iter().chain(more)).env("TUNECTL_JOURNAL", "/dev/null/journal")
        };
        watch(&[])
            .stderr(
                "tunectl: error: cannot write the journal: create `/dev/null/journal`: not a directory; nothing was \
                 changed\n  = help: set TUNECTL_JOURNAL to another directory\n  = help: `--no-journal` \
                 applies without a journal; `tunectl revert` can then undo nothing\n",
            )
            .code(1)
            .run();
        assert_eq!(sysctl("net/core/somaxconn"), "4096");
        watch(&["--no-journal"])
            .stdout("falls short: net.core.somaxconn is 4096, wanted 128\nrepaired: net.core.somaxconn 4096 → 128\n")
            .run();
    });
}

#[test]
fn changed_profile_is_reloaded_and_a_broken_one_ignored() {
    inside(this_test!(), || {
        begin();
        let daemon = Daemon::start(PROFILE, &["--interval", "1h"]);
        daemon.line(WATCHING);
        daemon.profile("[linux.sysctl]\nnet.core.somaxconn = { at_leest = 4096 }\n");
        daemon.line("tunectl: error: unknown operator `at_leest`[..]");
        daemon.line("tunectl: warning: keeping the previous profile");
        put("net/core/somaxconn", "128");
        daemon.line("drifted: net.core.somaxconn 4096 → 128, wanted at least 4096, [..]");
        daemon.profile("[linux.sysctl]\nnet.core.somaxconn = { at_least = 100 }\nnet.ipv4.tcp_fin_timeout = 31\n");
        daemon.line("falls short: net.ipv4.tcp_fin_timeout is 60, wanted 31");
        daemon.line("reloaded: 2 settings of [..]p.toml, 1 hold, 1 fall short");
        put("net/ipv4/tcp_fin_timeout", "31");
        daemon.line("holds again: net.ipv4.tcp_fin_timeout 60 → 31[..]");
        fs::remove_file(daemon.scratch.path().join("p.toml")).unwrap();
        daemon.line("tunectl: warning: keeping the previous profile");
        daemon.profile(PROFILE);
        daemon.line("reloaded: 1 setting of [..]p.toml, 0 hold, 1 fall short");
    });
}

/// Kubernetes puts a new link in the place of a folder, and touches no file.
#[test]
fn swapped_config_map_is_reloaded() {
    inside(this_test!(), || {
        begin();
        let scratch = crate::support::scratch::Scratch::new();
        scratch.write("map/..1/more.toml", PROFILE);
        scratch.write("map/..2/more.toml", "[linux.sysctl]\nnet.core.somaxconn = 7\n");
        let map = scratch.path().join("map");
        std::os::unix::fs::symlink("..1", map.join("..data")).unwrap();
        std::os::unix::fs::symlink("..data/more.toml", map.join("more.toml")).unwrap();
        let daemon = Daemon::start_in(scratch, "extends = [\"map/more.toml\"]\n", &["--interval", "1h"], &[]);
        daemon.line(WATCHING);
        std::os::unix::fs::symlink("..2", map.join("..new")).unwrap();
        fs::rename(map.join("..new"), map.join("..data")).unwrap();
        daemon.line("falls short: net.core.somaxconn is 4096, wanted 7");
    });
}

#[test]
fn new_interfaces_are_watched_and_repaired() {
    inside(this_test!(), || {
        if !has_ip(this_test!()) {
            return;
        }
        let profile = "[linux.sysctl]\n\"net.ipv4.conf.[ab]0.arp_ignore\" = 1\n";
        let daemon = Daemon::start(profile, &["--interval", "1h", "--repair"]);
        daemon.line(WATCHING);
        ip(&["link", "add", "a0", "type", "veth", "peer", "name", "b0"]);
        daemon.line("repaired: net.ipv4.conf.b0.arp_ignore 0 → 1");
        assert_eq!(
            (sysctl("net/ipv4/conf/a0/arp_ignore"), sysctl("net/ipv4/conf/b0/arp_ignore")),
            ("1".into(), "1".into())
        );
        // One that comes back under its name is another one, and is watched as closely.
        ip(&["link", "delete", "a0"]);
        daemon.line("gone: net.ipv4.conf.a0.arp_ignore and 1 more");
        ip(&["link", "add", "a0", "type", "veth", "peer", "name", "b0"]);
        daemon.line("repaired: net.ipv4.conf.b0.arp_ignore 0 → 1");
        until("it is not put right", || sysctl("net/ipv4/conf/a0/arp_ignore") == "1");
        // Watched from some time on.
        let mut values = ["2", "1"].into_iter().cycle();
        until("nothing is told of it", || {
            put("net/ipv4/conf/a0/arp_ignore", values.next().unwrap());
            daemon
                .rest()
                .iter()
                .any(|line| line.starts_with("drifted: net.ipv4.conf.a0.arp_ignore 1 → 2, wanted 1, since 2"))
        });
    });
}

#[test]
fn watch_without_repair_opens_nothing_for_writing() {
    inside(this_test!(), || {
        begin();
        let daemon = Daemon::start(PROFILE, &["--interval", "100ms"]);
        daemon.line(WATCHING);
        put("net/core/somaxconn", "128");
        daemon.line("drifted: [..]");
        let folder = format!("/proc/{}/fd", daemon.pid());
        let mut kept = 0;
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if fs::read_link(entry.path()).is_ok_and(|target| target.starts_with("/proc/sys")) {
                let info = format!("/proc/{}/fdinfo/{}", daemon.pid(), entry.file_name().to_str().unwrap());
                let info = fs::read_to_string(info).unwrap();
                let flags = info.lines().find_map(|line| line.strip_prefix("flags:\t")).unwrap();
                assert_eq!(u32::from_str_radix(flags, 8).unwrap() & 3, 0, "{info}");
                kept += 1;
            }
        }
        assert!(kept >= 1, "the setting stays open between two looks");
        assert_eq!(sysctl("net/core/somaxconn"), "128");
    });
}

#[test]
fn metrics_file_is_replaced_atomically() {
    inside(this_test!(), || {
        begin();
        let daemon = Daemon::start(PROFILE, &["--interval", "200ms", "--metrics", "@/tunectl.prom"]);
        daemon.line(WATCHING);
        let file = daemon.scratch.path().join("tunectl.prom");
        let has = |line: &str| fs::read_to_string(&file).is_ok_and(|text| text.lines().any(|its| its == line));
        let compliant = "tunectl_setting_compliant{setting=\"net.core.somaxconn\",required=\"true\"}";
        until("no metrics that say so", || has(&format!("{compliant} 1")) && has("tunectl_sweep_interval_seconds 0.2"));
        put("net/core/somaxconn", "128");
        until("no metrics of the drift", || {
            has(&format!("{compliant} 0"))
                && has("tunectl_setting_drift_total{setting=\"net.core.somaxconn\"} 1")
                && has("tunectl_setting_found{setting=\"net.core.somaxconn\"} 128")
                && has("tunectl_compliant 0")
        });
        // A reader that has it open reads on in the old one, to its end.
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("\ntunectl_profile_last_reload_successful 1\n") && text.ends_with('\n'), "{text}");
        assert_eq!(
            daemon.scratch.path().read_dir().unwrap().count(),
            2,
            "the profile and the metrics, nothing unfinished"
        );
        daemon.profile("nonsense");
        until("no metrics of the broken profile", || has("tunectl_profile_last_reload_successful 0"));
    });
}

#[test]
fn unwritable_metrics_file_is_warned_of_once() {
    inside(this_test!(), || {
        begin();
        let daemon = Daemon::start(PROFILE, &["--interval", "100ms", "--metrics", "@/no/such/tunectl.prom"]);
        daemon.line(
            "tunectl: warning: metrics could not be written to `[..]/no/such/tunectl.prom`: no such file or directory",
        );
        put("net/core/somaxconn", "128");
        daemon.line("drifted: [..]");
        std::thread::sleep(Duration::from_millis(300));
        assert!(!daemon.rest().iter().any(|line| line.contains("metrics")), "said once");
    });
}
