//! The warnings of `tunectl profile validate`, as they come from the command line with all that the catalog
//! knows, and how they are silenced.

mod folklore;
use crate::support::test::Test;
use tunectl::profile::lint::WARNINGS;

/// The warnings of a profile, each by its first line, in the order in which they are given.
fn warnings(text: &str) -> Vec<String> {
    validated(&[("p.toml", text)])
}

/// The same of the first of several files.
fn validated(files: &[(&str, &str)]) -> Vec<String> {
    let test = Test::new(["profile", "validate", files[0].0]);
    let test = files.iter().fold(test, |test, (name, text)| test.file(name, text));
    let ran = test.stdout_is_anything().stderr_is_anything().run();
    let warnings: Vec<String> = ran
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("tunectl: warning["))
        .map(|line| line.replacen(']', "", 1))
        .collect();
    let said = match warnings.len() {
        0 => "valid\n".to_owned(),
        1 => "valid, with 1 warning\n".to_owned(),
        count => format!("valid, with {count} warnings\n"),
    };
    assert_eq!(ran.stdout, format!("{}: {said}", files[0].0));
    warnings
}

/// The warnings of lines of `[linux.sysctl]`, without W012, which nearly every key of the machine has.
fn linux(lines: &str) -> Vec<String> {
    warnings(&format!("[linux.sysctl]\n{lines}\n[lint]\nallow = 'W012'\n"))
}

#[test]
fn contradictions_with_one_of_are_found() {
    let over = |base: &str, text: &str| {
        let table = |line: &str| format!("[linux.sysctl]\nvm.dirty_expire_centisecs = {line}\n");
        let text = format!("extends = './base.toml'\nlint.allow = 'W012'\n{}", table(text));
        validated(&[("p.toml", &text), ("base.toml", &table(base))]).len()
    };
    for (base, text, contradicts) in [
        ("{ at_least = 4096 }", "{ one_of = [10, 20] }", true),
        ("{ at_least = 4096 }", "{ one_of = [10, 4096] }", false),
        ("{ one_of = [5, 7] }", "{ at_least = 9 }", true),
        ("{ one_of = [5, 7] }", "{ at_least = 7 }", false),
        ("{ one_of = [5, 7] }", "6", true),
        ("{ one_of = [5, 7] }", "7", false),
        ("{ one_of = [5, 7] }", "{ one_of = [6, 8] }", true),
        ("{ one_of = [5, 7] }", "{ one_of = [7, 8] }", false),
        ("{ one_of = [5, 9] }", "{ at_least = 6, at_most = 8 }", true),
    ] {
        assert_eq!(over(base, text), usize::from(contradicts), "{base} {text}");
    }
    let range = "net.ipv4.ip_local_port_range = { one_of = [[32768, 60999], [1024, 65000]] }";
    assert_eq!(
        linux(range),
        [
            "W001: local ports from 1024 on, and no service port is reserved",
            "W002: both ends of the local port range are even: 1024 and 65000",
        ]
    );
}

#[test]
fn impossible_port_combinations_are_warned_of() {
    let both = |start: &str, range: &str| {
        linux(&format!("net.ipv4.ip_unprivileged_port_start = {start}\nnet.ipv4.ip_local_port_range = {range}"))
            .into_iter()
            .filter(|warning| !warning.starts_with("W001"))
            .collect::<Vec<_>>()
    };
    let message = "W020: `net.ipv4.ip_unprivileged_port_start` of 2000 and `net.ipv4.ip_local_port_range` from 1024: \
        the kernel does not allow both";
    for (start, range) in [
        ("2000", "[1024, 65535]"),
        ("{ at_least = 2000 }", "{ covers = [1024, 65535] }"),
        ("2000", "{ one_of = [[1000, 65535], [1024, 65535]] }"),
    ] {
        assert_eq!(both(start, range), [message], "{start} {range}");
    }
    for (start, range) in [
        ("1024", "[1024, 65535]"),
        ("{ at_most = 2000 }", "[1024, 65535]"),
        ("2000", "{ one_of = [[1024, 65535], [2000, 65535]] }"),
    ] {
        assert_eq!(both(start, range), [""; 0], "{start} {range}");
    }
    let base = ("base.toml", "linux.sysctl.net.ipv4.ip_unprivileged_port_start = 2000\n");
    let text =
        "extends = './base.toml'\nlint.allow = 'W001'\nlinux.sysctl.net.ipv4.ip_local_port_range = [1024, 65535]\n";
    assert_eq!(validated(&[("p.toml", text), base]), [message]);
}

