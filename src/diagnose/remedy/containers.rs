//! What starts a container, told to start it otherwise.

use std::collections::HashSet;

use crate::catalog::Scope;
use crate::linux::cgroup::CgroupVersion;
use crate::model::capability::Capability;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;
use crate::model::value::Value;

/// A command that starts a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerStart {
    /// The program.
    pub program: StartProgram,
    /// Its flags.
    pub flags: Vec<StartFlag>,
}

impl ContainerStart {
    /// One command with the flags of all of these, each flag once, since a container is started once. `None` where there
    /// are none.
    #[must_use]
    pub fn combined<'a>(starts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut starts = starts.into_iter();
        let mut all = starts.next()?.clone();
        let mut seen: HashSet<StartFlag> = all.flags.iter().cloned().collect();
        let more = starts.flat_map(|start| &start.flags).filter(|flag| seen.insert((*flag).clone()));
        all.flags.extend(more.cloned());
        Some(all)
    }
}

/// What starts containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartProgram {
    /// docker-run(1).
    DockerRun,
    /// podman-run(1).
    PodmanRun,
    /// systemd-nspawn(1).
    Nspawn,
}

/// A flag of docker-run(1) and podman-run(1), or where that is said of systemd-nspawn(1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StartFlag {
    /// `--sysctl`
    Sysctl(Key, Value),
    /// `--hostname`
    Hostname(Value),
    /// `--domainname`
    Domainname(Value),
    /// `--security-opt systempaths=unconfined`: leave `/proc/sys` writable.
    SystemPathsUnconfined,
    /// `--security-opt apparmor=unconfined`
    AppArmorUnconfined,
    /// `--security-opt seccomp=unconfined`
    SeccompUnconfined,
    /// `--user 0`
    UserRoot,
    /// `--cap-add`
    CapAdd(Capability),
    /// `--ulimit`
    Ulimit(Resource, Limits),
    /// `--pids-limit`
    PidsLimit(Limit),
    /// `--capability=` of systemd-nspawn(1).
    NspawnCapability(Capability),
    /// `--rlimit=` of systemd-nspawn(1).
    NspawnRlimit(Resource, Limits),
    /// `$SYSTEMD_NSPAWN_API_VFS_WRITABLE` of systemd-nspawn(1), a variable of its environment.
    NspawnApiWritable,
}

/// A key of a service in a compose file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComposeKey {
    /// In the list `sysctls`.
    Sysctl(Key, Value),
    /// In the table `ulimits`.
    Ulimit(Resource, Limits),
    /// `hostname`
    Hostname(Value),
    /// `domainname`
    Domainname(Value),
    /// `pids_limit`
    PidsLimit(Limit),
}

/// A flag of kubelet(8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeletFlag {
    /// `--allowed-unsafe-sysctls`
    AllowedUnsafeSysctl(Key),
    /// `--pod-max-pids`
    PodMaxPids(Limit),
}

/// A key of `lxc.container.conf(5)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LxcKey {
    /// `lxc.sysctl.*`
    Sysctl(Key, Value),
    /// `lxc.uts.name`
    UtsName(Value),
    /// `lxc.hook.start-host`: set a key in a namespace of the container, by nsenter(1).
    StartHostHook {
        /// The namespace that the key belongs to.
        scope: Scope,
        /// The key.
        key: Key,
        /// The value.
        value: Value,
    },
    /// `lxc.prlimit.*`
    Prlimit(Resource, Limits),
    /// `lxc.cgroup.pids.max` or `lxc.cgroup2.pids.max`
    PidsMax(CgroupVersion, Limit),
    /// `lxc.apparmor.profile = unconfined`
    AppArmorUnconfined,
}
