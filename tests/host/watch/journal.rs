//! What a watch that repairs notes, and that `revert` undoes it: on the kernel in memory, through weeks.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use tunectl::catalog::KernelVersion;
use tunectl::journal::{self, BootIdentity, Force, Journal, JournalLocations, OnSignal, RevertOutcome};
use tunectl::kernel::fake::{Behaviour, Fake};
use tunectl::sys;
use tunectl::watch::{RepairJournal, RepairPolicy, WatchEvent, Watcher};

use super::memory::{BACKLOG, SECOND, TestWatch, config};
use crate::support::scratch::Scratch;

const HOUR: Duration = Duration::from_secs(3600);
const RANGE: &str = "net.ipv4.tcp_fin_timeout";

/// A watch with a journal, and its directory.
fn keeping(fake: Fake, text: &str) -> (TestWatch, RepairJournal, Scratch) {
    let scratch = Scratch::new();
    let mut watch = TestWatch::new(fake, text, RepairPolicy::After(SECOND));
    let locations = JournalLocations::only(scratch.path().join("journal"), sys::effective_ids().effective_uid);
    fs::create_dir_all(scratch.path().join("proc/self/ns")).unwrap();
    symlink("net:[4026531840]", scratch.path().join("proc/self/ns/net")).unwrap();
    let here = BootIdentity::of(&mut watch.fake, KernelVersion(6, 12), &scratch.path().join("proc"), Ok(None), true);
    let journal = RepairJournal { locations, here };
    watch.watcher = Watcher::new(config(text, false), RepairPolicy::After(SECOND), Some(journal.clone()));
    (watch, journal, scratch)
}

/// The entries by their numbers, and how long they are together.
fn entries(scratch: &Scratch) -> (Vec<String>, u64) {
    let files = fs::read_dir(scratch.path().join("journal")).unwrap().map(|file| file.unwrap());
    let files = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "journal"));
    let mut names: Vec<(String, u64)> =
        files.map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len())).collect();
    names.sort();
    let length = names.iter().map(|(_, length)| length).sum();
    (names.into_iter().map(|(name, _)| name).collect(), length)
}

/// Puts the newest entry back; says what came of each setting.
fn revert(watch: &mut TestWatch, journal: &RepairJournal) -> Vec<RevertOutcome> {
    let store = Journal::open_all(&journal.locations).remove(0).unwrap();
    let number = store.numbers().unwrap()[0];
    let entry = store.read(number).unwrap();
    let undone =
        journal::revert(&mut watch.fake, &store, number, entry, &journal.here, (Force::No, OnSignal::Stop)).unwrap();
    undone.into_iter().map(|undone| undone.outcome).collect()
}

#[test]
fn repeated_repairs_keep_one_journal_entry() {
    let (mut watch, journal, scratch) = keeping(Fake::linux(), "net.core.somaxconn = 4096\nvm.swappiness = 60\n");
    watch.sweep(&[]);
    assert!(!scratch.path().join("journal").exists(), "nothing was put back yet");
    let mut longest = 0;
    for day in 0..14 {
        for hour in 0..24 {
            let value = (1000 + hour).to_string();
            watch.later(HOUR).write(BACKLOG, &value);
            watch.sweep(&["drifted: [..]", "repaired: [..]"]);
        }
        let (names, length) = entries(&scratch);
        assert_eq!(names, ["000001.journal"]);
        longest = if day == 0 { length } else { longest };
        assert!(length <= longest, "{longest} bytes after a day, {length} after {day} more");
    }
    // What would stand there without us is what somebody else wrote last.
    assert!(matches!(&revert(&mut watch, &journal)[..], [RevertOutcome::Reverted { .. }]));
    assert_eq!((watch.value(BACKLOG), entries(&scratch).0.len()), ("1023", 0));
}

