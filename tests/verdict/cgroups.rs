//! Limits of control groups. A group of its own is made for each, and what is in it is the service alone.

use std::fs;
use std::path::{Path, PathBuf};

use crate::evidence::really;
use crate::scene::{Background, Scene, bench, loopback_up, wait_for_listener};
use crate::support::namespaces::{inside, skip, this_test};

/// A control group that is removed when it is dropped.
struct Group(PathBuf);

impl Group {
    /// Makes one with this controller, of whichever version it is mounted as; nothing where that can't be had.
    fn new(controller: &str) -> Option<Self> {
        let name = format!("tunectl-verdict-{}-{controller}", std::process::id());
        let v1 = Path::new("/sys/fs/cgroup").join(controller);
        let v2 = Path::new("/sys/fs/cgroup");
        let parent = if v1.join("cgroup.procs").exists() {
            v1
        } else {
            let enabled = fs::read_to_string(v2.join("cgroup.subtree_control")).ok()?;
            if !enabled.split_whitespace().any(|its| its == controller) {
                return None;
            }
            v2.to_owned()
        };
        let folder = parent.join(name);
        fs::create_dir(&folder).ok()?;
        Some(Self(folder))
    }

    /// Sets the limit by whichever of the two names there is, and says which.
    fn limit(&self, v2: (&'static str, &str), v1: (&'static str, &str)) -> &'static str {
        let (name, value) = if self.0.join(v2.0).exists() { v2 } else { v1 };
        fs::write(self.0.join(name), value).unwrap_or_else(|error| panic!("{name} = {value}: {error}"));
        name
    }

    /// The number behind a name in a file of the group.
    fn number(&self, file: &str, name: &str) -> u64 {
        let text = fs::read_to_string(self.0.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let number = text.lines().find_map(|line| line.strip_prefix(name));
        number.unwrap_or_else(|| panic!("{file} has no `{name}`: {text}")).trim().parse().unwrap()
    }

    fn take_in(&self, pid: u32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// A file of cgroup v2 and its text, and the same of v1.
type Limits = ((&'static str, &'static str), (&'static str, &'static str));

/// Plays a scene with the service in a group, with too low a limit and with enough. `count` reads from the group how
/// often the kernel applied the limit: at least 3 times where it is too low, never where it is enough.
fn both(
    controller: &str,
    limits: [Limits; 2],
    limit: &'static str,
    (service, load): (&'static str, &'static str),
    count: fn(&Group) -> u64,
) {
    for (starved, (v2, v1)) in [true, false].into_iter().zip(limits) {
        let played = really(if starved { "too low" } else { "enough" }, || {
            let Some(group) = Group::new(controller) else { return Ok(None) };
            let name = group.limit(v2, v1);
            let running = Background::start(service);
            group.take_in(running.pid());
            wait_for_listener(service);
            let document = bench(Some(running.pid()), load);
            let applied = count(&group);
            let real = if starved { applied >= 3 } else { applied == 0 };
            real.then_some(Some((document, name))).ok_or_else(|| format!("the limit was applied {applied} times"))
        });
        let Some((document, name)) = played else {
            return skip(limit, &format!("no control group with `{controller}` can be made"));
        };
        let scene = Scene {
            name: if starved { "too low" } else { "enough" },
            settings: &[],
            service,
            load,
            needs: &[],
            limit: if starved { limit } else { "none" },
            setting: starved.then_some(name),
        };
        scene.compare(&document);
    }
}

#[test]
fn processes() {
    inside(this_test!(), || {
        loopback_up();
        let limits = ["20", "2000"].map(|most| (("pids.max", most), ("pids.max", most)));
        let load = "load port=8080 connections=100 requests=2 hold=300 patience=500";
        both("pids", limits, "pids", ("serve port=8080", load), |group| group.number("pids.events", "max "));
    });
}

#[test]
fn cpu_time() {
    inside(this_test!(), || {
        loopback_up();
        let limits = [
            (("cpu.max", "10000 100000"), ("cpu.cfs_quota_us", "10000")),
            (("cpu.max", "max 100000"), ("cpu.cfs_quota_us", "-1")),
        ];
        let load = "load port=8080 connections=1 requests=60";
        both("cpu", limits, "cpu-quota", ("serve port=8080 spin=5", load), |group| {
            group.number("cpu.stat", "nr_throttled ")
        });
    });
}

#[test]
fn memory() {
    inside(this_test!(), || {
        loopback_up();
        let limits = ["25165824", "1073741824"].map(|bytes| (("memory.max", bytes), ("memory.limit_in_bytes", bytes)));
        let load = "load port=8080 connections=4 requests=20 keep=0 patience=1000";
        both("memory", limits, "memory", ("eat port=8080 kib=2048", load), |group| {
            let file = if group.0.join("memory.events").exists() { "memory.events" } else { "memory.oom_control" };
            // One kill is all that there can be of one service.
            3 * group.number(file, "oom_kill ")
        });
    });
}
