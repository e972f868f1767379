//! `check`, `apply --dry-run`, `apply` and `apply --best-effort` say the same of one profile on one machine.

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
