//! What identifies a boot, a namespace or a process can be unreadable. That is no answer: nothing is taken for gone,
//! stale or another namespace's because of it, and no original value is lost.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use nix::errno::Errno;

use tunectl::environment::{Environment, EnvironmentDetails, Namespaces};
use tunectl::kernel::fake::Fake;
use tunectl::kernel::{Kernel, Process};
use tunectl::model::limit::{Limits, Resource};
use tunectl::model::setting::System;
use tunectl::sys;

use super::undo::Host;
use crate::support::namespaces::{inside_of, this_test};
use crate::support::scratch::Scratch;
use crate::support::test::Test;
use crate::support::world::{FakeSystem, Watched, dispatch};

/// The process whose limits are set.
const PROCESS: i32 = 50;
/// One setting of each kind: of the whole machine, of a namespace, of a process.
const SETTINGS: [&str; 6] =
    ["--set", "vm.swappiness=10", "--set", "net.core.somaxconn=5000", "--rlimit", "nofile=500:600"];

/// What can't be read.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The id of the boot.
    BootId(Errno),
    /// `/proc`: something else is mounted there, or nothing.
    Proc,
    /// The links of our namespaces: another file is there.
    Links,
    /// The cookie of the network namespace.
    Cookie(Errno),
    /// What `/proc` says of the process.
    Stat(Stat),
}

/// What is at the place of a `/proc/PID/stat`.
#[derive(Clone, Copy, Debug)]
enum Stat {
    /// Nothing, though the process runs: `hidepid`.
    Hidden,
    /// A directory: `EISDIR`.
    Directory,
    /// A link to itself: `ELOOP`.
    Loop,
    /// Another text.
    Garbage,
}

fn faults() -> Vec<Fault> {
    let missing = [Errno::ENOENT, Errno::ESRCH, Errno::ENOSYS, Errno::EAFNOSUPPORT];
    let refused = [Errno::EPERM, Errno::EACCES, Errno::EIO, Errno::EMFILE];
    let errnos = missing.into_iter().chain(refused);
    let mut faults: Vec<Fault> = errnos.flat_map(|errno| [Fault::BootId(errno), Fault::Cookie(errno)]).collect();
    faults.extend([Fault::Proc, Fault::Links]);
    faults.extend([Stat::Hidden, Stat::Directory, Stat::Loop, Stat::Garbage].map(Fault::Stat));
    faults
}

/// A machine of which we are root, and its journal.
struct Machine {
    kernel: Watched,
    cookie: Result<Option<u64>, i32>,
    scratch: Scratch,
}

impl Machine {
    fn new() -> Self {
        let fake = Fake::linux().with_process(PROCESS, 0);
        let machine = Self { kernel: Watched::new(fake), cookie: Ok(Some(7)), scratch: Scratch::new() };
        machine.repair_proc();
        machine
    }

    fn proc(&self) -> PathBuf {
        self.scratch.path().join("proc")
    }

    fn repair_proc(&self) {
        drop(fs::remove_dir_all(self.proc()));
        fs::create_dir_all(self.proc().join("self/ns")).unwrap();
        for (kind, number) in [("net", 4_026_531_840_u32), ("pid", 4_026_531_836), ("ipc", 4_026_531_839)] {
            symlink(format!("{kind}:[{number}]"), self.proc().join("self/ns").join(kind)).unwrap();
        }
        let stat = format!("{PROCESS} (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0");
        self.scratch.write(&format!("proc/{PROCESS}/stat"), stat);
        self.scratch.write(&format!("proc/{PROCESS}/comm"), "a) b\n");
    }

    fn inject(&mut self, fault: Fault) {
        let stat = self.proc().join(PROCESS.to_string()).join("stat");
        match fault {
            Fault::BootId(errno) => self.kernel.unreadable = Some(("kernel.random.boot_id", errno)),
            Fault::Cookie(errno) => self.cookie = Err(errno as i32),
            Fault::Proc => fs::remove_dir_all(self.proc()).unwrap(),
            Fault::Links => {
                fs::remove_dir_all(self.proc().join("self/ns")).unwrap();
                self.scratch.write("proc/self/ns", "no directory");
            }
            Fault::Stat(Stat::Hidden) => fs::remove_dir_all(stat.parent().unwrap()).unwrap(),
            Fault::Stat(Stat::Directory) => {
                fs::remove_file(&stat).unwrap();
                fs::create_dir(&stat).unwrap();
            }
            Fault::Stat(Stat::Loop) => {
                fs::remove_file(&stat).unwrap();
                symlink(&stat, &stat).unwrap();
            }
            Fault::Stat(Stat::Garbage) => fs::write(&stat, "what is this").unwrap(),
        }
    }

    fn heal(&mut self) {
        (self.kernel.unreadable, self.cookie) = (None, Ok(Some(7)));
        self.repair_proc();
    }

