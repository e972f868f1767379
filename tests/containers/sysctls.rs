//! Sysctls of the container's own network namespace, where /proc/sys is read-only and where it isn't.

use crate::engine::Container;
use crate::images;

/// A writable /proc/sys without `--privileged`; where the engine confines by `AppArmor`, that would refuse alike.
pub(crate) const WRITABLE: [&str; 4] =
    ["--security-opt", "systempaths=unconfined", "--security-opt", "apparmor=unconfined"];

const REPORT: [&str; 6] = ["/tunectl", "run", "--profile", "queue", "--", "/probe"];

/// `tunectl run --profile queue -- /probe report net/core/somaxconn`.
fn queue() -> Vec<&'static str> {
    [&REPORT[..], &["report", "net/core/somaxconn"]].concat()
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn default_container_prints_the_sysctl_flag() {
    let image = images::probe();
    let ran = Container::run(&[], &image.name, &queue()).expect_code(125);
    assert_eq!(ran.stdout, "", "the service was started");
    ran.expect_said(&["net.core.somaxconn", "4096", "read-only", "--sysctl net.core.somaxconn=32768"]);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn best_effort_starts_the_service_with_a_warning() {
    let image = images::probe();
    let flag =
        ["/tunectl", "run", "--best-effort", "--profile", "queue", "--", "/probe", "report", "net/core/somaxconn"];
    for (options, command) in [(vec![], flag.to_vec()), (vec!["--env", "TUNECTL_BEST_EFFORT=1"], queue())] {
        let ran = Container::run(&options, &image.name, &command).expect_code(0);
        assert_eq!(ran.reported("sysctl net/core/somaxconn"), "4096");
        ran.expect_said(&["net.core.somaxconn", "--sysctl net.core.somaxconn=32768"]);
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn sysctl_flag_of_docker_satisfies_the_profile() {
    let image = images::probe();
    let ran = Container::run(&["--sysctl", "net.core.somaxconn=32768"], &image.name, &queue()).expect_code(0);
    assert_eq!(ran.reported("sysctl net/core/somaxconn"), "32768");
    assert_eq!(ran.stderr, "");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn larger_value_than_required_is_kept() {
    let image = images::probe();
    let ran = Container::run(&["--sysctl", "net.core.somaxconn=40000"], &image.name, &queue()).expect_code(0);
    assert_eq!(ran.reported("sysctl net/core/somaxconn"), "40000");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn writable_proc_sys_is_written_before_the_service_starts() {
    let image = images::probe();
    let keys = [
        "net/core/somaxconn",
        "net/ipv4/ip_local_port_range",
        "net/ipv4/ip_local_reserved_ports",
        "net/ipv4/tcp_fin_timeout",
    ];
    let command = [&["/tunectl", "run", "--profile", "web", "--", "/probe", "report"][..], &keys].concat();
    let ran = Container::run(&WRITABLE, &image.name, &command).expect_code(0);
    let found: Vec<&str> = keys.iter().map(|key| ran.reported(&format!("sysctl {key}"))).collect();
    assert_eq!(found, ["32768", "1024 65535", "7000", "30"]);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn listen_queue_has_the_written_length() {
    let image = images::probe();
    let options = [&WRITABLE[..], &["--sysctl", "net.core.somaxconn=8"]].concat();
    let before = Container::run(&options, &image.name, &["/probe", "backlog", "100"]).expect_code(0);
    assert_eq!(before.reported("taken"), "9");
    let tuned = ["/tunectl", "run", "--profile", "queue", "--", "/probe", "backlog", "100"];
    let after = Container::run(&options, &image.name, &tuned).expect_code(0);
    assert_eq!(after.reported("taken"), "100");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn root_without_capabilities_writes_settings_of_its_namespace() {
    let image = images::probe();
    let options = [&WRITABLE[..], &["--cap-drop", "ALL"]].concat();
    let ran = Container::run(&options, &image.name, &queue()).expect_code(0);
    assert_eq!(ran.reported("sysctl net/core/somaxconn"), "32768");
    assert_eq!(ran.reported("status CapEff"), "0000000000000000");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn unprivileged_user_gets_the_same_flag() {
    let image = images::probe();
    let user: [&str; 2] = ["--user", "1000"];
    let writable = [&user[..], &WRITABLE].concat();
    for options in [&user[..], &writable] {
        let ran = Container::run(options, &image.name, &queue()).expect_code(125);
        assert_eq!(ran.stdout, "", "the service was started");
        ran.expect_said(&["net.core.somaxconn", "--sysctl net.core.somaxconn=32768"]);
    }
    let given = [&user[..], &["--sysctl", "net.core.somaxconn=32768"]].concat();
    let ran = Container::run(&given, &image.name, &queue()).expect_code(0);
    assert_eq!(ran.reported("status Uid"), "1000 1000 1000 1000");
    assert_eq!(ran.reported("sysctl net/core/somaxconn"), "32768");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn read_only_root_filesystem_needs_no_other_flag() {
    let image = images::probe();
    let options = [&WRITABLE[..], &["--read-only"]].concat();
    let ran = Container::run(&options, &image.name, &queue()).expect_code(0);
    assert_eq!(ran.reported("sysctl net/core/somaxconn"), "32768");
    Container::run(&["--read-only"], &image.name, &queue())
        .expect_code(125)
        .expect_said(&["--sysctl net.core.somaxconn=32768"]);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn all_printed_flags_together_satisfy_the_profile() {
    let image = images::probe();
    let keys = ["net/core/somaxconn", "net/ipv4/ip_local_port_range", "net/ipv4/tcp_fin_timeout"];
    let command = [&["/tunectl", "run", "--profile", "web", "--", "/probe", "report"][..], &keys].concat();
    let refused = Container::run(&[], &image.name, &command).expect_code(125);
    let (_, printed) = refused.stderr.split_once("docker run --sysctl ").unwrap();
    // As a shell reads it: a line goes on behind a backslash, and a quoted word is one.
    let printed = printed.replace("\\\n", "");
    let (printed, _) = printed.split_once('\n').unwrap();
    let flags = printed.split("--sysctl ").map(|flag| flag.trim().trim_matches('\''));
    let flags: Vec<String> = flags.map(|flag| format!("--sysctl={flag}")).collect();
    assert_eq!(
        flags,
        [
            "--sysctl=net.core.somaxconn=32768",
            "--sysctl=net.ipv4.ip_local_reserved_ports=7000",
            "--sysctl=net.ipv4.ip_local_port_range=1024 65535",
            "--sysctl=net.ipv4.tcp_fin_timeout=30",
        ]
    );
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let ran = Container::run(&flags, &image.name, &command).expect_code(0);
    let found: Vec<&str> = keys.iter().map(|key| ran.reported(&format!("sysctl {key}"))).collect();
    assert_eq!(found, ["32768", "1024 65535", "30"]);
    assert_eq!(ran.stderr, "");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn check_runs_in_a_running_container() {
    let image = images::probe();
    let check = ["/tunectl", "check", "--profile", "queue"];
    let tuned = ["/tunectl", "run", "--profile", "queue", "--", "/probe", "wait"];
    let service = Container::start(&WRITABLE, &image.name, &tuned);
    service.wait_for("waiting");
    service.exec(&check).expect_code(0);
    let untuned = Container::start(&[], &image.name, &["/probe", "wait"]);
    untuned.wait_for("waiting");
    untuned.exec(&check).expect_code(1);
}
