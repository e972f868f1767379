//! `--pid`: a process in namespaces of its own, looked at and tuned by a tunectl that stands outside of them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]
#![allow(unsafe_code, reason = "the standard library has no listen(2) of its own")]

#[path = "support/mod.rs"]
mod support;

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use support::kernel::{limit, put, sysctl};
use support::namespaces::{inside, skip, this_test};
use support::test::Test;
use tunectl::sys;

/// Set in a process that is somebody else's service.
const SERVICE: &str = "TUNECTL_TEST_SERVICE";
const OWN: [&str; 3] = ["--net", "--ipc", "--uts"];

/// A service in namespaces of its own, which listens on port 8080.
struct Service {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Service {
    /// `unshare` are the options of unshare(1), `user` who runs it.
    fn start(unshare: &[&str], user: Option<u32>) -> Result<Self, String> {
        let mut command = Command::new("unshare");
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        command.args(unshare).arg(env::current_exe().unwrap());
        command.args(["--exact", "a_service", "--nocapture", "--test-threads=1"]).env(SERVICE, "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| error.to_string())?;
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut service = Self { child, said };
        if service.waits() {
            return Ok(service);
        }
        let mut why = String::new();
        drop(io::Read::read_to_string(&mut service.child.stderr.take().unwrap(), &mut why));
        Err(why.trim().to_owned())
    }

    /// Whether it has come to where it listens.
    fn waits(&mut self) -> bool {
        let mut line = String::new();
        while self.said.read_line(&mut line).unwrap() > 0 {
            if line.contains("listening") {
                return true;
            }
            line.clear();
        }
        false
    }

    /// Has it call listen(2) once more, for as long a queue as there may be.
    fn listen_again(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"again\n").unwrap();
        assert!(self.waits());
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// What stands in a key of its namespaces, read by other programs.
    fn sysctl(&self, path: &str) -> String {
        let read = Command::new("nsenter")
            .args(["--target", &self.pid(), "--net", "--ipc", "--uts", "cat"])
            .arg(format!("/proc/sys/{path}"))
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        String::from_utf8(read.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the service does; a test that does nothing in any other process.
#[test]
fn a_service() {
    if env::var_os(SERVICE).is_none() {
        return;
    }
    put("net/core/somaxconn", "64");
    let socket = TcpListener::bind("0.0.0.0:8080").unwrap();
    let mut lines = io::stdin().lines();
    loop {
        // Not `println!`, which the harness may keep.
        io::stdout().write_all(b"\nlistening\n").unwrap();
        io::stdout().flush().unwrap();
        if lines.next().is_none() {
            return;
        }
        // SAFETY: listen(2) takes two numbers, and the first is that of an open socket.
        assert_eq!(unsafe { libc::listen(socket.as_raw_fd(), 65_535) }, 0);
    }
}

const PROFILE: &str = "\
[linux.sysctl]
\"net.core.somaxconn\" = { at_least = 1024 }
\"kernel.msgmni\" = 77

[rlimit]
nofile = { soft = 321 }
";

#[test]
fn another_process_is_tuned_from_outside_and_nobody_else() {
    inside(this_test!(), || {
        let service = Service::start(&OWN, None).unwrap();
        let pid = service.pid();
        let (queue, messages, files) = (sysctl("net/core/somaxconn"), sysctl("kernel/msgmni"), own_files());
        Test::new(["apply", "-p", "p.toml", "--pid", &pid])
            .file("p.toml", PROFILE)
            .stdout(&format!(
                "net.core.somaxconn 64 → 1024\nkernel.msgmni [..] → 77\n\
                 nofile (soft) [..] → 321 for [..], pid {pid}\n3 settings changed and read back\n"
            ))
            .run();
        assert_eq!(
            (service.sysctl("net/core/somaxconn"), service.sysctl("kernel/msgmni")),
            ("1024".into(), "77".into())
        );
        assert_eq!(limit(service.child.id(), "Max open files").0, "321");
        assert_eq!((sysctl("net/core/somaxconn"), sysctl("kernel/msgmni"), own_files()), (queue, messages, files));
        // The limits stay where they are.
        Test::new([
            "apply",
            "--set",
            "net.core.somaxconn=2048",
            "--rlimit",
            "nofile=99:99",
            "--no-rlimits",
            "--pid",
            &pid,
        ])
        .stdout("net.core.somaxconn 1024 → 2048\n1 setting changed and read back\n")
        .run();
        assert_eq!(limit(service.child.id(), "Max open files").0, "321");
    });
}

fn own_files() -> (String, String) {
    limit(std::process::id(), "Max open files")
}

#[test]
fn a_queue_stays_as_it_was_made_until_the_service_listens_again() {
    inside(this_test!(), || {
        let mut service = Service::start(&OWN, None).unwrap();
        let pid = service.pid();
        let check = |ends: &str| Test::new(["check", "--set", "net.core.somaxconn=1024", "--pid", &pid]).stdout(ends);
        let warning = format!(
            "
warning: queues that take fewer than the 1024 connections that they could
LISTENER      QUEUE  WAITING  PROCESS
0.0.0.0:8080  64     0        [..], pid {pid}
    why: a queue's length is taken at listen(2): the service's own backlog, cut to net.core.somaxconn
    remedy: restart the service or have it listen again, and raise the backlog that it asks for where that is lower
"
        );
        let short = format!(
            "SETTING             WANTED  FOUND  VERDICT
net.core.somaxconn  1024    64     not set

1 of 1 setting falls short
to set what is not set: tunectl apply --set net.core.somaxconn=1024 --pid {pid}
{warning}"
        );
        check(&short).code(1).run();
        // The remedy, to the letter.
        let apply = ["apply", "--set", "net.core.somaxconn=1024", "--pid", &pid];
        Test::new(apply).stdout("net.core.somaxconn 64 → 1024\n1 setting changed and read back\n").run();
        let holds = "SETTING             WANTED  FOUND  VERDICT
net.core.somaxconn  1024    1024   ok

the one setting holds
";
        check(&format!("{holds}{warning}")).run();

        let listeners = |profile: &[&str]| -> Value {
            let arguments = [profile, &["--format", "json", "--pid", &pid]].concat();
            let ran = Test::new([&["check"], &arguments[..]].concat()).stdout_is_anything().run();
            serde_json::from_str::<Value>(&ran.stdout).unwrap()["listeners"].clone()
        };
        let found = listeners(&["--set", "net.core.somaxconn=1024"]);
        let [found] = found.as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!((&found["address"], &found["port"]), (&json!("0.0.0.0"), &json!(8080)));
        assert_eq!((&found["backlog"], &found["allowed"], &found["waiting"]), (&json!(64), &json!(1024), &json!(0)));
        assert_eq!(found["process"]["pid"].to_string(), pid);
        // Without a wish for it, what the namespace allows now is what counts.
        assert_eq!(listeners(&["--set", "net.ipv4.tcp_fin_timeout=60"]).as_array().map(Vec::len), Some(1));

        service.listen_again();
        check(holds).run();
        assert_eq!(listeners(&["--set", "net.core.somaxconn=1024"]), json!([]));
    });
}

/// Its global settings are the host's, though we stand on the host ourselves.
#[test]
fn a_process_in_a_container_has_no_settings_of_the_machine() {
    let service = match Service::start(&OWN, None) {
        Ok(service) => service,
        Err(reason) => return skip("a_process_in_a_container_has_no_settings_of_the_machine", &reason),
    };
    let document = |more: &[&str]| -> Value {
        let arguments = [&["check", "--set", "vm.swappiness=1", "--format", "json"], more].concat();
        let ran = Test::new(arguments).stdout_is_anything().code(1).run();
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let theirs = document(&["--pid", &service.pid()]);
    assert_eq!(
        (&theirs["context"]["contained"], &theirs["findings"][0]["cause"]),
        (&json!(true), &json!("host-setting"))
    );
    let ours = document(&[]);
    let initial = std::fs::read_link("/proc/self/ns/ipc").unwrap().ends_with("ipc:[4026531839]");
    if initial && ours["context"]["contained"] == json!(false) {
        assert_eq!(ours["findings"][0]["cause"], "not-applied");
    }
    assert!(ours["listeners"].is_null(), "only of a process that was named");
}

#[test]
fn what_nobody_can_enter_is_no_answer() {
    inside(this_test!(), || {
        let unshare = [&OWN[..], &["--user", "--map-root-user"]].concat();
        let service = match Service::start(&unshare, None) {
            Ok(service) => service,
            Err(reason) => return skip(this_test!(), &reason),
        };
        let ran = Test::new(["check", "-p", "p.toml", "--format", "json", "--pid", &service.pid()])
            .file(
                "p.toml",
                "[linux.sysctl]\n\"net.core.somaxconn\" = 64\n\"user.max_net_namespaces\" = { at_least = 1 }\n",
            )
            .stdout_is_anything()
            .code(1)
            .run();
        let findings = serde_json::from_str::<Value>(&ran.stdout).unwrap()["findings"].clone();
        assert_eq!(findings[0]["verdict"], "holds");
        assert_eq!((&findings[1]["cause"], &findings[1]["found"]), (&json!("out-of-reach"), &Value::Null));
        let apply = ["apply", "--set", "net.core.somaxconn=128", "--set", "net.ipv4.tcp_fin_timeout=33", "--pid"];
        Test::new([&apply[..], &[&service.pid()]].concat()).stdout_is_anything().run();
        assert_eq!(service.sysctl("net/core/somaxconn"), "128");
    });
}

/// Who started a rootless container may do in it what its root may, and nothing in one that is somebody else's.
#[test]
fn an_ordinary_user_and_a_container_of_his_own() {
    const NAME: &str = "an_ordinary_user_and_a_container_of_his_own";
    const USER: u32 = 12_345;
    if sys::effective_ids().effective_uid != 0 {
        return skip(NAME, "only root can be another user");
    }
    let unshare = [&OWN[..], &["--user", "--map-root-user"]].concat();
    let service = match Service::start(&unshare, Some(USER)) {
        Ok(service) => service,
        Err(reason) => return skip(NAME, &reason),
    };
    let tunectl = |arguments: &[&str], pid: &str| {
        let mut command = support::test::tunectl();
        command.uid(USER).gid(USER).args(arguments).args(["--pid", pid]);
        Test::of(command)
    };
    let pid = service.pid();
    tunectl(&["apply", "--no-journal", "--set", "net.core.somaxconn=256", "--set", "kernel.msgmni=78"], &pid)
        .stdout("net.core.somaxconn 64 → 256\nkernel.msgmni [..] → 78\n2 settings changed and read back\n")
        .run();
    assert_eq!((service.sysctl("net/core/somaxconn"), service.sysctl("kernel/msgmni")), ("256".into(), "78".into()));

    let other = Service::start(&OWN, None).unwrap();
    let pid = other.pid();
    tunectl(&["apply", "--set", "net.core.somaxconn=256"], &pid)
        .stderr(&format!(
            "error: pid {pid}: its namespaces can't be seen: EACCES (permission denied)\n  \
             = help: it belongs to somebody else: try it with sudo, on the host\n"
        ))
        .code(1)
        .run();
    assert_eq!(other.sysctl("net/core/somaxconn"), "64");
}

#[test]
fn a_process_that_is_not_there() {
    // Above every kernel's `pid_max` (proc_sys_kernel(5)).
    for command in ["apply", "check"] {
        Test::new([command, "--set", "net.core.somaxconn=256", "--pid", "2147483647"])
            .stderr("error: pid 2147483647: there is no such process\n")
            .code(1)
            .run();
    }
}
