//! How large the machine is for us: the bound of our control group where it is below the machine's.

use std::path::Path;

use nix::errno::Errno;

use crate::kernel::Kernel;
use crate::linux::cgroup::Cgroups;
use crate::linux::process::ProcessDir;
use crate::model::amount::Machine;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys::{describe_errno, memory, processors, read_text};

/// How large the machine is that `kernel` runs on.
pub fn here(kernel: &mut dyn Kernel) -> Machine {
    match kernel.system() {
        System::Linux => linux(Path::new("/")),
        System::MacOs => Machine { memory: memory_of_mac(kernel).unwrap_or(0), cpus: processors() },
    }
}

fn memory_of_mac(kernel: &mut dyn Kernel) -> Option<u64> {
    let key = Key::Sysctl(SysctlName::parse("hw.memsize").ok()?);
    kernel.read(&key).ok()?.trim().parse().ok()
}

/// Reads it from the files of a Linux system below `root`, usually `/`. Processors are those that the
/// scheduler would let us use, quotas of control groups and affinity included.
#[must_use]
pub fn linux(root: &Path) -> Machine {
    let default = Machine { memory: memory(), cpus: processors() };
    read(&ProcessDir::own(&root.join("proc")), Cgroups::own(root), root, default)
}

/// How large it is for the process with this PID, on Linux: by its control group and the processors that it may run
/// on. What can't be read of it is as for us.
#[must_use]
pub fn of_process(root: &Path, pid: i32) -> Machine {
    read(&ProcessDir::of(&root.join("proc"), pid), Cgroups::of(root, pid), root, linux(root))
}

/// `default` stands for what can't be read.
fn read(process: &ProcessDir, cgroups: Result<Cgroups, Errno>, root: &Path, default: Machine) -> Machine {
    let limits = cgroups.inspect_err(|errno| log::warn!("control groups: {}", describe_errno(*errno as i32)));
    let limits = limits.unwrap_or_default().limits();
    let status = process.status().ok().flatten().unwrap_or_default();
    let quota = limits.cpu.and_then(|thousandths| u32::try_from(thousandths / 1000).ok());
    let memory = read_text(&root.join("proc/meminfo")).ok().as_deref().and_then(memory_total);
    Machine {
        memory: memory.into_iter().chain(limits.memory).min().unwrap_or(default.memory),
        cpus: quota.into_iter().chain([status.allowed_cpus.unwrap_or(default.cpus)]).min().unwrap_or(1).max(1),
    }
}

fn memory_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_lowest_bound_counts() {
        let root = std::env::temp_dir().join(format!("tunectl-machine-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let file = root.join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n");
        assert_eq!(linux(&root).memory, 8 << 30);
        let own = fs::read_to_string("/proc/meminfo").ok().as_deref().and_then(memory_total);
        // A container's runtime may show less than there is, as lxcfs does.
        assert!(Some(linux(Path::new("/nonexistent")).memory) >= own, "without a file that says it");
        write("proc/self/cgroup", "0::/app/inner\n");
        write("proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        write("sys/fs/cgroup/app/memory.max", "1073741824\n");
        write("sys/fs/cgroup/app/inner/memory.max", "max\n");
        assert_eq!(linux(&root).memory, 1 << 30);
        write("proc/self/cgroup", "4:cpu,cpuacct:/\n3:memory:/docker/x\n");
        let mounted = "31 30 0:27 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        write("proc/self/mountinfo", mounted);
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
        assert_eq!(linux(&root).memory, 512 << 20);
        write("proc/77/cgroup", "4:cpu,cpuacct:/\n3:memory:/docker/x/y\n");
        write("sys/fs/cgroup/memory/y/memory.limit_in_bytes", "268435456\n");
        write("proc/77/status", "Name:\tx\nCpus_allowed_list:\t0-4,7\n");
        assert_eq!(of_process(&root, 77), Machine { memory: 256 << 20, cpus: 6 });
        assert_eq!(of_process(&root, 78), Machine { memory: 8 << 30, cpus: processors() }, "nothing is seen of it");
        fs::remove_dir_all(&root).unwrap();
    }
}
