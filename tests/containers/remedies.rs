//! Remedies for containers, followed to the letter: tunectl in a container falls short and says which flags it is to
//! be started with, it is started with those, and the check passes.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::engine::{Container, Ran};
use crate::images;
use crate::programs;

/// A container that falls short, and what is said of one setting.
struct Case {
    options: &'static [&'static str],
    asked: &'static [&'static str],
    setting: &'static str,
    cause: &'static str,
    /// The command that it is started with, as the remedy has it.
    remedy: &'static str,
    /// Whether the flags only let tunectl set it, so that it has to.
    sets: bool,
}

const QUEUE: &[&str] = &["--set", "net.core.somaxconn=32768"];

const CASES: [Case; 12] = [
    Case {
        options: &[],
        asked: QUEUE,
        setting: "net.core.somaxconn",
        cause: "read-only-mount",
        remedy: "docker run --sysctl net.core.somaxconn=32768",
        sets: false,
    },
    Case {
        options: &["--user", "1000"],
        asked: QUEUE,
        setting: "net.core.somaxconn",
        cause: "not-permitted",
        remedy: "docker run --sysctl net.core.somaxconn=32768",
        sets: false,
    },
    Case {
        options: &["--cap-drop", "ALL", "--read-only"],
        asked: QUEUE,
        setting: "net.core.somaxconn",
        cause: "read-only-mount",
        remedy: "docker run --sysctl net.core.somaxconn=32768",
        sets: false,
    },
    Case {
        options: &[],
        asked: &["--set", "net.ipv4.ip_local_port_range=1024 65535"],
        setting: "net.ipv4.ip_local_port_range",
        cause: "read-only-mount",
        remedy: "docker run --sysctl 'net.ipv4.ip_local_port_range=1024 65535'",
        sets: false,
    },
    Case {
        options: &[],
        asked: &["--set", "kernel.shmmni=5000"],
        setting: "kernel.shmmni",
        cause: "read-only-mount",
        remedy: "docker run --sysctl kernel.shmmni=5000",
        sets: false,
    },
    Case {
        options: &[],
        asked: &["--set", "fs.mqueue.msg_max=20"],
        setting: "fs.mqueue.msg_max",
        cause: "read-only-mount",
        remedy: "docker run --sysctl fs.mqueue.msg_max=20",
        sets: false,
    },
    Case {
        options: &[],
        asked: &["--set", "kernel.hostname=queue"],
        setting: "kernel.hostname",
        cause: "read-only-mount",
        remedy: "docker run --hostname queue",
        sets: false,
    },
    Case {
        options: &["--ulimit", "nofile=1000:2000"],
        asked: &["--rlimit", "nofile=3000:4000"],
        setting: "nofile (hard)",
        cause: "hard-limit",
        remedy: "docker run --ulimit nofile=3000:4000",
        sets: false,
    },
    Case {
        options: &["--ulimit", "nofile=1000:2000"],
        asked: &["--rlimit", "nofile=3000:4000"],
        setting: "nofile (soft)",
        cause: "hard-limit",
        remedy: "docker run --ulimit nofile=3000:4000",
        sets: false,
    },
    Case {
        options: &["--ulimit", "nofile=1000:2000"],
        asked: &["-p", "descriptors"],
        setting: "nofile (soft)",
        cause: "not-applied",
        remedy: "docker run --ulimit nofile=1500:2000",
        sets: false,
    },
    Case {
        options: &["--pids-limit", "100"],
        asked: &["-p", "threads"],
        setting: "nproc (soft)",
        cause: "pids-max",
        remedy: "docker run --pids-limit 200",
        sets: false,
    },
    Case {
        options: &["--security-opt", "seccomp=SECCOMP", "--ulimit", "nofile=1000:2000"],
        asked: &["-p", "descriptors"],
        setting: "nofile (soft)",
        cause: "seccomp-filter",
        remedy: "docker run --security-opt seccomp=unconfined",
        sets: true,
    },
];

