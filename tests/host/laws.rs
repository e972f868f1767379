//! Laws of random profiles on the keys of a real network namespace: `check` and `apply` agree, applying twice changes
//! nothing, a dry run tells what will change, and `revert` restores every byte of every key.
//!
//! Run by `.ci/faults`: some thousands of profiles with `TUNECTL_FAULTS=all`, a tenth with a seed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::namespaces::{inside, this_test};
use crate::support::random::{Random, seed};
use crate::support::scratch::Scratch;
use crate::support::test::tunectl;

/// How many profiles there are in a whole run.
const PROFILES: u64 = 2000;

/// Keys that change by themselves, or whose value is a secret or an order rather than a state.
const LEFT_OUT: [&str; 6] = ["flush", "stable_secret", "_key", "nf_conntrack_count", "igmp_link_local", "unknown_nmi"];

/// The text of every key of this network namespace that can be read, by its path beneath /proc/sys.
fn snapshot() -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    let mut folders = vec![Path::new("/proc/sys/net").to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                let name = path.strip_prefix("/proc/sys").unwrap().to_str().unwrap().to_owned();
                if !LEFT_OUT.iter().any(|part| name.contains(part)) {
                    keys.insert(name, text);
                }
            }
        }
    }
    keys
}

/// The keys that can be written and hold one to four numbers.
fn numeric(keys: &BTreeMap<String, String>) -> Vec<(String, Vec<i64>)> {
    let is_writable = |name: &str| {
        let mode = std::os::unix::fs::MetadataExt::mode(&fs::metadata(format!("/proc/sys/{name}")).unwrap());
        mode & 0o200 != 0
    };
    let numbers = |text: &str| text.split_whitespace().map(str::parse).collect::<Result<Vec<i64>, _>>().ok();
    let named = keys.iter().filter(|(name, _)| is_writable(name));
    named
        .filter_map(|(name, text)| Some((name.clone(), numbers(text)?)))
        .filter(|(_, numbers)| (1..=4).contains(&numbers.len()))
        .collect()
}

/// A number near another one, as profiles have them: what is off, on, the next one, twice as much, half.
fn near(random: &mut Random, number: i64) -> i64 {
    let others = [number, number, 0, 1, 2, number.saturating_add(1), number.saturating_sub(1), number / 2];
    match random.below(10) {
        0 => number.saturating_mul(2),
        1 => i64::try_from(random.below(70_000)).unwrap(),
        _ => *random.one_of(&others),
    }
}

fn requirement(random: &mut Random, name: &str, numbers: &[i64]) -> String {
    let values: Vec<String> = numbers.iter().map(|number| near(random, *number).to_string()).collect();
    let value = if values.len() == 1 { values[0].clone() } else { format!("[{}]", values.join(", ")) };
    let required = if random.below(4) == 0 { ", required = false" } else { "" };
    let operator = random.one_of(&["exactly", "exactly", "at_least", "at_most"]);
    let name = name.replace('/', ".");
    match random.below(12) {
        0 if values.len() == 1 => format!("\"{name}\" = {{ one_of = [{value}, 1]{required} }}\n"),
        _ => format!("\"{name}\" = {{ {operator} = {value}{required} }}\n"),
    }
}

struct Bench {
    scratch: Scratch,
}

impl Bench {
    fn tunectl(&self, words: &[&str]) -> Output {
        let mut command: Command = tunectl();
        command
            .args(words)
            .current_dir(self.scratch.path())
            .env("TUNECTL_JOURNAL", self.scratch.path().join("journal"));
        command.stdin(Stdio::null()).output().unwrap()
    }

    fn code(&self, words: &[&str]) -> (i32, String) {
        let output = self.tunectl(words);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    }
}

/// What differs between two snapshots.
fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let changed = before.iter().filter(|(name, text)| after.get(*name) != Some(text));
    changed.map(|(name, text)| format!("{name}: {text:?} -> {:?}", after.get(name))).collect()
}

#[test]
#[ignore = "thousands of runs: .ci/faults"]
fn random_profiles_keep_the_laws() {
    inside(this_test!(), || {
        let mut random = Random::new(seed().unwrap_or(1));
        let count = if seed().is_some() { PROFILES / 10 } else { PROFILES };
        let bench = Bench { scratch: Scratch::new() };
        let mut counts = [0; 3];
        for number in 0..count {
            let before = snapshot();
            let keys = numeric(&before);
            assert!(keys.len() > 200, "{} keys", keys.len());
            let mut profile = "[linux.sysctl]\n".to_owned();
            let mut named = Vec::new();
            for _ in 0..=random.below(5) {
                let (name, numbers) = random.one_of(&keys).clone();
                if !named.contains(&name) {
                    profile.push_str(&requirement(&mut random, &name, &numbers));
                    named.push(name);
                }
            }
            bench.scratch.write("p.toml", &profile);
            let told = keep_laws(&bench, &before, &mut counts);
            assert!(told.is_empty(), "profile {number}:\n{profile}{told}");
        }
        let [applied, failed, refused] = counts;
        eprintln!("{count} random profiles: {applied} applied, {failed} fell short, {refused} refused");
        assert!(applied > count / 4 && failed > count / 50, "{counts:?}");
    });
}

/// Says which law a profile breaks, and how.
fn keep_laws(bench: &Bench, before: &BTreeMap<String, String>, counts: &mut [u64; 3]) -> String {
    let (checked, _) = bench.code(&["check", "-p", "./p.toml"]);
    let (dry, dry_text) = bench.code(&["apply", "-p", "./p.toml", "--dry-run"]);
    let untouched = snapshot();
    if untouched != *before {
        return format!("check and a dry run changed {:?}", differences(before, &untouched));
    }
    let (applied, text) = bench.code(&["apply", "-p", "./p.toml"]);
    let after = snapshot();
    let changes = differences(before, &after);
    match applied {
        0 => {
            counts[0] += 1;
            let (code, text_after) = bench.code(&["check", "-p", "./p.toml"]);
            if code != 0 {
                return format!("applied, and does not hold: {text}{text_after}");
            }
            if checked == 0 && !changes.is_empty() && !dry_text.contains("would") {
                return format!("all held, and it changed {changes:?}: {text}");
            }
            if dry != 0 {
                return format!("a dry run says {dry}: {dry_text}, and apply could: {text}");
            }
            let (twice, text_twice) = bench.code(&["apply", "-p", "./p.toml"]);
            let again = differences(&after, &snapshot());
            if twice != 0 || !again.is_empty() {
                return format!("applied twice, it says {twice} and changes {again:?}: {text_twice}");
            }
        }
        1 => {
            counts[1] += 1;
            if !changes.is_empty() {
                return format!("it fell short, and changed {changes:?}: {text}");
            }
            if checked == 0 {
                return format!("all held, and it fell short: {text}");
            }
        }
        2 => {
            counts[2] += 1;
            if checked != 2 || !changes.is_empty() {
                return format!("apply refuses what check takes ({checked}), {changes:?}: {text}");
            }
        }
        other => return format!("exit code {other}: {text}"),
    }
    let (reverted, text_reverted) = bench.code(&["revert", "--all"]);
    let restored = differences(before, &snapshot());
    if reverted != 0 || !restored.is_empty() {
        return format!("revert says {reverted}, and leaves {restored:?}: {text_reverted}\nit had applied: {text}");
    }
    String::new()
}
