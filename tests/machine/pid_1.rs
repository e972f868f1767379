//! tunectl as the first process of the machine.

use crate::boot::Machine;
use crate::kernel::Kernel;

/// Limits stand before the sysctl that they depend on: tunectl has to find the order.
const HIGH: &str = r#"
[rlimit]
nofile = { soft = { at_least = 1500000 }, hard = { at_least = 2000000 } }
nproc = { at_least = 100000 }
core = "unlimited"

[linux.sysctl]
vm.overcommit_memory = 1
vm.max_map_count = { at_least = 1048576 }
kernel.pid_max = { at_least = 4194304 }
fs.file-max = { at_least = 4000000 }
fs.nr_open = { at_least = 2097152 }
"#;

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn run_raises_nr_open_before_nofile() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("high", HIGH)
            .step("limits", ["read", "/proc/1/limits"])
            .step("cmdline", ["read", "/proc/1/cmdline"])
            .step("environ", ["read", "/proc/1/environ"])
            .step("overcommit", ["read", "/proc/sys/vm/overcommit_memory"])
            .step("maps", ["read", "/proc/sys/vm/max_map_count"])
            .step("pids", ["read", "/proc/sys/kernel/pid_max"])
            .step("files", ["read", "/proc/sys/fs/file-max"])
            .step("nr_open", ["read", "/proc/sys/fs/nr_open"])
            .step("service", ["exec", "/bin/guest", "report"])
            .step("check", ["exec", "/init", "check", "-p", "/etc/high.toml"])
            .tune_and_run(kernel, "run -p /etc/high.toml");

        outcome.has_words("limits", "Max open files 1500000 2000000 files");
        outcome.has_words("limits", "Max processes 100000 100000 processes");
        outcome.has_words("limits", "Max core file size unlimited unlimited bytes");
        outcome.is("cmdline", "/bin/guest\0drive\0/etc/script\0");
        // What the kernel gives its first process, and nothing of tunectl's.
        outcome.is("environ", "HOME=/\0TERM=linux\0");
        outcome.is("overcommit", "1");
        outcome.is("maps", "1048576");
        outcome.is("pids", "4194304");
        outcome.is("files", "4000000");
        outcome.is("nr_open", "2097152");
        outcome.has_words("service.out", "SigBlk 0000000000000000");
        outcome.has_words("service.out", "fds 0 1 2");
        outcome.is("check.code", "0");
    }
}

/// More than the machine's memory: the kernel takes it, says nothing, and does what it can.
const TOO_MUCH: &str = "linux.sysctl.vm.nr_hugepages = 100000";

/// The kernel prints the code with which its first process ended: an independent reader of it.
fn code_of_pid_1(profile: &str, first: &str, args: &str) -> (String, String) {
    let outcome = Machine::new().profile("asked", profile).boot(Kernel::Stable, first, args);
    let console = outcome.console().to_owned();
    let code = console.split_once("Attempted to kill init! exitcode=0x").map_or("none", |(_, rest)| &rest[..8]);
    (code.to_owned(), console)
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn machine_powers_off_with_the_code_of_the_service() {
    let args = "mounts /init run -p /etc/asked.toml /bin/guest exit 42";
    let (code, console) = code_of_pid_1(HIGH, "/bin/guest", args);
    assert_eq!(code, "00002a00", "{console}");
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn missing_command_as_pid_1_exits_127() {
    let args = "mounts /init run -p /etc/asked.toml /bin/nothing";
    let (code, console) = code_of_pid_1(HIGH, "/bin/guest", args);
    assert_eq!(code, "00007f00", "{console}");
    assert!(console.contains("tunectl: error: `/bin/nothing` does not exist\n"), "{console}");
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn unsatisfied_setting_as_pid_1_exits_125() {
    let args = "mounts /init run -p /etc/asked.toml /bin/guest exit 42";
    let (code, console) = code_of_pid_1(TOO_MUCH, "/bin/guest", args);
    assert_eq!(code, "00007d00", "{console}");
    assert!(console.contains("instead of `100000`"), "{console}");
    assert!(
        console.contains("nothing was changed (1 setting had been set and is back at its previous value)\n"),
        "{console}"
    );
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn missing_proc_as_pid_1_exits_125() {
    let (code, console) = code_of_pid_1(HIGH, "/init", "run -p /etc/asked.toml /bin/guest exit 42");
    assert_eq!(code, "00007d00", "{console}");
    assert!(console.contains("/proc/sys is not there: mount /proc first"), "{console}");
    // Nobody can tell without /proc, and this first process has them all.
    assert!(!console.contains("which we do not have"), "{console}");
}
