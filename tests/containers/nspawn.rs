//! Remedies for systemd-nspawn, pasted before its own arguments.

use std::process::Command;

use crate::engine::{Ran, name};
use crate::images::{self, Context};
use crate::remedies::{finding, remedies};

/// A container that falls short, and what is said of one setting.
struct Case {
    options: &'static str,
    asked: &'static str,
    setting: &'static str,
    cause: &'static str,
    /// The command that it is started with; or, where tunectl has only to be run, that.
    remedy: &'static str,
}

const fn case(
    options: &'static str,
    asked: &'static str,
    setting: &'static str,
    cause: &'static str,
    remedy: &'static str,
) -> Case {
    Case { options, asked, setting, cause, remedy }
}

const WRITABLE: &str = "SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes systemd-nspawn";
const FEW: &str = "--rlimit=NOFILE=1000:2000 --drop-capability=CAP_SYS_RESOURCE";

const CASES: [Case; 8] = [
    case("", "--set kernel.shmmni=5000", "kernel.shmmni", "read-only-mount", WRITABLE),
    case("", "--set fs.mqueue.msg_max=20", "fs.mqueue.msg_max", "read-only-mount", WRITABLE),
    case("", "--set kernel.domainname=queue", "kernel.domainname", "read-only-mount", WRITABLE),
    case("", "--set kernel.hostname=queue", "kernel.hostname", "read-only-mount", "systemd-nspawn --hostname queue"),
    case(FEW, "--rlimit nofile=3000:4000", "nofile (hard)", "hard-limit", "systemd-nspawn --rlimit=NOFILE=3000:4000"),
    case(FEW, "--rlimit nofile=3000:4000", "nofile (soft)", "hard-limit", "systemd-nspawn --rlimit=NOFILE=3000:4000"),
    case(
        "--drop-capability=CAP_NET_ADMIN",
        "--set net.ipv4.ip_forward=1",
        "net.ipv4.ip_forward",
        "missing-capability",
        "systemd-nspawn --capability=CAP_NET_ADMIN",
    ),
    case(
        "",
        "--set net.core.somaxconn=32768",
        "net.core.somaxconn",
        "not-applied",
        "tunectl apply --set net.core.somaxconn=32768",
    ),
];

/// Starts a container of `root` by a command line that begins with `start`, and runs a line of a shell in it.
fn run(root: &Context, start: &str, options: &str, line: &str) -> Ran {
    // What nspawn keeps for its time is to be nowhere else.
    let script = format!(
        "mount -t tmpfs tmpfs /run && {start} {options} --quiet --register=no --keep-unit --private-network --pipe \
         --machine={} --directory='{}' -- /busybox sh -c \"$0\"",
        name(),
        root.directory.display()
    );
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", "60", "unshare", "--mount", "--propagation", "private", "sh", "-c"]);
    command.args([&script, &format!("PATH=/; {line}")]).output().unwrap_or_else(|error| panic!("{error}")).into()
}

#[test]
#[ignore = "container tier: needs systemd-nspawn; run by .ci/containers"]
fn each_nspawn_option_fixes_its_setting() {
    let root = images::root().unwrap_or_else(|error| panic!("{error}"));
    for Case { options, asked, setting, cause, remedy } in CASES {
        let json = format!("tunectl check --format json {asked}");
        let said = finding(&run(&root, "systemd-nspawn", options, &json).expect_code(1), setting);
        assert_eq!(said["cause"], cause, "{said:#}");
        let ran = if cause == "not-applied" {
            assert_eq!(remedies(&said, "shell"), [remedy], "{said:#}");
            run(&root, "systemd-nspawn", options, &format!("{remedy} && tunectl check {asked}"))
        } else {
            let lines = remedies(&said, "container-start");
            assert_eq!(lines, [remedy], "{said:#}");
            // Nothing that was there is left but what the remedy would still mend.
            let kept = if options == FEW { "--drop-capability=CAP_SYS_RESOURCE" } else { "" };
            let check = format!("tunectl check {asked}");
            // What only lets tunectl set it needs tunectl to.
            let sets = remedy == WRITABLE || cause == "missing-capability";
            let line = if sets { format!("tunectl run {asked} -- /{check}") } else { check };
            run(&root, &lines[0], kept, &line)
        };
        ran.expect_code(0);
    }
}

/// What root may in it, and nobody else.
#[test]
#[ignore = "container tier: needs systemd-nspawn; run by .ci/containers"]
fn unprivileged_user_in_nspawn_is_advised_to_use_sudo() {
    let root = images::root().unwrap_or_else(|error| panic!("{error}"));
    let asked = "--set net.core.somaxconn=32768";
    let json = format!("tunectl run --user 1000 -- /tunectl check --format json {asked}");
    let said = finding(&run(&root, "systemd-nspawn", "", &json).expect_code(1), "net.core.somaxconn");
    assert_eq!(said["cause"], "not-permitted", "{said:#}");
    let lines = remedies(&said, "shell");
    assert_eq!(lines, ["sudo tunectl apply --set net.core.somaxconn=32768"], "{said:#}");
    let mended = format!("sudo() {{ \"$@\"; }}; {}; tunectl run --user 1000 -- /tunectl check {asked}", lines[0]);
    run(&root, "systemd-nspawn", "", &mended).expect_code(0);
}

/// Where its users have a namespace of their own nspawn refuses to leave anything writable: so that is not said.
#[test]
#[ignore = "container tier: needs systemd-nspawn; run by .ci/containers"]
fn no_option_is_printed_for_what_nspawn_refuses() {
    let root = images::root().unwrap_or_else(|error| panic!("{error}"));
    let users = "--private-users=pick --private-users-ownership=off";
    for setting in ["kernel.shmmni", "kernel.domainname"] {
        let json = format!("tunectl check --format json --set {setting}=5000");
        let said = finding(&run(&root, "systemd-nspawn", users, &json).expect_code(1), setting);
        assert_eq!(remedies(&said, "container-start"), [""; 0], "{said:#}");
    }
    run(&root, WRITABLE, users, "tunectl limits").expect_code(1).expect_said(&["Cannot combine --private-users"]);
}
