//! `tunectl apply`: the machine, and the shell that this is typed in.

use std::process::{Child, Command, Stdio};

use rlimit::Resource;
use serde_json::{Value, json};

use crate::support::kernel::{limit, put, sysctl};
use crate::support::namespaces::{inside, lower_limit, skip, this_test};
use crate::support::test::Test;

const FILES: &str = "nofile = { soft = 500, hard = { at_least = 600 } }\n";

fn profile() -> String {
    format!("linux.sysctl.net.ipv4.tcp_fin_timeout = 31\n[rlimit]\n{FILES}")
}

fn limits() -> String {
    format!("[rlimit]\n{FILES}")
}

fn begin() {
    lower_limit(Resource::NOFILE, 1000, 1200);
}

/// What people type: three commands in one shell.
#[test]
fn apply_and_check_and_the_program_in_one_shell() {
    inside(this_test!(), || {
        begin();
        put("net/ipv4/tcp_fin_timeout", "60");
        Test::shell("tunectl apply -p web.toml && tunectl check -p web.toml && ulimit -n && echo $$")
            .file("web.toml", profile())
            .expected("cli/apply/apply_and_check_and_the_program_in_one_shell");
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "31");
        assert_eq!(limit(std::process::id(), "Max open files"), ("1000".into(), "1200".into()), "not ours");
    });
}

#[test]
fn shell_is_named_with_its_pid() {
    inside(this_test!(), || {
        begin();
        let ran = Test::shell("echo $$; tunectl apply -p web.toml")
            .file("web.toml", limits())
            .stdout(
                "[..]\nnofile (soft) 1000 → 500 for sh, pid [..]\n1 setting changed and read back, 1 already matches\n",
            )
            .run();
        let lines: Vec<&str> = ran.stdout.lines().collect();
        assert!(lines[1].ends_with(&format!(" pid {}", lines[0])), "{}", ran.stdout);
    });
}

/// Each stands between the shell that is meant and tunectl, and forks as the real ones do.
#[test]
fn limits_are_set_for_the_shell_beyond_sudo() {
    inside(this_test!(), || {
        for go_between in ["sudo", "su", "doas", "run0"] {
            begin();
            let script = format!("./{go_between} -c 'tunectl apply -p web.toml; ulimit -Sn'; ulimit -Sn; ulimit -Hn");
            Test::shell(&script)
                .file("web.toml", limits())
                .link(go_between, "/bin/sh")
                .expected("cli/apply/limits_are_set_for_the_shell_beyond_sudo");
        }
    });
}

/// PID 1 of a new PID namespace is a shell here, and tunectl's only ancestor.
#[test]
fn pid_1_is_not_taken_for_a_shell() {
    inside(this_test!(), || {
        begin();
        put("net/ipv4/tcp_fin_timeout", "60");
        let script = "tunectl apply -p web.toml; echo $?; ulimit -Sn; \
                      tunectl apply --no-rlimits -p web.toml; echo $?; ulimit -Sn";
        let unshared = ["--pid", "--fork", "--mount", "--mount-proc"];
        let tried = Command::new("unshare").args(unshared).arg("true").output().unwrap();
        if !tried.status.success() {
            return skip(this_test!(), String::from_utf8_lossy(&tried.stderr).trim());
        }
        Test::shell(&format!("exec unshare {} sh -c '{script}'", unshared.join(" ")))
            .file("web.toml", profile())
            .expected("cli/apply/pid_1_is_not_taken_for_a_shell");
    });
}

#[test]
fn apply_sets_limits_of_a_named_process() {
    inside(this_test!(), || {
        begin();
        let other = Sleeper::start();
        let pid = other.0.id();
        Test::new(["apply", "-p", "web.toml", "--pid", &pid.to_string()])
            .file("web.toml", limits())
            .stdout(&format!(
                "nofile (soft) 1000 → 500 for sleep, pid {pid}\n1 setting changed and read back, 1 already matches\n"
            ))
            .run();
        assert_eq!(limit(pid, "Max open files"), ("500".into(), "1200".into()));
        assert_eq!(limit(std::process::id(), "Max open files"), ("1000".into(), "1200".into()));

        Test::new(["check", "-p", "web.toml", "--pid", &pid.to_string()])
            .file("web.toml", limits())
            .expected("cli/apply/apply_sets_limits_of_a_named_process");
    });
}

