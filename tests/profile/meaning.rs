//! What a profile says: spellings, values, limits, and how several become one.

use crate::files::{good, load_files, load_named, spec, wishes};
use crate::support::expected;
use tunectl::model::preflight::WantedCondition;
use tunectl::model::setting::System;
use tunectl::model::value::Kind;
use tunectl::preflight::budget;
use tunectl::preflight::load::Load;
use tunectl::preflight::stock::{Stock, Supply};
use tunectl::profile::cli_overrides::{self, CliSettings};
use tunectl::profile::{Profile, RawRequirement};

fn sysctls(lines: &str) -> String {
    wishes(&good(&format!("[linux.sysctl]\n{lines}\n")))
}

#[test]
fn all_key_spellings_are_equivalent() {
    for text in [
        "[linux.sysctl]\n\"net.core.somaxconn\" = { at_least = 4096 }",
        "[linux.sysctl]\n\"net/core/somaxconn\" = { at_least = 4096 }",
        "[linux.sysctl]\nnet.core.somaxconn = { at_least = 4096 }",
        "[linux.sysctl]\nnet.core.somaxconn.at_least = 4096",
        "[linux.sysctl.net.core]\nsomaxconn = { at_least = 4096 }",
        "[linux.sysctl.\"net.core\"]\nsomaxconn.at_least = 4096",
        "[linux.sysctl.net.core.somaxconn]\nat_least = 4096",
        "[linux]\nsysctl = { \"net.core.somaxconn\" = { at_least = 4096 } }",
        "linux.sysctl.net.core.somaxconn.at_least = 4096",
        "\u{feff}[linux.sysctl]\r\nnet.core.somaxconn.at_least = 0x1000\r\n",
    ] {
        assert_eq!(wishes(&good(text)), "linux net.core.somaxconn: at least 4096\n", "{text}");
    }
    for line in [
        "\"net.ipv4.conf.eth0/100.rp_filter\" = 2",
        "\"net/ipv4/conf/eth0.100/rp_filter\" = 2",
        "net.ipv4.conf.\"eth0.100\".rp_filter = 2",
        "net.ipv4.conf.\"eth0/100\".rp_filter = 2",
        "\"net.ipv4.conf\".\"eth0.100\".rp_filter = 2",
    ] {
        assert_eq!(sysctls(line), "linux net.ipv4.conf.eth0/100.rp_filter: 2\n", "{line}");
    }
    assert_eq!(sysctls("net.ipv4.conf.\"*\".rp_filter = 2"), "linux net.ipv4.conf.*.rp_filter: 2\n");
}

#[test]
fn requirements_keep_the_order_of_the_file() {
    let text = "\
[rlimit]
nproc = 5
[linux.sysctl]
net.b = 1
vm.a = 2
net.a = 3
[macos.sysctl]
kern.z = 4
kern.a = 5
";
    let expected = "\
any nproc (soft): 5
any nproc (hard): at least 5
linux net.b: 1
linux vm.a: 2
linux net.a: 3
macos kern.z: 4
macos kern.a: 5
";
    assert_eq!(wishes(&good(text)), expected);
}

