//! A process that has ended while its number is still taken, or that only its first thread has left: it is in no
//! namespaces, least of all in ours.

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::kernel::{limit, sysctl};
use crate::support::namespaces::{inside, skip, this_test};
use crate::support::test::Test;

const KEY: [&str; 2] = ["--set", "net.core.somaxconn=5555"];
const ENDED: &str = "it has ended (or its main thread has) and is no longer in any namespace\n";

/// Waits until the first thread of the process has ended.
fn ended(child: &Child) -> String {
    let pid = child.id().to_string();
    let until = Instant::now() + Duration::from_secs(20);
    while !fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ") {
        assert!(Instant::now() < until, "{pid} does not end");
        thread::sleep(Duration::from_millis(10));
    }
    pid
}

/// Neither its keys nor ours are read or written.
fn is_nowhere(pid: &str) {
    let before = sysctl("net/core/somaxconn");
    for command in [&["check"][..], &["apply", "--no-journal"], &["apply", "--no-journal", "--no-rlimits"]] {
        Test::new([command, &KEY, &["--pid", pid]].concat())
            .stderr(&format!("tunectl: error: pid {pid}: {ENDED}"))
            .code(1)
            .run();
        assert_eq!(sysctl("net/core/somaxconn"), before, "{command:?}");
    }
}

#[test]
fn zombie_process_is_not_tuned() {
    inside(this_test!(), || {
        let mut child = Command::new("unshare").args(["--net", "true"]).spawn().unwrap();
        let pid = ended(&child);
        is_nowhere(&pid);

        let before = limit(child.id(), "Max open files");
        let asked = ["--rlimit", "nofile=321", "--pid", &pid];
        for command in [&["check", "--format", "json"][..], &["apply", "--no-journal", "--format", "json"]] {
            let ran = Test::new([command, &asked].concat()).stdout_is_anything().code(1).run();
            assert!(ran.stdout.contains("\"cause\": \"process-gone\""), "{}", ran.stdout);
        }
        Test::new(["limits", "--pid", &pid])
            .stderr("tunectl: error: pid [..]ESRCH[..]\n  = help: there is no such process\n")
            .code(1)
            .run();
        assert_eq!(limit(child.id(), "Max open files"), before);
        assert!(child.wait().unwrap().success());
    });
}

/// The kernel counts its other threads as the process still: its limits are those of all.
#[test]
fn process_without_its_main_thread_is_not_tuned() {
    inside(this_test!(), || {
        let script = "import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
ctypes.CDLL(None).syscall(EXIT, 0)";
        let script = script.replace("EXIT", &libc::SYS_exit.to_string());
        let Ok(mut child) = Command::new("python3").args(["-c", &script]).spawn() else {
            return skip(this_test!(), "there is no python3");
        };
        let pid = ended(&child);
        is_nowhere(&pid);
        Test::new(["apply", "--no-journal", "--rlimit", "nofile=321", "--pid", &pid]).stdout_is_anything().run();
        assert_eq!(limit(child.id(), "Max open files").0, "321");
        child.kill().unwrap();
        child.wait().unwrap();
    });
}
