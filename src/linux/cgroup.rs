//! Control groups, cgroups(7): where a process is in the hierarchies, and the limits of its group and of those above it.

use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;

use super::process::ProcessDir;
use super::{errno_of, mountinfo};
use crate::sys::read_text;

/// The version of the hierarchies that have controllers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CgroupVersion {
    /// One hierarchy a controller, or some of them beside a second one without controllers.
    V1,
    /// One hierarchy for all controllers.
    V2,
}

/// From here on a number of bytes is no limit. Version 1 has no word for that and prints as many whole pages as fit
/// below 2^63: how many bytes that is depends on the page size (`PAGE_COUNTER_MAX`, `include/linux/page_counter.h`).
const UNLIMITED_BYTES: u64 = 1 << 62;

/// The lowest limit of a group and of those above it. `None` where there is none, or where it can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CgroupLimits {
    /// Memory in bytes: `memory.max`, or `memory.limit_in_bytes`.
    pub memory: Option<u64>,
    /// CPU time in thousandths of a processor: `cpu.max`, or `cpu.cfs_quota_us` by `cpu.cfs_period_us`.
    pub cpu: Option<u64>,
    /// Processes and threads: `pids.max`.
    pub pids: Option<u64>,
}

/// The groups of a process.
#[derive(Clone, Debug, Default)]
pub struct Cgroups {
    memberships: Vec<Membership>,
    hierarchies: Vec<Hierarchy>,
}

/// A line of `/proc/PID/cgroup`: the group of the process in one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Membership {
    /// None for version 2.
    controllers: Vec<String>,
    /// The group, from the root of its hierarchy as our cgroup namespace shows it.
    path: String,
}

/// A mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hierarchy {
    version: CgroupVersion,
    /// None for version 2.
    controllers: Vec<String>,
    /// The group that is the root of the mount.
    root: String,
    /// The mount point, below the root that was read from.
    mount_point: PathBuf,
}

impl Cgroups {
    /// Our groups, read below `root`, usually `/`.
    ///
    /// # Errors
    /// `/proc/self/cgroup` or `/proc/self/mountinfo` could not be read.
    pub fn own(root: &Path) -> Result<Self, Errno> {
        Self::read(&ProcessDir::own(&root.join("proc")), root)
    }

    /// The groups of a process; none where there is no such process. Hierarchies are looked up where they are mounted
    /// for us.
    ///
    /// # Errors
    /// `/proc/PID/cgroup` or `/proc/self/mountinfo` could not be read.
    pub fn of(root: &Path, pid: i32) -> Result<Self, Errno> {
        Self::read(&ProcessDir::of(&root.join("proc"), pid), root)
    }

    fn read(process: &ProcessDir, root: &Path) -> Result<Self, Errno> {
        let memberships = process.text("cgroup")?.unwrap_or_default();
        let mounts = ProcessDir::own(&root.join("proc")).text("mountinfo")?.unwrap_or_default();
        Ok(Self {
            memberships: memberships.lines().filter_map(Membership::parse).collect(),
            hierarchies: mountinfo::parse(&mounts).filter_map(|mount| Hierarchy::of(mount, root)).collect(),
        })
    }

    /// The version of the hierarchies that are mounted and have controllers; 1 where both are.
    #[must_use]
    pub fn version(&self) -> Option<CgroupVersion> {
        let controlling = |its: &&Hierarchy| its.version == CgroupVersion::V2 || !its.controllers.is_empty();
        let versions = || self.hierarchies.iter().filter(controlling).map(|hierarchy| hierarchy.version);
        if versions().any(|version| version == CgroupVersion::V1) { Some(CgroupVersion::V1) } else { versions().next() }
    }

    /// Reads the limits. A file that can't be read is told of in the log.
    #[must_use]
    pub fn limits(&self) -> CgroupLimits {
        let memory = self.lowest("memory", &|group, version| {
            number(group, if version == CgroupVersion::V2 { "memory.max" } else { "memory.limit_in_bytes" })
        });
        let cpu = self.lowest("cpu", &|group, version| match version {
            CgroupVersion::V2 => {
                let text = text(group, "cpu.max")?;
                let (quota, period) = text.trim().split_once(' ')?;
                thousandths(quota.parse().ok()?, period.parse().ok()?)
            }
            CgroupVersion::V1 => thousandths(number(group, "cpu.cfs_quota_us")?, number(group, "cpu.cfs_period_us")?),
        });
        CgroupLimits {
            memory: memory.filter(|bytes| *bytes < UNLIMITED_BYTES),
            cpu,
            pids: self.lowest("pids", &|group, _| number(group, "pids.max")),
        }
    }

    /// The service of systemd(1) that the process is of, the innermost one: `redis.service`.
    #[must_use]
    pub fn unit(&self) -> Option<String> {
        let managed =
            |its: &&Membership| its.controllers.is_empty() || its.controllers.iter().any(|c| c == "name=systemd");
        let names = self.memberships.iter().filter(managed).flat_map(|its| its.path.rsplit('/'));
        let is_service = |name: &&str| name.strip_suffix(".service").is_some_and(|stem| !stem.is_empty());
        names.filter(is_service).find(|name| !name.starts_with("user@")).map(str::to_owned)
    }

    /// The lowest of what `read` finds in the process's group of a controller and in those above it.
    fn lowest(&self, controller: &str, read: &dyn Fn(&Path, CgroupVersion) -> Option<u64>) -> Option<u64> {
        self.groups(controller).iter().filter_map(|(group, version)| read(group, *version)).min()
    }

