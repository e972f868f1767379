//! The files that people copy to run tunectl on more than one machine, read by those who will read them: Kubernetes's
//! own schemas, Compose's, Ansible, systemd, Prometheus's client library.
//!
//! What needs those readers is ignored by default; `.ci/deploy` installs them and runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser as _;
use serde_json::Value;
use tunectl::commands::Cli;

use crate::support::kernel::{put, sysctl};
use crate::support::namespaces::{inside, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(file(name)).unwrap()
}

/// A program of the virtual environment that `.ci/deploy` makes.
fn reader(program: &str) -> Command {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/deploy/venv/bin").join(program);
    assert!(path.exists(), "{} is missing: run `.ci/deploy`, which installs it", path.display());
    Command::new(path)
}

/// What a command that succeeds prints.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
    out
}

fn check(what: &str, of: &Path) -> String {
    output(
        reader("python")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/containers/deploy_check.py"))
            .arg(what)
            .arg(of),
    )
}

#[test]
fn documentation_links_every_deployment_file() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/watch.md")).unwrap();
    for entry in fs::read_dir(file("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(page.contains(&format!("(../examples/deploy/{name})")), "docs/watch.md does not name {name}");
    }
}

#[test]
fn unit_command_lines_parse_and_mount_directives_are_absent() {
    let unit = read("tunectl-watch.service");
    for text in [&unit, &read("repair.conf")] {
        let start = text.lines().rev().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
        Cli::try_parse_from(start.split_whitespace()).unwrap();
    }
    // It would mount another /proc, and inotify would tell of nothing.
    let directives = unit.lines().filter(|line| !line.starts_with('#'));
    let mounts = ["ProtectProc", "ProcSubset", "ProtectKernelTunables", "ProtectControlGroups", "PrivatePIDs"];
    assert!(!directives.clone().any(|line| mounts.iter().any(|its| line.starts_with(its))));
    assert!(directives.clone().any(|line| line == "CapabilityBoundingSet="));
}

const MANIFESTS: [&str; 3] = ["daemonset.yaml", "entrypoint.yaml", "init-container.yaml"];

#[test]
#[ignore = "needs what .ci/deploy installs"]
fn manifests_match_the_kubernetes_schemas() {
    for version in ["1.25", "1.31", "1.37"] {
        let mut validate = reader("kubernetes-validate");
        let said = output(validate.args(["--strict", "--kubernetes-version", version]).args(MANIFESTS.map(file)));
        assert_eq!(said.matches(&format!("against version {version}")).count(), 5, "{said}");
    }
    // It would say so if a field were misspelt.
    let scratch = Scratch::new();
    let wrong = scratch.write("wrong.yaml", read("entrypoint.yaml").replace("sysctls:", "sysctl:"));
    let status = reader("kubernetes-validate").args(["--strict", "--kubernetes-version", "1.31"]).arg(wrong).output();
    assert!(!status.unwrap().status.success());
}

#[test]
#[ignore = "needs what .ci/deploy installs"]
fn manifests_have_valid_command_lines_and_profiles() {
    let scratch = Scratch::new();
    let (mut calls, mut profiles) = (0, 0);
    for name in MANIFESTS {
        for line in check("words", &file(name)).lines() {
            let document: Value = serde_json::from_str(line).unwrap();
            if let Some(arguments) = document["args"].as_array() {
                let words = arguments.iter().map(|word| word.as_str().unwrap());
                Cli::try_parse_from(["tunectl"].into_iter().chain(words)).unwrap();
                calls += 1;
            } else {
                let path = scratch.write(document["file"].as_str().unwrap(), document["text"].as_str().unwrap());
                let said = output(tunectl().args(["profile", "validate"]).arg(&path));
                assert_eq!(said, format!("{}: valid\n", path.display()));
                profiles += 1;
            }
        }
    }
    assert_eq!((calls, profiles), (2, 1));
}

#[test]
#[ignore = "needs what .ci/deploy installs"]
fn compose_file_matches_its_schema() {
    assert_eq!(check("compose", &file("compose.yaml")), "web\n");
}

#[test]
#[ignore = "needs what .ci/deploy installs"]
fn unit_is_verified_by_systemd_and_hardened() {
    let scratch = Scratch::new();
    let program = tunectl().get_program().to_str().unwrap().to_owned();
    let text = read("tunectl-watch.service").replace("/usr/local/bin/tunectl", &program);
    let unit = scratch.write("tunectl-watch.service", text);
    let verified = Command::new("systemd-analyze").arg("verify").arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("tunectl-watch"), "{said}");
    // Tenths of what systemd calls exposure; up to 20 it says OK.
    output(Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=20"]).arg(&unit));
    scratch.write("tunectl-watch.service.d/repair.conf", read("repair.conf"));
    let verified = Command::new("systemd-analyze").arg("verify").arg(&unit).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(!said.contains("repair.conf"), "{said}");
}

