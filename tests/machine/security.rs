//! What security modules refuse, by real policies (`tests/machine/policies`): `AppArmor`, as Debian has it on, and
//! `SELinux`, where kernels are started with it. tunectl is what they confine.

use crate::boot::{Machine, Outcome};
use crate::kernel::Kernel;

const QUEUE: &str = "net.core.somaxconn=9999";
const LOG: &str = "kernel.dmesg_restrict=0";
const MEMORY: &str = "net.ipv4.tcp_rmem=4096 131072 4194304";
const FILES: &str = "nofile=5000:5000";

const SYSTEMCTL: &str = "/usr/bin/systemctl";
const MENDED: &str = "/etc/systemd/system/bound.service.d/mended.conf";
const UNIT: &str = "[Service]
Type=oneshot
ExecStart=/usr/local/bin/tunectl run --rlimit nofile=5000:5000 -- /bin/guest exit 0
ExecStart=/usr/local/bin/tunectl apply --no-rlimits --set 'net.ipv4.tcp_rmem=4096 131072 4194304'
ExecStart=/usr/local/bin/tunectl check --set 'net.ipv4.tcp_rmem=4096 131072 4194304'
";

/// What whoever starts a container does before anything in it is confined.
const CONTAINER: [&str; 4] = ["exec", "/bin/guest", "unshare", "uts+net"];

/// The arguments that run the rest as the label lets it.
fn confined(label: &str) -> [&str; 4] {
    ["exec", "/bin/guest", "confined", label]
}

fn boot(machine: Machine, kernel: Kernel) -> Outcome {
    // What `CONTAINER` makes is taken for Docker's.
    let machine = machine.file(".dockerenv", "\n");
    let outcome = machine.boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");
    outcome.is("end", "reached");
    outcome.is("policy.err", "");
    outcome.is("policy.code", "0");
    outcome
}