#[test]
fn ended_process_is_reported() {
    inside(this_test!(), || {
        put("net/ipv4/tcp_fin_timeout", "60");
        let mut other = Sleeper::start();
        let pid = other.0.id();
        other.0.kill().unwrap();
        other.0.wait().unwrap();
        Test::new(["apply", "-p", "web.toml", "--pid", &pid.to_string()])
            .file("web.toml", profile())
            .stderr(&format!("tunectl: error: pid {pid}: there is no such process\n"))
            .code(1)
            .run();
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "60");
    });
}

#[test]
fn no_rlimits_leaves_limits_alone() {
    inside(this_test!(), || {
        begin();
        Test::shell("tunectl apply -p web.toml --no-rlimits; ulimit -Sn")
            .file("web.toml", limits())
            .stdout("nothing to change, 0 already match\n1000\n")
            .run();
    });
}

#[test]
fn dry_run_shows_changes_and_makes_none() {
    inside(this_test!(), || {
        begin();
        put("net/ipv4/tcp_fin_timeout", "60");
        Test::shell("tunectl apply --dry-run -p web.toml; echo $?; ulimit -Sn")
            .file("web.toml", profile())
            .expected("cli/apply/dry_run_shows_changes_and_makes_none");
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "60");
    });
}

#[test]
fn json_output_is_one_document() {
    inside(this_test!(), || {
        begin();
        put("net/ipv4/tcp_fin_timeout", "60");
        let other = Sleeper::start();
        let pid = other.0.id().to_string();
        let arguments = ["apply", "-p", "web.toml", "--format", "json", "--pid", &pid];
        let document = |test: Test, code| -> Value {
            let ran = test.file("web.toml", profile()).stdout_is_anything().code(code).run();
            serde_json::from_str(&ran.stdout).unwrap()
        };

        let failed = document(Test::new(arguments.into_iter().chain(["--set", "net.ipv4.nonsense=1"])), 1);
        assert_eq!((&failed["command"], &failed["passes"]), (&"apply".into(), &false.into()));
        let timeout = &failed["findings"][0];
        assert_eq!((&timeout["before"], &timeout["found"], &timeout["now"]), (&60.into(), &31.into(), &60.into()));
        assert_eq!((&timeout["verdict"], &timeout["put_back"]), (&"changed".into(), &true.into()));
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "60");

        let planned = document(Test::new(arguments.into_iter().chain(["--dry-run"])), 0);
        let timeout = &planned["findings"][0];
        assert_eq!((&timeout["verdict"], &timeout["target"]), (&"would-change".into(), &31.into()));
        assert_eq!(sysctl("net/ipv4/tcp_fin_timeout"), "60");

        let done = document(Test::new(arguments), 0);
        assert_eq!(done["process"], json!({"pid": other.0.id(), "name": "sleep"}));
        assert_eq!(done["counts"], json!({"settings": 3, "changed": 2, "short": 0, "required_short": 0}));
        let timeout = &done["findings"][0];
        assert_eq!((&timeout["verdict"], timeout.get("put_back")), (&"changed".into(), None));
        assert_eq!(limit(other.0.id(), "Max open files"), ("500".into(), "1200".into()));
    });
}

/// From one number to another, with the machine's own number of processors in between.
#[test]
fn relative_amounts_use_memory_and_cpus_of_the_machine() {
    inside(this_test!(), || {
        let processors = std::thread::available_parallelism().unwrap().get();
        put("net/ipv4/tcp_max_tw_buckets", "7");
        Test::new(["apply", "-p", "web.toml"])
            .file("web.toml", "linux.sysctl.net.ipv4.tcp_max_tw_buckets = \"1000 per cpu\"\n")
            .stdout(&format!(
                "net.ipv4.tcp_max_tw_buckets 7 → {}\n1 setting changed and read back\n",
                processors * 1000
            ))
            .run();
        assert_eq!(sysctl("net/ipv4/tcp_max_tw_buckets"), (processors * 1000).to_string());
    });
}

/// A process that waits to be looked at.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
        crate::support::kernel::wait_for_program(&mut child, "sleep");
        Self(child)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
