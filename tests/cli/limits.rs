//! `tunectl limits`: all sixteen, as the kernel has them and as shells count them.

use std::collections::BTreeMap;
use std::process::Command;

use rlimit::Resource;
use serde_json::Value;

use crate::support::kernel::limits;
use crate::support::namespaces::{inside, lower_limit, skip, this_test};
use crate::support::test::Test;

/// The names of setrlimit(2) and the titles of /proc/PID/limits, in the order of both.
const TITLES: [(&str, &str); 16] = [
    ("cpu", "Max cpu time"),
    ("fsize", "Max file size"),
    ("data", "Max data size"),
    ("stack", "Max stack size"),
    ("core", "Max core file size"),
    ("rss", "Max resident set"),
    ("nproc", "Max processes"),
    ("nofile", "Max open files"),
    ("memlock", "Max locked memory"),
    ("as", "Max address space"),
    ("locks", "Max file locks"),
    ("sigpending", "Max pending signals"),
    ("msgqueue", "Max msgqueue size"),
    ("nice", "Max nice priority"),
    ("rtprio", "Max realtime priority"),
    ("rttime", "Max realtime timeout"),
];

/// Some limits that are numbers and differ between soft and hard.
fn begin() {
    lower_limit(Resource::NOFILE, 500, 1200);
    lower_limit(Resource::CORE, 2048, 8192);
    lower_limit(Resource::FSIZE, 1 << 30, 1 << 31);
    lower_limit(Resource::STACK, 4 << 20, 8 << 20);
    lower_limit(Resource::CPU, 3600, 7200);
    lower_limit(Resource::MEMLOCK, 16384, 32768);
}

fn document(arguments: &[&str]) -> Value {
    let ran = Test::new(["limits", "--format", "json"].iter().chain(arguments)).stdout_is_anything().run();
    serde_json::from_str(&ran.stdout).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn json_lists_all_sixteen_limits() {
    inside(this_test!(), || {
        begin();
        let ours = limits(std::process::id());
        let document = document(&[]);
        assert_eq!(document["schema_version"], 1);
        assert_eq!(document["command"], "limits");
        let entries = document["limits"].as_array().unwrap();
        assert_eq!(entries.len(), 16);
        for (entry, (name, title)) in entries.iter().zip(TITLES) {
            assert_eq!(entry["limit"], name);
            let found = (text(&entry["soft"]), text(&entry["hard"]));
            assert_eq!(found, ours[title], "{name}");
        }
    });
}

#[test]
fn table_lists_all_sixteen_limits() {
    inside(this_test!(), || {
        begin();
        let ours = limits(std::process::id());
        let ran = Test::new(["limits"]).stdout_is_anything().run();
        let mut lines = ran.stdout.lines();
        assert_eq!(
            lines.next().unwrap().split_whitespace().collect::<Vec<_>>()[..4],
            ["LIMIT", "SOFT", "HARD", "UNIT"]
        );
        for (name, title) in TITLES {
            let words: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
            let (soft, hard) = &ours[title];
            assert_eq!(words[..3], [name, soft, hard]);
        }
        assert_eq!(lines.next(), None);
        let flags: Vec<usize> = ran.stdout.lines().skip(1).map(|line| line.find("  -").unwrap()).collect();
        assert!(flags.windows(2).all(|pair| pair[0] == pair[1]), "the flags are not aligned:\n{}", ran.stdout);
    });
}

#[test]
fn limits_of_another_process_are_listed() {
    inside(this_test!(), || {
        let pid = std::process::id();
        begin();
        // Its parent, which is this test: only tunectl itself is started with another limit.
        let shell = Test::shell(&format!("ulimit -Sn 100; tunectl limits --format json --pid {pid}"));
        let ran = shell.stdout_is_anything().run();
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((&document["pid"], &document["limits"][7]["soft"]), (&pid.into(), &500.into()));
        assert_eq!(document["name"], std::fs::read_to_string("/proc/self/comm").unwrap().trim_end());
    });
}

#[test]
fn limits_of_a_missing_process_fail() {
    // Above every kernel's `pid_max` (proc_sys_kernel(5)).
    Test::new(["limits", "--pid", "2147483647"])
        .stderr(
            "\
tunectl: error: pid 2147483647's limits could not be read: getrlimit: ESRCH (no such process)
  = help: there is no such process
",
        )
        .code(1)
        .run();
}

/// Flag by flag, soft and hard, in the unit that the shell counts in.
fn compare_with(shell: &str, block: u64) -> usize {
    begin();
    let document = document(&[]);
    let mut compared = 0;
    for entry in document["limits"].as_array().unwrap() {
        let flag = entry["ulimit_flag"].as_str().unwrap();
        for (side, letter) in [("soft", 'S'), ("hard", 'H')] {
            let asked = format!("ulimit -{letter}{}", &flag[1..]);
            let output = Command::new(shell).args(["-c", &asked]).output().unwrap();
            if !output.status.success() || !output.stderr.is_empty() {
                continue;
            }
            let factor = match entry["limit"].as_str().unwrap() {
                "core" | "fsize" => block,
                _ => entry["ulimit_factor"].as_u64().unwrap(),
            };
            let expected =
                entry[side].as_u64().map_or_else(|| "unlimited".to_owned(), |limit| (limit / factor).to_string());
            assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{shell}: {asked}");
            compared += 1;
        }
    }
    compared
}

#[test]
fn limits_agree_with_bash() {
    inside(this_test!(), || {
        if Command::new("bash").arg("-c").arg(":").status().is_err() {
            return skip(this_test!(), "there is no bash");
        }
        // bash has all sixteen from 5.1 on (`-R`).
        assert!(compare_with("bash", 1024) >= 30);
    });
}

/// POSIX counts files in blocks of 512 bytes, and shells have other flags than bash for some limits.
#[test]
fn limits_agree_with_sh() {
    inside(this_test!(), || {
        begin();
        let flags: BTreeMap<&str, &str> =
            [("-t", "cpu"), ("-d", "data"), ("-s", "stack"), ("-m", "rss"), ("-n", "nofile"), ("-v", "as")].into();
        let document = document(&[]);
        let entries = document["limits"].as_array().unwrap();
        for (flag, name) in flags {
            let entry = entries.iter().find(|entry| entry["limit"] == name).unwrap();
            assert_eq!(entry["ulimit_flag"], flag);
            let factor = entry["ulimit_factor"].as_u64().unwrap();
            let expected = |side| {
                entry[side].as_u64().map_or_else(|| "unlimited".to_owned(), |limit: u64| (limit / factor).to_string())
            };
            let script = format!("ulimit -S {flag}; ulimit -H {flag}");
            Test::shell(&script).stdout(&format!("{}\n{}\n", expected("soft"), expected("hard"))).run();
        }
    });
}
