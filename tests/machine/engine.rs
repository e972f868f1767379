//! Docker's own profile of `AppArmor` in force, on a kernel that has it: what it refuses, and how Docker takes it away.

use crate::boot::Machine;
use crate::kernel::Kernel;

/// What an engine expects of a machine, and an image of tunectl alone. Of an initramfs no root can be changed by
/// `pivot_root(2)`, which the engine is told of by its environment.
const ENGINE: &str = r"export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/
b=busybox
$b mount -t devtmpfs dev /dev
$b mkdir -p /dev/pts /dev/shm
$b mount -t devpts devpts /dev/pts
$b mount -t tmpfs shm /dev/shm
$b mount -t tmpfs run /run
$b mount -t securityfs securityfs /sys/kernel/security
$b mount -t cgroup2 cgroups /sys/fs/cgroup
$b ip link set lo up
DOCKER_RAMDISK=yes dockerd --storage-driver vfs --bridge none --iptables=false --ip6tables=false \
    --exec-opt native.cgroupdriver=cgroupfs >/run/dockerd.log 2>&1 </dev/null &
tries=0
until docker version >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || { $b tail -n 20 /run/dockerd.log >&2; exit 1; }
    $b sleep 0.5
done
$b mkdir -p /image/proc
$b cp /init /image/tunectl
cd /image
$b tar c . | docker import - image >/dev/null";

const QUEUE: &str = "net.core.somaxconn=9999";
const FILES: &str = "nofile=5000:5000";

/// With /proc/sys to be written, as far as nothing else is in the way.
const OPEN: &str = "--security-opt=systempaths=unconfined";
const FREE: &str = "--security-opt=apparmor=unconfined";

fn docker<'a>(options: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    let run = ["exec", "/usr/bin/docker", "run", "--rm", "--network=none"];
    [&run, options, &["image", "/tunectl"], command].concat()
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn docker_takes_away_what_its_profile_refuses() {
    let files = ["run", "--rlimit", FILES, "--", "/tunectl", "check", "--rlimit", FILES];
    // Without the capability it is that what is missing first.
    let (many, able) = ("--ulimit=nofile=5000:5000", "--cap-add=SYS_RESOURCE");
    let machine = Machine::new()
        .engine()
        .policies()
        .file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
        .file("etc/group", "root:x:0:\n")
        .step("engine", ["exec", "/bin/sh", "-euc", ENGINE])
        .words("queue", &[&docker(&[OPEN], &["apply", "--no-journal", "--set", QUEUE])])
        .words("queue-then", &[&docker(&["--sysctl", QUEUE], &["check", "--set", QUEUE])])
        // A profile with a bound of its own; beside it in the file stands one of the name that the engine has loaded.
        .step(
            "policy",
            ["exec", "/bin/guest", "policy", "/etc/docker-default", "/sys/kernel/security/apparmor/.replace"],
        )
        .words("files", &[&docker(&[many, able, "--security-opt=apparmor=bounded"], &files)])
        .words("files-then", &[&docker(&[many, able, FREE], &files)]);
    let outcome = machine.boot(Kernel::Newer, "/bin/guest", "mounts /bin/guest drive /etc/script");

    outcome.is("end", "reached");
    outcome.is("engine.err", "");
    outcome.is("engine.code", "0");
    let refuses = "    why: a security module of the kernel refuses (AppArmor confines us as";
    for (name, label, remedy) in [
        ("queue", "docker-default", "docker run --sysctl net.core.somaxconn=9999"),
        ("files", "bounded", "docker run --security-opt apparmor=unconfined"),
    ] {
        let said = format!("{refuses} `{label} (enforce)`)\n    start it with: {remedy}\n");
        outcome.says(&format!("{name}.err"), &said);
        outcome.is(&format!("{name}-then.code"), "0");
    }
}
