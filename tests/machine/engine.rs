//! Containers that `AppArmor` confines, on a kernel that has it: what Docker's own profile refuses, and how Docker, Podman
//! and LXC take one away.

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

const LXC: &str = "lxc.rootfs.path = dir:/image
lxc.mount.auto = proc:rw
lxc.net.0.type = empty
lxc.uts.name = container
";

const QUEUE: &str = "net.core.somaxconn=9999";
const FILES: &str = "nofile=5000:5000";

/// What the profile `bounded` has a bound for, to the end.
const RAISE: [&str; 8] = ["/tunectl", "run", "--rlimit", FILES, "--", "/tunectl", "check", "--rlimit"];
/// Without the capability it would be that what is missing first.
const ABLE: [&str; 2] = ["--ulimit=nofile=5000:5000", "--cap-add=SYS_RESOURCE"];

fn docker<'a>(options: &[&'a str], command: &[&'a str]) -> Vec<&'a str> {
    let run = ["exec", "/usr/bin/docker", "run", "--rm", "--network=none"];
    [&run, options, &["image"], command].concat()
}

fn podman(option: &str) -> Vec<&str> {
    let run = ["exec", "/usr/bin/podman", "--storage-driver=vfs", "run", "--network=none", "--cgroups=disabled"];
    [&run[..], &ABLE, &[option, "--rootfs", "/image"], &RAISE, &[FILES]].concat()
}

fn lxc(profile: &str) -> Vec<&str> {
    let run = ["exec", "/usr/bin/lxc-execute", "--name=container", "--rcfile=/etc/lxc.conf", "--define"];
    [&run[..], &[profile, "--"], &RAISE, &[FILES]].concat()
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn starting_without_the_apparmor_profile_fixes_the_denial() {
    let raise = [&RAISE[..], &[FILES]].concat();
    let [bounded, free] = ["--security-opt=apparmor=bounded", "--security-opt=apparmor=unconfined"];
    let machine = Machine::new()
        .engine()
        .policies()
        .file("etc/passwd", "root:x:0:0::/:/bin/sh\n")
        .file("etc/group", "root:x:0:\n")
        .file("etc/lxc.conf", LXC)
        .step("engine", ["exec", "/bin/sh", "-euc", ENGINE])
        // /proc/sys is to be written, as far as the profile lets it.
        .words(
            "queue",
            &[&docker(
                &["--security-opt=systempaths=unconfined"],
                &["/tunectl", "apply", "--no-journal", "--set", QUEUE],
            )],
        )
        .words("queue-then", &[&docker(&["--sysctl", QUEUE], &["/tunectl", "check", "--set", QUEUE])])
        // Beside the profile `bounded` one of the name that the engine has loaded stands in the file.
        .step(
            "policy",
            ["exec", "/bin/guest", "policy", "/etc/docker-default", "/sys/kernel/security/apparmor/.replace"],
        )
        .words("docker", &[&docker(&[&ABLE[..], &[bounded]].concat(), &raise)])
        .words("docker-then", &[&docker(&[&ABLE[..], &[free]].concat(), &raise)])
        .words("podman", &[&podman(bounded)])
        .words("podman-then", &[&podman(free)])
        .words("lxc", &[&lxc("lxc.apparmor.profile=bounded")])
        .words("lxc-then", &[&lxc("lxc.apparmor.profile=unconfined")]);
    let outcome = machine.boot(Kernel::Newer, "/bin/guest", "mounts /bin/guest drive /etc/script");

    outcome.is("end", "reached");
    outcome.is("engine.err", "");
    outcome.is("engine.code", "0");
    let refuses = ": a Linux security module denies (AppArmor confines us as";
    for (name, label, remedy) in [
        ("queue", "docker-default", "start the container with: docker run --sysctl net.core.somaxconn=9999"),
        ("docker", "bounded", "start the container with: docker run --security-opt apparmor=unconfined"),
        ("podman", "bounded", "start the container with: podman run --security-opt apparmor=unconfined"),
        ("lxc", "bounded", "in the container's configuration: lxc.apparmor.profile = unconfined"),
    ] {
        outcome.says(&format!("{name}.err"), &format!("{refuses} `{label} (enforce)`)\n"));
        outcome.says(&format!("{name}.err"), &format!("  {remedy}\n"));
        outcome.is(&format!("{name}-then.code"), "0");
    }
}
