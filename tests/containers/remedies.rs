//! Remedies for containers, followed to the letter: tunectl in a container falls short and says which flags it is to
//! be started with, it is started with those, and the check passes.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::engine::{Container, Ran};
use crate::podman::Podman;
use crate::{images, programs};

/// A container that falls short, and what is said of one setting.
struct Case {
    /// How it is started, a word each.
    options: &'static [&'static str],
    asked: &'static [&'static str],
    setting: &'static str,
    cause: &'static str,
    /// The flags that it is to be started with, as the remedy has them.
    flags: &'static str,
}

const fn case(
    options: &'static [&'static str],
    asked: &'static [&'static str],
    setting: &'static str,
    cause: &'static str,
    flags: &'static str,
) -> Case {
    Case { options, asked, setting, cause, flags }
}

const QUEUE: &[&str] = &["--set", "net.core.somaxconn=32768"];
const PORTS: &[&str] = &["--set", "net.ipv4.ip_local_port_range=1024 65535"];
const FILES: &[&str] = &["--rlimit", "nofile=3000:4000"];
/// With limits that nobody needs a right for.
const FEW: &[&str] = &["--ulimit=nofile=1000:2000"];

const DOMAIN: &[&str] = &["--set", "kernel.domainname=queue"];

const CASES: [Case; 15] = [
    case(&[], QUEUE, "net.core.somaxconn", "read-only-mount", "--sysctl net.core.somaxconn=32768"),
    case(&["--user=1000"], QUEUE, "net.core.somaxconn", "not-permitted", "--sysctl net.core.somaxconn=32768"),
    case(
        &["--cap-drop=ALL", "--read-only"],
        QUEUE,
        "net.core.somaxconn",
        "read-only-mount",
        "--sysctl net.core.somaxconn=32768",
    ),
    case(
        &[],
        PORTS,
        "net.ipv4.ip_local_port_range",
        "read-only-mount",
        "--sysctl 'net.ipv4.ip_local_port_range=1024 65535'",
    ),
    case(&[], &["--set", "kernel.shmmni=5000"], "kernel.shmmni", "read-only-mount", "--sysctl kernel.shmmni=5000"),
    case(
        &[],
        &["--set", "fs.mqueue.msg_max=20"],
        "fs.mqueue.msg_max",
        "read-only-mount",
        "--sysctl fs.mqueue.msg_max=20",
    ),
    case(&[], &["--set", "kernel.hostname=queue"], "kernel.hostname", "read-only-mount", "--hostname queue"),
    case(FEW, FILES, "nofile (hard)", "hard-limit", "--ulimit nofile=3000:4000"),
    case(FEW, FILES, "nofile (soft)", "hard-limit", "--ulimit nofile=3000:4000"),
    case(FEW, &["-p", "descriptors"], "nofile (soft)", "not-applied", "--ulimit nofile=1500:2000"),
    case(&["--pids-limit=100"], &["-p", "threads"], "nproc (soft)", "pids-max", "--pids-limit 200"),
    case(
        &["--security-opt=seccomp=SECCOMP", "--ulimit=nofile=1000:2000"],
        &["-p", "descriptors"],
        "nofile (soft)",
        "seccomp-filter",
        "--security-opt seccomp=unconfined",
    ),
    // No runtime takes it as a sysctl, though it is the container's own.
    case(&[], DOMAIN, "kernel.domainname", "read-only-mount", "--domainname queue"),
    case(&["--user=65534"], DOMAIN, "kernel.domainname", "not-permitted", "--domainname queue"),
    case(
        &["--user=65534", "--security-opt=systempaths=unconfined"],
        DOMAIN,
        "kernel.domainname",
        "not-permitted",
        "--domainname queue",
    ),
];

/// Everything is allowed but to set a limit: prlimit64 with a new one, and setrlimit.
const NO_LIMITS: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
{"names": ["setrlimit"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
{"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
 "args": [{"index": 2, "value": 0, "op": "SCMP_CMP_NE"}]}]}"#;