#[test]
fn journal_forgets_removed_interfaces() {
    let bare = ["all", "default", "eth0", "eth0/100", "lo"]
        .iter()
        .fold(Fake::linux(), |fake, name| fake.without(&format!("net.ipv4.conf.{name}.rp_filter")));
    let (mut watch, _, scratch) = keeping(bare.clone(), "\"net.ipv4.conf.*.rp_filter\" = 1\n");
    let mut longest = 0;
    for round in 0..200 {
        watch.fake = bare.clone().with(&format!("net.ipv4.conf.e{round:04}.rp_filter"), "0", Behaviour::numbers(0, 2));
        watch.later(SECOND);
        let lines = watch.watcher.sweep(&mut watch.fake, watch.now);
        assert!(matches!(lines.last(), Some(WatchEvent::Repaired { .. })), "{lines:?}");
        let (names, length) = entries(&scratch);
        longest = if round == 1 { length } else { longest.max(length) };
        assert!(names.len() == 1 && length <= longest.max(300), "{names:?}, {length} bytes in round {round}");
    }
    assert!(longest < 300, "{longest}");
}

#[test]
fn restarted_watch_continues_its_journal_entry() {
    let text = "net.core.somaxconn = 4096\nnet.ipv4.tcp_fin_timeout = 30\n";
    let (mut watch, journal, scratch) = keeping(Fake::linux(), text);
    watch.write(BACKLOG, "1");
    watch.sweep(&["falls short: [..]", "falls short: [..]", "repaired: [..]", "repaired: [..]"]);
    // The same again, and then with other wishes: what is ours is no original.
    for wanted in [text, "net.core.somaxconn = 5000\nnet.ipv4.tcp_fin_timeout = 30\n"] {
        watch.watcher = Watcher::new(config(wanted, false), RepairPolicy::After(SECOND), Some(journal.clone()));
        let now = watch.now;
        drop(watch.watcher.sweep(&mut watch.fake, now));
    }
    assert_eq!((watch.value(BACKLOG), watch.value(RANGE)), ("5000", "30"));
    assert_eq!(entries(&scratch).0, ["000001.journal"]);
    assert_eq!(revert(&mut watch, &journal).len(), 2);
    assert_eq!((watch.value(BACKLOG), watch.value(RANGE)), ("1", "60"));
}

#[test]
fn irreversible_repairs_are_not_made() {
    let fake = Fake::linux().with("kernel.kexec_load_disabled", "0", Behaviour::numbers(0, 1));
    let text = "kernel.kexec_load_disabled = 1\nnet.core.somaxconn = 1\n";
    let (mut watch, _, _scratch) = keeping(fake, text);
    watch.sweep(&[
        "falls short: kernel.kexec_load_disabled is 0, wanted 1",
        "falls short: net.core.somaxconn is 4096, wanted 1",
        "not repaired: kernel.kexec_load_disabled is 0, wanted 1: it can't be undone until reboot; `apply --allow-irreversible` sets it",
        "repaired: net.core.somaxconn 4096 → 1",
    ]);
    watch.later(HOUR).sweep(&[]);
    assert_eq!(watch.value("kernel.kexec_load_disabled"), "0");
}

#[test]
fn repair_waits_for_the_journal_lock() {
    let (mut watch, journal, _scratch) = keeping(Fake::linux(), "net.core.somaxconn = 1\n");
    let other = Journal::open_or_create(&journal.locations).unwrap();
    watch.sweep(&[
        "falls short: net.core.somaxconn is 4096, wanted 1",
        "repair is disabled: another tunectl is changing settings: it holds `[..]/journal/lock`",
    ]);
    drop(other);
    assert_eq!(watch.watcher.repair_due(), Some(watch.now.monotonic + 16 * SECOND));
    watch.later(15 * SECOND).repair(&[]);
    assert_eq!(watch.value(BACKLOG), "4096");
    watch.later(SECOND).repair(&["repaired: net.core.somaxconn 4096 → 1"]);
}
