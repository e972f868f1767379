//! Thousands of settings and listeners: what is asked of the kernel grows as they do and no faster, and what people see
//! does not grow with them.

use std::fmt::Write;

use tunectl::kernel::fake::{Behaviour, Fake, MountMode};
use tunectl::linux::listeners::{ListenAddress, Listener};
use tunectl::linux::process::NamedProcess;

use crate::support::world::{Computer, PID};

/// So many network interfaces, each with these settings.
const FEW: usize = 150;
const LEAVES: [&str; 3] = ["rp_filter", "arp_ignore", "log_martians"];

/// A machine with so many interfaces, on each of which every setting is 0.
fn with_interfaces(count: usize) -> Fake {
    let names = (0..count).flat_map(|number| LEAVES.map(|leaf| format!("net.ipv4.conf.veth{number}.{leaf}")));
    names.fold(Fake::linux(), |fake, name| fake.with(&name, "0", Behaviour::Text(64)))
}

/// A profile that asks for `value` of every setting, by patterns.
fn patterns(value: u32) -> String {
    let line = |leaf: &str| format!("\"net.ipv4.conf.veth*.{leaf}\" = {value}\n");
    format!("[linux.sysctl]\n{}", LEAVES.map(line).concat())
}

/// The same, each by its name; of interfaces that nobody has where `missing`.
fn names(count: usize, missing: bool) -> String {
    let mut profile = "[linux.sysctl]\n".to_owned();
    let interface = if missing { "gone" } else { "veth" };
    for number in 0..count {
        for leaf in LEAVES {
            let _ = writeln!(profile, "\"net.ipv4.conf.{interface}{number}.{leaf}\" = 1");
        }
    }
    profile
}

/// Kernel calls for one setting, and the lines of a text that is shown where not all is asked for.
#[test]
fn kernel_calls_and_lines_do_not_grow_faster_than_the_settings() {
    type Machine = fn(usize) -> Computer;
    let root: Machine = |count| Computer::linux(with_interfaces(count));
    let user: Machine = |count| Computer::linux(with_interfaces(count).as_user(1000)).user(1000);
    let container: Machine =
        |count| Computer::linux(with_interfaces(count).mounted("", MountMode::ReadOnly)).container_of("docker");
    let scenes: [(&str, Machine, usize, bool); 12] = [
        ("check -p @/short.toml", root, 2, true),
        ("check -p @/short.toml", user, 2, true),
        ("check -p @/short.toml --format json", container, 2, false),
        ("check -p @/holds.toml", root, 1, true),
        ("check -v -p @/short.toml", root, 2, false),
        ("check -p @/names.toml", root, 2, false),
        ("check -p @/missing.toml", root, 2, false),
        ("apply -p @/short.toml", root, 3, true),
        ("apply -p @/short.toml", user, 6, true),
        ("apply -p @/holds.toml", root, 1, true),
        ("watch --once -p @/short.toml", root, 1, false),
        ("run --best-effort -p @/short.toml -- true", root, 3, true),
    ];
    for (typed, machine, calls_each, folded) in scenes {
        let run = |count: usize| {
            let computer = machine(count).file("short.toml", &patterns(1)).file("holds.toml", &patterns(0));
            let mut computer =
                computer.file("names.toml", &names(count, false)).file("missing.toml", &names(count, true));
            let ended = computer.types(typed);
            let lines = ended.stdout.lines().count() + ended.stderr.lines().count();
            (computer.kernel.calls, lines)
        };
        let (few, many) = (run(FEW), run(2 * FEW));
        let most = 2 * FEW * LEAVES.len() * calls_each;
        assert!(many.0 <= most + 10, "{typed}: {} calls, at most {calls_each} a setting: {most}", many.0);
        assert!(many.0 <= 2 * few.0 + 10, "{typed}: {} calls became {}", few.0, many.0);
        assert!(many.1 <= 2 * few.1 + 10, "{typed}: {} lines became {}", few.1, many.1);
        assert!(!folded || many.1 == few.1, "{typed}: {} lines became {}", few.1, many.1);
    }
}

fn listener(address: ListenAddress, backlog: u32, holder: Option<(&str, i32)>) -> Listener {
    let holder = holder.map(|(name, pid)| NamedProcess { pid, name: name.to_owned() });
    Listener { address, backlog, waiting: 1, drops: None, holder, inode: 0 }
}

fn tcp(port: u16) -> ListenAddress {
    ListenAddress::Tcp(port, "0.0.0.0".parse().unwrap())
}

/// Listeners of one process with queues of one length are one line, unless they are a few; each has its line in JSON, and
/// with `-v`. What sets the length is named once for each service.
#[test]
fn listeners_are_folded_by_process_and_queue() {
    let mut listeners: Vec<Listener> = (1..=500).map(|port| listener(tcp(port), 5, Some(("python3", 70)))).collect();
    listeners.extend([listener(tcp(8080), 64, Some(("nginx", 71))), listener(tcp(8080), 64, Some(("nginx", 71)))]);
    listeners.push(listener(ListenAddress::Unix("/run/n".to_owned()), 64, Some(("nginx", 71))));
    listeners.push(listener(ListenAddress::Unix("@x".to_owned()), 10, None));
    let mut host = Computer::linux(Fake::linux()).process(PID, 1, "tunectl").listening(listeners);
    let ended = host.types(&format!("check --set net.core.somaxconn=4096 --pid {PID}"));
    ended.expected("cli/scale/listeners");
    let json = host.types(&format!("check --set net.core.somaxconn=4096 --pid {PID} --format json"));
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let listed = json["listeners"].as_array().unwrap();
    assert_eq!(listed.len(), 504);
    assert_eq!(listed[0]["process"]["name"], "python3");
    let nginx = listed.iter().find(|entry| entry["process"]["name"] == "nginx").unwrap();
    let remedy = "in nginx.conf: `listen 0.0.0.0:8080 backlog=4096;`, then restart nginx";
    assert_eq!(nginx["remedy"], remedy);
}
