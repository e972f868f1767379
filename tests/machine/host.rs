//! The settings of a whole host, written by someone who may: applied, read back, put back.

use crate::boot::{Machine, Outcome};
use crate::kernel::Kernel;

/// Ends in something that no kernel takes, after much that it does.
const CANT_HOLD: &str = r"
[linux.sysctl]
vm.swappiness = 7
vm.overcommit_memory = 1
fs.file-max = { at_least = 4000000 }
fs.nr_open = { at_least = 2097152 }
net.ipv4.tcp_congestion_control = 'nonesuch'

[rlimit]
nofile = { soft = 2000000, hard = { at_least = 2000000 } }
";

const HOLDS: &str = r"
[linux.sysctl]
vm.swappiness = 7
vm.max_map_count = { at_least = 262144 }
fs.file-max = { at_least = 4000000 }
kernel.pid_max = { at_least = 65536 }
# Already so: at_least never lowers.
fs.nr_open = { at_least = 1000000 }

[rlimit]
nofile = { hard = { at_least = 1048576 } }
";

const MOVED: &str = "\
/proc/self/limits Max open files: 1024 4096 files -> 1024 1048576 files
/proc/sys/fs/file-max: FILES -> 4000000
/proc/sys/kernel/pid_max: 32768 -> 65536
/proc/sys/vm/max_map_count: 65530 -> 262144
/proc/sys/vm/swappiness: 60 -> 7";

fn boot(machine: Machine, kernel: Kernel) -> Outcome {
    let outcome = machine.boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");
    outcome.is("end", "reached");
    outcome
}

/// What the kernel itself sets up, and that nothing moves which the script's differences would show.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn run_check_and_dry_run_change_nothing_on_a_satisfied_machine() {
    for kernel in Kernel::ALL {
        let machine = Machine::new()
            .profile("holds", HOLDS)
            .step("remember", ["remember"])
            .step("service", ["exec", "/bin/guest", "report"])
            .step("nr_open", ["read", "/proc/sys/fs/nr_open"])
            .step("check", ["exec", "/init", "check", "-p", "/etc/holds.toml"])
            .step("dry", ["exec", "/init", "apply", "--dry-run", "-p", "/etc/holds.toml"])
            .step("differences", ["differences"]);
        let outcome = boot(machine, kernel);

        outcome.is("service.code", "0");
        outcome.has_words("service.out", "Max open files 1024 4096 files");
        outcome.has_words("service.out", "CapEff 000001ffffffffff");
        outcome.is("nr_open", "1048576");
        outcome.is("check.code", "1");
        outcome.has_words("check.out", "vm.swappiness 7 60 not applied [1]");
        outcome.has_words("check.out", "nofile (hard) >= 1048576 4096 not applied [1]");
        outcome.is("dry.code", "0");
        outcome.is("differences", "");
    }
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn failed_apply_restores_everything() {
    for kernel in Kernel::ALL {
        let machine = Machine::new()
            .profile("cant", CANT_HOLD)
            .step("remember", ["remember"])
            .step("run", ["exec", "/init", "run", "-p", "/etc/cant.toml", "--", "/bin/guest", "report"])
            .step("after-run", ["differences"])
            .step("apply", ["exec", "/init", "apply", "-p", "/etc/cant.toml"])
            .step("after-apply", ["differences"])
            .step("best-effort", ["exec", "/init", "apply", "--best-effort", "-p", "/etc/cant.toml"])
            .step("after-best-effort", ["differences"]);
        let outcome = boot(machine, kernel);

        outcome.is("run.code", "125");
        outcome.is("run.out", "");
        outcome
            .says("run.err", "nothing was changed (4 settings had been set and are back at their previous values)\n");
        outcome.is("after-run", "");
        outcome.is("apply.code", "1");
        outcome.says("apply.err", "this kernel has no `nonesuch`");
        outcome.is("after-apply", "");
        outcome.is("best-effort.code", "1");
        let moved: Vec<&str> = outcome.get("after-best-effort").lines().collect();
        assert_eq!(moved.len(), 5, "{moved:?}");
        outcome.says("after-best-effort", "limits Max open files: 1024 4096 files -> 2000000 2000000 files");
        outcome.says("after-best-effort", "fs/nr_open: 1048576 -> 2097152");
        outcome.says("after-best-effort", "vm/overcommit_memory: 0 -> 1");
        outcome.says("after-best-effort", "vm/swappiness: 60 -> 7");
    }
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn apply_changes_only_the_requested_settings() {
    for kernel in Kernel::ALL {
        let machine = Machine::new()
            .profile("holds", HOLDS)
            .step("files", ["read", "/proc/sys/fs/file-max"])
            .step("remember", ["remember"])
            .step("apply", ["exec", "/init", "apply", "-p", "/etc/holds.toml"])
            .step("after-apply", ["differences"])
            .step("check", ["exec", "/init", "check", "-p", "/etc/holds.toml"])
            .step("again", ["exec", "/init", "apply", "-p", "/etc/holds.toml"])
            .step("after-again", ["differences"]);
        let outcome = boot(machine, kernel);

        let moved = MOVED.replace("FILES", outcome.get("files"));
        outcome.is("apply.code", "0");
        outcome.says("apply.out", "5 settings changed and read back, 1 already matches\n");
        outcome.is("after-apply", &moved);
        outcome.is("check.code", "0");
        outcome.is("again.code", "0");
        outcome.is("again.out", "nothing to change, 6 already match\n");
        outcome.is("after-again", &moved);
    }
}

/// The kernel refuses infinity for it even to full root, so it means `fs.nr_open`.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn unlimited_nofile_is_nr_open() {
    let machine = Machine::new()
        .profile("most", "rlimit.nofile = { soft = \"hard\", hard = \"unlimited\" }\n")
        .step("run", ["exec", "/init", "run", "-p", "/etc/most.toml", "--", "/bin/guest", "report"]);
    let outcome = boot(machine, Kernel::Newer);

    outcome.is("run.code", "0");
    outcome.has_words("run.out", "Max open files 1048576 1048576 files");
}
