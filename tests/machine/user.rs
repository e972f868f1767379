//! Someone without privileges on a host: gets what is theirs, and moves nothing else.

use crate::boot::Machine;
use crate::kernel::Kernel;

const THEIRS: &str = "rlimit.nofile = { soft = { at_least = 4096 } }\n";
const NOT_THEIRS: &str = "rlimit.nofile = { hard = { at_least = 65536 } }\nlinux.sysctl.vm.swappiness = 7\n";

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn unprivileged_user_can_raise_only_the_soft_limit() {
    for kernel in Kernel::ALL {
        let outcome = Machine::new()
            .profile("theirs", THEIRS)
            .profile("not-theirs", NOT_THEIRS)
            .step("remember", ["remember"])
            .step("run", ["exec-as", "1000", "/init", "run", "-p", "/etc/theirs.toml", "--", "/bin/guest", "report"])
            .step(
                "refused",
                ["exec-as", "1000", "/init", "run", "-p", "/etc/not-theirs.toml", "--", "/bin/guest", "report"],
            )
            .step("differences", ["differences"])
            .boot(kernel, "/bin/guest", "mounts /bin/guest drive /etc/script");

        outcome.is("run.code", "0");
        outcome.has_words("run.out", "Uid 1000 1000 1000 1000");
        outcome.has_words("run.out", "Max open files 4096 4096 files");
        outcome.is("refused.code", "125");
        outcome.is("refused.out", "");
        outcome.says("refused.err", ": writing it needs root (running as uid 1000)\n");
        outcome.says("refused.err", "raising it to 65536 needs CAP_SYS_RESOURCE, which we do not have\n");
        outcome.is("differences", "");
        outcome.is("end", "reached");
    }
}
