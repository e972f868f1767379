//! `tunectl explain`.

use tunectl::diagnose::Cause;
use tunectl::profile::lint::WARNINGS;

use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;

#[test]
fn every_code_is_explained() {
    for code in Cause::codes() {
        let ran = Test::new(["explain", code.name]).stdout_is_anything().run();
        let (heading, text) = ran.stdout.split_once("\n\n  ").unwrap();
        assert_eq!(heading, code.name);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(text), words(code.explanation));
        assert!(ran.stdout.lines().all(|line| line.chars().count() <= 94), "{}", ran.stdout);
    }
    for warning in WARNINGS {
        let ran = Test::new(["explain", &warning.code.to_lowercase()]).stdout_is_anything().run();
        assert!(ran.stdout.starts_with(&format!("{}: {}\n\n  ", warning.code, warning.title)), "{}", ran.stdout);
    }
}

#[test]
fn explain_shows_a_setting_with_its_current_value() {
    inside(this_test!(), || {
        crate::support::kernel::put("net/core/somaxconn", "123");
        for name in ["net.core.somaxconn", "net/core/somaxconn", "/proc/sys/net/core/somaxconn"] {
            let ran = Test::new(["explain", name]).stdout_is_anything().run();
            assert!(ran.stdout.starts_with("net.core.somaxconn\n"), "{}", ran.stdout);
            assert!(ran.stdout.contains("\n  now             123\n"), "{}", ran.stdout);
            assert!(!ran.stdout.contains("from here"), "{}", ran.stdout);
        }
        for (name, line) in [
            ("vm.swappiness", "[host-setting]\n"),
            ("net.core.netdev_max_backlog", "[hidden-in-namespace]\n"),
            ("net.core.rmem_max", "[host-setting]\n"),
            ("net.ipv4.tcp_tw_recycle", "it was removed in Linux 4.12 [not-in-this-kernel]\n"),
            ("net.ipv4.igmp_qrv", "net.ipv4.igmp_qrv\n  what it does is not known\n"),
        ] {
            let ran = Test::new(["explain", name]).stdout_is_anything().run();
            assert!(ran.stdout.contains(line), "{name}: {}", ran.stdout);
        }
        let ran = Test::new(["explain", "kern.maxfiles"]).stdout_is_anything().run();
        let nothing = "\n  now             nothing here: it exists on macOS only\n";
        assert!(ran.stdout.ends_with(nothing), "{}", ran.stdout);
    });
}

#[test]
fn explain_covers_folders_patterns_and_absent_settings() {
    inside(this_test!(), || {
        for name in ["net.core", "net/core", "/proc/sys/net/core"] {
            Test::new(["explain", name]).stdout("net.core\n  a directory of settings: name one of them\n").run();
        }
        let all = Test::new(["explain", "block/*/queue/scheduler"]).stdout_is_anything().run();
        assert!(all.stdout.starts_with("block/*/queue/scheduler\n"), "{}", all.stdout);
        assert!(!all.stdout.contains("\n  now ") && !all.stdout.contains("from here"), "{}", all.stdout);
        let hidden = Test::new(["explain", "net.core.max_skb_frags"]).stdout_is_anything().run();
        for line in [
            "  belongs to      the host, in its initial network namespace\n",
            "  new netns has   nothing: the file does not exist\n",
            "  docker          run --sysctl lets it pass, and then the container does not start\n",
            " [hidden-in-namespace]\n",
        ] {
            assert!(hidden.stdout.contains(line), "{}", hidden.stdout);
        }
        let neighbours = Test::new(["explain", "net.ipv4.neigh.default.gc_stale_time"]).stdout_is_anything().run();
        assert!(neighbours.stdout.starts_with("net.ipv4.neigh.default.gc_stale_time\n"), "{}", neighbours.stdout);
        assert!(
            neighbours.stdout.contains("  new netns has   nothing: the file does not exist\n"),
            "{}",
            neighbours.stdout
        );
    });
}

#[test]
fn explain_shows_a_limit_with_its_current_value() {
    let ran = Test::shell("ulimit -Sn 77; tunectl explain NOFILE").stdout_is_anything().run();
    assert!(ran.stdout.contains("\n  now             soft 77, hard "), "{}", ran.stdout);
}

#[test]
fn explain_of_an_unknown_word_exits_2() {
    for (asked, near) in [
        ("net.core.somaxcon", ", did you mean `net.core.somaxconn`?"),
        ("net.ipv4.conf.eth0.100.rp_filter", ", did you mean `net.ipv4.conf.eth0/100.rp_filter`?"),
        ("net/ipv4/conf/eth0/100/rp_filter", ", did you mean `net.ipv4.conf.eth0/100.rp_filter`?"),
        ("read-only-mont", ", did you mean `read-only-mount`?"),
        ("../../etc/passwd", ""),
        ("W999", ""),
        ("\u{1b}[2J", ""),
        ("", ""),
    ] {
        let ran = Test::new(["explain", asked]).stderr_is_anything().code(2).run();
        let shown = asked.escape_debug();
        assert!(
            ran.stderr.starts_with(&format!("error: no setting, limit or code named `{shown}` is known{near}")),
            "{}",
            ran.stderr
        );
    }
}