#[test]
fn values_are_typed_by_their_setting() {
    for (line, shown, kind) in [
        ("net.core.somaxconn = 1", "1", Kind::Number),
        ("net.core.somaxconn = '0x10'", "16", Kind::Number),
        ("net.core.somaxconn = '64KiB'", "65536", Kind::Number),
        ("net.core.somaxconn = '4096 per cpu'", "4096 per cpu", Kind::Number),
        ("net.ipv4.tcp_rmem = [4096, '128KiB', 6291456]", "4096 131072 6291456", Kind::Numbers(3)),
        ("net.ipv4.tcp_rmem = \"4096\\t131072\\t6291456\"", "4096 131072 6291456", Kind::Numbers(3)),
        ("net.ipv4.ip_local_port_range = '1024 65535'", "1024 65535", Kind::PortRange),
        ("net.ipv4.ip_local_port_range = { covers = [1024, 65535] }", "covers 1024 65535", Kind::PortRange),
        (
            "net.ipv4.ip_local_reserved_ports = { includes = [8080, '9000-9009', 9010] }",
            "includes 8080,9000-9010",
            Kind::Ports,
        ),
        ("net.ipv4.ip_local_reserved_ports = 0x1f90", "8080", Kind::Ports),
        ("net.ipv4.ip_local_reserved_ports = ''", "", Kind::Ports),
        ("net.ipv4.tcp_congestion_control = { one_of = ['bbr', 'cubic'] }", "one of bbr, cubic", Kind::Word),
        ("kernel.core_pattern = '|/usr/bin/handler %p'", "|/usr/bin/handler %p", Kind::Text),
        ("net.core.flow_limit_cpu_bitmap = '0-3,8'", "0-3,8", Kind::Cpus),
        ("my.key = { at_least = 5, at_most = 9 }", "5 to 9", Kind::Number),
        ("my.key = { exactly = 5 }", "5", Kind::Number),
        ("my.key = 0", "0", Kind::Number),
        ("my.key = '25% of memory'", "25% of memory", Kind::Number),
        ("my.key = '1 2 3'", "1 2 3", Kind::Numbers(3)),
        ("my.key = { covers = [1, 2] }", "covers 1 2", Kind::Numbers(2)),
        ("my.key = { includes = '1-3' }", "includes 1-3", Kind::Cpus),
        ("my.key = 'two words'", "two words", Kind::Text),
        ("my.key = { one_of = ['a', 'b'] }", "one of a, b", Kind::Text),
        ("my.key = { one_of = [1, 2] }", "one of 1, 2", Kind::Number),
    ] {
        let profile = good(&format!("[linux.sysctl]\n{line}\n"));
        let [RawRequirement { wanted, kind: found, .. }] = profile.requirements.as_slice() else { panic!("{line}") };
        assert_eq!((wanted.to_string().as_str(), *found), (shown, kind), "{line}");
    }
    let sysfs = good("[linux.sysfs]\n\"kernel/mm/x\" = 'never'\nkernel.mm.transparent_hugepage.enabled = 'madvise'\n");
    assert_eq!(
        wishes(&sysfs),
        "linux /sys/kernel/mm/x: never\nlinux /sys/kernel/mm/transparent_hugepage/enabled: madvise\n"
    );
    assert!(sysfs.requirements.iter().all(|wish| wish.kind == Kind::Choice));
}

#[test]
fn limits_apply_to_soft_and_hard() {
    for (line, expected) in [
        ("nofile = 5", "any nofile (soft): 5\nany nofile (hard): at least 5\n"),
        ("core = 0", "any core (soft): 0\nany core (hard): at least 0\n"),
        ("nofile = 'unlimited'", "any nofile (soft): unlimited\nany nofile (hard): at least unlimited\n"),
        ("nofile = 'hard'", "any nofile (soft): as much as the hard limit\n"),
        ("memlock = '64KiB'", "any memlock (soft): 65536\nany memlock (hard): at least 65536\n"),
        ("nofile = { at_least = 5 }", "any nofile (soft): at least 5\nany nofile (hard): at least 5\n"),
        (
            "nofile = { at_least = 5, required = false }",
            "any nofile (soft): at least 5, optional\nany nofile (hard): at least 5, optional\n",
        ),
        (
            "nofile = { hard = { at_least = 9, required = false }, soft = 5 }",
            "any nofile (hard): at least 9, optional\nany nofile (soft): 5\n",
        ),
        (
            "nofile = { soft = 'hard', hard = 'unlimited', required = false }",
            "any nofile (soft): as much as the hard limit, optional\nany nofile (hard): unlimited, optional\n",
        ),
        (
            "nofile = 18446744073709551614",
            "any nofile (soft): 18446744073709551614\nany nofile (hard): at least 18446744073709551614\n",
        ),
    ] {
        assert_eq!(wishes(&good(&format!("[rlimit]\n{line}\n"))), expected, "{line}");
    }
}

#[test]
fn each_requirement_has_its_location() {
    let text = "[linux.sysctl.net.core]\nsomaxconn = { at_least = 5 } # comment\n[rlimit]\nnofile = { soft = 5 }\n";
    let places: Vec<String> = good(text)
        .requirements
        .iter()
        .map(|wish| wish.origin.source.text[wish.origin.span.clone()].to_owned())
        .collect();
    assert_eq!(places, ["somaxconn = { at_least = 5 }", "soft = 5"]);
}

