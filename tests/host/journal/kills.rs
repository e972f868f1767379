//! Killed at every system call, `apply` leaves a journal from which everything is put back; and so does `revert`.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::kernel::{limits, put, sysctl};
use crate::support::namespaces::{dies_with_us, inside, skip, this_test};
use crate::support::scratch::Scratch;
use crate::support::stepper::{Call, End, calls, kill_before};
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
pub(crate) struct DiagnosisContext {
    pub(crate) scratch: Scratch,
    service: Child,
}

impl DiagnosisContext {
    fn new() -> Self {
        put("net/ipv4/ip_local_reserved_ports", "5000-5001\n");
        // A new namespace has it from the first one, which forwards where containers run.
        put("net/ipv4/ip_forward", "0\n");
        // Neither that of a router nor that of a host, so that nothing but the journal brings it back.
        put("net/ipv4/conf/lo/forwarding", "1\n");
        put("net/ipv4/neigh/lo/retrans_time_ms", "1001\n");
        let scratch = Scratch::new();
        scratch.write("web.toml", PROFILE);
        // Without what is of a process.
        let (keys, _) = PROFILE.split_once("[rlimit]").unwrap();
        scratch.write("keys.toml", keys);
        let mut service = Command::new("sleep");
        service.arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let service = dies_with_us(&mut service).spawn().unwrap();
        Self { scratch, service }
    }

    pub(crate) fn state(&self) -> Vec<(String, String)> {
        let keys = KEYS.iter().map(|key| ((*key).to_owned(), sysctl(key)));
        let limits = limits(self.service.id()).into_iter().map(|(title, both)| (title, format!("{both:?}")));
        keys.chain(limits).collect()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = tunectl();
        command.args(words).current_dir(self.scratch.path()).env("TUNECTL_JOURNAL", self.journal());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    pub(crate) fn apply(&self) -> Command {
        let pid = self.service.id().to_string();
        self.command(&["apply", "-p", "./web.toml", "--pid", &pid])
    }

    pub(crate) fn journal(&self) -> std::path::PathBuf {
        self.scratch.path().join("journal")
    }

    /// Everything is put back, and nothing is left to do.
    pub(crate) fn revert(&self) {
        let output = self.command(&["revert", "--all"]).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(entries(&self.journal()), 0);
    }
}

impl Drop for DiagnosisContext {
    fn drop(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
    }
}

pub(crate) fn entries(journal: &Path) -> usize {
    let Ok(files) = std::fs::read_dir(journal) else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "journal")).count()
}

/// Kills `command` before each of its system calls in turn, `step` apart, until it comes to its end by itself, and
/// looks at what it leaves each time. Returns its exit code and how many calls it made.
fn at_every_call(
    first: usize,
    step: usize,
    mut command: impl FnMut() -> Command,
    mut look: impl FnMut(usize),
) -> (i32, usize) {
    for call in (first..).step_by(step) {
        match kill_before(&mut command(), call) {
            End::Killed => look(call),
            End::Exited(code) => return (code, call - first),
        }
    }
    unreachable!("a program has an end")
}

/// The last system call before which a command has not opened its journal: until then come the loader and the profile,
/// and nothing is written.
fn first_call(scene: &DiagnosisContext, command: &dyn Fn() -> Command) -> usize {
    last_call_before(scene, command, &|| scene.journal().exists())
}

/// The last system call before which `begun` does not hold yet.
fn last_call_before(scene: &DiagnosisContext, command: &dyn Fn() -> Command, begun: &dyn Fn() -> bool) -> usize {
    let (mut before, mut behind) = (0, 2000);
    while behind - before > 1 {
        let middle = usize::midpoint(before, behind);
        let end = kill_before(&mut command(), middle);
        if end != End::Killed || begun() {
            scene.revert();
            behind = middle;
        } else {
            before = middle;
        }
        drop(std::fs::remove_dir_all(scene.journal()));
    }
    assert!(before > 0, "the journal is there from the start");
    before
}

/// Runs `body` in namespaces of its own, with the scene and what it looks like before anything is done to it.
/// Programs that run under another one are not stopped at their own calls.
pub(crate) fn on_stage(test: &str, body: impl FnOnce(&DiagnosisContext, &[(String, String)])) {
    if std::env::var_os("TUNECTL_TEST_RUNNER").is_some() {
        return skip(test, "an emulated program can't be stopped at its system calls");
    }
    inside(test, || {
        let scene = DiagnosisContext::new();
        let originals = scene.state();
        body(&scene, &originals);
    });
}

