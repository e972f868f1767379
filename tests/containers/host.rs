//! Settings of the host, which a container with a writable /proc/sys could change for every other container.
//!
//! A setting of the container's own namespaces is mounted over each of them first, so that not even a tunectl that fails
//! this test reaches the machine's: what it would have written stands in those afterwards. Any other file would not be
//! taken for a setting.

use crate::engine::{Container, Ran};
use crate::images;
use crate::sysctls::WRITABLE;

/// What mounting takes, and all that tunectl could want for writing.
const PRIVILEGES: [&str; 8] = [
    "--security-opt",
    "seccomp=unconfined",
    "--cap-add",
    "SYS_ADMIN",
    "--cap-add",
    "NET_ADMIN",
    "--cap-add",
    "SYS_PTRACE",
];

const HIDE: &str = "set -e
echo 60 > /proc/sys/net/ipv4/tcp_fin_timeout
echo 1000000000 > /proc/sys/kernel/shmmax
mount -o bind /proc/sys/net/ipv4/tcp_fin_timeout /proc/sys/vm/swappiness
mount -o bind /proc/sys/kernel/shmmax /proc/sys/fs/file-max
set +e
";

const SHOW: &str = "
echo code=$?
echo swappiness=$(cat /proc/sys/net/ipv4/tcp_fin_timeout)
echo file-max=$(cat /proc/sys/kernel/shmmax)
echo somaxconn=$(cat /proc/sys/net/core/somaxconn)
";

/// Runs `command` in a container that may write everything, the host's settings out of its reach.
fn run(command: &str) -> Ran {
    let image = images::redis();
    let options = [&WRITABLE[..], &PRIVILEGES].concat();
    let applets = "for tool in mount cat; do eval \"$tool() { busybox $tool \\\"\\$@\\\"; }\"; done\n";
    let script = [applets, HIDE, command, SHOW].concat();
    Container::run(&options, &image.name, &["busybox", "sh", "-c", &script]).expect_code(0)
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn host_settings_are_checked_and_not_written() {
    let ran = run("/tunectl run --profile host -- /probe report");
    assert_eq!(ran.stdout, "code=125\nswappiness=60\nfile-max=1000000000\nsomaxconn=4096\n");
    ran.expect_said(&["vm.swappiness", "60", "fs.file-max", "1000000000", "host"]);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn host_settings_are_not_written_with_best_effort() {
    let ran = run("/tunectl run --best-effort --profile host -- /probe exit 0");
    assert_eq!(ran.stdout, "code=0\nswappiness=60\nfile-max=1000000000\nsomaxconn=32768\n");
    ran.expect_said(&["vm.swappiness", "fs.file-max", "host"]);
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn host_settings_are_written_with_allow_host_settings() {
    let ran = run("/tunectl run --allow-host-settings --profile host -- /probe exit 0");
    assert_eq!(ran.stdout, "code=0\nswappiness=10\nfile-max=4000000000\nsomaxconn=32768\n");
}