/// The finding has this reason and this remedy in front of all others.
#[track_caller]
fn told(outcome: &Outcome, name: &str, why: &str, remedy: &str) {
    outcome.says(name, &format!(": a Linux security module denies{why}\n"));
    outcome.says(name, &format!("  {remedy}\n"));
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn apparmor_denials_are_diagnosed() {
    let docker = &confined("docker-default");
    let check = ["/init", "check", "--set", QUEUE];
    for kernel in Kernel::ALL {
        let machine = Machine::new()
            .step(
                "policy",
                ["exec", "/bin/guest", "policy", "/etc/docker-default", "/sys/kernel/security/apparmor/.load"],
            )
            .policies()
            .words("code", &[docker, &["/init", "apply", "--format", "json", "--set", QUEUE]])
            .words("seen", &[docker, &["/init", "check", "--format", "json", "--set", QUEUE]])
            .words("refused", &[docker, &["/init", "apply", "--set", QUEUE]])
            .step("follow", ["write", "/proc/sys/net/core/somaxconn", "9999"])
            .words("then", &[docker, &check])
            // The same where it is a container's.
            .words("inside", &[&CONTAINER, &docker[1..], &["/init", "apply", "--set", QUEUE]])
            .words("inside-then", &[&CONTAINER, &["/init", "run", "--set", QUEUE, "--"], &docker[1..], &check])
            // A capability that is held and of no use.
            .words("log", &[&confined("hardened"), &["/init", "apply", "--set", LOG]])
            .step("log-follow", ["write", "/proc/sys/kernel/dmesg_restrict", "0"])
            .words("log-then", &[&confined("hardened"), &["/init", "check", "--set", LOG]])
            .words("raise", &[&confined("hardened"), &["/init", "run", "--rlimit", FILES, "--", "/init"]])
            .words(
                "raise-then",
                &[
                    &["exec", "/init", "run", "--rlimit", FILES, "--"],
                    &confined("hardened")[1..],
                    &["/init", "check", "--rlimit", FILES],
                ],
            )
            // The bound of limits that a profile has.
            .words("bound", &[&confined("bounded"), &["/init", "run", "--rlimit", FILES, "--", "/init"]])
            .words(
                "bound-inside",
                &[&CONTAINER, &confined("bounded")[1..], &["/init", "run", "--rlimit", FILES, "--", "/init"]],
            );
        let outcome = boot(machine, kernel);

        let by = " (AppArmor confines us as `docker-default (enforce)`)";
        outcome.says("code.out", "\"cause\": \"security-module\"");
        let doubt = "nothing has set it yet; `docker-default (enforce)` may still deny the write";
        outcome.says("seen.out", doubt);
        told(&outcome, "refused.err", by, "on the host: sudo sysctl -w net.core.somaxconn=9999");
        outcome.is("then.code", "0");
        told(&outcome, "inside.err", by, "start the container with: docker run --sysctl net.core.somaxconn=9999");
        outcome.is("inside-then.code", "0");
        let by = " (AppArmor confines us as `hardened (enforce)`)";
        let why = format!(" the use of CAP_SYS_ADMIN, which we have{by}");
        told(&outcome, "log.err", &why, "on the host: sudo sysctl -w kernel.dmesg_restrict=0");
        outcome.is("log-then.code", "0");
        let why = format!(" the use of CAP_SYS_RESOURCE, which we have{by}");
        told(&outcome, "raise.err", &why, "in the systemd unit: LimitNOFILE=5000");
        outcome.is("raise-then.code", "0");
        let by = " (AppArmor confines us as `bounded (enforce)`)";
        told(&outcome, "bound.err", by, "in the systemd unit: AppArmorProfile=unconfined");
        told(
            &outcome,
            "bound-inside.err",
            by,
            "start the container with: docker run --security-opt apparmor=unconfined",
        );
    }
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn selinux_denials_are_diagnosed() {
    let typed = &confined("system_u:system_r:typed_t");
    let limited = &confined("system_u:system_r:limited_t");
    let check = ["/init", "check", "--set", QUEUE];
    for kernel in Kernel::ALL {
        let machine = Machine::new()
            .policies()
            .parameters("security=selinux")
            .step("policy", ["exec", "/bin/guest", "policy", "/etc/confined", "/sys/fs/selinux/load"])
            .words("code", &[typed, &["/init", "apply", "--format", "json", "--set", QUEUE]])
            .words("seen", &[typed, &["/init", "check", "--set", QUEUE]])
            .words("refused", &[typed, &["/init", "apply", "--set", QUEUE]])
            .step("follow", ["write", "/proc/sys/net/core/somaxconn", "9999"])
            .words("then", &[typed, &check])
            .words("inside", &[&CONTAINER, &typed[1..], &["/init", "apply", "--set", QUEUE]])
            .words("inside-then", &[&CONTAINER, &["/init", "run", "--set", QUEUE, "--"], &typed[1..], &check])
            .words("log", &[limited, &["/init", "apply", "--set", LOG]])
            .step("log-follow", ["write", "/proc/sys/kernel/dmesg_restrict", "0"])
            .words("log-then", &[limited, &["/init", "check", "--set", LOG]])
            .words("raise", &[limited, &["/init", "run", "--rlimit", FILES, "--", "/init"]])
            .words("set", &[typed, &["/init", "run", "--rlimit", FILES, "--", "/init"]])
            .words(
                "raise-then",
                &[
                    &["exec", "/init", "run", "--rlimit", FILES, "--"],
                    &limited[1..],
                    &["/init", "check", "--rlimit", FILES],
                ],
            )
            .words(
                "set-then",
                &[
                    &["exec", "/init", "run", "--rlimit", FILES, "--"],
                    &typed[1..],
                    &["/init", "check", "--rlimit", FILES],
                ],
            )
            // Where it warns of everything and refuses nothing, it confines nobody.
            .step("permissive", ["write", "/sys/fs/selinux/enforce", "0"])
            .words("warned", &[typed, &["/init", "apply", "--set", "net.core.somaxconn=9998"]]);
        let outcome = boot(machine, kernel);

        let by = " (SELinux confines us as `system_u:system_r:typed_t`)";
        outcome.says("code.out", "\"cause\": \"security-module\"");
        told(&outcome, "seen.out", by, "on the host: sudo sysctl -w net.core.somaxconn=9999");
        told(&outcome, "refused.err", by, "on the host: sudo sysctl -w net.core.somaxconn=9999");
        outcome.is("then.code", "0");
        told(&outcome, "inside.err", by, "start the container with: docker run --sysctl net.core.somaxconn=9999");
        outcome.is("inside-then.code", "0");
        told(&outcome, "set.err", by, "in the systemd unit: LimitNOFILE=5000");
        outcome.is("set-then.code", "0");
        let by = " (SELinux confines us as `system_u:system_r:limited_t`)";
        let why = format!(" the use of CAP_SYS_ADMIN, which we have{by}");
        told(&outcome, "log.err", &why, "on the host: sudo sysctl -w kernel.dmesg_restrict=0");
        outcome.is("log-then.code", "0");
        let why = format!(" the use of CAP_SYS_RESOURCE, which we have{by}");
        told(&outcome, "raise.err", &why, "in the systemd unit: LimitNOFILE=5000");
        outcome.is("raise-then.code", "0");
        outcome.is("warned.code", "0");
    }
}

/// A profile that is bound to a program by its path, as distributions have them, with a bound for limits and a file that
/// can't be read. That the unit starts all the same needs both.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn unit_can_leave_its_apparmor_profile() {
    let outcome = Machine::new()
        .policies()
        .file("etc/systemd/system/bound.service", UNIT)
        .file(&MENDED[1..], "[Service]\n")
        .step("policy", ["exec", "/bin/guest", "policy", "/etc/tunectl", "/sys/kernel/security/apparmor/.load"])
        .step("start", ["exec", SYSTEMCTL, "start", "bound"])
        .step("bound.out", ["until", "was not started", "/usr/bin/journalctl", "-q", "-o", "cat", "-u", "bound"])
        .words("unread", &[&confined("tunectl"), &["/usr/local/bin/tunectl", "check", "--set", MEMORY]])
        .step("mend", ["write", MENDED, "[Service]\nAppArmorProfile=unconfined\n"])
        .step("follow", ["exec", SYSTEMCTL, "daemon-reload"])
        .step("then", ["exec", SYSTEMCTL, "start", "bound"])
        .boot_systemd(Kernel::Newer);

    outcome.is("policy.err", "");
    outcome.is("start.code", "1");
    let by = " (AppArmor confines us as `tunectl (enforce)`)";
    told(&outcome, "bound.out", by, "in the systemd unit: AppArmorProfile=unconfined");
    told(&outcome, "unread.out", &format!(" reading it{by}"), "in the systemd unit: AppArmorProfile=unconfined");
    outcome.is("follow.err", "");
    outcome.is("then.err", "");
    outcome.is("then.code", "0");
}
