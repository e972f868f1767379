//! A service that everybody knows: Debian's Redis, which says itself what it lacks.

use crate::engine::Container;
use crate::images;
use crate::sysctls::WRITABLE;

const REDIS: [&str; 3] = ["redis-server", "--maxclients", "3000"];
const SHORT_QUEUE: &str = "The TCP backlog setting of 511 cannot be enforced";
const FEW_FILES: &str = "maxclients has been reduced";
const READY: &str = "Ready to accept connections";

/// A container in which Redis lacks both.
fn options() -> Vec<&'static str> {
    [&WRITABLE[..], &["--sysctl", "net.core.somaxconn=128", "--ulimit", "nofile=1000:4096", "--user", "0"]].concat()
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn redis_prints_no_warning_about_its_backlog() {
    let image = images::redis();
    let plain = Container::start(&[&options()[..], &["--ulimit", "nofile=1000:1000"]].concat(), &image.name, &REDIS);
    plain.wait_for(READY);
    let said = plain.logs();
    assert!(said.contains(SHORT_QUEUE) && said.contains(FEW_FILES), "{said}");

    let command = [&["/tunectl", "run", "--profile", "redis", "--"][..], &REDIS].concat();
    let tuned = Container::start(&options(), &image.name, &command);
    tuned.wait_for(READY);
    let said = tuned.logs();
    assert!(!said.contains(SHORT_QUEUE) && !said.contains(FEW_FILES), "{said}");
    let clients = tuned.exec(&["redis-cli", "config", "get", "maxclients"]).expect_code(0);
    assert_eq!(clients.stdout, "maxclients\n3000\n");
    let name = tuned.exec(&["busybox", "cat", "/proc/1/comm"]).expect_code(0);
    assert_eq!(name.stdout, "redis-server\n");
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn docker_stop_ends_redis_gracefully() {
    let image = images::redis();
    let command = [&["/tunectl", "run", "--profile", "redis", "--"][..], &REDIS].concat();
    let service = Container::start(&options(), &image.name, &command);
    service.wait_for(READY);
    // Killed after the grace it would be 137.
    assert_eq!(service.stop(60), 0);
    assert!(service.logs().contains("Received SIGTERM scheduling shutdown"), "{}", service.logs());
}
