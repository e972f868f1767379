//! Control groups: where ours is, and the bounds of it and of those above it, cgroups(7).

use std::path::{Component, Path, PathBuf};

use crate::sys::text_of;

/// Which hierarchy of control groups there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One for each controller, or some of them beside a second without.
    V1,
    /// One for all.
    V2,
}

/// From here on a number of bytes is no bound. Version 1 has no word for that, and says as many whole pages as fit
/// below 2^63: how many bytes that is hangs on the size of a page (`PAGE_COUNTER_MAX`, `include/linux/page_counter.h`).
const BOUNDLESS: u64 = 1 << 62;

/// The lowest bound of our group and of those above it; none where there is none, or it can't be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of memory: `memory.max`, or `memory.limit_in_bytes`.
    pub memory: Option<u64>,
    /// Thousandths of a processor: `cpu.max`, or `cpu.cfs_quota_us` by `cpu.cfs_period_us`.
    pub cpu: Option<u64>,
    /// Processes and threads: `pids.max`.
    pub pids: Option<u64>,
}

/// The groups of a process, as its `/proc/PID/cgroup` and our `/proc/self/mountinfo` tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// For each hierarchy its controllers, none for version 2, and our group's path in it.
    memberships: Vec<(Vec<String>, String)>,
    mounts: Vec<Mount>,
}

/// Where a hierarchy is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    version: Version,
    controllers: Vec<String>,
    /// The group that is shown as the mount's root.
    shown: String,
    /// The mount point, beneath the root that was read from.
    at: PathBuf,
}

impl Groups {
    /// Reads ours beneath `root`, usually `/`. Lines that are not understood are left out.
    pub(super) fn read(root: &Path) -> Self {
        Self::of("self", root)
    }

    /// The same for the process with this number.
    pub(super) fn of(process: &str, root: &Path) -> Self {
        let read = |path: &str| text_of(&root.join(path));
        let memberships = read(&format!("proc/{process}/cgroup")).unwrap_or_default();
        let mounts = read("proc/self/mountinfo").unwrap_or_default();
        Self {
            memberships: memberships.lines().filter_map(membership).collect(),
            mounts: mounts.lines().filter_map(|line| mount(line, root)).collect(),
        }
    }

    pub(super) fn version(&self) -> Option<Version> {
        let controlled = |mount: &&Mount| mount.version == Version::V2 || !mount.controllers.is_empty();
        let versions = || self.mounts.iter().filter(controlled).map(|mount| mount.version);
        if versions().any(|version| version == Version::V1) { Some(Version::V1) } else { versions().next() }
    }

    pub(super) fn bounds(&self) -> Bounds {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        Bounds {
            memory: self.memory(),
            cpu: self.lowest("cpu", &mut |folder, version| match version {
                Version::V2 => {
                    let text = text_of(&folder.join("cpu.max")).ok()?;
                    let (quota, period) = text.trim().split_once(' ')?;
                    thousandths(number(quota)?, number(period)?)
                }
                Version::V1 => {
                    let read = |file| number(&text_of(&folder.join(file)).ok()?);
                    thousandths(read("cpu.cfs_quota_us")?, read("cpu.cfs_period_us")?)
                }
            }),
            pids: self.lowest("pids", &mut |folder, _| number(&text_of(&folder.join("pids.max")).ok()?)),
        }
    }

    pub(super) fn memory(&self) -> Option<u64> {
        let lowest = self.lowest("memory", &mut |folder, version| {
            let file = if version == Version::V2 { "memory.max" } else { "memory.limit_in_bytes" };
            text_of(&folder.join(file)).ok()?.trim().parse().ok()
        });
        lowest.filter(|bytes| *bytes < BOUNDLESS)
    }

    /// The service, socket or scope of systemd(1) that our group belongs to, the innermost one.
    pub(super) fn unit(&self) -> Option<String> {
        let paths =
            self.memberships.iter().filter(|(its, _)| its.is_empty() || its.iter().any(|c| c == "name=systemd"));
        paths
            .flat_map(|(_, path)| path.rsplit('/'))
            .find(|name| name.ends_with(".service") && name.len() > ".service".len() && !name.starts_with("user@"))
            .map(str::to_owned)
    }

    fn lowest(&self, controller: &str, read: &mut dyn FnMut(&Path, Version) -> Option<u64>) -> Option<u64> {
        let mut lowest = None;
        for (controllers, path) in &self.memberships {
            let version = if controllers.is_empty() { Version::V2 } else { Version::V1 };
            if version == Version::V1 && !controllers.iter().any(|its| its == controller) {
                continue;
            }
            let ours = |mount: &&Mount| {
                mount.version == version
                    && (version == Version::V2 || mount.controllers.iter().any(|c| c == controller))
            };
            for mount in self.mounts.iter().filter(ours) {
                lowest = up_from(mount, path).iter().filter_map(|folder| read(folder, version)).chain(lowest).min();
            }
        }
        lowest
    }
}