    /// The exit code, and what it says on standard error.
    fn run(&mut self, words: &[&str]) -> (i32, String) {
        // The namespaces that are entered with `--pid` are of another machine than this one: it is not used here.
        let own = Some(true);
        // Whether the network is the initial one can't be told: only that of the machine is never made again.
        let initial = Namespaces { ipc: own, uts: own, user: own, pid: own, cgroup: own, net: None };
        let user = sys::effective_ids().effective_uid;
        let environment =
            Environment::known(System::Linux, Some("6.12.0".to_owned()), initial, user, EnvironmentDetails::default());
        let journal = self.journal().to_str().unwrap().to_owned();
        let variables = vec![("TUNECTL_JOURNAL", journal)];
        let os = FakeSystem { variables, network_cookie: self.cookie, ..FakeSystem::new(environment) };
        let proc = self.proc();
        let ran = dispatch(&mut self.kernel, &os, proc, words);
        (ran.code.unwrap(), ran.err)
    }

    fn apply(&mut self) -> (i32, String) {
        let pid = PROCESS.to_string();
        self.run(&[&["apply", "--pid", &pid, "--allow-host-settings"], &SETTINGS[..]].concat())
    }

    fn journal(&self) -> PathBuf {
        self.scratch.path().join("journal")
    }

    fn entries(&self) -> usize {
        let Ok(files) = fs::read_dir(self.journal()) else { return 0 };
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|ending| ending == "journal")).count()
    }

    fn values(&mut self) -> (String, String, Limits) {
        let limits = self.kernel.fake.limits(Process::Pid(PROCESS), Resource::Nofile).unwrap();
        let value = |name| self.kernel.fake.value(name).unwrap().to_owned();
        (value("vm.swappiness"), value("net.core.somaxconn"), limits)
    }
}

/// Whatever can't be read when `revert` looks: nothing is forgotten, and it does not say that all is well.
#[test]
fn revert_keeps_what_it_cannot_identify() {
    for fault in faults() {
        for flags in [&[][..], &["--all"], &["--dry-run"], &["--force"], &["--all", "--force"]] {
            let mut machine = Machine::new();
            let original = machine.values();
            assert_eq!(machine.apply().0, 0);
            assert_ne!(machine.values(), original);
            machine.inject(fault);
            let (code, said) = machine.run(&[&["revert"], flags].concat());
            let seen = || format!("{fault:?} {flags:?}: {code}\n{said}");
            if code == 0 {
                assert!(flags.contains(&"--force"), "{}", seen());
                assert_eq!(machine.values(), original, "{}", seen());
            } else {
                assert_eq!((code, machine.entries()), (1, 1), "{}", seen());
                assert!(said.starts_with("tunectl: error: "), "{}", seen());
            }
            machine.heal();
            assert_eq!(machine.run(&["revert"]).0, 0, "{}", seen());
            assert_eq!((machine.values(), machine.entries()), (original, 0), "{}", seen());
        }
    }
}

/// The same on a real kernel: a tmpfs over /proc.
#[test]
fn without_proc_revert_forgets_nothing() {
    inside_of(this_test!(), &["--net", "--ipc", "--uts", "--mount"], || {
        let host = Host::new();
        host.apply("net.core.somaxconn=5000");
        let before = fs::read(host.journal().join("000001.journal")).unwrap();
        let script =
            "mount -t tmpfs none /proc && { tunectl revert; echo $?; tunectl revert --all; echo $?; umount /proc; }";
        let ran = Test::shell(script).env("TUNECTL_JOURNAL", host.journal()).stdout_is_anything();
        let ran = ran.stderr_is_anything().run();
        assert_eq!(ran.stdout.lines().filter(|line| *line == "1").count(), 2, "{}{}", ran.stdout, ran.stderr);
        assert!(
            ran.stderr.contains("was not reverted: it is not known whether it is from this boot"),
            "{}",
            ran.stderr
        );
        assert_eq!(fs::read(host.journal().join("000001.journal")).unwrap(), before);
        host.run(&["revert"]).stdout("net.core.somaxconn 5000 → 4096\n1 setting put back\n").run();
    });
}

/// Whatever can't be read when `apply` looks: it changes nothing, or a later `revert` can restore it.
#[test]
fn apply_leaves_nothing_that_revert_cannot_restore() {
    for fault in faults() {
        let mut machine = Machine::new();
        let original = machine.values();
        machine.inject(fault);
        let (code, said) = machine.apply();
        machine.heal();
        if code != 0 {
            assert_eq!((machine.values(), machine.entries()), (original, 0), "{fault:?}: {code}\n{said}");
            continue;
        }
        let (reverted, why) = machine.run(&["revert"]);
        if reverted != 0 {
            assert_eq!((reverted, machine.entries()), (1, 1), "{fault:?}: {said}\n{why}");
            let (forced, why) = machine.run(&["revert", "--force"]);
            assert_eq!(forced, 0, "{fault:?}: {said}\n{why}");
        }
        assert_eq!((machine.values(), machine.entries()), (original, 0), "{fault:?}: {said}\n{why}");
    }
}
