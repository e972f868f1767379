//! Resource limits, which a container inherits from its engine and only `--ulimit` raises above that.

use crate::engine::Container;
use crate::images;
use crate::sysctls::WRITABLE;

const ULIMIT: [&str; 2] = ["--ulimit", "nofile=1000:2000"];

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn soft_limit_is_raised_up_to_the_hard_limit() {
    let image = images::probe();
    let command = ["/tunectl", "run", "--profile", "descriptors", "--", "/probe", "report"];
    for user in ["0", "1000"] {
        let options = [&ULIMIT[..], &["--user", user]].concat();
        let ran = Container::run(&options, &image.name, &command).expect_code(0);
        assert_eq!(ran.reported("limit Max open files"), "1500 2000");
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn hard_limit_too_low_prints_the_ulimit_flag() {
    let image = images::probe();
    let command = ["/tunectl", "run", "--profile", "too-many", "--", "/probe", "report"];
    let options = [&WRITABLE[..], &ULIMIT].concat();
    let ran = Container::run(&options, &image.name, &command).expect_code(125);
    assert_eq!(ran.stdout, "", "the service was started");
    ran.expect_said(&["nofile", "2000", "4000", "--ulimit nofile=3000:4000"]);
    let ran = Container::run(&[&WRITABLE[..], &["--ulimit", "nofile=3000:4000"]].concat(), &image.name, &command);
    assert_eq!(ran.expect_code(0).reported("limit Max open files"), "3000 4000");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn best_effort_sets_what_is_possible() {
    let image = images::probe();
    let command =
        ["/tunectl", "run", "--best-effort", "--profile", "too-many", "--", "/probe", "report", "net/core/somaxconn"];
    let ran = Container::run(&[&WRITABLE[..], &ULIMIT].concat(), &image.name, &command).expect_code(0);
    assert_eq!(ran.reported("limit Max open files"), "2000 2000");
    assert_eq!(ran.reported("sysctl net/core/somaxconn"), "32768");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn sysctls_are_restored_when_a_limit_falls_short() {
    let image = images::redis();
    let script = "/tunectl run --profile too-many -- /probe report; echo code=$?; echo after=$(busybox cat /proc/sys/net/core/somaxconn)";
    let ran = Container::run(&[&WRITABLE[..], &ULIMIT].concat(), &image.name, &["busybox", "sh", "-c", script]);
    let ran = ran.expect_code(0);
    assert_eq!(ran.stdout, "code=125\nafter=4096\n");
}
