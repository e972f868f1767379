//! What the service finds once tunectl has become it: itself as PID 1, and nothing of tunectl's.

use crate::engine::Container;
use crate::images;
use crate::sysctls::WRITABLE;

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn service_state_is_the_same_as_without_tunectl() {
    let image = images::probe();
    let options = [&WRITABLE[..], &["--workdir", "/profiles", "--env", "A=b", "--hostname", "same"]].concat();
    let plain = Container::run(&options, &image.name, &["/probe", "report"]).expect_code(0);
    let command = ["/tunectl", "run", "--profile", "web", "--", "/probe", "report"];
    let tuned = Container::run(&options, &image.name, &command).expect_code(0);
    assert_eq!(tuned.reported("pid"), "1");
    assert_eq!(tuned.reported("directory"), "/profiles");
    assert_eq!(tuned.stdout, plain.stdout);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn container_exits_with_the_code_of_the_service() {
    let image = images::probe();
    let command = ["/tunectl", "run", "--profile", "queue", "--", "/probe", "exit", "42"];
    Container::run(&["--sysctl", "net.core.somaxconn=32768"], &image.name, &command).expect_code(42);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn command_not_executable_exits_126_not_found_127() {
    let image = images::probe();
    for (command, code) in [("/data.txt", 126), ("/profiles", 126), ("/absent", 127), ("absent", 127)] {
        let line = ["/tunectl", "run", "--profile", "queue", "--", command];
        let ran = Container::run(&["--sysctl", "net.core.somaxconn=32768"], &image.name, &line).expect_code(code);
        ran.expect_said(&[command]);
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn missing_command_exits_2() {
    let image = images::probe();
    for line in [&["/tunectl", "run", "--profile", "queue"][..], &["/tunectl", "run", "--profile", "queue", "--"]] {
        Container::run(&[], &image.name, line).expect_code(2);
    }
}
