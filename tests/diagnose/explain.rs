//! `tunectl explain`.

use tunectl::catalog;
use tunectl::diagnose::Cause;
use tunectl::kernel::fake::Fake;
use tunectl::model::limit::Resource;
use tunectl::model::setting::System;
use tunectl::profile::lint::WARNINGS;

use crate::support::namespaces::{inside, this_test};
use crate::support::test::Test;
use crate::support::world::Computer;

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
            "  docker          run --sysctl accepts it, but then the container does not start\n",
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
fn explain_of_an_unknown_word_offers_the_nearest_names() {
    for (asked, near) in [
        ("net.core.somaxcomn", ", did you mean `net.core.somaxconn`?"),
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
        let first = format!("tunectl: error: no setting, limit, code or error matches `{shown}`{near}\n");
        assert!(ran.stderr.contains(&first), "{}", ran.stderr);
        let (_, nearest) = ran.stderr.split_once("the nearest names: ").unwrap();
        assert_eq!(nearest.lines().next().unwrap().split(", ").count(), 4, "{}", ran.stderr);
    }
    let long = "x".repeat(100_000);
    let ran = Test::new(["explain", &long]).stderr_is_anything().code(2).run();
    assert!(ran.stderr.len() < 1000, "{}", ran.stderr.len());
}

/// What people type, and the heading of the page that they get.
#[test]
fn explain_finds_what_people_type() {
    for (asked, heading) in [
        ("somaxconn", "net.core.somaxconn"),
        ("max_syn_backlog", "net.ipv4.tcp_max_syn_backlog"),
        ("tcp_max_syn_backlog", "net.ipv4.tcp_max_syn_backlog"),
        ("LimitNOFILE", "nofile"),
        ("LimitNOFILE=65536", "nofile"),
        ("RLIMIT_NOFILE", "nofile"),
        ("ulimit -n", "nofile"),
        ("ulimit -Sn 4096", "nofile"),
        ("open files", "nofile"),
        ("maxfiles", "nofile"),
        ("maxproc", "nproc"),
        ("ulimit", "several match"),
        ("too many open files", "too many open files"),
        ("accept4() failed (24: Too many open files)", "too many open files"),
        ("EMFILE", "too many open files"),
        ("listen queue overflow", "listen queue overflow"),
        ("possible SYN flooding on port 80", "listen queue overflow"),
        ("cannot assign requested address", "cannot assign requested address"),
        ("Read-only file system", "read-only file system"),
        ("operation not permitted", "operation not permitted"),
        ("seccomp", "seccomp-filter"),
        ("nr-open", "above-nr-open"),
        ("seccomp-f", "seccomp-filter"),
        ("transparent_hugepage/enabled", "kernel/mm/transparent_hugepage/enabled"),
        ("kern.maxfilesperproc", "kern.maxfilesperproc"),
        ("maxfilesperproc", "kern.maxfilesperproc"),
    ] {
        let ended = Computer::linux(Fake::linux()).explain(asked);
        let first = ended.stdout.lines().next().unwrap_or_default();
        assert!(first.starts_with(heading), "{asked}: {}{}", ended.stdout, ended.stderr);
    }
    // Without quotes too.
    let ran = Test::new(["explain", "too", "many", "open", "files"]).stdout_is_anything().run();
    assert!(ran.stdout.starts_with("too many open files\n"), "{}", ran.stdout);
}

/// Every name that a part is enough for leads to its page, or to a list with it.
#[test]
fn the_last_part_of_every_name_finds_it() {
    let mut names: Vec<(String, String)> = Vec::new();
    for row in catalog::rows(System::Linux).chain(catalog::rows(System::MacOs)) {
        let last = row.name.rsplit(['.', '/']).next().unwrap();
        names.push((last.to_owned(), row.name.to_owned()));
        names.push((row.name.to_owned(), row.name.to_owned()));
    }
    for resource in Resource::ALL {
        let (name, row) = (resource.name(), catalog::limit(resource));
        let upper = name.to_uppercase();
        for other in [
            format!("Limit{upper}"),
            format!("RLIMIT_{upper}"),
            format!("ulimit -{}", row.flag),
            format!("-H{}", row.flag),
            row.title.to_owned(),
        ] {
            names.push((other, name.to_owned()));
        }
    }
    for code in Cause::codes() {
        names.push((code.name.to_uppercase(), code.name.to_owned()));
    }
    let mut lost = Vec::new();
    for (asked, name) in names {
        let ended = Computer::linux(Fake::linux()).explain(&asked);
        let lists = ended.stdout.lines().any(|line| line.split_whitespace().next() == Some(&name));
        if ended.code != Some(0) || !lists {
            // A name of this system hides one of the other.
            let here = catalog::rows(System::Linux).any(|row| row.name == name) || !name.contains('.');
            if here {
                lost.push(format!("{asked} -> {name}: {}{}", ended.stdout, ended.stderr));
            }
        }
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// Each error of the README is explained, and what its page points to is too.
#[test]
fn every_error_of_the_readme_is_explained() {
    let readme = include_str!("../../README.md");
    let (_, table) = readme.split_once("## Which error do you see?").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let errors: Vec<&str> =
        table.lines().filter(|line| line.starts_with("| `")).filter_map(|line| line.split('`').nth(1)).collect();
    assert!(errors.len() >= 5, "{errors:?}");
    let known = catalog::ERRORS.iter().flat_map(|row| std::iter::once(&row.text).chain(row.names)).copied();
    for asked in errors.into_iter().chain(known).chain(catalog::ERRORS.iter().flat_map(|row| row.see).copied()) {
        let ended = Computer::linux(Fake::linux()).explain(asked);
        assert_eq!(ended.code, Some(0), "{asked}: {}", ended.stderr);
        assert!(!ended.stdout.starts_with("several match"), "{asked}: {}", ended.stdout);
    }
}
