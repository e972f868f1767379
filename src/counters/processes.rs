//! What processes use: descriptors and CPU time, of a process and of all below it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::read::{text, unknown};
use super::snapshot::{Reading, Unknown};
use crate::linux::process::{ProcessDir, pids};
use crate::model::limit::{Limit, Resource};

/// Nanoseconds of a tick of `/proc/PID/stat`, of which Linux has a hundred a second on all that we run on.
const TICK: u64 = 10_000_000;

/// These processes, and all that they started and those started. `proc` is `/proc`; empty where it can't be read.
#[must_use]
pub fn with_descendants(proc: &Path, roots: &[i32]) -> Vec<i32> {
    let all = pids(proc).unwrap_or_default();
    let parents: Vec<(i32, i32)> = all
        .into_iter()
        .filter_map(|pid| Some((pid, ProcessDir::of(proc, pid).stat().ok().flatten()?.parent)))
        .collect();
    let mut found: Vec<i32> = roots.to_vec();
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children = parents.iter().filter(|(_, its)| *its == parent).map(|(pid, _)| *pid);
        let new: Vec<i32> = children.filter(|pid| !found.contains(pid)).collect();
        found.extend(new);
        next += 1;
    }
    found
}

/// How many descriptors a process has open. Since Linux 6.2 the size of the folder tells; before, they are counted.
///
/// # Errors
/// It is gone, or somebody else's.
pub fn open_descriptors(proc: &Path, pid: i32) -> Reading {
    let folder = ProcessDir::of(proc, pid).path("fd");
    let size = fs::metadata(&folder).map_err(|error| unknown(&error))?.len();
    if size > 0 {
        return Ok(size);
    }
    let entries = fs::read_dir(&folder).map_err(|error| unknown(&error))?;
    u64::try_from(entries.count()).map_err(|_| Unknown::Malformed)
}

/// The soft limit on descriptors of a process.
#[must_use]
pub fn descriptor_limit(proc: &Path, pid: i32) -> Option<u64> {
    match ProcessDir::of(proc, pid).limits(Resource::Nofile).ok()??.soft {
        Limit::Value(limit) => Some(limit),
        Limit::Unlimited => Some(u64::MAX),
    }
}

/// The CPU time of each thread of a process so far, in nanoseconds, by its number.
#[must_use]
pub fn thread_times(proc: &Path, pid: i32) -> BTreeMap<i32, u64> {
    let folder = ProcessDir::of(proc, pid).path("task");
    let tasks = fs::read_dir(&folder).into_iter().flatten().flatten();
    let numbers = tasks.filter_map(|task| task.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(|thread| Some((thread, thread_time(&folder.join(thread.to_string()))?))).collect()
}

/// The first number of `schedstat`, which a kernel may have been built without; then that of `stat`, in ticks.
fn thread_time(task: &Path) -> Option<u64> {
    let precise = text(&task.join("schedstat")).ok().and_then(|text| text.split(' ').next()?.parse().ok());
    precise.or_else(|| {
        let stat = text(&task.join("stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        // `utime` and `stime`, fields 14 and 15.
        let (user, system): (u64, u64) = (fields.nth(11)?.parse().ok()?, fields.next()?.parse().ok()?);
        Some((user + system) * TICK)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_and_all_beneath_it() {
        let proc = std::env::temp_dir().join(format!("tunectl-processes-{}", std::process::id()));
        for (pid, parent) in [(10, 1), (11, 10), (12, 11), (13, 1), (14, 13), (15, 10)] {
            let folder = proc.join(pid.to_string());
            fs::create_dir_all(&folder).unwrap();
            let stat = format!("{pid} (a b) S {parent} 1 7 7 0 -1 4 0 0 0 250 50 0 0 20 0 1 0 99 0 1");
            fs::write(folder.join("stat"), &stat).unwrap();
            fs::create_dir_all(folder.join(format!("task/{pid}"))).unwrap();
            fs::write(folder.join(format!("task/{pid}/stat")), stat).unwrap();
        }
        let mut found = with_descendants(&proc, &[10]);
        found.sort_unstable();
        assert_eq!(found, [10, 11, 12, 15]);
        assert_eq!(with_descendants(Path::new("/nonexistent"), &[10]), [10]);
        assert_eq!(thread_times(&proc, 10), BTreeMap::from([(10, 3_000_000_000)]), "utime and stime");
        fs::remove_dir_all(&proc).unwrap();
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn our_own() {
        let (proc, own) = (Path::new("/proc"), i32::try_from(std::process::id()).unwrap());
        let open = open_descriptors(proc, own).unwrap();
        let listed = fs::read_dir("/proc/self/fd").unwrap().count() as u64;
        assert!(open.abs_diff(listed) < 30, "{open} open, {listed} listed: other tests open and close some");
        assert!(descriptor_limit(proc, own).unwrap() >= open);
        assert!(thread_times(proc, own).values().sum::<u64>() > 0);
        assert_eq!(open_descriptors(proc, i32::MAX), Err(Unknown::Absent));
    }
}
