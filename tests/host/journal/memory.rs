//! What belongs to the whole machine, on the kernel in memory: the real command line, and a journal in a directory.

use std::os::unix::fs::symlink;

use tunectl::environment::{Environment, EnvironmentDetails, Namespaces};
use tunectl::kernel::fake::{Behaviour, Fake};
use tunectl::model::setting::System;
use tunectl::sys;

use crate::support::scratch::Scratch;
use crate::support::world::{FakeSystem, dispatch};

/// A whole machine of which we are root.
pub(super) struct Machines {
    pub(super) kernel: Fake,
    system: System,
    /// What is not the machine's own, of a container.
    pub(super) initial: Namespaces,
    /// The exit code with which services fail to start.
    pub(super) start_fails: Option<i32>,
    pub(super) scratch: Scratch,
}

impl Machines {
    pub(super) fn new(kernel: Fake, system: System) -> Self {
        let own = Some(true);
        let initial = Namespaces { ipc: own, uts: own, user: own, pid: own, cgroup: own, net: own };
        let scratch = Scratch::new();
        scratch.folder("proc/self/ns");
        symlink("net:[4026531840]", scratch.path().join("proc/self/ns/net")).unwrap();
        Self { kernel, system, initial, start_fails: None, scratch }
    }

    /// What it prints, what it says, and its exit code: that of a service is 0.
    pub(super) fn run(&mut self, words: &[&str]) -> (String, String, i32) {
        let initial = self.initial;
        let (release, user) = (Some("6.12.0".to_owned()), sys::effective_ids().effective_uid);
        let environment = Environment::known(self.system, release, initial, user, EnvironmentDetails::default());
        let journal = self.scratch.path().join("journal").to_str().unwrap().to_owned();
        let os = FakeSystem {
            variables: vec![("TUNECTL_JOURNAL", journal)],
            start_fails: self.start_fails,
            ..FakeSystem::new(environment)
        };
        let ran = dispatch(&mut self.kernel, &os, self.scratch.path().join("proc"), words);
        (ran.out, ran.err, ran.code.unwrap_or(0))
    }

    fn values(&self, names: [&str; 2]) -> [&str; 2] {
        names.map(|name| self.kernel.value(name).unwrap())
    }
}

fn said(text: &str) -> (String, String, i32) {
    (text.to_owned(), String::new(), 0)
}

const PAIR: [&str; 2] = ["vm.dirty_bytes", "vm.dirty_ratio"];

/// Of which writing one sets the other to zero, and one of which can't be written to zero.
fn pair(bytes: &str, ratio: &str) -> Machines {
    let kernel = Fake::linux()
        .with(PAIR[0], bytes, Behaviour::numbers(8192, i128::from(i64::MAX)))
        .with(PAIR[1], ratio, Behaviour::numbers(0, 100))
        .zeroing(PAIR[0], PAIR[1])
        .zeroing(PAIR[1], PAIR[0]);
    Machines::new(kernel, System::Linux)
}

#[test]
fn dirty_ratio_is_restored_when_bytes_were_zero() {
    let mut machine = pair("0", "20");
    assert_eq!(machine.run(&["apply", "--set", "vm.dirty_bytes=1000000"]).2, 0);
    assert_eq!(machine.values(PAIR), ["1000000", "0"]);
    assert_eq!(machine.run(&["revert"]), said("vm.dirty_bytes 1000000 → 0\n1 setting put back\n"));
    assert_eq!(machine.values(PAIR), ["0", "20"]);
}

#[test]
fn dirty_bytes_are_restored_when_the_ratio_was_zero() {
    let mut machine = pair("1000000", "0");
    assert_eq!(machine.run(&["apply", "--set", "vm.dirty_ratio=10"]).2, 0);
    assert_eq!(machine.values(PAIR), ["0", "10"]);
    assert_eq!(machine.run(&["revert"]), said("vm.dirty_ratio 10 → 0\n1 setting put back\n"));
    assert_eq!(machine.values(PAIR), ["1000000", "0"]);
}

#[test]
fn one_way_settings_need_allow_irreversible() {
    let key = "kernel.modules_disabled";
    let kernel = Fake::linux().with(key, "0", Behaviour::numbers(1, 1));
    let mut machine = Machines::new(kernel, System::Linux);
    let apply = ["apply", "--set", "kernel.modules_disabled=1", "--set", "vm.swappiness=10"];
    let refusal = "tunectl: error: `kernel.modules_disabled` = 1 can't be undone until the next boot
  = help: nothing was changed; to change it until the next boot, add `--allow-irreversible`
";
    assert_eq!(machine.run(&apply), (String::new(), refusal.to_owned(), 2));
    assert_eq!(machine.values([key, "vm.swappiness"]), ["0", "60"]);
    assert_eq!(machine.run(&[&apply[..], &["--allow-irreversible"]].concat()).2, 0);
    assert_eq!(machine.values([key, "vm.swappiness"]), ["1", "10"]);
    let (out, err, code) = machine.run(&["revert"]);
    assert_eq!(out, "vm.swappiness 10 → 60\n1 setting put back\n");
    assert_eq!(
        (err.as_str(), code),
        ("tunectl: error: kernel.modules_disabled can't be put back until the next boot\n", 1)
    );
    assert_eq!(machine.values([key, "vm.swappiness"]), ["1", "60"]);
    assert_eq!(machine.run(&["revert"]), said("nothing to revert\n"));
}

#[test]
fn refused_revert_stays_in_the_journal() {
    let mut machine = Machines::new(Fake::linux(), System::Linux);
    assert_eq!(machine.run(&["apply", "--set", "vm.swappiness=10"]).2, 0);
    machine.kernel = machine.kernel.clone().mode("vm.swappiness", 0o444);
    let (out, err, code) = machine.run(&["revert"]);
    let refused = "tunectl: error: vm.swappiness could not be put back to 60: open: EACCES (permission denied)\n";
    assert_eq!((out.as_str(), err.as_str(), code), ("0 settings put back\n", refused, 1));
    machine.kernel = machine.kernel.clone().mode("vm.swappiness", 0o644);
    assert_eq!(machine.run(&["revert"]), said("vm.swappiness 10 → 60\n1 setting put back\n"));
}

#[test]
fn vanished_key_needs_no_revert() {
    let mut machine = Machines::new(Fake::linux(), System::Linux);
    assert_eq!(machine.run(&["apply", "--set", "vm.swappiness=10"]).2, 0);
    machine.kernel = machine.kernel.clone().without("vm.swappiness");
    let gone = "vm.swappiness no longer exists; nothing to revert\n0 settings put back\n";
    assert_eq!(machine.run(&["revert"]), said(gone));
    assert_eq!(machine.run(&["revert"]), said("nothing to revert\n"));
}

#[test]
fn revert_works_on_macos() {
    let mut machine = Machines::new(Fake::macos(), System::MacOs);
    let before = machine.kernel.value("kern.ipc.somaxconn").unwrap().to_owned();
    assert_eq!(machine.run(&["apply", "--set", "kern.ipc.somaxconn=1024"]).2, 0);
    let put_back = format!("kern.ipc.somaxconn 1024 → {before}\n1 setting put back\n");
    assert_eq!(machine.run(&["revert"]), said(&put_back));
    assert_eq!(machine.kernel.value("kern.ipc.somaxconn"), Some(before.as_str()));
}