#[test]
fn repeated_or_contradicting_settings_of_extended_profiles_are_warned_of() {
    let base = "[linux.sysctl]
net.core.somaxconn = { at_least = 1024 }
net.ipv4.ip_local_reserved_ports = { includes = 80 }
net.ipv4.tcp_congestion_control = { one_of = ['bbr', 'cubic'] }
net.ipv4.tcp_rmem = { at_least = [4096, 200000, 33554432] }
[rlimit]
core = 0
";
    let on = |text: &str| validated(&[("p.toml", &format!("extends = './base.toml'\n{text}")), ("base.toml", base)]);
    let key = |line: &str| on(&format!("[linux.sysctl]\n{line}\n"));
    assert_eq!(
        key("net.core.somaxconn = { at_least = 1024 }"),
        ["W009: net.core.somaxconn is inherited already, with the same value"]
    );
    assert_eq!(
        key("net.core.somaxconn = { at_most = 512, required = false }")[1..],
        ["W008: net.core.somaxconn at most 512 conflicts with an inherited setting: at least 1024"]
    );
    for (line, contradicts) in [
        ("net.core.somaxconn = { at_least = 1024, required = false }", false),
        ("net.core.somaxconn = { at_least = 32768 }", false),
        ("net.core.somaxconn = 4096", false),
        ("net.ipv4.ip_local_reserved_ports = '80-90'", false),
        ("net.ipv4.ip_local_reserved_ports = '8080'", true),
        ("net.ipv4.tcp_congestion_control = 'cubic'", false),
        ("net.ipv4.tcp_congestion_control = 'reno'", true),
        ("net.ipv4.tcp_rmem = [4096, 262144, 33554432]", false),
        ("net.ipv4.tcp_rmem = [4096, 131072, 33554432]", true),
    ] {
        let found = key(line);
        assert_eq!(found.len(), usize::from(contradicts), "{line}: {found:?}");
        assert!(found.iter().all(|warning| warning.starts_with("W008: ")), "{line}: {found:?}");
    }
    assert_eq!(
        on("[rlimit]\ncore = 'unlimited'\n"),
        ["W008: core (soft) unlimited conflicts with an inherited setting: 0"]
    );
}

#[test]
fn two_names_for_one_setting_are_warned_of() {
    assert_eq!(
        linux("vm.dirty_ratio = 10\nvm.dirty_bytes = 100000000"),
        ["W010: `vm.dirty_bytes` and `vm.dirty_ratio` are one setting: writing one undoes the other"]
    );
    assert_eq!(linux("vm.dirty_ratio = 0\nvm.dirty_bytes = 100000000"), [""; 0]);
    let routing = |one, other| linux(&format!("net.ipv4.ip_forward = {one}\nnet.ipv4.conf.all.forwarding = {other}"));
    let message =
        "`net.ipv4.conf.all.forwarding` and `net.ipv4.ip_forward` are one setting: writing one undoes the other";
    for (one, other) in [("0", "1"), ("1", "0"), ("1", "{ at_most = 0 }")] {
        assert_eq!(routing(one, other), [format!("W010: {message}")], "{one} {other}");
    }
    for (one, other) in [("1", "1"), ("0", "0"), ("1", "{ at_least = 0 }")] {
        assert_eq!(routing(one, other), [""; 0], "{one} {other}");
    }
    let tracked =
        |one, other| linux(&format!("net.netfilter.nf_conntrack_max = {one}\nnet.nf_conntrack_max = {other}"));
    let message =
        "`net.nf_conntrack_max` and `net.netfilter.nf_conntrack_max` are one setting: writing one undoes the other";
    assert_eq!(tracked("65536", "131072"), [format!("W010: {message}")]);
    assert_eq!(tracked("65536", "65536"), [""; 0]);
}

