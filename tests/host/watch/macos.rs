//! A Mac, as far as it can be watched without one: the watch on the kernel in memory, and the signals that it waits for
//! there taken with the calls that macOS has, on Linux.
#![allow(unsafe_code, reason = "what runs between fork and exec has no safe form")]

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tunectl::kernel::fake::Fake;
use tunectl::sys;

use crate::support::namespaces::this_test;
use crate::support::world::Computer;

#[path = "../../../src/sys/other/waiting.rs"]
mod waiting;

/// Set in the process whose signals are blocked.
const INSIDE: &str = "TUNECTL_TEST_BLOCKED";

/// Runs `body` in a process of its own, all of whose threads have every signal blocked, as all of tunectl has.
fn blocked(name: &str, body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    let mut test = Command::new(env::current_exe().unwrap());
    test.args(["--exact", name, "--nocapture", "--test-threads=1"]).env(INSIDE, "1").stdout(Stdio::null());
    let block = || {
        let _ = sys::block_every_signal();
        Ok(())
    };
    // SAFETY: between fork and exec only the mask is set, which takes no lock.
    unsafe { test.pre_exec(block) };
    let status = test.status().unwrap();
    assert!(status.success(), "`{name}` failed with its signals blocked: {status}");
}

fn send(signal: i32) {
    sys::kill(process::id().try_into().unwrap(), signal).unwrap();
}

#[test]
fn wait_ends_at_a_signal_or_timeout() {
    blocked(this_test!(), || {
        let begin = Instant::now();
        assert!(!waiting::wait(Some(Duration::from_millis(50))));
        assert!(begin.elapsed() >= Duration::from_millis(50));
        assert!(!waiting::wait(Some(Duration::ZERO)));
        assert_eq!(waiting::take(), None);
        send(libc::SIGHUP);
        assert!(waiting::wait(None) && waiting::wait(Some(Duration::from_secs(60))), "it is not taken by waiting");
        assert_eq!((waiting::take(), waiting::take()), (Some(libc::SIGHUP), None));
        let later = thread::spawn(|| {
            thread::sleep(Duration::from_millis(100));
            send(libc::SIGTERM);
        });
        assert!(waiting::wait(Some(Duration::from_secs(60))));
        later.join().unwrap();
        assert_eq!((waiting::take(), waiting::take()), (Some(libc::SIGTERM), None));
        assert!(begin.elapsed() < Duration::from_secs(30), "the timer of before rang");
    });
}

#[test]
fn macos_watch_ends_at_a_signal() {
    blocked(this_test!(), || {
        let profile = "[macos.sysctl]\n\"kern.ipc.somaxconn\" = { at_least = 1024 }\n";
        let mut mac = Computer::macos(Fake::macos(), 0).file("p.toml", profile);
        send(libc::SIGTERM);
        let falls_short = "falls short: kern.ipc.somaxconn is 128, wanted at least 1024\n";
        let watching = "watching 1 setting of p.toml, 0 hold, 1 fall short\n";
        mac.types("watch -p @/p.toml").is(Some(0), &format!("{falls_short}{watching}"), "");
        send(libc::SIGTERM);
        let repaired = "repaired: kern.ipc.somaxconn 128 → 1024\n";
        let watching = "watching 1 setting of p.toml, 1 hold, 0 fall short\n";
        mac.types("watch --repair -p @/p.toml").is(Some(0), &format!("{falls_short}{repaired}{watching}"), "");
    });
}
