//! Whatever `apply` writes in a network namespace, `revert` and a failing `apply` restore every key of it to the byte:
//! the one that was written, and those that the kernel changed beside it.
//!
//! There are some 600 keys, which take minutes: `TUNECTL_ALL_KEYS=1` tries them all. Otherwise those are tried that once
//! did not come back, and of the others each day another part.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{env, fs};

use tunectl::environment::{Environment, EnvironmentDetails, Namespaces};
use tunectl::kernel::{AccessMode, Host as HostKernel};
use tunectl::model::setting::System;
use tunectl::sys;

use crate::support::namespaces::{inside, this_test};
use crate::support::scratch::Scratch;
use crate::support::world::{FakeSystem, dispatch};

const ROOT: &str = "/proc/sys/net";

/// Every file below a directory, sorted.
fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// The bytes of every key that can be read.
fn snapshot() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = Vec::new();
    files(Path::new(ROOT), &mut all);
    all.into_iter().filter_map(|path| Some((path.clone(), fs::read(&path).ok()?))).collect()
}

/// What differs, for people.
fn differences(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<String> {
    let text = |bytes: Option<&Vec<u8>>| bytes.map_or("-".into(), |bytes| String::from_utf8_lossy(bytes).into_owned());
    let differs = before.keys().chain(after.keys()).filter(|path| before.get(*path) != after.get(*path));
    let shown =
        |path: &PathBuf| format!("{}: {:?} → {:?}", path.display(), text(before.get(path)), text(after.get(path)));
    let mut all: Vec<String> = differs.map(shown).collect();
    all.dedup();
    all
}

/// Other values that a key may take.
fn other_values(now: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(now);
    let numbers: Option<Vec<i64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    let wide = |change: fn(i64) -> i64, numbers: &[i64]| {
        numbers.iter().map(|number| change(*number).to_string()).collect::<Vec<_>>().join(" ")
    };
    match numbers.as_deref() {
        None | Some([]) => Vec::new(),
        Some([0]) => vec!["1".to_owned(), "2".to_owned(), "-1".to_owned()],
        Some([1]) => vec!["0".to_owned(), "2".to_owned(), "-1".to_owned()],
        Some(numbers) => vec![wide(|number| 2 * number, numbers), wide(|number| number + 1, numbers)],
    }
}

/// A key as a profile names it.
fn name(path: &Path) -> String {
    path.strip_prefix("/proc/sys").unwrap().to_str().unwrap().to_owned()
}

/// tunectl in this process: starting it thousands of times takes minutes.
struct Tunectl(Scratch);

impl Tunectl {
    fn run(&self, words: &[&str]) -> (i32, String) {
        let own = Some(true);
        let initial =
            Namespaces { ipc: Some(false), uts: Some(false), user: own, pid: own, cgroup: own, net: Some(false) };
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap().trim().to_owned();
        let (user, details) = (sys::effective_ids().effective_uid, EnvironmentDetails::default());
        let environment = Environment::known(System::Linux, Some(release), initial, user, details);
        let journal = self.0.path().join("journal").to_str().unwrap().to_owned();
        let network_cookie = sys::network_cookie().map_err(|error| error.raw_os_error().unwrap());
        let variables = vec![("TUNECTL_JOURNAL", journal)];
        let os = FakeSystem { variables, network_cookie, ..FakeSystem::new(environment) };
        let ran = dispatch(&mut HostKernel::here(AccessMode::Write), &os, "/proc".into(), words);
        (ran.code.unwrap(), ran.err)
    }
}

/// Keys that are one value under two names, or whose text does not tell all of their value.
const ONCE_WRONG: [&str; 5] = [
    "net/ipv4/neigh/lo/unres_qlen",
    "net/ipv4/neigh/lo/retrans_time",
    "net/ipv6/neigh/lo/locktime",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/route/gc_min_interval",
];

/// Which keys are tried: of how many parts which one.
fn is_tried(index: usize, path: &Path) -> bool {
    const PARTS: u64 = 30;
    let day = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    all_keys() || ONCE_WRONG.contains(&name(path).as_str()) || (index as u64 + day) % PARTS == 0
}

fn all_keys() -> bool {
    env::var_os("TUNECTL_ALL_KEYS").is_some()
}

/// Applies each other value of each key, and reverts it; then the same beside a setting that fails.
#[track_caller]
fn every_key_comes_back(start: &BTreeMap<PathBuf, Vec<u8>>) {
    let tunectl = Tunectl(Scratch::new());
    let (mut applied, mut wrong) = (0, Vec::new());
    for (_, (path, now)) in start.iter().enumerate().filter(|(index, (path, _))| is_tried(*index, path)) {
        for value in other_values(now) {
            let set = format!("{}={value}", name(path));
            for words in [&["apply", "--set", &set][..], &["apply", "--set", &set, "--set", "net.none.such=1"]] {
                let (code, said) = tunectl.run(words);
                if words.len() == 3 && code == 0 {
                    applied += 1;
                    let (code, said) = tunectl.run(&["revert"]);
                    if code != 0 {
                        wrong.push(format!("{set}: {said}"));
                    }
                } else if code == 0 {
                    wrong.push(format!("{words:?}: {said}"));
                }
                let differences = differences(start, &snapshot());
                if !differences.is_empty() {
                    wrong.push(format!("{}:\n    {}", words.join(" "), differences.join("\n    ")));
                    for (path, bytes) in start {
                        drop(fs::write(path, bytes));
                    }
                }
            }
        }
    }
    let least = if all_keys() { 500 } else { 15 };
    assert!(applied > least, "only {applied} values could be applied");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_key_of_a_network_comes_back_to_the_byte() {
    inside(this_test!(), || every_key_comes_back(&snapshot()));
}

/// Where forwarding is on, and what is off otherwise.
#[test]
fn so_it_does_where_every_switch_is_on() {
    inside(this_test!(), || {
        for (path, bytes) in snapshot() {
            if bytes == b"0\n" && !path.ends_with("disable_ipv6") {
                drop(fs::write(path, "1\n"));
            }
        }
        every_key_comes_back(&snapshot());
    });
}
