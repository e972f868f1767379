//! The shipped unit, and what `apply --persist` writes, under a real systemd as PID 1.

use crate::boot::{Machine, Outcome};
use crate::kernel::Kernel;

const UNIT: &str = include_str!("../../examples/deploy/tunectl-watch.service");
const REPAIR: &str = include_str!("../../examples/deploy/repair.conf");

/// The unit's own file has a minute for the watchdog, which is longer than a test lasts.
const SOON: &str = "[Service]\nWatchdogSec=10s\n";

const PROFILE: &str = "[linux.sysctl]\nvm.swappiness = 60\nnet.core.somaxconn = { at_least = 4096 }\n";

const TUNECTL: &str = "/usr/local/bin/tunectl";
const SYSTEMCTL: &str = "/usr/bin/systemctl";

trait Steps {
    fn systemctl(self, name: &str, verb: &str, unit: &str) -> Self;
    fn shows(self, name: &str, part: &str, properties: &str) -> Self;
    fn logs(self, name: &str, part: &str) -> Self;
    fn sh(self, name: &str, script: &str) -> Self;
}

impl Steps for Machine {
    fn systemctl(self, name: &str, verb: &str, unit: &str) -> Self {
        self.step(name, ["exec", SYSTEMCTL, verb, unit])
    }

    /// Waits until these properties of the unit hold `part`.
    fn shows(self, name: &str, part: &str, properties: &str) -> Self {
        self.step(name, ["until", part, SYSTEMCTL, "show", "tunectl-watch", "-p", properties])
    }

    /// Waits until the daemon has said `part`.
    fn logs(self, name: &str, part: &str) -> Self {
        self.step(name, ["until", part, "/usr/bin/journalctl", "-q", "-o", "cat", "-u", "tunectl-watch"])
    }

    fn sh(self, name: &str, script: &str) -> Self {
        self.step(name, ["exec", "/bin/sh", "-euc", script])
    }
}

fn machine() -> Machine {
    Machine::new()
        .file("etc/systemd/system/tunectl-watch.service", UNIT)
        .file("etc/systemd/system/tunectl-watch.service.d/soon.conf", SOON)
        .file("etc/tunectl/profiles/production.toml", PROFILE)
}

fn succeed(outcome: &Outcome, names: &[&str]) {
    for name in names {
        outcome.is(&format!("{name}.err"), "");
        outcome.is(&format!("{name}.code"), "0");
    }
}

/// Lines of the process's status: no capability, nothing to be had, a filter of system calls.
const STATUS: &str = "pid=$(systemctl show tunectl-watch -p MainPID --value)
while read -r name value; do
    case $name in CapEff:|CapBnd:|NoNewPrivs:|Seccomp:) echo $name $value;; esac
done </proc/$pid/status";