fn thousandths(quota: u64, period: u64) -> Option<u64> {
    quota.checked_mul(1000)?.checked_div(period)
}

/// `4:cpu,cpuacct:/docker/x`.
fn membership(line: &str) -> Option<(Vec<String>, String)> {
    let (_, rest) = line.split_once(':')?;
    let (controllers, path) = rest.split_once(':')?;
    let controllers = controllers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some((controllers, path.to_owned()))
}

/// A line of `proc_pid_mountinfo(5)` about a hierarchy:
/// `36 35 0:31 /shown /mount/point rw,nosuid shared:1 - cgroup cgroup rw,memory`.
fn mount(line: &str, root: &Path) -> Option<Mount> {
    let (place, kind) = line.split_once(" - ")?;
    let mut kind = kind.split(' ');
    let version = match kind.next()? {
        "cgroup" => Version::V1,
        "cgroup2" => Version::V2,
        _ => return None,
    };
    let options = if version == Version::V1 { kind.nth(1)? } else { "" };
    let mut fields = place.split(' ').skip(3);
    let (shown, at) = (unescaped(fields.next()?), unescaped(fields.next()?));
    Some(Mount {
        version,
        controllers: options.split(',').filter(|name| !name.is_empty() && *name != "rw").map(str::to_owned).collect(),
        shown,
        at: inside(root, &at)?,
    })
}

/// Blanks, tabs, newlines and backslashes stand there as `\040` and the like.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(u8::is_ascii);
        let (shown, length) = code.map_or(('\\', 0), |code| (char::from(code), 3));
        out.push(shown);
        rest = after.get(length..).unwrap_or_default();
    }
    out + rest
}

/// `path` beneath `root`, if it stays there.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path.trim_start_matches('/'));
    relative.components().all(|part| matches!(part, Component::Normal(_))).then(|| root.join(relative))
}

/// The folders of our group and of those above it, down from the mount. In a container our group is often shown
/// as the root of the mount; where it lies outside of what is shown, only that root can be looked at.
fn up_from(mount: &Mount, group: &str) -> Vec<PathBuf> {
    let relative = group.strip_prefix(mount.shown.trim_end_matches('/')).unwrap_or_default();
    let relative = Path::new(relative.trim_start_matches('/'));
    let relative =
        if relative.components().all(|part| matches!(part, Component::Normal(_))) { relative } else { Path::new("") };
    relative.ancestors().map(|part| mount.at.join(part)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_mount_is_found_wherever_it_is() {
        let root = Path::new("/r");
        let line =
            "36 35 0:31 /docker/x /sys/fs/cgroup/my\\040cpu ro,nosuid master:7 shared:1 - cgroup cgroup rw,cpu,cpuacct";
        let found = mount(line, root).unwrap();
        assert_eq!(found.at, Path::new("/r/sys/fs/cgroup/my cpu"));
        assert_eq!(
            (found.shown.as_str(), found.controllers.as_slice()),
            ("/docker/x", &["cpu".into(), "cpuacct".into()][..])
        );
        assert_eq!(up_from(&found, "/docker/x/in/side").len(), 3);
        assert_eq!(up_from(&found, "/elsewhere"), std::slice::from_ref(&found.at));
        assert_eq!(up_from(&found, "/docker/x/../../.."), std::slice::from_ref(&found.at));
    }

    /// Of pages of 4 KiB and of 64 KiB.
    #[test]
    fn a_bound_that_is_none() {
        let root = std::env::temp_dir().join(format!("tunectl-cgroup-{}", std::process::id()));
        let folder = root.join("sys/fs/cgroup/memory/a");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.join("proc/self")).unwrap();
        let mounted = "31 30 0:27 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        fs::write(root.join("proc/self/mountinfo"), mounted).unwrap();
        fs::write(root.join("proc/self/cgroup"), "3:memory:/a\n").unwrap();
        let bound = |ours: &str, above: &str| {
            fs::write(folder.join("memory.limit_in_bytes"), ours).unwrap();
            fs::write(folder.with_file_name("memory.limit_in_bytes"), above).unwrap();
            Groups::read(&root).bounds().memory
        };
        assert_eq!(bound("9223372036854771712\n", "9223372036854771712\n"), None);
        assert_eq!(bound("9223372036854710272\n", "9223372036854710272\n"), None);
        assert_eq!(bound("9223372036854771712\n", "1073741824\n"), Some(1 << 30));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn a_line_that_is_no_mount_is_left_out() {
        for line in [
            "",
            " - ",
            " - cgroup",
            "- cgroup2 x",
            "1 2 3 - cgroup2 cgroup rw",
            "36 35 0:31 / /../../etc rw - cgroup2 cgroup2 rw",
            "36 35 0:31 / /sys rw - sysfs sysfs rw",
        ] {
            assert_eq!(mount(line, Path::new("/")), None, "{line}");
        }
        assert_eq!(unescaped("a\\040b\\"), "a b\\");
        assert_eq!(unescaped("\\777\\04"), "\\777\\04");
    }
}
