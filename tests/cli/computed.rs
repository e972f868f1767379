//! Amounts relative to the machine are refused where the number that they come to is refused.

use tunectl::kernel::fake::Fake;

use crate::support::world::{Computer, PID};

/// Profiles in which each `#N` stands for a number; of the machine, with its four processors, they all are multiples.
const REFUSED: [&str; 14] = [
    "linux.sysctl.net.core.somaxconn = { at_least = #2000, at_most = #1500 }",
    "linux.sysctl.net.core.somaxconn = { at_most = #1500, at_least = #2000 }",
    "linux.sysctl.net.core.somaxconn = #4294967296",
    "linux.sysctl.net.core.somaxconn = { at_most = #4294967296 }",
    "linux.sysctl.net.core.somaxconn = { one_of = [#4096, #4294967296] }",
    "linux.sysctl.net.ipv4.tcp_rmem = { at_least = [#4096, #8192, #8192], at_most = [#8192, #4096, #8192] }",
    "linux.sysctl.net.ipv4.tcp_rmem = [#4096, #8192, #4294967296]",
    "rlimit.nofile = { at_least = #2000, at_most = #1000 }",
    "rlimit.nofile = { soft = #2000, hard = #1000 }",
    "rlimit.nofile = { soft = { at_least = #2000 }, hard = { at_most = #1000 } }",
    "rlimit.nofile = { soft = \"unlimited\", hard = #1000 }",
    "rlimit.nofile = #-4",
    "rlimit.nofile = { soft = { at_least = #-4 } }",
    "linux.sysctl.net.core.somaxconn = #-4",
];

const TAKEN: [&str; 4] = [
    "linux.sysctl.net.core.somaxconn = { at_least = #1500, at_most = #2000 }",
    "linux.sysctl.net.core.somaxconn = { at_least = #2000, at_most = #2000 }",
    "rlimit.nofile = { soft = #1000, hard = #2000 }",
    "rlimit.nofile = { soft = { at_most = #2000 }, hard = { at_least = #1000 } }",
];

/// Replaces the numbers that `is_computed` names, by their places, by amounts relative to the machine.
fn with_amounts(template: &str, is_computed: impl Fn(usize) -> bool) -> String {
    let mut parts = template.split('#');
    let mut text = parts.next().unwrap().to_owned();
    for (place, part) in parts.enumerate() {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(part.len());
        let number: i64 = part[..end].parse().unwrap();
        let amount = if is_computed(place) { format!("\"{} per cpu\"", number / 4) } else { number.to_string() };
        text += &(amount + &part[end..]);
    }
    text + "\n"
}

fn exit_codes(profile: &str) -> Vec<(String, Option<i32>)> {
    let mut machine = Computer::linux(Fake::linux().with_process(700, 0))
        .process(PID, 700, "tunectl")
        .process(700, 1, "bash")
        .process(1, 0, "init")
        .file("p.toml", profile);
    let commands = [
        "apply -p @/p.toml",
        "apply --dry-run -p @/p.toml",
        "check -p @/p.toml",
        "run -p @/p.toml -- true",
        "run --init -p @/p.toml -- true",
    ];
    let typed = commands.map(|command| {
        let ended = machine.types(command);
        let wrote = machine.kernel.changes.len();
        if ended.code == Some(2) {
            assert_eq!(wrote, 0, "{profile}{command}");
            assert!(ended.stderr.contains("--> p.toml:1:"), "{profile}{command}: {}", ended.stderr);
        }
        (format!("{profile}{command}: {}", ended.stderr), ended.code)
    });
    typed.to_vec()
}

#[test]
fn a_computed_amount_is_refused_where_its_number_is() {
    for (templates, is_refused) in [(&REFUSED[..], true), (&TAKEN[..], false)] {
        for template in templates {
            let count = template.matches('#').count();
            for mask in 0..(1_usize << count) {
                let profile = with_amounts(template, |place| mask >> place & 1 == 1);
                for (what, code) in exit_codes(&profile) {
                    assert_eq!(code == Some(2), is_refused, "{code:?} {what}");
                }
            }
        }
    }
}

#[test]
fn the_number_that_an_amount_comes_to_is_told() {
    let profile = "linux.sysctl.net.core.somaxconn = { at_least = \"19% of memory\", at_most = 1500 }\n";
    let ended = Computer::linux(Fake::linux()).file("p.toml", profile).types("check -p @/p.toml");
    assert!(ended.stderr.contains("`at_least` is above `at_most` here: 204010946 and 1500"), "{}", ended.stderr);
}
