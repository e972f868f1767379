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

const PAGES: &str = "[linux.sysfs]\n'kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages' = 1\n";

/// The arguments that run the rest in a network namespace of its own.
const INSIDE: [&str; 4] = ["exec", "/bin/guest", "unshare", "net"];

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn remedies_for_host_settings_work_on_the_host() {
    let [exec, guest, unshare, net] = INSIDE;
    let inside = |profile: &'static str| [exec, guest, unshare, net, "/init", "check", "-p", profile];
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("maps", MAPS)
            .profile("buffers", BUFFERS)
            .profile("optional", OPTIONAL)
            .step("maps", inside("/etc/maps.toml"))
            .step("code", [exec, guest, unshare, net, "/init", "check", "--format", "json", "-p", "/etc/maps.toml"])
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
        outcome.says("code.out", "\"cause\": \"host-setting\"");
        outcome.says("maps.out", "    type: sudo sysctl -w vm.max_map_count=262144\n");
        outcome.is("maps-then.code", "0");
        outcome.is("buffers.code", "1");
        outcome.says("buffers.out", "    on the host: sudo sysctl -w net.core.rmem_max=16777216\n");
        outcome.is("host-then.code", "0");
        if kernel == Kernel::Stable {
            // Hidden in there, so it can't be checked: the profile has to let it pass.
            let line = "    in the profile, under [linux.sysctl]:\n      \"net.core.rmem_max\" = { at_least = 16777216, required = false }\n";
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
fn profile_line_remedies_work() {
    let [exec, guest, unshare, net] = INSIDE;
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("files", FILES)
            .profile("ceiling", CEILING)
            .profile("pipe", PIPE)
            .step("inside", [exec, guest, unshare, net, "/init", "check", "-p", "/etc/files.toml"])
            .step("files", ["exec", "/init", "check", "-p", "/etc/files.toml"])
            .step("code", ["exec", "/init", "check", "--format", "json", "-p", "/etc/files.toml"])
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
        outcome.says("code.out", "\"cause\": \"above-nr-open\"");
        outcome.says("files.out", "2000000 is above fs.nr_open = 1048576");
        outcome
            .says("files.out", "    in the profile, under [linux.sysctl]: \"fs.nr_open\" = { at_least = 2000000 }\n");
        outcome.is("files-then.code", "0");
        outcome.is("pipe.code", "1");
        outcome.says("pipe.err", "the kernel stored `2097152` instead of `1048577`: rounded up");
        outcome.says("pipe.err", "  in the profile, under [linux.sysctl]: \"fs.pipe-max-size\" = 2097152\n");
        outcome.is("pipe-then.code", "0");
    }
}

/// A module is what mends the first. Of the second, pages of 1 GiB, a machine with less memory has none.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn modprobe_remedy_works_and_clamped_values_stay() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .modules()
            .profile("track", "linux.sysctl.net.netfilter.nf_conntrack_max = { at_least = 1 }\n")
            .step("missing", ["exec", "/init", "check", "--format", "json", "-p", "/etc/track.toml"])
            .step("told", ["exec", "/init", "check", "-p", "/etc/track.toml"])
            .step("load", ["exec", "/bin/guest", "modprobe", "nf_conntrack"])
            .step("then", ["exec", "/init", "check", "-p", "/etc/track.toml"])
            .profile("pages", PAGES)
            .step("clamped", ["exec", "/init", "apply", "--format", "json", "-p", "/etc/pages.toml"])
            .step("made", ["exec", "/init", "apply", "-p", "/etc/pages.toml"])
            .step("paste", ["profile-as-said", "/etc/mended.toml"])
            .step("apply", ["exec", "/init", "apply", "-p", "/etc/mended.toml"])
            .step("mended", ["exec", "/init", "check", "-p", "/etc/mended.toml"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.says("missing.out", "\"cause\": \"module-missing\"");
        outcome.says("told.out", "its kernel module `nf_conntrack` is not loaded");
        outcome.says("told.out", "    type: sudo modprobe nf_conntrack\n");
        outcome.is("load.code", "0");
        outcome.is("then.code", "0");
        outcome.says("clamped.out", "\"cause\": \"clamped\"");
        outcome.says("made.err", "the kernel stored `0` instead of `1`: fewer, where memory is short or in pieces");
        outcome.is("apply.code", "0");
        outcome.is("mended.code", "0");
    }
}

/// An algorithm that is no part of the kernel's image is known once its module is loaded.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn congestion_control_module_remedy_works() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .modules()
            .profile("bbr", "linux.sysctl.net.ipv4.tcp_congestion_control = 'bbr'\n")
            .step("code", ["exec", "/init", "apply", "--format", "json", "-p", "/etc/bbr.toml"])
            .step("told", ["exec", "/init", "apply", "-v", "-p", "/etc/bbr.toml"])
            .step("load", ["exec", "/bin/guest", "modprobe", "tcp_bbr"])
            .step("apply", ["exec", "/init", "apply", "-p", "/etc/bbr.toml"])
            .step("then", ["exec", "/init", "check", "-p", "/etc/bbr.toml"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.says("code.out", "\"cause\": \"unknown-name\"");
        outcome.says("told.err", "type: sudo modprobe tcp_bbr\n");
        outcome.is("load.code", "0");
        outcome.is("apply.code", "0");
        outcome.is("then.code", "0");
    }
}

/// A rootless container on an old kernel, and another one on a new: what its network namespace does not have, and has
/// and shows only.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn settings_absent_in_a_namespace_are_omitted_or_set_on_the_host() {
    let [exec, guest, unshare, net] = INSIDE;
    let queue = ["--set", "net.core.somaxconn=9999"];
    for kernel in Kernel::ALL {
        let rootless =
            |words: [&'static str; 3]| [exec, guest, unshare, "user+net", "/init", words[0], words[1], words[2]];
        let outcome = Machine::new()
            .profile("buffers", BUFFERS)
            .step("code", [exec, guest, unshare, "user+net", "/init", "check", "--format", "json", queue[0], queue[1]])
            .step("told", rootless(["check", queue[0], queue[1]]))
            .step("paste", ["profile-as-said", "/etc/mended.toml"])
            .step("mended", rootless(["check", "-p", "/etc/mended.toml"]))
            .step(
                "shown",
                [
                    exec,
                    guest,
                    unshare,
                    net,
                    "/init",
                    "apply",
                    "--allow-host-settings",
                    "--format",
                    "json",
                    "-p",
                    "/etc/buffers.toml",
                ],
            )
            .step("follow-buffers", ["write", "/proc/sys/net/core/rmem_max", "16777216"])
            .step("buffers-then", [exec, guest, unshare, net, "/init", "check", "-p", "/etc/buffers.toml"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        if kernel == Kernel::Stable {
            outcome.says("code.out", "\"cause\": \"hidden-in-user-namespace\"");
            outcome.says("told.out", "the network namespace of a rootless container does not have it before Linux 6.3");
            outcome.is("mended.code", "0");
        } else {
            outcome.says("code.out", "\"cause\": \"not-applied\"");
            outcome.says("shown.out", "\"cause\": \"read-only-in-namespace\"");
            outcome.says("shown.out", "\"text\": \"sudo sysctl -w net.core.rmem_max=16777216\"");
            outcome.is("buffers-then.code", "0");
        }
    }
}

/// Of two settings of which each sets the other to 0.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn ignore_remedy_resolves_mutually_exclusive_settings() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("ratio", "linux.sysctl.vm.dirty_ratio = 30\n")
            .profile("bytes", "linux.sysctl.vm.dirty_bytes = 50000000\n")
            .step("check", ["exec", "/init", "check", "-p", "/etc/ratio.toml,/etc/bytes.toml"])
            .step("code", ["exec", "/init", "apply", "--format", "json", "-p", "/etc/ratio.toml,/etc/bytes.toml"])
            .step("both", ["exec", "/init", "apply", "-p", "/etc/ratio.toml,/etc/bytes.toml"])
            .step("paste", ["profile-as-said", "/etc/mended.toml"])
            .step("one", ["exec", "/init", "apply", "-p", "/etc/ratio.toml,/etc/bytes.toml,/etc/mended.toml"])
            .step("then", ["exec", "/init", "check", "-p", "/etc/ratio.toml,/etc/bytes.toml,/etc/mended.toml"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.is("check.code", "1");
        outcome.says("check.out", "the profile also sets `vm.dirty_ratio`; writing either one sets the other to 0");
        outcome.says("code.out", "\"cause\": \"contradiction\"");
        outcome.is("both.code", "1");
        outcome.is("one.code", "0");
        outcome.is("then.code", "0");
    }
}

/// For these nothing can be pasted: there is no way back.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn one_way_settings_need_a_reboot() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .step("close", ["write", "/proc/sys/kernel/kexec_load_disabled", "1"])
            .step("one-way", ["exec", "/init", "apply", "--set", "kernel.kexec_load_disabled=0"])
            .step("told", ["exec", "/init", "check", "--format", "json", "--set", "kernel.kexec_load_disabled=0"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.says("one-way.err", "it cannot be reset from 1 until reboot");
        outcome.says("told.out", "\"cause\": \"one-way\"");
        outcome.says("told.out", "it cannot be reset from 1 until reboot");
    }
}
