//! `check`, `apply --dry-run`, `apply` and `apply --best-effort` say the same of one profile on one machine.

use proptest::prelude::*;
use serde_json::Value as Json;
use tunectl::kernel::fake::{Behaviour, Fake, MountMode};

use crate::support::world::{Computer, PID};

/// A machine, and the profile that is applied on it. Not every required setting of it can be had.
struct Row {
    what: &'static str,
    computer: fn() -> Computer,
    profile: &'static str,
}

fn shell(computer: Computer) -> Computer {
    computer.process(PID, 700, "tunectl").process(700, 1, "bash").process(1, 0, "systemd")
}

fn root(fake: Fake) -> Computer {
    shell(Computer::linux(fake.with_process(700, 0)))
}

const SHORT: [Row; 6] = [
    Row {
        what: "a key that does not exist",
        computer: || root(Fake::linux()),
        profile: "linux.sysctl.net.core.somaxconn = 9999\nlinux.sysctl.net.ipv4.nonsense = 1\n",
    },
    Row {
        what: "a key on a read-only mount",
        computer: || root(Fake::linux().mounted("net/core", MountMode::ReadOnly)),
        profile: "linux.sysctl.net.core.somaxconn = 9999\nlinux.sysctl.net.ipv4.tcp_fin_timeout = 31\n",
    },
    Row {
        what: "a value that is clamped",
        computer: || root(Fake::linux().with("net.core.somaxconn", "5", Behaviour::clamped(1, 10))),
        profile: "linux.sysctl.net.core.somaxconn = 9999\nlinux.sysctl.net.ipv4.tcp_fin_timeout = 31\n",
    },
    Row {
        what: "a hard limit above the kernel's",
        computer: || root(Fake::linux()),
        profile: "linux.sysctl.net.core.somaxconn = 9999\nrlimit.nofile = { soft = 2000, hard = 99999999 }\n",
    },
    Row {
        what: "a setting of the host in a container",
        computer: || root(Fake::linux()).contained(),
        profile: "linux.sysctl.net.core.somaxconn = 9999\nlinux.sysctl.vm.swappiness = 7\n",
    },
    Row {
        what: "an ordinary user",
        computer: || shell(Computer::linux(Fake::linux().with_process(700, 1000).as_user(1000)).user(1000)),
        profile: "linux.sysctl.net.core.somaxconn = 9999\nrlimit.nofile = { soft = 2000 }\n",
    },
];

/// `--best-effort` decides what is kept, not what holds.
#[test]
fn best_effort_keeps_what_it_can_and_its_exit_code_tells_that_something_falls_short() {
    for Row { what, computer, profile } in SHORT {
        let codes = ["", "--best-effort "].map(|flag| {
            let mut machine = computer().file("p.toml", profile);
            let ended = machine.types(&format!("apply {flag}-p @/p.toml"));
            let checked = machine.types("check -p @/p.toml --pid 700");
            (ended.code, checked.code, ended.stderr)
        });
        for (applied, checked, stderr) in codes {
            assert_eq!((applied, checked), (Some(1), Some(1)), "{what}: {stderr}");
        }
        let mut machine = computer().file("p.toml", profile);
        let service = machine.types("run --best-effort -p @/p.toml -- true");
        assert_eq!(service.code, None, "{what}: the service starts: {}", service.stderr);
    }
}

/// A limit has two sides: setting one changes one setting.
#[test]
fn what_is_told_to_be_put_back_is_what_had_been_changed() {
    for (limit, changed) in [
        ("soft = 2000", 1),
        ("soft = { at_least = 1000 }, hard = 600000", 1),
        ("soft = 2000, hard = 600000", 2),
        ("hard = 600", 1),
        ("soft = 1024, hard = 524288", 0),
    ] {
        let profile = format!(
            "linux.sysctl.net.core.somaxconn = 9999\nlinux.sysctl.net.ipv4.nonsense = 1\nrlimit.nofile = {{ {limit} }}\n"
        );
        for command in ["apply", "run"] {
            let mut machine = root(Fake::linux()).file("p.toml", &profile);
            let end = if command == "run" { " -- true" } else { "" };
            let ended = machine.types(&format!("{command} -p @/p.toml{end}"));
            let said = ended.stderr.split_once("nothing was changed (").unwrap().1;
            let said: usize = said.split(' ').next().unwrap().parse().unwrap();
            // A lowered hard limit waits for everything else.
            let changed = if limit == "hard = 600" && command == "apply" { 0 } else { changed };
            assert_eq!(said, 1 + changed, "{command} {limit}: {}", ended.stderr);
        }
    }
}

/// Keys that are plain, clamp, round, depend on or reset each other.
const NUMBERS: [&str; 16] = [
    "net.core.somaxconn",
    "net.core.rmem_max",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_syn_retries",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.neigh.eth0.base_reachable_time_ms",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_forward",
    "net.ipv4.conf.eth0/100.rp_filter",
    "fs.nr_open",
    "fs.pipe-max-size",
    "vm.nr_hugepages",
    "vm.dirty_ratio",
    "vm.dirty_bytes",
    "vm.overcommit_ratio",
    "no.such.key",
];

