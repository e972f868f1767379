//! What is allowed, doubtful, and told.

use crate::files::good;
use crate::support::expected;
use tunectl::model::setting::System;
use tunectl::profile::lint::{KeyFacts, LintFacts, lint};

const KNOWN: [(System, &str); 6] = [
    (System::Linux, "net.core.somaxconn"),
    (System::Linux, "net.ipv4.conf.*.rp_filter"),
    (System::Linux, "net.ipv4.tcp_tw_reuse"),
    (System::Linux, "net.ipv4.neigh.default.gc_thresh3"),
    (System::Linux, "net.ipv4.tcp_retries2"),
    (System::MacOs, "kern.maxfiles"),
];

/// On the system that the text is for.
fn warnings(text: &str) -> Vec<String> {
    let system = if text.starts_with("[macos") { System::MacOs } else { System::Linux };
    lint(&good(text), &LintFacts { system, names: &KNOWN, key: &|_, _| KeyFacts::default() })
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The codes and messages for lines in `[linux.sysctl]`.
fn linux(lines: &str) -> Vec<String> {
    let all = warnings(&format!("[linux.sysctl]\n{lines}\n"));
    all.iter().map(|warning| warning.lines().next().unwrap().to_owned()).collect()
}

#[test]
fn port_range_over_service_ports_is_warned_of() {
    let text = "[linux.sysctl]\n\"net.ipv4.ip_local_port_range\" = { covers = [1024, 65535] }\n";
    assert_eq!(
        warnings(text),
        ["tunectl: warning[W001]: local ports from 1024 on, and no service port is reserved
 --> a.toml:2:1
  |
2 | \"net.ipv4.ip_local_port_range\" = { covers = [1024, 65535] }
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: the kernel may give a service's own port to an outgoing connection, and the service's next start then fails with \"address already in use\" (with 2000 connections, port 8080 was lost in 4 of 60 trials)
  = help: name the ports that services here listen on: `ports = [8080]` in `[service]`, or `--port 8080`; `net.ipv4.ip_local_reserved_ports` then excludes them"]
    );
    assert_eq!(warnings(&format!("{text}[service]\nports = 8080\n")), [""; 0]);
    assert_eq!(warnings(&format!("{text}\"net.ipv4.ip_local_reserved_ports\" = {{ includes = 8080 }}\n")), [""; 0]);
    assert_eq!(linux("net.ipv4.ip_local_port_range = [32768, 60999]"), [""; 0]);
}

#[test]
fn macos_port_range_over_service_ports_is_warned_of() {
    let text = "[macos.sysctl]\n\"net.inet.ip.portrange.first\" = 16384\n";
    let [warning] = warnings(text).try_into().unwrap();
    assert!(warning.starts_with("tunectl: warning[W001]: local ports from 16384 on,"), "{warning}");
    assert!(warning.contains("start the range above the ports"), "{warning}");
    assert_eq!(warnings(&format!("{text}[service]\nports = 8080\n")), [""; 0]);
    assert_eq!(warnings(&format!("{text}[service]\nports = 20000\n")).len(), 1, "macOS can reserve none");
    assert_eq!(warnings("[macos.sysctl]\n\"net.inet.ip.portrange.first\" = { at_most = 49152 }\n"), [""; 0]);
}

#[test]
fn port_range_ends_of_equal_parity_are_warned_of() {
    assert_eq!(
        linux("net.ipv4.ip_local_port_range = [40000, 60000]"),
        ["tunectl: warning[W002]: both ends of the local port range are even: 40000 and 60000"]
    );
    assert_eq!(
        linux("net.ipv4.ip_local_port_range = { covers = [32769, 60999] }"),
        ["tunectl: warning[W002]: both ends of the local port range are odd: 32769 and 60999"]
    );
}

#[test]
fn misspelt_names_are_warned_of() {
    for (line, message) in [
        ("net.core.somaxcon = 1", "`net.core.somaxcon` is not a known sysctl, did you mean `net.core.somaxconn`?"),
        ("net.core.somax_conn = 1", "`net.core.somax_conn` is not a known sysctl, did you mean `net.core.somaxconn`?"),
        (
            "net.ipv4.tcp_twreuse = 1",
            "`net.ipv4.tcp_twreuse` is not a known sysctl, did you mean `net.ipv4.tcp_tw_reuse`?",
        ),
        (
            "net.\"core.somaxconn\" = 1",
            "`net.core/somaxconn` is not a known sysctl, did you mean `net.core.somaxconn`?",
        ),
        (
            "net.ipv4.conf.eth0.100.rp_filter = 1",
            "`net.ipv4.conf.eth0.100.rp_filter` is not a known sysctl, did you mean \
             `net.ipv4.conf.eth0/100.rp_filter`?",
        ),
    ] {
        assert_eq!(linux(line), [format!("tunectl: warning[W003]: {message}")]);
    }
    for line in [
        "net.core.somaxconn = 4096",
        "net.ipv4.neigh.default.gc_thresh1 = 1",
        "net.ipv4.tcp_retries1 = 1",
        "net.ipv4.tcp_rfc1337 = 1",
        "my.own.key = 1",
        "'net.ipv4.*.gc_thresh' = 1",
        "net.ipv4.conf.\"eth0.100\".rp_filter = 1",
        "net.ipv4.conf.e.rp_filter = 1",
        "kern.maxfiles = 1",
    ] {
        assert_eq!(linux(line), [""; 0], "{line}");
    }
}

#[test]
fn removed_and_ineffective_keys_are_warned_of() {
    let [gone] = warnings("[linux.sysctl]\nnet.ipv4.tcp_tw_recycle = 1\n").try_into().unwrap();
    expected::compare("profile/warnings/removed_and_ineffective_keys_are_warned_of", &gone);
    assert_eq!(
        linux("net.ipv4.tcp_fin_timeout = 10"),
        ["tunectl: warning[W005]: `net.ipv4.tcp_fin_timeout` does not shorten TIME-WAIT"]
    );
}

#[test]
fn excessive_nofile_is_warned_of() {
    let codes = |line: &str| -> Vec<String> {
        warnings(&format!("[rlimit]\n{line}\n"))
            .iter()
            .map(|warning| warning.lines().next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        codes("nofile = { soft = 1024, hard = 'unlimited' }"),
        [
            "tunectl: warning[W006]: nofile (hard) is more than 1048576",
            "tunectl: warning[W012]: `nofile (hard)` can't be set from inside an unprivileged container",
        ]
    );
    assert_eq!(
        codes("nofile = 1048577"),
        [
            "tunectl: warning[W006]: nofile (soft) is more than 1048576",
            "tunectl: warning[W006]: nofile (hard) is more than 1048576",
            "tunectl: warning[W011]: nofile (hard) of 1048577 is above fs.nr_open",
            "tunectl: warning[W012]: `nofile (hard)` can't be set from inside an unprivileged container",
        ]
    );
    for line in ["nofile = 524288", "nofile = { at_most = 'unlimited' }", "nofile = 'hard'"] {
        assert_eq!(codes(line), [""; 0], "{line}");
    }
}