#[test]
fn later_files_override_key_by_key() {
    let files = [
        (
            "top",
            "extends = ['base']\ndescription = 'mine'\n[linux.sysctl]\nvm.c = 1\nvm.a = { at_most = 10, required = false }\n",
        ),
        (
            "base",
            "description = 'base'\n[linux.sysctl]\nvm.a = { at_least = 5 }\nvm.b = 2\n[macos.sysctl]\nvm.a = 7\n[service]\nports = 80\n",
        ),
    ];
    let profile = load_files(&files).unwrap();
    assert_eq!(wishes(&profile), "linux vm.a: at most 10, optional\nlinux vm.b: 2\nmacos vm.a: 7\nlinux vm.c: 1\n");
    assert_eq!(profile.description.as_deref(), Some("mine"));
    assert_eq!(profile.service_ports.to_string(), "80");
    let back = load_named(&["top", "base"], &files).unwrap();
    assert_eq!(wishes(&back), wishes(&profile), "a profile counts once, where it is first asked for");
    assert_eq!(back.names, ["top", "base"]);
}

#[test]
fn shared_base_does_not_undo_an_earlier_profile() {
    let profile = load_named(
        &["x", "y"],
        &[
            ("x", "extends = 'base'\n[linux.sysctl]\nvm.a = 2\n[service]\nports = [1, 2]"),
            ("y", "extends = 'base'\n[linux.sysctl]\nvm.b = 2\n[service]\nports = 3"),
            ("base", "[linux.sysctl]\nvm.a = 1\nvm.b = 1\n"),
        ],
    )
    .unwrap();
    assert_eq!(wishes(&profile), "linux vm.a: 2\nlinux vm.b: 2\n");
    assert_eq!(profile.service_ports.to_string(), "3");
}

#[test]
fn names_override_patterns_within_a_file_only() {
    let one = "[linux.sysctl]\n'net.ipv4.conf.eth0.rp_filter' = 1\n'net.ipv4.conf.*.rp_filter' = 2\n";
    assert_eq!(
        wishes(&good(one)),
        "linux net.ipv4.conf.eth0.rp_filter: 1\nlinux net.ipv4.conf.*.rp_filter: 2\n",
        "both stay: the name counts (sysctl.d(5))"
    );
    let later = [
        (
            "top",
            "extends = 'base'\n[linux.sysctl]\n'net.ipv4.conf.*.rp_filter' = 2\n'net.ipv4.conf.lo.rp_filter' = 0\n",
        ),
        (
            "base",
            "[linux.sysctl]\n'net.ipv4.conf.eth0.rp_filter' = 1\n'net.ipv4.conf.lo.rp_filter' = 1\n'net.ipv4.conf.lo.forwarding' = 1\n",
        ),
    ];
    assert_eq!(
        wishes(&load_files(&later).unwrap()),
        "linux net.ipv4.conf.lo.rp_filter: 0\nlinux net.ipv4.conf.lo.forwarding: 1\nlinux net.ipv4.conf.*.rp_filter: 2\n"
    );
}

fn typed(profile: Profile, set: &[&str], rlimit: &[&str], port: &[&str]) -> Result<Profile, String> {
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let (set, rlimit, port) = (own(set), own(rlimit), own(port));
    cli_overrides::add(profile, CliSettings { set: &set, rlimit: &rlimit, port: &port }, System::Linux, &spec)
        .map_err(|problems| problems.to_string())
}

#[test]
fn command_line_overrides_the_profile() {
    let base =
        good("[linux.sysctl]\nnet.core.somaxconn.at_least = 5\n[rlimit]\nnofile.at_least = 5\n[service]\nports = 80\n");
    let profile = typed(
        base,
        &[
            "net.core.somaxconn=1024",
            "net.ipv4.ip_local_port_range=1024 65535",
            "net.ipv4.ip_local_reserved_ports=",
            "net/my/key=some text",
        ],
        &["nofile=50000:65000", "core=-1", "nproc=7", "memlock=hard"],
        &["8080,9000-9001", "8081"],
    )
    .unwrap();
    expected::compare("profile/meaning/command_line_overrides_the_profile", &wishes(&profile));
    assert_eq!(profile.service_ports.to_string(), "80,8080-8081,9000-9001");
    assert!(profile.requirements.iter().all(|wish| wish.required && wish.origin.source.label == "command line"));
    let again = typed(Profile::default(), &["vm.a=1", "vm.a=2"], &["nofile=1", "nofile=2"], &[]).unwrap();
    assert_eq!(wishes(&again), "linux vm.a: 2\nany nofile (soft): 2\nany nofile (hard): 2\n");
}