#[test]
#[ignore = "needs what .ci/deploy installs"]
fn playbook_reports_changed_only_after_a_change() {
    inside(this_test!(), || {
        put("net/core/somaxconn", "128");
        let scratch = Scratch::new();
        let profile = scratch.write("p.toml", "[linux.sysctl]\nnet.core.somaxconn = 4096\n");
        let program = tunectl().get_program().to_owned();
        fs::create_dir(scratch.path().join("bin")).unwrap();
        std::os::unix::fs::symlink(program, scratch.path().join("bin/tunectl")).unwrap();
        let play = || {
            let path = format!("{}:{}", scratch.path().join("bin").display(), std::env::var("PATH").unwrap());
            let mut play = reader("ansible-playbook");
            play.args(["-i", "localhost,", "-c", "local", "-e", "ansible_become=false"]);
            // The interpreter that Ansible would find for itself may be a stub that starts no Python.
            let python = reader("python").get_program().to_str().unwrap().to_owned();
            play.args(["-e", &format!("ansible_python_interpreter={python}"), "-e"]);
            play.arg(format!("profile={}", profile.display())).arg(file("ansible.yaml"));
            output(play.env("PATH", path).env("HOME", scratch.path()).env("ANSIBLE_NOCOLOR", "1"))
        };
        let first = play();
        assert!(first.contains("changed=1 "), "{first}");
        assert_eq!(sysctl("net/core/somaxconn"), "4096");
        let second = play();
        assert!(second.contains("changed=0 ") && second.contains("skipped="), "{second}");
    });
}

#[test]
#[ignore = "needs what .ci/deploy installs"]
fn metrics_are_parsed_by_the_prometheus_client() {
    inside(this_test!(), || {
        put("net/core/somaxconn", "128");
        put("net/ipv4/ip_local_reserved_ports", "8080");
        let scratch = Scratch::new();
        let profile = scratch.write(
            "p.toml",
            "[linux.sysctl]\nnet.core.somaxconn = { at_least = 4096 }\n\
             net.ipv4.ip_local_reserved_ports = { includes = \"8080\" }\n\
             net.ipv4.tcp_rmem = { at_least = [1, 2, 3] }\n\
             net.ipv4.tcp_congestion_control = { one_of = [\"cubic\", \"reno\"], required = false }\n\
             [rlimit]\ncore = { soft = \"unlimited\" }\n",
        );
        let checked = tunectl().args(["check", "--format", "prometheus", "-p"]).arg(&profile).output().unwrap();
        let read = check("prometheus", &scratch.write("check.prom", checked.stdout));
        let watched = scratch.path().join("watch.prom");
        let status =
            tunectl().args(["watch", "--once", "--metrics"]).arg(&watched).arg("-p").arg(&profile).output().unwrap();
        assert_eq!(status.status.code(), Some(1));
        let both = read.clone() + &check("prometheus", &watched);
        for line in [
            "gauge tunectl_setting_compliant{required=true,setting=net.core.somaxconn} 0.0",
            "gauge tunectl_setting_wanted{bound=at_least,setting=net.core.somaxconn} 4096.0",
            "gauge tunectl_setting_wanted{bound=at_least,index=2,setting=net.ipv4.tcp_rmem} 3.0",
            "gauge tunectl_setting_found{setting=net.core.somaxconn} 128.0",
            "gauge tunectl_setting_found_info{found=8080,setting=net.ipv4.ip_local_reserved_ports} 1.0",
            "gauge tunectl_setting_wanted_info{setting=net.ipv4.tcp_congestion_control,wanted=one of cubic, reno} 1.0",
        ] {
            assert_eq!(both.lines().filter(|its| *its == line).count(), 2, "{line}\n{both}");
        }
        assert!(read.contains("gauge tunectl_setting_wanted{bound=exactly,setting=core (soft)} inf\n"), "{read}");
        for line in [
            "counter tunectl_setting_drift_total{setting=net.core.somaxconn} 0.0",
            "gauge tunectl_profile_last_reload_successful{} 1.0",
            "gauge tunectl_sweep_interval_seconds{} 30.0",
        ] {
            assert!(both.lines().any(|its| its == line), "{line}\n{both}");
        }
    });
}
