//! All of /proc/sys and our own limits at one moment, to show that nothing has moved since.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use crate::report::words;

/// Counters and random numbers: they move without anyone writing them.
const MOVING: [&str; 9] = [
    "/proc/sys/fs/aio-nr",
    "/proc/sys/fs/dentry-state",
    "/proc/sys/fs/file-nr",
    "/proc/sys/fs/inode-nr",
    "/proc/sys/fs/inode-state",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/kernel/random",
    "/proc/sys/kernel/pty/nr",
    // Reading it does something: it folds the counters of all CPUs.
    "/proc/sys/vm/stat_refresh",
];

#[derive(Default)]
pub struct Tree(BTreeMap<String, String>);

impl Tree {
    pub fn read() -> io::Result<Self> {
        let mut values = BTreeMap::new();
        read_below(Path::new("/proc/sys"), &mut values)?;
        for owner in ["self", "1"] {
            let path = format!("/proc/{owner}/limits");
            for line in fs::read_to_string(&path)?.lines().skip(1) {
                let (name, value) = line.split_at(line.len().min(26));
                values.insert(format!("{path} {}", words(name)), words(value));
            }
        }
        Ok(Self(values))
    }

    /// `NAME: BEFORE -> NOW` for each value that isn't what it was.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let names: BTreeSet<&String> = self.0.keys().chain(before.0.keys()).collect();
        names
            .into_iter()
            .filter(|name| self.0.get(*name) != before.0.get(*name))
            .map(|name| {
                let show = |tree: &Self| tree.0.get(name).map_or_else(|| "absent".to_owned(), |value| words(value));
                format!("{name}: {} -> {}", show(before), show(self))
            })
            .collect()
    }
}

fn read_below(folder: &Path, values: &mut BTreeMap<String, String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if MOVING.iter().any(|moving| path == Path::new(moving)) {
            continue;
        }
        if path.is_dir() {
            read_below(&path, values)?;
        } else {
            // Write-only keys and keys without a value yet answer with an error, which is as steady as a value.
            let value = fs::read_to_string(&path).unwrap_or_else(|error| format!("unreadable: {error}"));
            values.insert(path.display().to_string(), value);
        }
    }
    Ok(())
}
