//! The counters of the control groups that may bound a process.

use std::path::{Path, PathBuf};

use super::Counter;
use super::parse::{self, Named};
use super::read::text;
use super::snapshot::{Reading, Snapshot, Unknown};
use crate::linux::cgroup::{CgroupVersion, Cgroups};

/// From here on a number of bytes is no limit: cgroup v1 prints as many whole pages as fit below 2^63.
const UNLIMITED: u64 = 1 << 62;

/// A control group that bounds a process by one of its controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its folder below the mount of its hierarchy.
    pub folder: PathBuf,
    /// Whether it is of cgroup v2.
    pub unified: bool,
}

/// The groups of a process whose counters can tell of a bound, and those above them, innermost first. Those at the root
/// of a hierarchy bound nobody and have no such files.
#[must_use]
pub fn groups(cgroups: &Cgroups) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for controller in ["cpu", "pids", "memory"] {
        for (folder, version) in cgroups.groups(controller) {
            let group = Group { folder, unified: version == CgroupVersion::V2 };
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
    }
    groups
}

impl Group {
    /// Its counters; those of controllers that it does not have are absent.
    #[must_use]
    pub fn counters(&self) -> Snapshot {
        let file = |name: &str| text(&self.folder.join(name));
        let value = |file: &Result<String, Unknown>, name: &str| -> Reading {
            file.as_deref().map_err(|unknown| *unknown).and_then(|text| Named::lines(text).get("", name))
        };
        let cpu = file("cpu.stat");
        let throttled = if self.unified {
            value(&cpu, "throttled_usec")
        } else {
            value(&cpu, "throttled_time").map(|nanoseconds| nanoseconds / 1000)
        };
        let (kills, max) = if self.unified {
            let memory = file("memory.events");
            (value(&memory, "oom_kill"), value(&memory, "max"))
        } else {
            (value(&file("memory.oom_control"), "oom_kill"), number(&file("memory.failcnt")))
        };
        [
            (Counter::CgroupPeriods, value(&cpu, "nr_periods")),
            (Counter::CgroupThrottled, value(&cpu, "nr_throttled")),
            (Counter::CgroupThrottledTime, throttled),
            (Counter::CgroupPidsMax, value(&file("pids.events"), "max")),
            (Counter::CgroupOomKills, kills),
            (Counter::CgroupMemoryMax, max),
            (Counter::CgroupTcpMemory, self.tcp_memory()),
        ]
        .into_iter()
        .collect()
    }

    /// Memory of its TCP sockets in bytes; cgroup v1 alone bounds it by itself.
    ///
    /// # Errors
    /// Why it is not known.
    pub fn tcp_memory(&self) -> Reading {
        number(&text(&self.folder.join("memory.kmem.tcp.usage_in_bytes")))
    }

    /// The bound on that; nothing where there is none.
    #[must_use]
    pub fn tcp_memory_limit(&self) -> Option<u64> {
        let limit = number(&text(&self.folder.join("memory.kmem.tcp.limit_in_bytes"))).ok();
        limit.filter(|limit| *limit < UNLIMITED)
    }

    /// `pids.max`; nothing where there is none.
    #[must_use]
    pub fn pids_max(&self) -> Option<u64> {
        number(&text(&self.folder.join("pids.max"))).ok()
    }

    /// Its folder, for people.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }
}

fn number(text: &Result<String, Unknown>) -> Reading {
    text.as_deref().map_err(|unknown| *unknown).and_then(parse::first_number)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn group(name: &str, unified: bool, files: &[(&str, &str)]) -> Group {
        let folder = std::env::temp_dir().join(format!("tunectl-group-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (file, text) in files {
            fs::write(folder.join(file), text).unwrap();
        }
        Group { folder, unified }
    }

    #[test]
    fn both_versions_say_the_same_by_other_names() {
        let v1 = group(
            "v1",
            false,
            &[
                ("cpu.stat", "nr_periods 40\nnr_throttled 39\nthrottled_time 3100000000\n"),
                ("pids.events", "max 7\n"),
                ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
                ("memory.failcnt", "63\n"),
                ("memory.kmem.tcp.usage_in_bytes", "1048576\n"),
                ("memory.kmem.tcp.limit_in_bytes", "9223372036854771712\n"),
            ],
        );
        let v2 = group(
            "v2",
            true,
            &[
                ("cpu.stat", "usage_usec 9\nnr_periods 40\nnr_throttled 39\nthrottled_usec 3100000\n"),
                ("pids.events", "max 7\n"),
                ("memory.events", "low 0\nhigh 0\nmax 63\noom 1\noom_kill 1\n"),
                ("pids.max", "max\n"),
            ],
        );
        for group in [&v1, &v2] {
            let counters = group.counters();
            for (counter, expected) in [
                (Counter::CgroupPeriods, 40),
                (Counter::CgroupThrottled, 39),
                (Counter::CgroupThrottledTime, 3_100_000),
                (Counter::CgroupPidsMax, 7),
                (Counter::CgroupOomKills, 1),
                (Counter::CgroupMemoryMax, 63),
            ] {
                assert_eq!(counters.get(counter), Ok(expected), "{counter}");
            }
        }
        assert_eq!(v1.counters().get(Counter::CgroupTcpMemory), Ok(1 << 20));
        assert_eq!((v1.tcp_memory_limit(), v2.pids_max()), (None, None));
        assert_eq!(v2.counters().get(Counter::CgroupTcpMemory), Err(Unknown::Absent));
        for group in [v1, v2] {
            fs::remove_dir_all(group.folder).unwrap();
        }
    }
}