#[test]
fn set_errors_cite_the_command_line() {
    let said = typed(
        Profile::default(),
        &["net.core.somaxconn=010", "vm.swappiness", "../x=1", "net.ipv4.tcp_congestion_control=bbr cubic"],
        &[],
        &[],
    )
    .unwrap_err();
    expected::compare("profile/meaning/set_errors_cite_the_command_line", &said);
}

#[test]
fn rlimit_and_port_errors_cite_the_command_line() {
    let rlimit = ["nofiles=5", "nofile", "nofile=5:4k", "nofile=5:hard", "nproc=-2"];
    let said = typed(Profile::default(), &[], &rlimit, &["80a", "", "0-80"]).unwrap_err();
    expected::compare("profile/meaning/rlimit_and_port_errors_cite_the_command_line", &said);
}

#[test]
fn contradicting_limits_of_file_and_command_line_are_refused() {
    let above = typed(good("[rlimit]\nnofile = { hard = 10 }"), &[], &["nofile=hard"], &[]);
    assert!(above.is_ok());
    let above = typed(Profile::default(), &[], &["nofile=5:4"], &[]).unwrap_err();
    assert_eq!(
        above,
        "tunectl: error: the soft limit of nofile is above the hard one: 5 and 4
 --> command line:1:1
  |
1 | --rlimit nofile=5:4
  | ^^^^^^^^^^^^^^^^^^^"
    );
}

/// Each condition once, as a whole and in its first place; the last file that has it decides.
#[test]
fn conditions_are_merged_by_their_names() {
    let profile = load_files(&[
        (
            "a.toml",
            "extends = ['b.toml']\n[preflight]\nload_per_cpu = { at_most = 2, required = true }\nclocksource = 'tsc'",
        ),
        (
            "b.toml",
            "[preflight]\nload_per_cpu = { at_most = 0.5 }\ncpu_pressure = { at_most = '7.5%', required = false }",
        ),
    ]);
    let profile = profile.unwrap();
    let conditions: Vec<_> =
        profile.preflight.iter().map(|it| (it.condition.to_string(), it.wanted.clone(), it.required)).collect();
    let expected = [
        ("load_per_cpu", WantedCondition::AtMost(2.0), Some(true)),
        ("cpu_pressure", WantedCondition::AtMost(7.5), Some(false)),
        ("clocksource", WantedCondition::OneOf(vec!["tsc".to_owned()]), None),
    ];
    assert_eq!(conditions, expected.map(|(name, wanted, required)| (name.to_owned(), wanted, required)));
    assert!(!profile.asks_for_nothing(), "conditions are something to ask for");
    assert!(!profile.is_for_other_systems(System::Linux));
}

/// A profile that is printed for a load test is read by what reads all profiles.
#[test]
fn profiles_of_load_tests_are_valid() {
    for command in [
        "ab -r -n 40000 -c 4000",
        "wrk -c 1",
        "hey -c 100000 -disable-keepalive",
        "redis-benchmark -c 70000 -k 0 -n 9000000",
    ] {
        for target in ["http://127.0.0.1:8080/", "http://[::1]:80/\\\"'\u{7}", "http://no-such-host.invalid/", ""] {
            let line = format!("{command} '{target}'");
            let load = Load::parse(&["sh".to_owned(), "-c".to_owned(), line.clone()]);
            for stock in [Stock::default(), Stock { conntrack: Supply::NotApplicable, ..Stock::default() }] {
                let text = budget::profile(&line, &load, &budget::budget(&load, &stock));
                let profile = good(&text);
                assert!(profile.requirements.len() >= 3 && !profile.preflight.is_empty(), "{text}");
            }
        }
    }
}
