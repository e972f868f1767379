//! Remedies that change a whole machine, followed to the letter. `sudo sysctl -w KEY=VALUE` is carried out by what is
//! here: the script's own `write`.

use crate::boot::Machine;
use crate::kernel::Kernel;

const MAPS: &str = "linux.sysctl.vm.max_map_count = { at_least = 262144 }\n";
const BUFFERS: &str = "linux.sysctl.net.core.rmem_max = { at_least = 16777216 }\n";
const OPTIONAL: &str = "[linux.sysctl]\n\"net.core.rmem_max\" = { at_least = 16777216, required = false }\n";
const FILES: &str = "rlimit.nofile = 2000000\n";
const CEILING: &str = "[linux.sysctl]\n\"fs.nr_open\" = { at_least = 2000000 }\n";
const PIPE: &str = "[linux.sysctl]\n\"fs.pipe-max-size\" = 2097152\n";

/// The arguments that run the rest in a network namespace of its own.
const INSIDE: [&str; 4] = ["exec", "/bin/guest", "unshare", "net"];

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn what_is_the_machines_is_mended_on_the_machine() {
    let [exec, guest, unshare, net] = INSIDE;
    let inside = |profile: &'static str| [exec, guest, unshare, net, "/init", "check", "-p", profile];
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("maps", MAPS)
            .profile("buffers", BUFFERS)
            .profile("optional", OPTIONAL)
            .step("maps", inside("/etc/maps.toml"))
            .step("buffers", inside("/etc/buffers.toml"))
            .step("follow-maps", ["write", "/proc/sys/vm/max_map_count", "262144"])
            .step("follow-buffers", ["write", "/proc/sys/net/core/rmem_max", "16777216"])
            .step("maps-then", inside("/etc/maps.toml"))
            .step("buffers-then", inside("/etc/buffers.toml"))
            .step("optional-then", inside("/etc/optional.toml"))
            .step("host-then", ["exec", "/init", "check", "-p", "/etc/buffers.toml"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.is("maps.code", "1");
        outcome.says("maps.out", "    type: sudo sysctl -w vm.max_map_count=262144\n");
        outcome.is("maps-then.code", "0");
        outcome.is("buffers.code", "1");
        outcome.says("buffers.out", "    on the host: sudo sysctl -w net.core.rmem_max=16777216\n");
        outcome.is("host-then.code", "0");
        if kernel == Kernel::Stable {
            // Hidden in there, so it can't be checked: the profile has to let it pass.
            let line = "    in the profile, under [linux.sysctl]: \"net.core.rmem_max\" = { at_least = 16777216, required = false }\n";
            outcome.says("buffers.out", line);
            outcome.is("buffers-then.code", "1");
        } else {
            outcome.is("buffers-then.code", "0");
        }
        outcome.is("optional-then.code", "0");
    }
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn what_the_profile_has_to_ask_for_is_enough() {
    let [exec, guest, unshare, net] = INSIDE;
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("files", FILES)
            .profile("ceiling", CEILING)
            .profile("pipe", PIPE)
            .step("inside", [exec, guest, unshare, net, "/init", "check", "-p", "/etc/files.toml"])
            .step("files", ["exec", "/init", "check", "-p", "/etc/files.toml"])
            .step(
                "files-then",
                [
                    "exec",
                    "/init",
                    "run",
                    "-p",
                    "/etc/ceiling.toml,/etc/files.toml",
                    "--",
                    "/init",
                    "check",
                    "-p",
                    "/etc/ceiling.toml,/etc/files.toml",
                ],
            )
            .step("pipe", ["exec", "/init", "apply", "--set", "fs.pipe-max-size=1048577"])
            .step("pipe-then", ["exec", "/init", "apply", "-p", "/etc/pipe.toml"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.says("inside.out", "    type: sudo sysctl -w fs.nr_open=2000000\n");
        outcome.says("files.out", "2000000 is above fs.nr_open, which is 1048576");
        outcome
            .says("files.out", "    in the profile, under [linux.sysctl]: \"fs.nr_open\" = { at_least = 2000000 }\n");
        outcome.is("files-then.code", "0");
        outcome.is("pipe.code", "1");
        outcome.says("pipe.err", "the kernel took `1048577` and made `2097152` of it: rounded up");
        outcome.says("pipe.err", "    in the profile, under [linux.sysctl]: \"fs.pipe-max-size\" = 2097152\n");
        outcome.is("pipe-then.code", "0");
    }
}

/// For these nothing can be pasted here: a module that is not on the machine, and a way back that there is not.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn what_only_another_boot_or_a_module_brings() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .step("module", ["exec", "/init", "check", "--set", "net.netfilter.nf_conntrack_max=99999"])
            .step("close", ["write", "/proc/sys/kernel/kexec_load_disabled", "1"])
            .step("one-way", ["exec", "/init", "apply", "--set", "kernel.kexec_load_disabled=0"])
            .step("told", ["exec", "/init", "check", "--set", "kernel.kexec_load_disabled=0"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.says("module.out", "the kernel module `nf_conntrack` brings it and is not loaded");
        outcome.says("module.out", "    type: sudo modprobe nf_conntrack\n");
        outcome.says("one-way.err", "from 1 nothing leads back before the next boot");
        outcome.says("told.out", "from 1 nothing leads back before the next boot");
    }
}