#[test]
fn apply_killed_at_any_system_call_is_reverted() {
    on_stage(this_test!(), |scene, originals| {
        let mut halfway = 0;
        let first = first_call(scene, &|| scene.apply());
        let put_back = |call| {
            halfway += usize::from(scene.state() != originals);
            scene.revert();
            assert_eq!(scene.state(), originals, "killed before its system call {call}");
        };
        let (code, calls) = at_every_call(first, 1, || scene.apply(), put_back);
        assert_ne!(scene.state(), originals, "nobody applied anything");
        assert_eq!((code, entries(&scene.journal())), (0, 1));
        scene.revert();
        assert_eq!(scene.state(), originals);
        assert!(calls > 100 && halfway > 50, "{calls} calls, {halfway} of them halfway");
    });
}

/// A machine that loses power at the first change has the entry on its disk, name and all.
#[test]
fn journal_is_synced_before_the_first_write() {
    on_stage(this_test!(), |scene, _| {
        let calls = calls(&mut scene.apply());
        let journal = scene.journal().to_string_lossy().into_owned();
        let place = |what: &str, is: &dyn Fn(&Call) -> bool| {
            calls.iter().position(is).unwrap_or_else(|| panic!("{what}: {calls:#?}"))
        };
        let synced = |what: &str, is: &dyn Fn(&str) -> bool| {
            place(what, &|call| call.number == libc::SYS_fsync && is(&call.file))
        };
        let unfinished = format!("{journal}/.tunectl-new-");
        let entry = synced("the entry", &|file| file.starts_with(&unfinished));
        let name = synced("its name", &|file| file == journal);
        let writes = [libc::SYS_write, libc::SYS_pwrite64];
        let change = place("a change", &|call| writes.contains(&call.number) && call.file.starts_with("/proc/sys/"));
        assert!(entry < name && name < change, "{entry}, {name}, {change}: {calls:#?}");
    });
}

/// Killed before a file is whole, it leaves one beside it, which the next `apply` or `revert` takes away.
#[test]
fn persist_killed_at_any_system_call_leaves_no_temporary_files() {
    on_stage(this_test!(), |scene, originals| {
        scene.scratch.write("root/etc/systemd/system/web.service", "[Service]\n");
        let small = "[linux.sysctl]\n'net.core.somaxconn' = 777\n[rlimit]\ncore = { soft = 0 }\n";
        scene.scratch.write("small.toml", small);
        let persist = |word: &str| {
            let set = ["-p", "./small.toml", "--unit", "web"];
            let words = [word, "--persist", "--root", "root"];
            scene.command(&[&words[..], if word == "apply" { &set } else { &[] }].concat())
        };
        let (mut beside, mut odd) = (0, false);
        // Files are written where there is no journal yet.
        let folder = scene.scratch.path().join("root/etc/sysctl.d");
        let first = last_call_before(scene, &|| persist("apply"), &|| {
            let begun = folder.exists();
            drop(persist("revert").status());
            drop(std::fs::remove_dir_all(&folder));
            begun
        });
        let (code, calls) = at_every_call(
            first,
            2,
            || persist("apply"),
            |call| {
                beside += files(&scene.scratch.path().join("root"), ".tunectl-new-");
                odd = !odd;
                if odd {
                    let again = persist("apply").output().unwrap();
                    assert!(again.status.success(), "{call}: {again:?}");
                    assert_eq!(files(&scene.scratch.path().join("root"), ".tunectl-new-"), 0, "{call}");
                }
                assert!(persist("revert").status().unwrap().success());
                assert_eq!(files(&scene.scratch.path().join("root"), ""), 1, "killed before its system call {call}");
                scene.revert();
                assert_eq!(scene.state(), originals);
            },
        );
        // A file is beside for three calls, of which every second is seen: once or twice each of the three.
        assert!(code == 0 && calls > 50 && beside >= 3, "{code}: {calls} calls, {beside} files beside");
    });
}

/// How many files there are whose names begin so.
fn files(folder: &Path, name: &str) -> usize {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let count = |entry: std::fs::DirEntry| {
        if entry.path().is_dir() {
            files(&entry.path(), name)
        } else {
            usize::from(entry.file_name().to_str().unwrap().starts_with(name))
        }
    };
    entries.map(count).sum()
}

#[test]
fn revert_killed_at_any_system_call_can_be_repeated() {
    on_stage(this_test!(), |scene, originals| {
        let mut halfway = 0;
        assert!(scene.apply().status().unwrap().success());
        let applied = scene.state();
        let begin_again = |call| {
            let state = scene.state();
            halfway += usize::from(state != originals && state != applied);
            // As long as nothing is put back, there is nothing to begin again.
            if state != applied {
                scene.revert();
                assert_eq!(scene.state(), originals, "killed before its system call {call}");
                assert!(scene.apply().status().unwrap().success());
                assert_eq!(scene.state(), applied);
            }
        };
        let (code, _) = at_every_call(0, 1, || scene.command(&["revert"]), begin_again);
        assert_eq!((code, scene.state().as_slice()), (0, originals));
        assert!(halfway > 20, "{halfway} halfway");
    });
}

