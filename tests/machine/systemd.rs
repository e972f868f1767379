//! The shipped unit, and what `apply --persist` writes, under a real systemd as PID 1.

use crate::boot::Machine;
use crate::kernel::Kernel;

const UNIT: &str = include_str!("../deploy/tunectl-watch.service");

const PROFILE: &str = "[linux.sysctl]\nvm.swappiness = 60\nnet.core.somaxconn = { at_least = 4096 }\n";

fn log() -> [&'static str; 7] {
    ["/usr/bin/journalctl", "-u", "tunectl-watch", "-o", "cat", "--no-pager", "-q"]
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn the_unit_runs_as_it_is_shipped() {
    let [journal, log @ ..] = log();
    let machine = Machine::new()
        .file("etc/systemd/system/tunectl-watch.service", UNIT)
        .file("etc/tunectl/profiles/production.toml", PROFILE)
        .step("start", ["exec", "/usr/bin/systemctl", "start", "tunectl-watch"])
        .step("state", ["exec", "/usr/bin/systemctl", "status", "--no-pager", "tunectl-watch"])
        .step("log", ["exec", journal, log[0], log[1], log[2], log[3], log[4]])
        .step("all", ["exec", journal, "-b", "--no-pager"])
        ;
    let outcome = machine.boot_systemd(Kernel::Newer);
    for name in ["start.code","start.err","state.out","log.out","all.out"] { eprintln!("== {name}\n{}", outcome.get(name)); }
    eprintln!("{}", outcome.console());
}
