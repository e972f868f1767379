//! All or nothing: where something required can't be had, everything is as it was.

use rlimit::Resource;

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside, lower_limit, this_test};
use crate::support::test::Test;

/// Two keys that can be had, an optional limit that nobody can have, since `fs.nr_open` is never as high.
const OPTIONAL: &str = r#"
[linux.sysctl]
"net.ipv4.tcp_fin_timeout" = 31
"net.ipv4.ip_local_port_range" = { covers = [20000, 50001] }
[rlimit]
nofile = { soft = 500, hard = { at_least = 4294967296, required = false } }
[lint]
allow = "W001"
"#;

fn required() -> String {
    OPTIONAL.replace(", required = false", "")
}

fn begin() {
    put("net/ipv4/tcp_fin_timeout", "60");
    put("net/ipv4/ip_local_port_range", "32768 60999");
    lower_limit(Resource::NOFILE, 1000, 1200);
}

fn keys() -> [String; 2] {
    ["net/ipv4/tcp_fin_timeout", "net/ipv4/ip_local_port_range"].map(sysctl)
}

const WHY: &str = "4294967296 is above fs.nr_open = [..], the kernel's upper bound for every process, root included";
const RESTORED: &str = "nothing was changed (3 settings had been set and are back at their previous values)";

/// What is said where the profile is applied without the limit.
fn short(optional: &str) -> String {
    format!(
        "SETTING        REQUIRED       CURRENT  RESULT
nofile (hard)  >= 4294967296  1200     too low{optional} [1]
[1] nofile (hard)
    why: {WHY}
more about the cause: tunectl explain above-nr-open
"
    )
}

/// What is said where the profile is not applied for want of the limit.
fn refused() -> String {
    format!(
        "tunectl: error: nofile (hard) is 1200, required >= 4294967296: {WHY}
  --> web.toml:[..]
more about the cause: tunectl explain above-nr-open
"
    )
}

#[test]
fn run_restores_settings_and_starts_nothing_on_failure() {
    inside(this_test!(), || {
        begin();
        let ran = Test::new(["run", "-p", "web.toml", "--", "touch", "started"])
            .file("web.toml", required())
            .stderr(&format!(
                "{}tunectl: error: a required setting falls short: `touch` was not started; {RESTORED}
  = help: apply the fixes above, or start anyway with `--best-effort` or TUNECTL_BEST_EFFORT=1
",
                refused()
            ))
            .code(125)
            .run();
        assert!(!ran.scratch.path().join("started").exists());
        assert_eq!(keys(), ["60", "32768 60999"]);
    });
}

#[test]
fn apply_restores_limits_of_the_shell_on_failure() {
    inside(this_test!(), || {
        begin();
        Test::shell("tunectl apply -p web.toml; echo $?; ulimit -Sn; ulimit -Hn")
            .file("web.toml", required())
            .stdout("1\n1000\n1200\n")
            .stderr(&format!("{}tunectl: error: a required setting falls short; {RESTORED}\n", refused()))
            .run();
        assert_eq!(keys(), ["60", "32768 60999"]);
    });
}

#[test]
fn best_effort_turns_failure_into_a_warning() {
    inside(this_test!(), || {
        for (arguments, variable) in [(&["run", "--best-effort"][..], "0"), (&["run"], "1"), (&["run"], "true")] {
            begin();
            Test::new(arguments.iter().copied().chain(["-p", "web.toml", "--", "sh", "-c", "ulimit -Sn; exit 3"]))
                .file("web.toml", required())
                .env("TUNECTL_BEST_EFFORT", variable)
                .stdout("500\n")
                .stderr(&short(""))
                .code(3)
                .run();
            assert_eq!(keys(), ["31", "20000 60999"]);
        }
    });
}

#[test]
fn optional_setting_may_fall_short() {
    inside(this_test!(), || {
        begin();
        let short = short(", optional");
        Test::new(["run", "-p", "web.toml", "--", "sh", "-c", "ulimit -Sn"])
            .file("web.toml", OPTIONAL)
            .stdout("500\n")
            .stderr(&short)
            .run();
        assert_eq!(keys(), ["31", "20000 60999"]);
    });
}

/// One failure hides no other, and the good ones between them are tried.
#[test]
fn every_setting_is_tried_and_reported() {
    inside(this_test!(), || {
        begin();
        let profile = r#"
[linux.sysctl]
"net.ipv4.nonsense" = 1
"net.ipv4.tcp_fin_timeout" = 31
"net.ipv4.tcp_congestion_control" = "nonsense"
"net.ipv4.tcp_available_congestion_control" = "nonsense"
"#;
        Test::new(["run", "--best-effort", "-p", "web.toml", "--", "true"])
            .file("web.toml", profile)
            .expected("cli/together/every_setting_is_tried_and_reported");
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "31");
    });
}

/// A command that can't be executed is found out before anything is changed for it.
#[test]
fn unexecutable_command_changes_nothing() {
    inside(this_test!(), || {
        begin();
        let cases: [(&[&str], i32, &str); 7] = [
            (&["nonsense"], 127, "`nonsense` not found in PATH (`/usr/bin:/bin`)"),
            (&["./absent"], 127, "`./absent` does not exist"),
            (&[""], 127, "the command name is empty"),
            (&["./folder"], 126, "`./folder` can't be executed: it is a directory"),
            (&["./text"], 126, "`./text` can't be executed: its mode 0644 has no execute permission: `chmod +x` it"),
            (&["./text/within"], 127, "`./text/within` does not exist"),
            (&["/dev/null"], 126, "`/dev/null` can't be executed: it is not a regular file"),
        ];
        for (command, code, said) in cases {
            Test::new(["run", "-p", "web.toml", "--"].iter().chain(command))
                .file("web.toml", OPTIONAL)
                .file("text", "hello\n")
                .folder("folder")
                .env("PATH", "/usr/bin:/bin")
                .stderr(&format!("tunectl: error: {said}\n"))
                .code(code)
                .run();
            assert_eq!(keys(), ["60", "32768 60999"]);
        }
    });
}

/// Only execve(2) itself finds this out, after the settings have been applied: they are put back.
#[test]
fn failed_exec_restores_everything() {
    inside(this_test!(), || {
        begin();
        let profile = OPTIONAL.replace("nofile", "core = 0\n#");
        for (text, why) in [
            (
                "hello\n",
                "it is neither a program nor a script with a `#!` line; a shell script starts with `#!/bin/sh`",
            ),
            ("", "the file is empty"),
            ("#!/nonsense\n", "its interpreter `/nonsense` does not exist or can't be executed"),
        ] {
            Test::new(["run", "-p", "web.toml", "--", "./program"])
                .file("web.toml", &profile)
                .file("program", text)
                .mode("program", 0o755)
                .stderr(&format!("tunectl: error: `./program` can't be executed: {why}\n"))
                .code(126)
                .run();
            assert_eq!(keys(), ["60", "32768 60999"]);
        }
    });
}

/// `-q` says nothing where nothing is an error.
#[test]
fn nothing_but_errors_is_said_with_quiet() {
    let missing = ["--set", "net.ipv4.nonsense=1", "--", "true"];
    Test::new([&["-q", "run", "--best-effort"], &missing[..]].concat()).stderr("").run();
    for command in [&["run", "--best-effort"][..], &["-q", "run"]] {
        let code = if command.contains(&"-q") { 125 } else { 0 };
        let ended = Test::new([command, &missing[..]].concat()).stderr_is_anything().code(code).run();
        assert!(ended.stderr.contains("net.ipv4.nonsense"), "{}", ended.stderr);
    }
}