#[test]
fn apply_after_a_crash_is_reverted_together() {
    on_stage(this_test!(), |scene, originals| {
        let apply_again = |call| {
            assert!(scene.apply().status().unwrap().success());
            scene.revert();
            assert_eq!(scene.state(), originals, "killed before its system call {call}");
        };
        at_every_call(first_call(scene, &|| scene.apply()), 7, || scene.apply(), apply_again);
    });
}

#[test]
fn failing_apply_killed_at_any_system_call_is_reverted() {
    on_stage(this_test!(), |scene, originals| {
        let wrong = "[linux.sysctl.net.ipv4]\ntcp_congestion_control = \"none\"\n";
        scene.scratch.write("web.toml", format!("{PROFILE}{wrong}"));
        let put_back = |call| {
            scene.revert();
            assert_eq!(scene.state(), originals, "killed before its system call {call}");
        };
        let (code, _) = at_every_call(first_call(scene, &|| scene.apply()), 2, || scene.apply(), put_back);
        assert_eq!((code, entries(&scene.journal())), (1, 0));
        assert_eq!(scene.state(), originals);
    });
}

#[test]
fn repairing_watch_killed_at_any_system_call_is_reverted() {
    on_stage(this_test!(), |scene, originals| {
        let mut halfway = 0;
        let watch = || scene.command(&["watch", "--once", "--repair", "-p", "./web.toml"]);
        let watched = |call| {
            halfway += usize::from(scene.state() != originals);
            // Another one goes on with what the killed one had noted.
            if call % 2 == 0 {
                watch().status().unwrap();
            }
            scene.revert();
            assert_eq!(scene.state(), originals, "killed before its system call {call}");
        };
        let (code, calls) = at_every_call(first_call(scene, &watch), 1, watch, watched);
        assert_ne!(scene.state(), originals, "nobody repaired anything");
        assert_eq!((code, entries(&scene.journal())), (0, 1));
        scene.revert();
        assert_eq!(scene.state(), originals);
        assert!(calls > 100 && halfway > 50, "{calls} calls, {halfway} of them halfway");
    });
}

/// What a killed `bench` left is found by the mark beside its entry, wherever it was killed.
#[cfg(feature = "bench")]
#[test]
fn bench_killed_at_any_system_call_is_put_back_by_the_next_run() {
    on_stage(this_test!(), |scene, originals| {
        let mut halfway = 0;
        let options = ["--runs", "1", "--warmup", "0", "--no-preflight", "-o", "result.json", "-p", "./web.toml"];
        let words = [&["bench"][..], &options, &["--", "true"]].concat();
        let bench = || scene.command(&words);
        let first = first_call(scene, &bench);
        let run = |call| {
            halfway += usize::from(scene.state() != originals);
            let run = scene.command(&["run", "--set", "net.ipv4.tcp_syncookies=1", "--", "true"]).status().unwrap();
            assert!(run.success());
            assert_eq!(scene.state(), originals, "killed before its system call {call}");
            let left = (entries(&scene.journal()), marks(&scene.journal()));
            assert_eq!(left, (0, 0), "killed before its system call {call}");
        };
        let (code, _) = at_every_call(first, 7, bench, run);
        assert_eq!((code, scene.state().as_slice()), (0, originals));
        assert_eq!((entries(&scene.journal()), marks(&scene.journal())), (0, 0));
        assert!(halfway > 10, "{halfway} halfway");
    });
}

/// How many entries the journal marks as a benchmark's.
#[cfg(feature = "bench")]
fn marks(journal: &Path) -> usize {
    let Ok(files) = std::fs::read_dir(journal) else { return 0 };
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "bench")).count()
}

/// `run` looks for what a killed `bench` left each time it starts a service: that costs a look at the names in the
/// journal's directory, not an entry read, nor the lock.
#[test]
fn run_reads_no_entry_of_the_journal() {
    on_stage(this_test!(), |scene, _| {
        let run = || calls(&mut scene.command(&["run", "--set", "net.ipv4.tcp_syncookies=1", "--", "true"])).len();
        let without = run();
        assert!(scene.apply().status().unwrap().success());
        let one = run();
        for value in ["16777216", "25165824", "33554432"] {
            let key = format!("net.ipv4.tcp_rmem=4096 131072 {value}");
            assert!(scene.command(&["apply", "--set", &key]).status().unwrap().success());
        }
        assert_eq!((entries(&scene.journal()), run()), (4, one));
        assert!(one <= without + 12, "{without} system calls without a journal, {one} with one");
    });
}