#[test]
fn few_remaining_local_ports_are_warned_of() {
    let ports = |ports: &str, range: &str| {
        let text = format!("[service]\nports = {ports}\n[linux.sysctl]\n{range}\n[lint]\nallow = 'W001'");
        warnings(&text)
    };
    assert_eq!(ports("'1-65535'", ""), ["W016: of 28232 local ports, 0 are left for outgoing connections"]);
    assert_eq!(ports("[80, '32768-60000']", ""), ["W016: of 28232 local ports, 999 are left for outgoing connections"]);
    let narrow = "net.ipv4.ip_local_port_range = [9000, 9099]";
    assert_eq!(ports("'9000-9090'", narrow), ["W016: of 100 local ports, 9 are left for outgoing connections"]);
    assert_eq!(ports("'9000-9089'", narrow), [""; 0]);
    assert_eq!(ports("'1-32767'", ""), [""; 0]);
    assert_eq!(ports("8080", ""), [""; 0]);
}

#[test]
fn limits_out_of_range_or_too_low_are_warned_of() {
    let limit = |line: &str| warnings(&format!("[rlimit]\n{line}\n[lint]\nallow = 'W012'"));
    for (line, message) in [
        ("rtprio = 100", "W017: rtprio (soft) is above 99, the highest that has a meaning"),
        ("nice = { hard = { at_least = 41 } }", "W017: nice (hard) is above 40, the highest that has a meaning"),
        ("nofile = 3", "W018: with nofile (soft) at 3 most programs don't start"),
        ("as = '2MiB'", "W018: with as (soft) at 2097152 most programs don't start"),
        ("data = { soft = { at_most = 65536 } }", "W018: with data (soft) at 65536 most programs don't start"),
        ("stack = 8192", "W018: with stack (soft) at 8192 most programs don't start"),
        ("cpu = 0", "W018: with cpu (soft) at 0 most programs don't start"),
    ] {
        assert_eq!(limit(line), [message], "{line}");
    }
    for line in [
        "rtprio = 99",
        "nice = 40",
        "rtprio = 'unlimited'",
        "nofile = 4",
        "nofile = { soft = { at_least = 3 } }",
        "nofile = { hard = 3 }",
        "as = '3MiB'",
        "stack = '16KiB'",
        "data = '128KiB'",
        "cpu = 1",
        "nproc = 0",
        "core = 0",
        "fsize = 0",
    ] {
        assert_eq!(limit(line), [""; 0], "{line}");
    }
}

/// What a low limit does is measured on what runs here: nothing that W018 warns of starts.
#[test]
#[cfg(target_os = "linux")]
fn programs_fail_to_start_where_limits_are_warned_of() {
    for (line, starts) in [
        ("nofile = 3", false),
        ("nofile = 4", true),
        ("as = '2MiB'", false),
        // Of the stack it hangs on where the kernel begins, which is random (`stack_maxrandom_size`).
        ("data = 65536", false),
    ] {
        let script = format!("printf '[rlimit]\n{line}\n' >p.toml; tunectl run -p p.toml -- true");
        let ran =
            Test::shell(&format!("({script}) && echo started || :")).stdout_is_anything().stderr_is_anything().run();
        assert_eq!(ran.stdout == "started\n", starts, "{line}");
    }
}

#[test]
fn invisible_characters_are_warned_of() {
    for line in [
        "\"net.core.soma\u{202e}xconn\" = 4096",
        "\"net.ipv4.conf.eth\u{200b}0.rp_filter\" = 1",
        "net.ipv4.tcp_congestion_control = \"b\u{2066}br\"",
    ] {
        let found = linux(line);
        let [.., warning] = found.as_slice() else { panic!("{line}") };
        assert!(found.iter().any(|warning| warning.starts_with("W019: ")), "{line}: {warning}");
        assert!(found.iter().all(|warning| !warning.contains(['\u{202e}', '\u{200b}', '\u{2066}'])), "{found:?}");
    }
    assert_eq!(linux("# \u{200f}a note beside it\n\"net.core.somaxconn\" = 4096 # \u{200e}"), [""; 0]);
}

