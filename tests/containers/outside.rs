//! A container that can't tune itself, tuned by its host.

use std::process::Command;

use crate::engine::{Container, Ran};
use crate::{images, programs};

const QUEUE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/containers/profiles/queue.toml");

/// The static binary, run on the host.
fn on_host(command: &str, more: &[&str], pid: &str) -> Ran {
    let program = programs::tunectl().unwrap_or_else(|error| panic!("{error}"));
    let output = Command::new(program).args([command, "--profile", QUEUE, "--pid", pid]).args(more).output();
    output.unwrap_or_else(|error| panic!("{error}")).into()
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn unprivileged_container_is_tuned_from_the_host() {
    let image = images::probe();
    let check = ["/tunectl", "check", "--profile", "queue"];
    let service = Container::start(&[], &image.name, &["/probe", "listen"]);
    service.wait_for("waiting");
    service.exec(&check).expect_code(1);
    let apply = ["/tunectl", "apply", "--no-journal", "--no-rlimits", "--profile", "queue"];
    service.exec(&apply).expect_code(1).expect_said(&["--sysctl net.core.somaxconn=32768"]);

    let pid = service.pid();
    let applied = on_host("apply", &["--no-journal"], &pid).expect_code(0);
    assert_eq!(applied.stdout, "net.core.somaxconn 4096 → 32768\n1 setting changed and read back\n");
    service.exec(&check).expect_code(0);
    // Another container has a namespace of its own, and so does the host.
    let other = Container::start(&[], &image.name, &["/probe", "wait"]);
    other.wait_for("waiting");
    other.exec(&check).expect_code(1);

    // It listened before, with a backlog of its own.
    let checked = on_host("check", &[], &pid).expect_code(0);
    let held = format!("0.0.0.0:7000  128    0        probe, pid {pid}\n");
    assert!(checked.stdout.contains(&held), "expected `{held}`, found\n{}", checked.stdout);
}

/// Though the host that is asked could write them.
#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn host_wide_setting_of_a_container_is_set_by_the_host() {
    let image = images::probe();
    let service = Container::start(&[], &image.name, &["/probe", "wait"]);
    service.wait_for("waiting");
    let wish = ["--set", "vm.swappiness=1", "--format", "json"];
    let checked = on_host("check", &wish, &service.pid()).expect_code(1);
    assert!(checked.stdout.contains("\"contained\": true"), "{}", checked.stdout);
    assert!(checked.stdout.contains("\"cause\": \"host-setting\""), "{}", checked.stdout);
}
