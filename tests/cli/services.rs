//! Profiles of real services where little can be set: what a service can do without keeps none from starting.

use tunectl::kernel::fake::{Fake, MountMode};
use tunectl::model::limit::{Limit, Limits, Resource};

use crate::support::world::Computer;

/// A container as engines start it: its settings are read-only.
fn container(range: &str) -> Computer {
    let fake = Fake::linux().holding("net.ipv4.ip_local_port_range", range).mounted("", MountMode::ReadOnly);
    Computer::linux(fake).container_of("docker")
}

/// Ports have to be reserved only where the kernel may give them to outgoing connections: a service starts in a container
/// exactly where none of its ports is among those.
#[test]
fn a_service_starts_where_its_ports_are_not_given_away() {
    for range in ["32768 60999", "1024 65535", "6380 6400", "1 1", "20000 20000"] {
        let ends: Vec<u16> = range.split(' ').map(|end| end.parse().unwrap()).collect();
        let (low, high) = (ends[0], ends[1]);
        for ports in ["6379", "6379,9000-9010", "1", "65535", "6000-7000", "20000", "80,443,60999"] {
            let given_away = (low..=high).any(|port| {
                ports.split(',').any(|part| {
                    let (first, last) = part.split_once('-').unwrap_or((part, part));
                    (first.parse().unwrap()..=last.parse::<u16>().unwrap()).contains(&port)
                })
            });
            let flags = ports.split(',').fold(String::new(), |flags, port| flags + " --port " + port);
            for command in [format!("run -p base{flags} -- true"), format!("check -p base{flags}")] {
                let mut container = container(range);
                let ended = container.types(&command);
                let expected = match (command.starts_with("run"), given_away) {
                    (true, false) => None,
                    (true, true) => Some(125),
                    (false, given_away) => Some(i32::from(given_away)),
                };
                assert_eq!(ended.code, expected, "{command} with {range}: {}{}", ended.stdout, ended.stderr);
                assert!(container.kernel.changes.iter().all(|change| change.contains("reserved")), "{command}");
            }
        }
    }
}

/// The range as the profile will leave it counts.
#[test]
fn ports_in_the_range_to_come_are_reserved() {
    let wide =
        "linux.sysctl.'net.ipv4.ip_local_port_range' = { covers = [20000, 65535] }\n[service]\nports = [8080, 20001]\n";
    let mut host = Computer::linux(Fake::linux()).file("wide.toml", wide);
    host.types("apply -p @/wide.toml");
    assert_eq!(
        host.kernel.changes,
        ["net.ipv4.ip_local_reserved_ports=8080,20001", "net.ipv4.ip_local_port_range=20000 65535"]
    );
    let narrow = "linux.sysctl.'net.ipv4.ip_local_port_range' = [40001, 65534]\n[service]\nports = 40000\n";
    let mut host = Computer::linux(Fake::linux()).file("narrow.toml", narrow);
    host.types("apply -p @/narrow.toml");
    assert_eq!(host.kernel.changes, ["net.ipv4.ip_local_port_range=40001 65534"]);
    // What the profile itself says of the list is required as it says it.
    let said = "linux.sysctl.'net.ipv4.ip_local_reserved_ports' = { includes = 80 }\n[service]\nports = 81\n";
    let mut host = Computer::linux(Fake::linux()).file("said.toml", said);
    host.types("apply -p @/said.toml");
    assert_eq!(host.kernel.changes, ["net.ipv4.ip_local_reserved_ports=80-81"]);
}

/// The built-in profiles for services start them where the hard limit of open files is that of a plain container.
#[test]
fn a_low_hard_limit_keeps_no_service_from_starting() {
    let low = Limits { soft: Limit::Value(1024), hard: Limit::Value(20000) };
    for profile in ["base", "production"] {
        let fake = Fake::linux().without_cap_sys_resource().limited(Resource::Nofile, low);
        let mut container = Computer::linux(fake).container_of("docker");
        let ended = container.types(&format!("run -p {profile} -- true"));
        assert_eq!(ended.code, None, "{profile}: {}{}", ended.stdout, ended.stderr);
        let soft = if profile == "base" { "1024:20000" } else { "16384:20000" };
        assert_eq!(container.limits(Resource::Nofile), soft, "{profile}");
    }
    // A load test without its soft limit measures the limit.
    let fake = Fake::linux().without_cap_sys_resource().limited(Resource::Nofile, low);
    let mut container = Computer::linux(fake).container_of("docker");
    assert_eq!(container.types("run -p loadtest --port 8080 -- true").code, Some(125));
}
