//! A namespace on a host of one's own: what belongs to the host stays the host's, unless told otherwise, and the kernels
//! differ in what a new namespace shows.

use crate::boot::Machine;
use crate::kernel::Kernel;

const HOSTS: &str = "linux.sysctl.vm.swappiness = 7\n";
const BUFFERS: &str = "linux.sysctl.net.core.rmem_max = { at_least = 16777216 }\n";
const BACKLOG: &str = "linux.sysctl.net.core.somaxconn = { at_least = 32768 }\n";

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn host_setting_needs_allow_host_settings_in_a_namespace() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("hosts", HOSTS)
            .step("remember", ["remember"])
            .step("left", ["exec", "/bin/guest", "unshare", "net", "/init", "apply", "-p", "/etc/hosts.toml"])
            .step("after-left", ["differences"])
            .step(
                "told",
                [
                    "exec",
                    "/bin/guest",
                    "unshare",
                    "net",
                    "/init",
                    "apply",
                    "--allow-host-settings",
                    "-p",
                    "/etc/hosts.toml",
                ],
            )
            .step("after-told", ["differences"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("left.code", "1");
        outcome.says("left.err", "vm.swappiness is 60, required 7: it belongs to the whole machine");
        outcome.is("after-left", "");
        outcome.is("told.code", "0");
        outcome.is("after-told", "/proc/sys/vm/swappiness: 60 -> 7");
        outcome.is("end", "reached");
    }
}

/// Linux 6.1 hides these from a new network namespace; later ones show the buffers without letting them be written, and
/// give the backlog to namespaces of ordinary users too.
#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn network_namespace_contents_match_the_catalog_on_each_kernel() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("buffers", BUFFERS)
            .profile("backlog", BACKLOG)
            .step("remember", ["remember"])
            .step("buffers", ["exec", "/bin/guest", "unshare", "net", "/init", "apply", "-p", "/etc/buffers.toml"])
            .step("backlog", ["exec", "/bin/guest", "unshare", "net", "/init", "apply", "-p", "/etc/backlog.toml"])
            .step(
                "rootless",
                ["exec", "/bin/guest", "unshare", "user+net", "/init", "apply", "-p", "/etc/backlog.toml"],
            )
            .step("differences", ["differences"])
            .step("host", ["exec", "/init", "apply", "-p", "/etc/buffers.toml"])
            .step("host-buffers", ["read", "/proc/sys/net/core/rmem_max"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("buffers.code", "1");
        outcome.says("buffers.err", "net.core.rmem_max");
        outcome.says(
            "buffers.err",
            match kernel {
                Kernel::Stable => "only the initial network namespace has it, and we are in another",
                Kernel::Newer | Kernel::Arm => {
                    "it belongs to the whole machine, and we are in a container or namespace"
                }
            },
        );
        outcome.is("backlog.code", "0");
        if kernel == Kernel::Stable {
            outcome.is("rootless.code", "1");
            outcome.says("rootless.err", "a rootless container does not have it before Linux 6.3");
        } else {
            outcome.is("rootless.code", "0");
        }
        outcome.is("differences", "");
        outcome.is("host.code", "0");
        outcome.is("host-buffers", "16777216");
        outcome.is("end", "reached");
    }
}
