//! What `apply` has changed of a whole host goes back, on real keys of the machine.

use crate::boot::Machine;
use crate::kernel::Kernel;

/// Pairs of which writing one sets the other to zero, a value that the kernel rounds, a limit that needs its ceiling
/// raised first, a key that sets those of all interfaces.
const WHOLE: &str = r"
[linux.sysctl]
vm.dirty_bytes = 100000000
vm.dirty_background_ratio = 7
vm.overcommit_kbytes = 1000000
fs.pipe-max-size = { at_least = 1048577 }
fs.nr_open = { at_least = 2097152 }
net.ipv4.ip_forward = 1
net.ipv6.conf.all.disable_ipv6 = 1
kernel.hostname = 'tuned'

[rlimit]
nofile = { soft = 2000000, hard = { at_least = 2000000 } }
";

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn revert_restores_all_settings_of_a_host() {
    for kernel in Kernel::ALL {
        let machine = Machine::new()
            .profile("whole", WHOLE)
            .profile("for-good", "linux.sysctl.kernel.modules_disabled = 1\n")
            .step("remember", ["remember"])
            .step("apply", ["exec", "/init", "apply", "-p", "/etc/whole.toml"])
            .step("applied", ["differences"])
            .step("revert", ["exec", "/init", "revert"])
            .step("differences", ["differences"])
            .step("again", ["exec", "/init", "revert"])
            .step("refused", ["exec", "/init", "apply", "-p", "/etc/for-good.toml"])
            .step("untouched", ["differences"])
            .step("meant", ["exec", "/init", "apply", "--allow-irreversible", "-p", "/etc/for-good.toml"])
            .step("one-way", ["exec", "/init", "revert"]);
        let outcome = machine.boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.is("apply.err", "");
        outcome.is("apply.code", "0");
        outcome.says("applied", "vm/dirty_ratio: 20 -> 0");
        outcome.says("applied", "vm/dirty_bytes: 0 -> 100000000");
        outcome.says("applied", "vm/overcommit_ratio: 50 -> 0");
        outcome.says("applied", "fs/pipe-max-size: 1048576 -> 2097152");
        outcome.says("applied", "net/ipv6/conf/lo/disable_ipv6: 0 -> 1");
        outcome.is("revert.err", "");
        outcome.is("revert.code", "0");
        outcome.is("differences", "");
        outcome.is("again.out", "nothing to revert\n");
        outcome.is("refused.code", "2");
        outcome.is("untouched", "");
        outcome.is("meant.code", "0");
        outcome.is("one-way.code", "1");
        outcome.says("one-way.err", "kernel.modules_disabled can't be put back until the next boot");
    }
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn revert_undoes_what_run_changed_on_a_host() {
    for kernel in Kernel::ALL {
        let machine = Machine::new()
            .profile("whole", WHOLE)
            .step("remember", ["remember"])
            .step("run", ["exec", "/init", "run", "-p", "/etc/whole.toml", "--", "/bin/guest", "report"])
            .step("ran", ["differences"])
            .step("revert", ["exec", "/init", "revert"])
            .step("differences", ["differences"])
            .step("again", ["exec", "/init", "revert"])
            .step("not-started", ["exec", "/init", "run", "-p", "/etc/whole.toml", "--", "/etc/whole.toml"])
            .step("untouched", ["differences"])
            .step("nothing", ["exec", "/init", "revert"]);
        let outcome = machine.boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("end", "reached");
        outcome.is("run.code", "0");
        outcome.is("run.err", "tunectl: 8 settings of this machine were changed; `tunectl revert` undoes that\n");
        outcome.says("ran", "vm/dirty_bytes: 0 -> 100000000");
        outcome.is("revert.err", "");
        outcome.is("differences", "");
        outcome.is("again.out", "nothing to revert\n");
        outcome.is("not-started.code", "126");
        outcome.is("untouched", "");
        outcome.is("nothing.out", "nothing to revert\n");
    }
}
