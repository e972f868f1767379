//! The table of `check`, `apply` and `run`: nothing twice, one line a pattern, within the width of a screen.

use std::collections::HashSet;

use tunectl::kernel::fake::{Behaviour, Fake, MountMode};

use crate::support::world::Computer;

const RUNTIMES: [&str; 7] = ["docker", "podman", "kubernetes", "lxc", "systemd-nspawn", "nothing-known", ""];

fn container(runtime: &str) -> Computer {
    let fake = Fake::linux().in_network_namespace().mounted("", MountMode::ReadOnly).without_cap_sys_resource();
    Computer::linux(fake).container_of(runtime)
}

/// In every runtime, of every built-in profile, in short and at length.
#[test]
fn no_line_is_printed_twice() {
    for (runtime, profile) in RUNTIMES.iter().flat_map(|runtime| PROFILES.map(|profile| (runtime, profile))) {
        for flags in ["", " -v"] {
            let ended = container(runtime).types(&format!("check -p {profile} --port 8080{flags}"));
            let mut lines = HashSet::new();
            // The heading of a remedy may be that of another one, for other settings; what is to be pasted is not.
            for line in ended.stdout.lines().filter(|line| !line.is_empty() && !line.ends_with(':')) {
                assert!(lines.insert(line), "{runtime} {profile}{flags}: twice: {line}\n{}", ended.stdout);
            }
        }
    }
}

const PROFILES: [&str; 4] = ["base", "production", "loadtest", "realtime"];

/// Every row that falls short has the number of a note, and every note is of a row.
#[test]
fn every_number_leads_to_a_note() {
    for (runtime, profile) in RUNTIMES.iter().flat_map(|runtime| PROFILES.map(|profile| (runtime, profile))) {
        let ended = container(runtime).types(&format!("check -p {profile} --port 8080"));
        let (table, notes) = ended.stdout.split_once("\n\n").unwrap();
        let marks: HashSet<&str> = table.lines().flat_map(|line| line.split(" [").skip(1)).collect();
        for line in table.lines().skip(1) {
            let holds = line.contains("  ok");
            assert_eq!(line.ends_with(']'), !holds, "{runtime} {profile}: {line}\n{}", ended.stdout);
        }
        let numbers = (1..99).take_while(|number| notes.contains(&format!("\n[{number}] "))).count();
        let used: HashSet<&str> = marks.iter().flat_map(|mark| mark.trim_end_matches(']').split("][")).collect();
        assert_eq!(used.len(), numbers, "{runtime} {profile}\n{}", ended.stdout);
    }
}

#[test]
fn both_sides_of_a_limit_share_their_row() {
    let ended = container("docker").types("check --rlimit nproc=100000:100000");
    assert_eq!(
        ended.stdout,
        "SETTING             REQUIRED  CURRENT  RESULT
nproc (soft, hard)  100000    30500    differs [1]

2 of 2 settings fall short

[1] nproc (soft, hard)
    why: the hard limit is 30500, and raising it to 100000 needs CAP_SYS_RESOURCE
    start the container with: docker run --ulimit nproc=100000:100000
more about the cause: tunectl explain hard-limit
"
    );
}

/// Interfaces by the thousand.
fn many(strange: usize) -> Computer {
    let interface = |fake: Fake, number: usize| {
        let value = if number < strange { "1" } else { "0" };
        fake.with(&format!("net.ipv4.conf.veth{number}.rp_filter"), value, Behaviour::numbers(0, 2))
    };
    let base = ["all", "default", "lo", "eth0"].iter().fold(Fake::linux(), |fake, name| {
        fake.with(&format!("net.ipv4.conf.{name}.rp_filter"), "2", Behaviour::numbers(0, 2))
    });
    let profile = "[linux.sysctl]\n\"net.ipv4.conf.*.rp_filter\" = { one_of = [0, 2] }\n";
    Computer::linux((0..1998).fold(base, interface)).file("p.toml", profile)
}

#[test]
fn a_pattern_is_one_line() {
    let checked = many(7).types("check -p @/p.toml");
    assert_eq!(checked.code, Some(1));
    // The command is folded where the profile has a long path.
    let unfolded = checked.stdout.replace(":\n      tunectl", ": tunectl").replace(" \\\n        ", " ");
    assert_eq!(
        unfolded,
        "SETTING                    REQUIRED     CURRENT  RESULT
net.ipv4.conf.*.rp_filter  one of 0, 2  1        7 of 2003 not applied [1]
    veth0 veth1 veth2 veth3 veth4 and 2 more (-v shows all)

7 of 2003 settings fall short

[1] net.ipv4.conf.*.rp_filter
    can be set here: tunectl apply -p p.toml
"
    );
    let applied = many(7).types("apply -p @/p.toml");
    assert_eq!(
        applied.stdout,
        "net.ipv4.conf.*.rp_filter 1 → 0  (7 settings)\n7 settings changed and read back, 1996 already match\n"
    );
    assert_eq!(many(0).types("check -p @/p.toml").stdout.lines().count(), 4);
    // A program reads each.
    let document = many(7).types("check -p @/p.toml --format json").stdout;
    assert_eq!(document.matches("\"setting\": \"net.ipv4.conf.").count(), 2003);
    assert_eq!(document.matches("\"remedies\": [").count(), 7);
}

/// A value of a page does not push the results off the screen.
#[test]
fn long_values_are_cut() {
    let long = "x".repeat(300);
    let fake = Fake::linux().with("kernel.core_pattern", &long, Behaviour::Text(4096));
    let ended = Computer::linux(fake).types(&format!("check --set kernel.core_pattern={long}y"));
    let table: Vec<&str> = ended.stdout.lines().take(2).collect();
    assert!(table.iter().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    assert!(table[1].contains("x…  xxx"), "{}", ended.stdout);
    // What is to be pasted is whole.
    assert!(ended.stdout.contains(&format!("kernel.core_pattern={long}y\n")), "{}", ended.stdout);
}
