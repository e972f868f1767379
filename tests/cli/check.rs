//! `tunectl check`: what a person sees, what a program reads, and the exit code.

use std::process::Command;

use rlimit::Resource;
use serde_json::{Value, json};

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside, lower_limit, skip, this_test};
use crate::support::test::Test;

const PROFILE: &str = r#"
[linux.sysctl]
"net.ipv4.tcp_fin_timeout" = 31
"net.ipv4.tcp_rmem" = [4096, 65536, 1048576]
"net.ipv4.tcp_keepalive_time" = { at_least = 100, at_most = 300, required = false }
"net.ipv4.ip_local_port_range" = { covers = [20000, 60999] }
"net.ipv4.nonsense" = { exactly = 1, required = false }
[rlimit]
nofile = { soft = { at_least = 900 }, hard = { at_least = 1000 } }
core = { soft = 0 }
[service]
ports = [8080, "9000-9010"]
"#;

fn begin() {
    put("net/ipv4/tcp_fin_timeout", "60");
    put("net/ipv4/tcp_rmem", "4096 65536 1048576");
    put("net/ipv4/tcp_keepalive_time", "7200");
    put("net/ipv4/ip_local_port_range", "8000 60999");
    put("net/ipv4/ip_local_reserved_ports", "9000-9010");
    lower_limit(Resource::NOFILE, 500, 1200);
    lower_limit(Resource::CORE, 0, Resource::CORE.get_hard().unwrap());
}

const TABLE: &str = "SETTING                           REQUIRED                 CURRENT             RESULT
net.ipv4.tcp_fin_timeout          31                       60                  not applied           [1]
net.ipv4.tcp_rmem                 4096 65536 1048576       4096 65536 1048576  ok
net.ipv4.tcp_keepalive_time       100 to 300               7200                not applied, optional [1]
net.ipv4.ip_local_reserved_ports  includes 8080,9000-9010  9000-9010           not applied           [1]
net.ipv4.ip_local_port_range      covers 20000-60999       8000-60999          ok
net.ipv4.nonsense                 1                        ?                   not found, optional   [2]
nofile (soft)                     >= 900                   500                 not applied           [1]
nofile (hard)                     >= 1000                  1200                ok
core (soft)                       0                        0                   ok

3 of 7 required settings fall short, and 2 of 2 optional ones

[1] net.ipv4.tcp_fin_timeout, net.ipv4.tcp_keepalive_time,
    net.ipv4.ip_local_reserved_ports, nofile (soft)
    can be set here: tunectl apply -p web.toml
[2] net.ipv4.nonsense
    why: there is no such setting here
more about the cause: tunectl explain no-such-key
";

#[test]
fn check_prints_a_table_with_causes_and_remedies() {
    inside(this_test!(), || {
        begin();
        Test::new(["check", "-p", "web.toml"]).file("web.toml", PROFILE).stdout(TABLE).code(1).run();
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "60", "check changes nothing");
    });
}

/// Apply is all or nothing: what is said to do it has to, beside what it can't mend.
#[test]
fn combined_remedy_works() {
    inside(this_test!(), || {
        begin();
        let words = ["check", "--set", "net.ipv4.tcp_fin_timeout=31", "--set", "net.ipv4.nonsense=1"];
        let ran = Test::new(words).stdout_is_anything().code(1).run();
        let (_, typed) = ran.stdout.split_once("can be set here:\n").unwrap();
        let (typed, _) = typed.split_once("\n[2]").unwrap();
        let words: Vec<&str> = typed.split_whitespace().filter(|word| *word != "\\").collect();
        assert_eq!(
            words.join(" "),
            "tunectl apply --best-effort --set net.ipv4.tcp_fin_timeout=31 --set net.ipv4.nonsense=1"
        );
        Test::shell(typed).stdout_is_anything().stderr_is_anything().code(1).run();
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "31");
    });
}

#[test]
fn only_optional_settings_fall_short() {
    inside(this_test!(), || {
        put("net/ipv4/tcp_fin_timeout", "60");
        Test::new(["check", "-p", "web.toml"])
            .file("web.toml", "linux.sysctl.net.ipv4.tcp_fin_timeout = { exactly = 31, required = false }\n")
            .expected("cli/check/only_optional_settings_fall_short");
    });
}