/// The words of a remedy as a shell takes them, without `docker run`.
pub(crate) fn flags(remedy: &str, program: &str) -> Vec<String> {
    let words =
        remedy.strip_prefix(&format!("{program} run ")).unwrap_or_else(|| panic!("not for {program}: {remedy}"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("printf '%s\\n' {words}")]);
    let output = shell.output().unwrap_or_else(|error| panic!("sh: {error}"));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// All that is said of one setting.
#[track_caller]
pub(crate) fn finding(ran: &Ran, setting: &str) -> Value {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    findings.into_iter().find(|finding| finding["setting"] == setting).unwrap_or_else(|| panic!("{ran:?}"))
}

/// The texts of its remedies for this place.
pub(crate) fn remedies(finding: &Value, place: &str) -> Vec<String> {
    let remedies = finding["remedies"].as_array().into_iter().flatten();
    let here = remedies.filter(|remedy| remedy["place"] == place);
    here.filter_map(|remedy| remedy["text"].as_str()).map(str::to_owned).collect()
}

/// What an option sets: the flag, and of a flag with several of them which.
fn subject(option: &str) -> &str {
    option.rsplit_once('=').map_or(option, |(subject, _)| subject)
}

/// Starts a container with options and a command.
type Run<'a> = &'a dyn Fn(&[&str], &[&str]) -> Ran;

/// Each case in a container that `program` starts.
fn follow(program: &str, run: Run<'_>) {
    let filter = programs::scratch().join(format!("{program}-no-limits.json"));
    fs::write(&filter, NO_LIMITS).unwrap_or_else(|error| panic!("{error}"));
    for Case { options, asked, setting, cause, flags: expected } in CASES {
        let options: Vec<String> =
            options.iter().map(|option| option.replace("SECCOMP", &filter.to_string_lossy())).collect();
        let mut words: Vec<&str> = options.iter().map(String::as_str).collect();
        // What a filter or a group does is seen only by trying; what is tried there, a service would be.
        let tried = cause == "seccomp-filter";
        let attempt: &[&str] = if tried { &["apply", "--pid", "1"] } else { &["check"] };
        let command = [&["/tunectl"], attempt, &["--format", "json"], asked].concat();
        let said = finding(&run(&words, &command).expect_code(1), setting);
        assert_eq!(said["cause"], cause, "{said:#}");
        let remedies = remedies(&said, "container-start");
        // Podman has no such flag: tunectl sets it, once it may.
        let let_write = match words[..] {
            [] => "--security-opt systempaths=unconfined",
            [_] => "--security-opt systempaths=unconfined --user 0",
            _ => "--user 0",
        };
        let domain = program == "podman" && setting == "kernel.domainname";
        let expected = if domain { let_write } else { expected };
        assert_eq!(remedies, [format!("{program} run {expected}")], "{said:#}");

        let given = flags(&remedies[0], program);
        // Whoever starts it otherwise as before replaces the flags that the remedy names anew.
        let anew: Vec<String> = given.chunks(2).map(|pair| pair.join("=")).collect();
        words.retain(|option| !anew.iter().any(|word| subject(word) == subject(option)));
        words.extend(given.iter().map(String::as_str));
        let check = [&["/tunectl", "check"], asked].concat();
        // Flags that only let tunectl set it.
        let sets = domain || expected.starts_with("--security-opt");
        let command = if sets { [&["/tunectl", "run"], asked, &["--"], &check].concat() } else { check };
        run(&words, &command).expect_code(0);
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn each_docker_flag_fixes_its_setting() {
    let image = images::probe();
    follow("docker", &|options, command| Container::run(options, &image.name, command));
}

#[test]
#[ignore = "container tier: needs Podman; run by .ci/containers"]
fn each_podman_flag_fixes_its_setting() {
    let podman = Podman::shared();
    follow("podman", &|options, command| podman.run(options, command));
}

/// No flag is named for it: the name of the first kind passes, and then the container does not start.
fn only_the_hosts(run: Run<'_>) {
    for (asked, cause) in [
        ("net.core.netdev_max_backlog=9999", "hidden-in-namespace"),
        ("net.core.rmem_max=99999999", "host-setting"),
        ("vm.max_map_count=999999", "host-setting"),
    ] {
        let command = ["/tunectl", "check", "--format", "json", "--set", asked];
        let (setting, _) = asked.split_once('=').unwrap_or_default();
        let said = finding(&run(&[], &command).expect_code(1), setting);
        assert_eq!(said["cause"], cause, "{said:#}");
        assert_eq!(said["remedies"][0]["place"], "host-shell");
        assert_eq!(said["remedies"][0]["text"], format!("sudo sysctl -w {asked}"));
        assert_eq!(remedies(&said, "container-start"), [""; 0], "{said:#}");
        assert_ne!(run(&["--sysctl", asked], &["/probe", "report"]).code, 0, "the engine takes {asked}");
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn no_docker_flag_is_printed_for_host_settings() {
    let image = images::probe();
    only_the_hosts(&|options, command| Container::run(options, &image.name, command));
}

#[test]
#[ignore = "container tier: needs Podman; run by .ci/containers"]
fn no_podman_flag_is_printed_for_host_settings() {
    let podman = Podman::shared();
    only_the_hosts(&|options, command| podman.run(options, command));
}

/// Podman of somebody else than root: what that takes besides, and what nobody can give then.
#[test]
#[ignore = "container tier: needs Podman; run by .ci/containers"]
fn rootless_podman_remedies_stay_within_the_users_limits() {
    let podman = Podman::rootless("* soft nofile 1000\n* hard nofile 2000\n");
    for asked in ["net.core.somaxconn=32768", "kernel.shmmni=5000", "fs.mqueue.msg_max=20", "kernel.hostname=queue"] {
        let (setting, _) = asked.split_once('=').unwrap_or_default();
        let json = ["/tunectl", "check", "--format", "json", "--set", asked];
        let said = finding(&podman.run(&[], &json).expect_code(1), setting);
        let given = flags(&remedies(&said, "container-start").concat(), "podman");
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        podman.run(&given, &["/tunectl", "check", "--set", asked]).expect_code(0);
    }

    let json = ["/tunectl", "check", "--format", "json", "--set", "kernel.domainname=queue"];
    let said = finding(&podman.run(&[], &json).expect_code(1), "kernel.domainname");
    assert_eq!(said["cause"], "owner-not-mapped", "{said:#}");
    assert!(said["remedies"].is_null(), "{said:#}");

    let files = ["/tunectl", "check", "--rlimit", "nofile=3000:4000"];
    let said = finding(&podman.run(&[], &[&files[..], &["--format", "json"]].concat()).expect_code(1), "nofile (hard)");
    assert_eq!(said["cause"], "hard-limit", "{said:#}");
    let given = flags(&remedies(&said, "container-start").concat(), "podman");
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    // Alone it does not do.
    assert_ne!(podman.run(&given, &files).code, 0);
    let lines = remedies(&said, "file").concat();
    assert_eq!(lines, "* soft nofile 3000\n* hard nofile 4000", "{said:#}");
    podman.log_in_with("99-tunectl.conf", &format!("{lines}\n"));
    podman.run(&given, &files).expect_code(0);
}
