//! Each condition on machines that are made of files: one that has it, in two states; one that does not have it; one
//! where it can't be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::model::preflight::{CONDITIONS, WantedCondition};
use crate::profile::{Origin, Source};

/// A directory of files that is removed when it is dropped.
struct Tree(PathBuf);

impl Tree {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let tree = Self(std::env::temp_dir().join(format!("tunectl-preflight-{}-{number}", std::process::id())));
        fs::create_dir_all(tree.0.join("sys/devices")).unwrap();
        tree.file("proc/stat", "cpu  1 0 0 9 0 0 0 0 0 0\ncpu0 1 0 0 9 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 1\n")
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn read(&self, condition: Condition) -> Reading {
        read(&self.0, condition)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn read(root: &Path, condition: Condition) -> Reading {
    let places = Places { root: root.to_owned(), pid: None, target: None, ports: Vec::new() };
    Machine::new(places).read(&[condition]).remove(&condition).unwrap()
}

fn is(so: bool) -> Reading {
    Reading::Found(FoundCondition::Is(so))
}

fn number(number: f64) -> Reading {
    Reading::Found(FoundCondition::Number(number))
}

fn words(text: &str) -> Reading {
    Reading::Found(FoundCondition::Words(text.split(' ').map(str::to_owned).collect()))
}

/// Files of one machine, and what they say.
type Row<'a> = (Condition, &'a [(&'a str, &'a str)], Reading);

#[test]
#[allow(clippy::too_many_lines, reason = "most of it is a table")]
fn what_files_say_is_found() {
    const SUPPLY: &str = "sys/class/power_supply";
    const CPU: &str = "sys/devices/system/cpu";
    let supply = |name: &str, file: &str| format!("{SUPPLY}/{name}/{file}");
    let cpu = |file: &str| format!("{CPU}/{file}");
    let (battery, status) = (supply("BAT0", "type"), supply("BAT0", "status"));
    let (mains, online) = (supply("AC", "type"), supply("AC", "online"));
    let (mouse, scope) = (supply("mouse", "type"), supply("mouse", "scope"));
    let (first, second) = (cpu("cpu0/cpufreq/scaling_governor"), cpu("cpu1/cpufreq/scaling_governor"));
    let (intel, boost, smt, control) =
        (cpu("intel_pstate/no_turbo"), cpu("cpufreq/boost"), cpu("smt/active"), cpu("smt/control"));
    let meminfo = "MemTotal:  1000 kB\nMemAvailable:  250 kB\nSwapTotal:  200 kB\nSwapFree:  150 kB\n";
    let rows: &[Row<'_>] = &[
        (Condition::OnAcPower, &[(&battery, "Battery\n"), (&status, "Discharging\n")], is(false)),
        (Condition::OnAcPower, &[(&battery, "Battery\n"), (&status, "Full\n")], is(true)),
        (Condition::OnAcPower, &[(&battery, "Battery"), (&mains, "Mains"), (&online, "0\n")], is(false)),
        (Condition::OnAcPower, &[(&battery, "Battery"), (&mains, "Mains"), (&online, "1\n")], is(true)),
        (Condition::OnAcPower, &[(&mouse, "Battery"), (&scope, "Device")], Reading::NotApplicable),
        (Condition::OnAcPower, &[(&mains, "Mains"), (&online, "1")], Reading::NotApplicable),
        (Condition::ScalingGovernor, &[(&first, "performance\n"), (&second, "performance\n")], words("performance")),
        (
            Condition::ScalingGovernor,
            &[(&first, "performance\n"), (&second, "powersave\n")],
            words("performance powersave"),
        ),
        (Condition::Turbo, &[(&intel, "0\n")], is(true)),
        (Condition::Turbo, &[(&intel, "1\n"), (&boost, "1\n")], is(false)),
        (Condition::Turbo, &[(&boost, "1\n")], is(true)),
        (Condition::Smt, &[(&smt, "1\n"), (&control, "on\n")], is(true)),
        (Condition::Smt, &[(&smt, "0\n"), (&control, "off\n")], is(false)),
        (Condition::Smt, &[(&smt, "0\n"), (&control, "notsupported\n")], Reading::NotApplicable),
        (Condition::LoadPerCpu, &[("proc/loadavg", "1.50 1.0 1.0 1/100 7\n")], number(0.75)),
        (
            Condition::CpuPressure,
            &[("proc/pressure/cpu", "some avg10=12.50 avg60=1.00 avg300=0.00 total=7\n")],
            number(12.5),
        ),
        (Condition::MemoryPressure, &[("proc/pressure/memory", "some avg10=0.00 avg60=0.00 total=0\n")], number(0.0)),
        (Condition::IoPressure, &[("proc/pressure/io", "some avg10=3.00 avg60=0.00 total=0\n")], number(3.0)),
        (Condition::CpuSteal, &[], number(0.0)),
        (
            Condition::NetworkTraffic,
            &[("proc/net/dev", "Inter-| Receive\n face |bytes\n  lo: 7 0 0 0 0 0 0 0 7 0 0 0 0 0 0 0\n")],
            number(0.0),
        ),
        (
            Condition::TimeWaitSockets,
            &[("proc/net/sockstat", "sockets: used 9\nTCP: inuse 5 orphan 0 tw 123 alloc 7 mem 1\n")],
            number(123.0),
        ),
        (
            Condition::ConntrackInUse,
            &[
                ("proc/sys/net/netfilter/nf_conntrack_count", "25\n"),
                ("proc/sys/net/netfilter/nf_conntrack_max", "100\n"),
            ],
            number(25.0),
        ),
        (Condition::SystemFilesInUse, &[("proc/sys/fs/file-nr", "300\t0\t1000\n")], number(30.0)),
        (Condition::MemoryInUse, &[("proc/meminfo", meminfo)], number(75.0)),
        (Condition::SwapInUse, &[("proc/meminfo", meminfo)], number(25.0)),
        (Condition::SwapInUse, &[("proc/meminfo", "SwapTotal: 0 kB\nSwapFree: 0 kB\n")], Reading::NotApplicable),
        (Condition::ThermalThrottling, &[(&cpu("cpu0/thermal_throttle/core_throttle_count"), "7\n")], is(false)),
        (
            Condition::TransparentHugePages,
            &[("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")],
            words("madvise"),
        ),
        (Condition::AddressSpaceRandomization, &[("proc/sys/kernel/randomize_va_space", "2\n")], words("2")),
        (
            Condition::Clocksource,
            &[("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n")],
            words("tsc"),
        ),
    ];
    for (condition, files, expected) in rows {
        let tree = files.iter().fold(Tree::new(), |tree, (path, text)| tree.file(path, text));
        assert_eq!(tree.read(*condition), *expected, "{condition}: {files:?}");
    }
    // What files tell of is in this table; the rest comes from sockets, processes and control groups.
    let asked = |condition: &Condition| rows.iter().any(|(asked, ..)| asked == condition);
    let missing: Vec<String> =
        CONDITIONS.iter().map(|row| row.condition).filter(|it| !asked(it)).map(|it| it.to_string()).collect();
    let others = ["ephemeral_ports_in_use", "process_files_in_use", "cpu_quota", "cpu_throttled", "other_listeners"];
    assert_eq!(missing, others);
}

#[test]
fn what_a_machine_does_not_have_is_not_applicable() {
    let bare = Tree::new();
    let lacking = CONDITIONS.iter().filter(|row| bare.read(row.condition) == Reading::NotApplicable);
    let lacking: Vec<&str> = lacking.map(|row| row.name).collect();
    for name in [
        "on_ac_power",
        "scaling_governor",
        "turbo",
        "smt",
        "cpu_pressure",
        "memory_pressure",
        "io_pressure",
        "conntrack_in_use",
        "thermal_throttling",
        "transparent_huge_pages",
        "other_listeners",
    ] {
        assert!(lacking.contains(&name), "{name}: {lacking:?}");
    }
}

#[test]
fn what_can_not_be_read_is_unknown_and_never_holds() {
    // No procfs and no sysfs at all. Sockets are asked for by netlink, whatever is mounted.
    let nothing = std::env::temp_dir().join("tunectl-preflight-nothing");
    for row in &CONDITIONS {
        let reading = read(&nothing, row.condition);
        let by_other_means = matches!(row.condition, Condition::OtherListeners | Condition::ThermalThrottling);
        assert!(by_other_means || matches!(reading, Reading::Unknown(_)), "{}: {reading:?}", row.name);
    }
    let garbage = [
        (Condition::LoadPerCpu, "proc/loadavg"),
        (Condition::CpuPressure, "proc/pressure/cpu"),
        (Condition::TimeWaitSockets, "proc/net/sockstat"),
        (Condition::NetworkTraffic, "proc/net/dev"),
        (Condition::SystemFilesInUse, "proc/sys/fs/file-nr"),
        (Condition::MemoryInUse, "proc/meminfo"),
        (Condition::SwapInUse, "proc/meminfo"),
        (Condition::TransparentHugePages, "sys/kernel/mm/transparent_hugepage/enabled"),
        (Condition::AddressSpaceRandomization, "proc/sys/kernel/randomize_va_space"),
        (Condition::Turbo, "sys/devices/system/cpu/intel_pstate/no_turbo"),
        (Condition::EphemeralPortsInUse, "proc/sys/net/ipv4/ip_local_port_range"),
    ];
    for (condition, path) in garbage {
        let text = if condition == Condition::AddressSpaceRandomization { "\n" } else { "rubbish\n" };
        let reading = Tree::new().file(path, text).read(condition);
        assert!(matches!(reading, Reading::Unknown(_)), "{condition}: {reading:?}");
    }
}

/// Of this machine nothing is known, but the descriptors of this process are.
#[test]
fn this_machine_can_be_read() {
    let found = read(Path::new("/"), Condition::ProcessFilesInUse);
    assert!(matches!(found, Reading::Found(FoundCondition::Number(part)) if part > 0.0), "{found:?}");
    for row in &CONDITIONS {
        let reading = read(Path::new("/"), row.condition);
        if let Reading::Found(FoundCondition::Number(number)) = reading {
            assert!(number.is_finite() && number >= 0.0, "{}: {number}", row.name);
        }
    }
}

fn finding(condition: Condition, wanted: WantedCondition, required: Option<bool>, reading: Reading) -> Finding {
    let source = Source { label: String::new(), text: String::new(), hidden_from: None };
    let origin = Origin { source: std::rc::Rc::new(source), span: 0..0 };
    Finding { requirement: PreflightRequirement { condition, wanted, required, origin }, reading }
}

#[test]
fn what_prevents_a_benchmark() {
    let unknown = || Reading::Unknown(String::new());
    for (condition, reading, required, fails, waited_for, prevents) in [
        // What can pass has to, unless it is not required.
        (Condition::LoadPerCpu, number(9.0), None, false, true, true),
        (Condition::LoadPerCpu, number(9.0), Some(false), false, true, false),
        (Condition::LoadPerCpu, number(9.0), Some(true), true, true, true),
        (Condition::LoadPerCpu, number(0.1), Some(true), false, false, false),
        // What can't is a warning, unless it is required.
        (Condition::CpuThrottled, number(9.0), None, false, false, false),
        (Condition::CpuThrottled, number(9.0), Some(true), true, false, true),
        // What is not known does not hold, and does not come to be known by waiting.
        (Condition::LoadPerCpu, unknown(), None, false, false, false),
        (Condition::LoadPerCpu, unknown(), Some(true), true, false, true),
        // What there is not needs not hold.
        (Condition::LoadPerCpu, Reading::NotApplicable, Some(true), false, false, false),
    ] {
        let about = format!("{condition} {reading:?} {required:?}");
        let finding = finding(condition, WantedCondition::AtMost(1.0), required, reading);
        assert_eq!(
            (finding.fails(), finding.is_waited_for(), finding.prevents()),
            (fails, waited_for, prevents),
            "{about}"
        );
    }
}
