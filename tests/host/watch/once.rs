//! `watch --once` and the command line, on machines in memory; and what `check` says to Prometheus.

use tunectl::kernel::fake::Fake;

use crate::support::test::Test;
use crate::support::world::Computer;

const PROFILE: &str =
    "[linux.sysctl]\nnet.core.somaxconn = 32768\nvm.swappiness = { at_most = 10, required = false }\n";

#[test]
fn once_reports_and_repairs() {
    let mut host = Computer::linux(Fake::linux()).file("p.toml", PROFILE);
    let swappiness = "falls short: vm.swappiness is 60, wanted at most 10 (optional)\n";
    let backlog = "falls short: net.core.somaxconn is 4096, wanted 32768\n";
    host.types("watch --once -p @/p.toml").is(Some(1), &format!("{backlog}{swappiness}"), "");
    assert!(host.kernel.changes.is_empty());
    host.types("watch --once --repair -p @/p.toml").is(
        Some(0),
        &format!("{backlog}{swappiness}repaired: net.core.somaxconn 4096 → 32768\nrepaired: vm.swappiness 60 → 10\n"),
        "",
    );
    assert_eq!(host.kernel.changes, ["net.core.somaxconn=32768", "vm.swappiness=10"]);
    host.types("watch --once -p @/p.toml").is(Some(0), "", "");
}

/// Of limits nothing is claimed: they are not looked at.
#[test]
fn unwatched_limits_are_warned_of() {
    let help = "  = help: `tunectl check --pid PID` compares them\n";
    Test::new(["watch", "--once", "--metrics", "m.prom", "--rlimit", "nofile=1:1"])
        .code(2)
        .stderr(&format!(
            "tunectl: error: nothing to watch: the profile has only resource limits, which belong to a process\n{help}"
        ))
        .run();
    let words = ["watch", "--once", "--rlimit", "nofile=1:1", "--set", "kernel.ostype=Linux"];
    let ran = Test::new(words).stderr_is_anything().run();
    let warned = "resource limits belong to a process and are not watched; `tunectl check --pid PID` compares them\n";
    assert!(ran.stderr.ends_with(warned), "{}", ran.stderr);
}

#[test]
fn once_works_on_macos() {
    let profile = "[macos.sysctl]\n\"kern.ipc.somaxconn\" = { at_least = 1024 }\n";
    let mut mac = Computer::macos(Fake::macos(), 0).file("p.toml", profile);
    let line = "falls short: kern.ipc.somaxconn is 128, wanted at least 1024\n";
    mac.types("watch --once -p @/p.toml").is(Some(1), line, "");
}

#[test]
fn watch_usage_errors_change_nothing() {
    Test::new(["watch", "--once"])
        .code(2)
        .stderr(
            "tunectl: error: no profile given\n  = help: name one with `-p NAME` or in TUNECTL_PROFILE; `tunectl \
             profile list` shows them\n",
        )
        .run();
    Test::new(["watch", "--interval", "50ms", "-p", "base"])
        .code(2)
        .stderr(
            "tunectl: error: invalid value '50ms' for '--interval <TIME>': expected 100ms or more\n\n\
             For more information, try '--help'.\n",
        )
        .run();
}

#[test]
fn check_prints_prometheus_metrics() {
    let mut host = Computer::linux(Fake::linux())
        .file("p.toml", "[linux.sysctl]\nnet.core.somaxconn = { at_least = 32768 }\nvm.swappiness = 60\n");
    host.types("check -p @/p.toml --format prometheus").expected("host/watch/check_for_prometheus");
}