#[test]
fn nofile_above_nr_open_is_warned_of() {
    let on = |nr_open: &str| {
        let text = format!("[rlimit]\nnofile = {{ hard = 2000000 }}\n{nr_open}\n[lint]\nallow = ['W006', 'W012']\n");
        warnings(&text)
    };
    let above = "W011: nofile (hard) of 2000000 is above fs.nr_open";
    assert_eq!(on(""), [above]);
    assert_eq!(on("[linux.sysctl]\nfs.nr_open = { at_least = 2000000 }"), [""; 0]);
    assert_eq!(on("[linux.sysctl]\nfs.nr_open = 1100000"), [above]);
}

#[test]
fn settings_impossible_in_a_container_are_warned_of() {
    let text = "[linux.sysctl]
net.core.somaxconn = { at_least = 4096 }
vm.max_map_count = { at_least = 262144 }
net.core.netdev_max_backlog = { at_least = 2000 }
[linux.sysfs]
\"kernel/mm/transparent_hugepage/enabled\" = 'madvise'
[rlimit]
memlock = 'unlimited'
rtprio = 1
nofile = { hard = 65536 }
";
    assert_eq!(
        warnings(text),
        ["W012: `vm.max_map_count` and 4 more can't be set from inside an unprivileged container"]
    );
    assert_eq!(warnings("[linux.sysctl]\nvm.swappiness = { at_most = 10, required = false }\n"), [""; 0]);
}

#[test]
fn warnings_can_be_silenced_in_the_profile() {
    let text = "linux.sysctl.net.ipv4.tcp_fin_timeout = 10\n";
    assert_eq!(warnings(text).len(), 1);
    assert_eq!(warnings(&format!("{text}lint.allow = ['W005']\n")), [""; 0]);
    assert_eq!(warnings(&format!("{text}lint.allow = 'W001'\n")).len(), 1, "another warning");
    // Who extends a profile answers for all of it, who is extended only for itself.
    let base = ("base.toml", text);
    assert_eq!(validated(&[("p.toml", "extends = './base.toml'\nlint.allow = ['w005']\n"), base]), [""; 0]);
    let quiet = ("base.toml", "linux.sysctl.vm.swappiness = 0\nlint.allow = ['W005', 'W012']\n");
    let loud = format!("extends = './base.toml'\n{text}");
    assert_eq!(validated(&[("p.toml", &loud), quiet]), ["W005: `net.ipv4.tcp_fin_timeout` does not shorten TIME-WAIT"]);
    for (allow, message) in [("['W000']", "unknown warning `W000`"), ("5", "expected the code of a warning, found `5`")]
    {
        let ran = Test::new(["profile", "validate", "p.toml"])
            .file("p.toml", format!("[lint]\nallow = {allow}\n"))
            .stderr_is_anything()
            .code(2)
            .run();
        assert!(ran.stderr.starts_with(&format!("tunectl: error: {message}\n --> p.toml:2:")), "{}", ran.stderr);
    }
}

/// What is built in says nothing doubtful, but that a wide range of ports wants the service's ports named.
#[test]
fn built_in_profiles() {
    for (name, expected) in [("base", ""), ("production", ""), ("realtime", ""), ("loadtest", "W001")] {
        let ran = Test::new(["profile", "validate", name]).stdout_is_anything().stderr_is_anything().run();
        let codes: Vec<&str> = ran
            .stderr
            .lines()
            .filter_map(|line| line.strip_prefix("tunectl: warning["))
            .map(|line| &line[..4])
            .collect();
        assert_eq!(codes.concat(), expected, "{name}");
    }
    assert_eq!(WARNINGS.len(), 21);
}