/// Everything is allowed but to set a limit: prlimit64 with a new one, and setrlimit.
const NO_LIMITS: &str = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
{"names": ["setrlimit"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1},
{"names": ["prlimit64"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1,
 "args": [{"index": 2, "value": 0, "op": "SCMP_CMP_NE"}]}]}"#;

/// The words of a remedy as a shell takes them, without `docker run`.
fn flags(remedy: &str) -> Vec<String> {
    let words = remedy.strip_prefix("docker run ").unwrap_or_else(|| panic!("not for docker: {remedy}"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("printf '%s\\n' {words}")]);
    let output = shell.output().unwrap_or_else(|error| panic!("sh: {error}"));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn finding(ran: &Ran, setting: &str) -> Value {
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let findings = document["findings"].as_array().cloned().unwrap_or_default();
    findings.into_iter().find(|finding| finding["setting"] == setting).unwrap_or_else(|| panic!("{ran:?}"))
}

fn remedy(finding: &Value) -> String {
    let remedies = finding["remedies"].as_array().into_iter().flatten();
    let mut starts = remedies.filter(|remedy| remedy["place"] == "container-start");
    starts.next().and_then(|remedy| remedy["text"].as_str()).unwrap_or_else(|| panic!("{finding}")).to_owned()
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn each_flag_that_is_named_mends_what_it_is_named_for() {
    let image = images::probe();
    let filter = programs::scratch().join("no-limits.json");
    fs::write(&filter, NO_LIMITS).unwrap_or_else(|error| panic!("{error}"));
    let filter = format!("seccomp={}", filter.display());
    for case in CASES {
        let options: Vec<&str> = case
            .options
            .iter()
            .map(|option| if *option == "seccomp=SECCOMP" { filter.as_str() } else { option })
            .collect();
        // What a filter does is seen only by trying.
        let attempt = if case.cause == "seccomp-filter" { "apply" } else { "check" };
        let pid: &[&str] = if attempt == "apply" { &["--pid", "1"] } else { &[] };
        let command = [&["/tunectl", attempt, "--format", "json"], pid, case.asked].concat();
        let ran = Container::run(&options, &image.name, &command).expect_code(1);
        let said = finding(&ran, case.setting);
        assert_eq!(said["cause"], case.cause, "{said:#}");
        let remedy = remedy(&said);
        assert_eq!(remedy, case.remedy, "{said:#}");

        let given = flags(&remedy);
        // Whoever starts it otherwise as before replaces the flags that the remedy names anew.
        let kept =
            case.options.chunks(2).filter(|pair| !given.contains(&pair[0].to_owned()) && pair[0] != "--cap-drop");
        let kept: Vec<&str> = kept.flatten().copied().collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let check = [&["/tunectl", "check"][..], case.asked].concat();
        let command = if case.sets { [&["/tunectl", "run"][..], case.asked, &["--"], &check].concat() } else { check };
        Container::run(&[kept, given].concat(), &image.name, &command).expect_code(0);
    }
}

#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn all_flags_on_one_line() {
    let image = images::probe();
    let asked = ["-p", "web", "-p", "too-many"];
    let check = [&["/tunectl", "check"][..], &asked].concat();
    let ran = Container::run(&["--ulimit", "nofile=1000:2000"], &image.name, &check).expect_code(1);
    let line = ran.stdout.lines().find_map(|line| line.strip_prefix("all at once: "));
    let given = flags(line.unwrap_or_else(|| panic!("{ran:?}")));
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    Container::run(&given, &image.name, &check).expect_code(0);
}

/// Every remedy for a compose file, pasted where its place says, in one file; and then the checks pass.
#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn a_compose_file_mended_by_what_is_said() {
    let image = images::probe();
    let asked = ["-p", "web", "-p", "descriptors", "-p", "threads", "--set", "kernel.hostname=queue"];
    let check = [&["/tunectl", "check"][..], &asked].concat();
    let short = ["--ulimit", "nofile=1000:2000", "--pids-limit", "100"];
    let json = [&check[..], &["--format", "json"]].concat();
    let ran = Container::run(&short, &image.name, &json).expect_code(1);
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let remedies = document["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|finding| finding["remedies"].as_array().cloned().unwrap_or_default());
    let (mut service, mut sysctls, mut ulimits) = (Vec::new(), Vec::new(), Vec::new());
    for remedy in remedies {
        let text = remedy["text"].as_str().unwrap_or_default();
        match remedy["place"].as_str() {
            Some("compose") => service.push(format!("    {text}\n")),
            Some("compose-sysctls") => sysctls.push(format!("      {text}\n")),
            Some("compose-ulimits") if !ulimits.iter().any(|line: &String| line.contains(text)) => {
                ulimits.push(format!("      {text}\n"));
            }
            _ => {}
        }
    }
    assert!(!service.is_empty() && !sysctls.is_empty() && !ulimits.is_empty(), "{document:#}");
    let command: Vec<Value> = check.iter().map(|word| Value::from(*word)).collect();
    let compose = format!(
        "version: \"2.4\"\nservices:\n  service:\n    image: {}\n    command: {}\n{}    sysctls:\n{}    ulimits:\n{}",
        image.name,
        Value::from(command),
        service.concat(),
        sysctls.concat(),
        ulimits.concat()
    );
    let folder = programs::scratch().join(crate::engine::name());
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
    fs::write(folder.join("compose.yaml"), &compose).unwrap_or_else(|error| panic!("{error}"));
    let ran = composed(&folder, &["run", "--rm", "service"]);
    composed(&folder, &["down"]);
    drop(fs::remove_dir_all(&folder));
    assert_eq!(ran.code, 0, "{compose}\n{ran:?}");
}

/// The plugin of newer engines, or the program of older ones.
fn composed(folder: &std::path::Path, arguments: &[&str]) -> Ran {
    let plugin = Command::new("docker").args(["compose", "version"]).output().is_ok_and(|ran| ran.status.success());
    let mut command = Command::new(if plugin { "docker" } else { "docker-compose" });
    if plugin {
        command.arg("compose");
    }
    command.args(["-f", "compose.yaml"]).args(arguments).current_dir(folder);
    command
        .output()
        .unwrap_or_else(|error| panic!("neither `docker compose` nor `docker-compose` runs: {error}"))
        .into()
}

/// What the runtime does not take for a container, though it is the container's own: tunectl sets it, once it may.
#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn what_the_engine_does_not_take_is_left_to_tunectl() {
    let image = images::probe();
    let asked = ["--set", "user.max_inotify_watches=999"];
    let command = [&["/tunectl", "check", "--format", "json"][..], &asked].concat();
    let ran = Container::run(&[], &image.name, &command).expect_code(1);
    // The container shares the user namespace with the machine, whose setting it therefore is.
    let said = finding(&ran, "user.max_inotify_watches");
    let places: Vec<&Value> =
        said["remedies"].as_array().into_iter().flatten().map(|remedy| &remedy["place"]).collect();
    assert!(places.contains(&&Value::from("host-shell")), "{said:#}");
}

/// The engine lets such a name pass, and then does not start the container: so no flag is named for it.
#[test]
#[ignore = "container tier: needs a Docker engine; run by .ci/containers"]
fn no_flag_is_named_for_what_only_the_host_has() {
    let image = images::probe();
    for (asked, cause) in [
        ("net.core.netdev_max_backlog=9999", "hidden-in-namespace"),
        ("net.core.rmem_max=99999999", "host-setting"),
        ("vm.max_map_count=999999", "host-setting"),
    ] {
        let command = ["/tunectl", "check", "--format", "json", "--set", asked];
        let ran = Container::run(&[], &image.name, &command).expect_code(1);
        let (setting, _) = asked.split_once('=').unwrap_or_default();
        let said = finding(&ran, setting);
        assert_eq!(said["cause"], cause, "{said:#}");
        assert_eq!(said["remedies"][0]["place"], "host-shell");
        assert_eq!(said["remedies"][0]["text"], format!("sudo sysctl -w {asked}"));
        let ran = crate::engine::docker(&["run", "--rm", "--sysctl", asked, &image.name, "/probe", "report"]);
        assert_ne!(ran.code, 0, "the engine takes {asked}");
    }
}