fn wanted() -> impl Strategy<Value = String> {
    let number = prop_oneof![0_i64..10, 1_i64..70_000, Just(1 << 20), 0_i64..3_000_000, 0_i64..30_000_000];
    let required = prop_oneof![3 => Just(""), 1 => Just(", required = false")];
    (prop_oneof!["exactly", "at_least", "at_most"], number, required)
        .prop_map(|(operator, number, required)| format!("{{ {operator} = {number}{required} }}"))
}

fn profiles() -> impl Strategy<Value = String> {
    let keys = prop::collection::btree_map(prop::sample::select(NUMBERS.to_vec()), wanted(), 0..6);
    let range = prop::option::of((1_u16..60_000, 0_u16..5_000, prop_oneof!["exactly", "covers"]));
    let limits = prop::collection::btree_map(prop::sample::select(vec!["nofile", "nproc", "core"]), wanted(), 0..3);
    let control = prop::option::of(prop_oneof![
        Just("\"reno\""),
        Just("\"nonesuch\""),
        Just("{ one_of = [\"nonesuch\", \"reno\"] }")
    ]);
    let port = prop::option::of(1_u16..60_000);
    (keys, range, limits, control, port).prop_map(|(keys, range, limits, control, port)| {
        let mut lines = vec!["[linux.sysctl]".to_owned()];
        lines.extend(keys.iter().map(|(key, wanted)| format!("\"{key}\" = {wanted}")));
        lines.extend(range.map(|(low, more, operator)| {
            format!("net.ipv4.ip_local_port_range = {{ {operator} = [{low}, {}] }}", low + more)
        }));
        lines.extend(control.map(|name| format!("net.ipv4.tcp_congestion_control = {name}")));
        lines.push("[rlimit]".to_owned());
        lines.extend(limits.iter().map(|(limit, wanted)| format!("{limit} = {wanted}")));
        lines.extend(port.map(|port| format!("[service]\nports = [{port}]")));
        lines.join("\n") + "\n"
    })
}

/// A machine, by its number.
fn machine(number: usize) -> Computer {
    match number {
        0 => root(Fake::linux()),
        1 => root(Fake::linux().without_cap_sys_resource()).capabilities(!(1 << 24)),
        2 => shell(Computer::linux(Fake::linux().with_process(700, 1000).as_user(1000)).user(1000)),
        3 => root(Fake::linux().mode("net.ipv4.ip_local_reserved_ports", 0o444)),
        4 => root(Fake::linux().mounted("vm", MountMode::ReadOnly)),
        5 => root(Fake::linux().mounted("net", MountMode::ReadOnly)),
        _ => root(Fake::linux()).contained(),
    }
}

fn document(machine: &mut Computer, command: &str) -> (Option<i32>, Json) {
    let ended = machine.types(&format!("{command} -p @/p.toml --format json"));
    // A profile that contradicts itself is refused.
    let document = if ended.code == Some(2) { Json::Null } else { serde_json::from_str(&ended.stdout).unwrap() };
    (ended.code, document)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// What only a write shows is told as uncertain; all else comes as it was said.
    #[test]
    fn a_dry_run_predicts_what_apply_does(text in profiles(), number in 0_usize..7) {
        let mut computer = machine(number).file("p.toml", &text);
        let (checked, _) = document(&mut computer, "check --pid 700");
        let (planned, plan) = document(&mut computer, "apply --dry-run");
        if planned == Some(2) {
            return Ok(());
        }
        let (kept, after) = document(&mut computer, "apply --best-effort");
        let findings = |document: &Json| document["findings"].as_array().unwrap().clone();
        let is_uncertain = findings(&plan).iter().any(|finding| finding.get("uncertain").is_some());
        for (before, after) in findings(&plan).iter().zip(&findings(&after)) {
            prop_assert_eq!(&before["setting"], &after["setting"]);
            let (verdict, target, found) = (&before["verdict"], &before["target"], &after["found"]);
            match verdict.as_str().unwrap() {
                "would-change" if before.get("uncertain").is_none() => prop_assert_eq!(target, found, "{}\n{}", text, before),
                "would-change" => {}
                // Of two that exclude each other, one is set.
                _ if before["cause"] == "contradiction" => {}
                "holds" => prop_assert_ne!(&after["verdict"], "falls-short", "{}\n{}", text, before),
                _ => prop_assert_eq!(&after["verdict"], "falls-short", "{}\n{}", text, before),
            }
        }
        if !is_uncertain {
            prop_assert_eq!(planned, kept, "{}", text);
        }
        prop_assert!(checked == Some(0) || planned == Some(1) || findings(&plan).iter().any(|finding| finding["verdict"] == "would-change"), "{}", text);
        let mut again = machine(number).file("p.toml", &text);
        let (applied, _) = document(&mut again, "apply");
        prop_assert_eq!(applied, kept, "{}", text);
        let (checked, _) = document(&mut computer, "check --pid 700");
        prop_assert_eq!(checked, kept, "{}", text);
    }
}
