//! Remedies for LXC, pasted into the container's configuration.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::engine::{Ran, name};
use crate::images::{self, Context};
use crate::remedies::{finding, remedies};

/// A container that falls short, and what is said of one setting.
struct Case {
    /// Lines of its configuration.
    lines: &'static [&'static str],
    asked: &'static str,
    setting: &'static str,
    cause: &'static str,
    remedy: &'static str,
}

const fn case(
    lines: &'static [&'static str],
    asked: &'static str,
    setting: &'static str,
    cause: &'static str,
    remedy: &'static str,
) -> Case {
    Case { lines, asked, setting, cause, remedy }
}

const FEW: &[&str] = &["lxc.prlimit.nofile = 1000:2000", "lxc.cap.drop = sys_resource"];

const CASES: [Case; 8] = [
    case(
        &[],
        "--set kernel.shmmni=5000",
        "kernel.shmmni",
        "read-only-mount",
        "lxc.hook.start-host = sh -c 'nsenter -t $LXC_PID --ipc sysctl -w kernel.shmmni=5000'",
    ),
    case(
        &[],
        "--set 'kernel.sem=250 32000 33 129'",
        "kernel.sem",
        "read-only-mount",
        r"lxc.hook.start-host = sh -c 'nsenter -t $LXC_PID --ipc sysctl -w '\''kernel.sem=250 32000 33 129'\'''",
    ),
    case(
        &[],
        "--set fs.mqueue.msg_max=20",
        "fs.mqueue.msg_max",
        "read-only-mount",
        "lxc.hook.start-host = sh -c 'nsenter -t $LXC_PID --ipc sysctl -w fs.mqueue.msg_max=20'",
    ),
    case(
        &[],
        "--set kernel.domainname=queue",
        "kernel.domainname",
        "read-only-mount",
        "lxc.hook.start-host = sh -c 'nsenter -t $LXC_PID --uts sysctl -w kernel.domainname=queue'",
    ),
    case(&[], "--set kernel.hostname=queue", "kernel.hostname", "read-only-mount", "lxc.uts.name = queue"),
    case(
        &["lxc.init.uid = 1000"],
        "--set 'net.ipv4.ip_local_port_range=1024 65535'",
        "net.ipv4.ip_local_port_range",
        "not-permitted",
        "lxc.sysctl.net.ipv4.ip_local_port_range = 1024 65535",
    ),
    case(FEW, "--rlimit nofile=3000:4000", "nofile (hard)", "hard-limit", "lxc.prlimit.nofile = 3000:4000"),
    case(FEW, "--rlimit nofile=3000:4000", "nofile (soft)", "hard-limit", "lxc.prlimit.nofile = 3000:4000"),
];

/// Starts a container of `root` that is configured by `lines` as well, and runs a line of a shell in it.
fn run(root: &Context, lines: &[&str], line: &str) -> Ran {
    let folder = root.directory.with_extension("lxc");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    let config = folder.join("config");
    let text = format!(
        "lxc.rootfs.path = dir:{}\nlxc.uts.name = container\nlxc.net.0.type = empty\nlxc.mount.auto = proc:mixed sys:ro \
         cgroup-full:ro:force\nlxc.apparmor.profile = unconfined\nlxc.console.path = none\nlxc.pty.max = 0\n{}\n",
        root.directory.display(),
        lines.join("\n")
    );
    fs::write(&config, text).unwrap_or_else(|error| panic!("{error}"));
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60", "unshare", "--mount", "--propagation", "private", "lxc-execute"]);
    command.args(["--name", &name(), "--lxcpath"]).arg(&folder).arg("--rcfile").arg(&config);
    command.args(["--", "/busybox", "sh", "-c", &format!("PATH=/; {line}")]);
    let ran = command.output().unwrap_or_else(|error| panic!("cannot run `timeout` (coreutils): {error}")).into();
    fs::remove_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    ran
}

/// The case's lines without what is written anew, and the remedy.
fn mended<'a>(lines: &[&'a str], remedy: &'a str) -> Vec<&'a str> {
    let key = |line: &'a str| line.split_once(" = ").map(|(key, _)| key);
    lines.iter().copied().filter(|line| key(line) != key(remedy)).chain([remedy]).collect()
}

#[test]
#[ignore = "container tier: needs LXC; run by .ci/containers"]
fn each_lxc_line_fixes_its_setting() {
    let root = images::root().unwrap_or_else(|error| panic!("{error}"));
    for Case { lines, asked, setting, cause, remedy } in CASES {
        let json = format!("tunectl check --format json {asked}");
        let said = finding(&run(&root, lines, &json).expect_code(1), setting);
        assert_eq!(said["cause"], cause, "{said:#}");
        assert_eq!(remedies(&said, "lxc-config"), [remedy], "{said:#}");
        run(&root, &mended(lines, remedy), &format!("tunectl check {asked}")).expect_code(0);
    }
}

/// LXC sets it when `/proc` is on a read-only mount already: with this line the container would not start.
#[test]
#[ignore = "container tier: needs LXC; run by .ci/containers"]
fn lxc_cannot_set_sysctls_below_a_read_only_mount() {
    let root = images::root().unwrap_or_else(|error| panic!("{error}"));
    let ran = run(&root, &["lxc.sysctl.kernel.shmmni = 5000"], "tunectl limits");
    assert_ne!(ran.code, 0);
    ran.expect_said(&["Read-only file system - Failed to setup sysctl parameters kernel.shmmni"]);
}

#[test]
#[ignore = "container tier: needs LXC; run by .ci/containers"]
fn lxc_cgroup_limit_is_raised_in_its_hierarchy() {
    let root = images::root().unwrap_or_else(|error| panic!("{error}"));
    let tree = if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() { "cgroup2" } else { "cgroup" };
    let lines = [&format!("lxc.{tree}.pids.max = 100")[..], "lxc.prlimit.nproc = 500:500"];
    let asked = "-p /profiles/threads.toml";
    let said =
        finding(&run(&root, &lines, &format!("tunectl check --format json {asked}")).expect_code(1), "nproc (soft)");
    assert_eq!(said["cause"], "pids-max", "{said:#}");
    let remedy = remedies(&said, "lxc-config").concat();
    assert_eq!(remedy, format!("lxc.{tree}.pids.max = 200"));
    run(&root, &mended(&lines, &remedy), &format!("tunectl check {asked}")).expect_code(0);
}
