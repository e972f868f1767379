//! Killed at every system call, `apply` leaves a journal from which everything is put back; and so does `revert`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::kernel::{limits, put, sysctl};
use crate::support::namespaces::{inside, skip, this_test};
use crate::support::scratch::Scratch;
use crate::support::stepper::{End, kill_before};
use crate::support::test::tunectl;

/// Keys whose originals are looked at: those that are asked for, and some that change along with them.
const KEYS: [&str; 11] = [
    "net/core/somaxconn",
    "net/ipv4/ip_local_port_range",
    "net/ipv4/ip_unprivileged_port_start",
    "net/ipv4/ip_local_reserved_ports",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/lo/forwarding",
    "net/ipv4/conf/all/accept_redirects",
    "net/ipv4/conf/default/rp_filter",
    "net/ipv4/neigh/lo/retrans_time_ms",
    "net/ipv4/tcp_rmem",
    "kernel/msgmax",
];

/// Each asks for another thing: an order among them, a list in which something stands, a value that the kernel
/// rounds, keys that others are changed along with, another namespace's.
const PROFILE: &str = r#"
[linux.sysctl]
"net.core.somaxconn" = 777
"net.ipv4.ip_unprivileged_port_start" = 80
"net.ipv4.ip_local_port_range" = { covers = [1001, 65000] }
"net.ipv4.ip_forward" = 1
"net.ipv4.conf.all.accept_redirects" = 1
"net.ipv4.conf.default.rp_filter" = 1
"net.ipv4.neigh.lo.retrans_time_ms" = { at_least = 1501 }
"net.ipv4.tcp_rmem" = [4096, 131072, 8388608]
"kernel.msgmax" = 9000
[rlimit]
core = { soft = 0 }
nofile = { soft = 100 }
[service]
ports = [8080]
"#;

/// A scene that is set anew for each killing.
struct Scene {
    scratch: Scratch,
    service: Child,
}

impl Scene {
    fn new() -> Self {
        put("net/ipv4/ip_local_reserved_ports", "5000-5001\n");
        // Neither that of a router nor that of a host, so that nothing but the journal brings it back.
        put("net/ipv4/conf/lo/forwarding", "1\n");
        put("net/ipv4/neigh/lo/retrans_time_ms", "1001\n");
        let scratch = Scratch::new();
        scratch.write("web.toml", PROFILE);
        let service = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        Self { scratch, service }
    }

    fn state(&self) -> Vec<(String, String)> {
        let keys = KEYS.iter().map(|key| ((*key).to_owned(), sysctl(key)));
        let limits = limits(self.service.id()).into_iter().map(|(title, both)| (title, format!("{both:?}")));
        keys.chain(limits).collect()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = tunectl();
        command.args(words).current_dir(self.scratch.path()).env("TUNECTL_JOURNAL", self.journal());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn apply(&self) -> Command {
        let pid = self.service.id().to_string();
        self.command(&["apply", "-p", "./web.toml", "--pid", &pid])
    }

    fn journal(&self) -> std::path::PathBuf {
        self.scratch.path().join("journal")
    }

    /// Everything is put back, and nothing is left to do.
    fn revert(&self) {
        let output = self.command(&["revert", "--all"]).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(entries(&self.journal()), 0);
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
    }
}

fn entries(journal: &Path) -> usize {
    let Ok(files) = std::fs::read_dir(journal) else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "journal")).count()
}

/// Kills `command` before each of its system calls in turn, until it comes to its end by itself, and looks at what
/// it leaves each time. Returns how many calls there were.
fn at_every_call(mut command: impl FnMut() -> Command, mut look: impl FnMut(usize)) -> usize {
    for call in 0.. {
        match kill_before(&mut command(), call) {
            End::Killed => look(call),
            End::Exited(code) => {
                assert_eq!(code, 0);
                return call;
            }
        }
    }
    unreachable!("a program has an end")
}

/// Programs that run under another one are not stopped at their own calls.
fn is_emulated(test: &str) -> bool {
    let emulated = std::env::var_os("TUNECTL_TEST_RUNNER").is_some();
    if emulated {
        skip(test, "an emulated program can't be stopped at its system calls");
    }
    emulated
}

#[test]
fn apply_killed_anywhere_is_put_back() {
    if is_emulated(this_test!()) {
        return;
    }
    inside(this_test!(), || {
        let scene = Scene::new();
        let originals = scene.state();
        let mut halfway = 0;
        let calls = at_every_call(
            || scene.apply(),
            |call| {
                halfway += usize::from(scene.state() != originals);
                scene.revert();
                assert_eq!(scene.state(), originals, "killed before its system call {call}");
            },
        );
        assert_ne!(scene.state(), originals, "nobody applied anything");
        assert_eq!(entries(&scene.journal()), 1);
        scene.revert();
        assert_eq!(scene.state(), originals);
        assert!(calls > 100 && halfway > 20, "{calls} calls, {halfway} of them halfway");
    });
}

#[test]
fn revert_killed_anywhere_can_be_begun_again() {
    if is_emulated(this_test!()) {
        return;
    }
    inside(this_test!(), || {
        let scene = Scene::new();
        let originals = scene.state();
        let mut halfway = 0;
        assert!(scene.apply().status().unwrap().success());
        let applied = scene.state();
        at_every_call(
            || scene.command(&["revert"]),
            |call| {
                let state = scene.state();
                halfway += usize::from(state != originals && state != applied);
                scene.revert();
                assert_eq!(scene.state(), originals, "killed before its system call {call}");
                assert!(scene.apply().status().unwrap().success());
                assert_eq!(scene.state(), applied);
            },
        );
        assert_eq!(scene.state(), originals);
        assert!(halfway > 20, "{halfway} halfway");
    });
}

#[test]
fn what_is_applied_over_a_crash_is_put_back_with_it() {
    if is_emulated(this_test!()) {
        return;
    }
    inside(this_test!(), || {
        let scene = Scene::new();
        let originals = scene.state();
        at_every_call(
            || scene.apply(),
            |call| {
                // Every tenth: this one is about the journal of the first, whatever it has come to.
                if call % 10 == 0 {
                    assert!(scene.apply().status().unwrap().success());
                }
                scene.revert();
                assert_eq!(scene.state(), originals, "killed before its system call {call}");
            },
        );
    });
}

#[test]
fn what_a_failing_apply_puts_back_itself_is_put_back_too_where_it_is_killed() {
    if is_emulated(this_test!()) {
        return;
    }
    inside(this_test!(), || {
        let scene = Scene::new();
        scene
            .scratch
            .write("web.toml", format!("{PROFILE}[linux.sysctl.net.ipv4]\ntcp_congestion_control = \"none\"\n"));
        let originals = scene.state();
        for call in 0.. {
            let end = kill_before(&mut scene.apply(), call);
            if end != End::Killed {
                assert_eq!((end, entries(&scene.journal())), (End::Exited(1), 0));
                break;
            }
            scene.revert();
            assert_eq!(scene.state(), originals, "killed before its system call {call}");
        }
        assert_eq!(scene.state(), originals);
    });
}