    /// The directories of the process's group of a controller and of those above it, the innermost first, with the
    /// version of their hierarchy.
    #[must_use]
    pub fn groups(&self, controller: &str) -> Vec<(PathBuf, CgroupVersion)> {
        let mut groups = Vec::new();
        for Membership { controllers, path } in &self.memberships {
            let version = if controllers.is_empty() { CgroupVersion::V2 } else { CgroupVersion::V1 };
            let controls = |its: &[String]| version == CgroupVersion::V2 || its.iter().any(|its| its == controller);
            if !controls(controllers) {
                continue;
            }
            let hierarchies =
                self.hierarchies.iter().filter(|its| its.version == version && controls(&its.controllers));
            let above = hierarchies.flat_map(|hierarchy| hierarchy.group_and_above(path));
            groups.extend(above.map(|group| (group, version)));
        }
        groups
    }
}

impl Membership {
    /// `4:cpu,cpuacct:/docker/x`, and `0::/x` for version 2.
    fn parse(line: &str) -> Option<Self> {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let controllers = controllers.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Some(Self { controllers, path: path.to_owned() })
    }
}

impl Hierarchy {
    fn of(mount: mountinfo::MountEntry<'_>, root: &Path) -> Option<Self> {
        let version = match mount.file_system {
            "cgroup" => CgroupVersion::V1,
            "cgroup2" => CgroupVersion::V2,
            _ => return None,
        };
        let options = if version == CgroupVersion::V1 { mount.super_options } else { "" };
        Some(Self {
            version,
            controllers: options.split(',').filter(|its| !its.is_empty() && *its != "rw").map(str::to_owned).collect(),
            root: mount.root,
            mount_point: beneath(root, &mount.mount_point)?,
        })
    }

    /// The directories of a group and of those above it, up to the mount's root. In a container our group is often
    /// that root; of a group that is outside of what is mounted, only the root can be looked at.
    fn group_and_above(&self, group: &str) -> Vec<PathBuf> {
        let relative = group.strip_prefix(self.root.trim_end_matches('/')).unwrap_or_default();
        let relative = Path::new(relative.trim_start_matches('/'));
        let relative = if is_plain(relative) { relative } else { Path::new("") };
        relative.ancestors().map(|part| self.mount_point.join(part)).collect()
    }
}

/// The text of a group's file. It is not there where the controller is not enabled for the group, and in the root.
fn text(group: &Path, file: &str) -> Option<String> {
    let path = group.join(file);
    match read_text(&path) {
        Ok(text) => Some(text),
        Err(error) => {
            if !matches!(errno_of(&error), Errno::ENOENT | Errno::ENOTDIR) {
                log::warn!("{}: {error}: assuming no limit", path.display());
            }
            None
        }
    }
}

/// The number in a group's file; `None` for `max` and for -1, which are no limit.
fn number(group: &Path, file: &str) -> Option<u64> {
    text(group, file)?.trim().parse().ok()
}

fn thousandths(quota: u64, period: u64) -> Option<u64> {
    quota.checked_mul(1000)?.checked_div(period)
}

/// `path` below `root`; `None` for one that leads out of it.
fn beneath(root: &Path, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path.trim_start_matches('/'));
    is_plain(relative).then(|| root.join(relative))
}

/// Whether a path has no `..` in it.
fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn hierarchy(line: &str, root: &str) -> Option<Hierarchy> {
        mountinfo::parse(line).find_map(|mount| Hierarchy::of(mount, Path::new(root)))
    }

    #[test]
    fn the_groups_above_are_found_beneath_the_mount() {
        let line = "36 35 0:31 /docker/x /sys/fs/cgroup/my\\040cpu ro - cgroup cgroup rw,cpu,cpuacct";
        let found = hierarchy(line, "/r").unwrap();
        assert_eq!(found.mount_point, Path::new("/r/sys/fs/cgroup/my cpu"));
        assert_eq!((found.root.as_str(), found.controllers.join(" ")), ("/docker/x", "cpu cpuacct".to_owned()));
        assert_eq!(found.group_and_above("/docker/x/in/side").len(), 3);
        assert_eq!(found.group_and_above("/elsewhere"), std::slice::from_ref(&found.mount_point));
        assert_eq!(found.group_and_above("/docker/x/../../.."), std::slice::from_ref(&found.mount_point));
        assert_eq!(hierarchy("36 35 0:31 / /../../etc rw - cgroup2 cgroup2 rw", "/"), None);
        assert_eq!(hierarchy("36 35 0:31 / /sys rw - sysfs sysfs rw", "/"), None);
    }

    /// With pages of 4 KiB and of 64 KiB.
    #[test]
    fn the_largest_number_of_version_1_is_no_limit() {
        let root = std::env::temp_dir().join(format!("tunectl-cgroup-{}", std::process::id()));
        let folder = root.join("sys/fs/cgroup/memory/a");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(root.join("proc/self")).unwrap();
        let mounted = "31 30 0:27 / /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        fs::write(root.join("proc/self/mountinfo"), mounted).unwrap();
        assert_eq!(Cgroups::own(&root).unwrap_err(), Errno::ENOENT);
        fs::write(root.join("proc/self/cgroup"), "3:memory:/a\n").unwrap();
        let limit = |own: &str, above: &str| {
            fs::write(folder.join("memory.limit_in_bytes"), own).unwrap();
            fs::write(folder.with_file_name("memory.limit_in_bytes"), above).unwrap();
            Cgroups::own(&root).unwrap().limits().memory
        };
        assert_eq!(limit("9223372036854771712\n", "9223372036854771712\n"), None);
        assert_eq!(limit("9223372036854710272\n", "9223372036854710272\n"), None);
        assert_eq!(limit("9223372036854771712\n", "1073741824\n"), Some(1 << 30));
        fs::remove_dir_all(&root).unwrap();
    }
}