#[test]
fn json_output_is_one_document() {
    inside(this_test!(), || {
        begin();
        let ran = Test::new(["check", "-p", "web.toml", "--format", "json"])
            .file("web.toml", PROFILE)
            .stdout_is_anything()
            .code(1)
            .run();
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["schema_version"], 1);
        assert_eq!(document["tunectl"], env!("CARGO_PKG_VERSION"));
        assert_eq!(document["command"], "check");
        assert_eq!(document["profiles"], json!(["web.toml"]));
        assert_eq!(document["passes"], false);
        assert_eq!(document["counts"], json!({"settings": 9, "changed": 0, "short": 5, "required_short": 3}));
        assert_eq!(document["context"]["system"], "linux");
        assert_eq!(document["context"]["contained"], true);
        assert_eq!(document["context"]["release"], sysctl("kernel/osrelease"));
        assert_eq!(document["process"], Value::Null);
        let findings = document["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 9);
        assert_eq!(
            findings[0],
            json!({
                "setting": "net.ipv4.tcp_fin_timeout", "kind": "sysctl", "wanted": {"exactly": 31}, "wanted_text": "31",
                "before": 60, "found": 60, "verdict": "falls-short", "required": true, "source": "web.toml",
                "cause": "not-applied", "why": "nothing has set it yet",
                "remedies": [{"place": "shell", "text": "tunectl apply -p web.toml"}],
            })
        );
        assert_eq!(
            findings[1],
            json!({
                "setting": "net.ipv4.tcp_rmem", "kind": "sysctl", "wanted": {"exactly": [4096, 65536, 1_048_576]},
                "wanted_text": "4096 65536 1048576", "before": [4096, 65536, 1_048_576],
                "found": [4096, 65536, 1_048_576], "verdict": "holds", "required": true, "source": "web.toml",
            })
        );
        let field = |at: usize, name: &str| findings[at][name].clone();
        assert_eq!(field(2, "wanted"), json!({"at_least": 100, "at_most": 300}));
        assert_eq!(field(2, "required"), false);
        assert_eq!(
            (field(3, "wanted"), field(3, "found")),
            (json!({"includes": "8080,9000-9010"}), json!("9000-9010"))
        );
        assert_eq!(field(4, "wanted"), json!({"covers": [20000, 60999]}));
        assert_eq!((field(5, "found"), field(5, "cause")), (Value::Null, json!("no-such-key")));
        assert_eq!((field(6, "setting"), field(6, "kind")), (json!("nofile (soft)"), json!("rlimit")));
        assert_eq!(field(6, "remedies")[1], json!({"place": "shell", "text": "ulimit -Sn 900", "alternative": true}));
        assert_eq!(field(8, "found"), 0);
    });
}

/// Exactly what a terminal shows, and plain text anywhere else.
#[test]
fn color_option_and_no_color_are_honoured() {
    inside(this_test!(), || {
        put("net/ipv4/tcp_fin_timeout", "31");
        let plain = "SETTING                   REQUIRED  CURRENT  RESULT\nnet.ipv4.tcp_fin_timeout  31        31       ok\n\nthe setting matches\n";
        let coloured = "\u{1b}[2mSETTING                   REQUIRED  CURRENT  \
                        RESULT\u{1b}[0m\nnet.ipv4.tcp_fin_timeout  31        31       \
                        \u{1b}[32mok\u{1b}[0m\n\n\u{1b}[32mthe setting matches\u{1b}[0m\n";
        let set = ["check", "--set", "net.ipv4.tcp_fin_timeout=31", "--color"];
        for (when, variable, expected) in
            [("auto", "", plain), ("never", "", plain), ("always", "", coloured), ("always", "1", coloured)]
        {
            Test::new(set.into_iter().chain([when])).env("NO_COLOR", variable).stdout(expected).run();
        }
    });
}

/// A terminal of script(1)'s making.
#[test]
fn terminal_output_is_coloured_by_default() {
    inside(this_test!(), || {
        if Command::new("script").arg("--version").output().is_err() {
            return skip(this_test!(), "there is no script(1) to make a terminal");
        }
        put("net/ipv4/tcp_fin_timeout", "31");
        let script = "script --quiet --return --command 'tunectl check --set net.ipv4.tcp_fin_timeout=31' /dev/null";
        for (name, value, colour) in [("TERM", "xterm", true), ("NO_COLOR", "1", false), ("TERM", "dumb", false)] {
            let ran = Test::shell(script).env(name, value).stdout_is_anything().run();
            assert_eq!(ran.stdout.contains("\u{1b}[32mok\u{1b}[0m"), colour, "{name}={value}: {}", ran.stdout);
            assert!(ran.stdout.contains("the setting matches"));
        }
    });
}
