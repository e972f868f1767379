//! tunectl as the ENTRYPOINT of an image, the profile named by the environment, the image or a built-in name.

use crate::engine::Container;
use crate::images;
use crate::sysctls::WRITABLE;

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn image_with_only_the_binary_uses_a_built_in_profile() {
    let image = images::bare();
    let options = ["--ulimit", "nofile=1000:2000"];
    let strict = ["/tunectl", "run", "--profile", "loadtest", "--port", "7000", "--", "/tunectl", "limits"];
    let ran = Container::run(&options, &image.name, &strict).expect_code(125);
    assert_eq!(ran.stdout, "", "the service was started");
    ran.expect_said(&["net.core.somaxconn", "net.ipv4.ip_local_port_range", "nofile"]);
    let lenient = [&["/tunectl", "run", "--best-effort"][..], &strict[2..]].concat();
    let ran = Container::run(&[&WRITABLE[..], &options].concat(), &image.name, &lenient).expect_code(0);
    let nofile = ran.stdout.lines().find(|line| line.contains("nofile")).unwrap_or_default();
    assert_eq!(nofile.matches("2000").count(), 2, "expected nofile 2000 2000, found\n{}", ran.stdout);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn profile_is_taken_from_the_environment_variable() {
    let image = images::entrypoint();
    for profile in ["queue", "/profiles/queue.toml", "descriptors,/profiles/queue.toml"] {
        let variable = format!("TUNECTL_PROFILE={profile}");
        let options = [&WRITABLE[..], &["--env", &variable]].concat();
        let ran = Container::run(&options, &image.name, &["/probe", "report", "net/core/somaxconn"]).expect_code(0);
        assert_eq!(ran.reported("sysctl net/core/somaxconn"), "32768", "{profile}");
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn image_command_is_the_service() {
    let image = images::entrypoint();
    let options = ["--env", "TUNECTL_PROFILE=queue", "--sysctl", "net.core.somaxconn=32768"];
    let ran = Container::run(&options, &image.name, &[]).expect_code(0);
    assert_eq!((ran.reported("command"), ran.reported("pid")), ("/probe report", "1"));
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn entrypoint_works_under_docker_init() {
    let image = images::entrypoint();
    let options = [&WRITABLE[..], &["--init", "--env", "TUNECTL_PROFILE=queue"]].concat();
    let ran = Container::run(&options, &image.name, &["/probe", "report", "net/core/somaxconn"]).expect_code(0);
    assert_ne!(ran.reported("pid"), "1");
    assert_eq!(ran.reported("sysctl net/core/somaxconn"), "32768");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn invalid_profile_changes_nothing_and_exits_2() {
    let image = images::entrypoint();
    let ran = Container::run(&["--env", "TUNECTL_PROFILE=broken"], &image.name, &[]).expect_code(2);
    assert_eq!(ran.stdout, "", "the service was started");
    ran.expect_said(&["broken.toml:4:26", "at_leest", "at_least"]);
    Container::run(&["--env", "TUNECTL_PROFILE=absent"], &image.name, &[]).expect_code(2).expect_said(&["absent"]);
}