/// Waits until the watchdog is fed.
const FED: &str = "fed() { systemctl show tunectl-watch -p WatchdogTimestampMonotonic --value; }
before=$(fed)
while [ \"$(fed)\" = \"$before\" ]; do :; done";

const METRICS: &str = "while read -r line; do echo $line; done </var/lib/tunectl/tunectl.prom";

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn shipped_unit_runs_under_systemd() {
    let machine = machine()
        .systemctl("start", "start", "tunectl-watch")
        .shows("ready", "ActiveState=active", "ActiveState,SubState,StatusText,WatchdogUSec")
        .sh("status", STATUS)
        .step("drift", ["write", "/proc/sys/vm/swappiness", "61"])
        .logs("drifted", "drifted: vm.swappiness 60 → 61, wanted 60, since 2")
        .shows("short", "1 fall short", "StatusText")
        .step("metrics", ["until", "tunectl_setting_found{setting=\"vm.swappiness\"} 61", "/bin/sh", "-c", METRICS])
        .systemctl("reload", "reload", "tunectl-watch")
        .logs("reloaded", "reloaded: 2 settings of production, 1 hold, 1 fall short")
        .sh("edit", "echo 'linux.sysctl.vm.swappiness = 61' >/etc/tunectl/profiles/production.toml")
        .logs("followed", "reloaded: 1 setting of production, 1 hold, 0 fall short")
        .sh("fed", FED)
        .sh("kill", "systemctl kill --kill-whom=main --signal=KILL tunectl-watch")
        .shows("restarted", "NRestarts=1\nActiveState=active", "NRestarts,ActiveState")
        .logs("again", "watching 1 setting of production, 1 hold, 0 fall short")
        .systemctl("stop", "stop", "tunectl-watch")
        .shows("stopped", "ActiveState=inactive", "ActiveState,Result,ExecMainStatus,NRestarts")
        .step("value", ["read", "/proc/sys/vm/swappiness"]);
    let outcome = machine.boot_systemd(Kernel::Newer);

    succeed(&outcome, &["start", "status", "reload", "edit", "fed", "kill", "stop"]);
    outcome.says("ready", "SubState=running");
    outcome.says("ready", "StatusText=2 settings, 0 fall short, last read 2");
    outcome.says("ready", "WatchdogUSec=10s");
    outcome.is("status.out", "CapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1\nSeccomp: 2\n");
    for name in ["drifted", "short", "metrics", "reloaded", "followed", "restarted", "again"] {
        outcome.get(name);
    }
    outcome.says("stopped", "Result=success");
    outcome.says("stopped", "ExecMainStatus=0");
    outcome.is("value", "61");
}

/// What no kernel has before the module is loaded.
const LATE: &str = "\"net.netfilter.nf_conntrack_max\" = { exactly = 77777, required = false }";

/// For the machine, for a module's keys that may come, and for a service.
const LASTS: &str = "[linux.sysctl]
vm.swappiness = 7
net.ipv4.ip_local_port_range = { covers = [1024, 65535] }
[linux.sysfs]
'kernel/mm/transparent_hugepage/enabled' = 'never'
[service]
ports = [8080]
";

const LIMITS: &str = "[rlimit]\nnofile = { soft = 5000, hard = 6000 }\n";

const PROBE: &str = "[Service]\nType=oneshot\nExecStart=/bin/guest report\n";

/// What `apply --persist` writes for this.
const FILES: [&str; 3] = [
    "etc/sysctl.d/99-tunectl.conf",
    "etc/tmpfiles.d/tunectl.conf",
    "etc/systemd/system/probe.service.d/99-tunectl.conf",
];

trait Lasting {
    fn looks(self, name: &str) -> Self;
}

impl Lasting for Machine {
    /// What stands there, and the limits of a service.
    fn looks(self, name: &str) -> Self {
        self.step(&format!("{name}-swappiness"), ["read", "/proc/sys/vm/swappiness"])
            .step(&format!("{name}-ports"), ["read", "/proc/sys/net/ipv4/ip_local_reserved_ports"])
            .step(&format!("{name}-pages"), ["read", "/sys/kernel/mm/transparent_hugepage/enabled"])
            .systemctl(&format!("{name}-probe"), "restart", "probe")
            .step(
                &format!("{name}-limits"),
                [
                    "until",
                    "Max open files",
                    "/usr/bin/journalctl",
                    "-q",
                    "-o",
                    "cat",
                    "-u",
                    "probe",
                    "-g",
                    "open files",
                ],
            )
    }
}

fn lasts(outcome: &Outcome, name: &str) {
    outcome.is(&format!("{name}-swappiness"), "7");
    outcome.is(&format!("{name}-ports"), "8080");
    outcome.is(&format!("{name}-pages"), "always madvise [never]");
    outcome.has_words(&format!("{name}-limits"), "Max open files 5000 6000 files");
}

#[test]
#[ignore = "machine tier: needs qemu and kernels; `.ci/machine` brings them"]
fn revert_undoes_repairs_and_persisted_settings_survive_reboot() {
    let first = machine()
        .file("etc/systemd/system/tunectl-watch.service.d/repair.conf", REPAIR)
        .file("etc/systemd/system/probe.service", PROBE)
        .profile("lasts", LASTS)
        .profile("limits", LIMITS)
        .modules()
        .sh("late", &format!("echo '{LATE}' >>/etc/tunectl/profiles/production.toml"))
        // A watch that puts back, until it is killed and then stopped; what it did is undone.
        .systemctl("start", "start", "tunectl-watch")
        .step("drift", ["write", "/proc/sys/vm/swappiness", "61"])
        .logs("repaired", "repaired: vm.swappiness 61 → 60")
        // What comes with a module is found by the next look at everything, within half a minute.
        .step("load-late", ["exec", "/bin/guest", "modprobe", "nf_conntrack"])
        .logs("came", "repaired: net.netfilter.nf_conntrack_max ")
        .step("come", ["read", "/proc/sys/net/netfilter/nf_conntrack_max"])
        .sh("kill", "systemctl kill --kill-whom=main --signal=KILL tunectl-watch")
        .shows("restarted", "NRestarts=1\nActiveState=active", "NRestarts,ActiveState")
        .systemctl("stop", "stop", "tunectl-watch")
        .step("revert", ["exec", TUNECTL, "revert"])
        // What lasts.
        .step(
            "apply",
            [
                "exec",
                TUNECTL,
                "apply",
                "-p",
                "/etc/lasts.toml",
                "-p",
                "/etc/limits.toml",
                "--persist",
                "--unit",
                "probe",
            ],
        )
        .step("spoil", ["write", "/proc/sys/vm/swappiness", "60"])
        .step("spoil-ports", ["write", "/proc/sys/net/ipv4/ip_local_reserved_ports", "\n"])
        .systemctl("sysctl", "restart", "systemd-sysctl")
        .step("load", ["exec", SYSTEMCTL, "daemon-reload"])
        .looks("now");
    let first = FILES.iter().fold(first, |machine, file| machine.step(file, ["read", &format!("/{file}")]));
    let outcome = first.boot_systemd(Kernel::Newer);

    succeed(
        &outcome,
        &["late", "start", "load-late", "kill", "stop", "revert", "apply", "sysctl", "load", "now-probe"],
    );
    outcome.get("restarted");
    outcome.is("come", "77777");
    outcome.says("revert.out", "vm.swappiness 60 → 61\n");
    outcome.says("revert.out", "net.netfilter.nf_conntrack_max 77777 → ");
    outcome.says("revert.out", "2 settings put back\n");
    lasts(&outcome, "now");

    // Another boot, of a system on which those files stand.
    let second = machine().file("etc/systemd/system/probe.service", PROBE).profile("lasts", LASTS).looks("then");
    let second = second.step("check", ["exec", TUNECTL, "check", "-p", "/etc/lasts.toml"]);
    let second = FILES.iter().fold(second, |machine, file| machine.file(file, &format!("{}\n", outcome.get(file))));
    let outcome = second.boot_systemd(Kernel::Newer);

    lasts(&outcome, "then");
    succeed(&outcome, &["check", "then-probe"]);
}
