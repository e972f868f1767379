//! What starts a container, told to start it otherwise.

use std::collections::HashSet;

use crate::catalog::Scope;
use crate::linux::cgroup::CgroupVersion;
use crate::model::capability::Capability;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;
use crate::model::value::Value;

/// A command that starts a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerStart {
    /// The program that starts it.
    pub program: StartProgram,
    /// Flags of that program, in order.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StartProgram {
    /// `docker run`, docker-run(1).
    DockerRun,
    /// `podman run`, podman-run(1).
    PodmanRun,
    /// `systemd-nspawn`, see systemd-nspawn(1).
    Nspawn,
}

/// A flag of docker-run(1) and podman-run(1), or where that is said of systemd-nspawn(1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StartFlag {
    /// `--sysctl`: set a key of its namespaces.
    Sysctl(Key, Value),
    /// `--hostname`: set its host name.
    Hostname(Value),
    /// `--domainname`: set its NIS domain name.
    Domainname(Value),
    /// `--security-opt systempaths=unconfined`: leave `/proc/sys` writable.
    SystemPathsUnconfined,
    /// `--security-opt apparmor=unconfined`: no `AppArmor` profile.
    AppArmorUnconfined,
    /// `--security-opt seccomp=unconfined`: no filter of system calls.
    SeccompUnconfined,
    /// `--user 0`: run as root.
    UserRoot,
    /// `--cap-add`: give it a capability.
    CapAdd(Capability),
    /// `--ulimit`: set both sides of a limit.
    Ulimit(Resource, Limits),
    /// `--pids-limit`: allow so many processes.
    PidsLimit(Limit),
    /// `--capability=` of systemd-nspawn(1).
    NspawnCapability(Capability),
    /// `--rlimit=` of systemd-nspawn(1).
    NspawnRlimit(Resource, Limits),
    /// `$SYSTEMD_NSPAWN_API_VFS_WRITABLE` of systemd-nspawn(1), a variable of its environment.
    NspawnApiWritable,
}

/// A key of a service in a compose file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ComposeKey {
    /// In the list `sysctls`.
    Sysctl(Key, Value),
    /// In the table `ulimits`.
    Ulimit(Resource, Limits),
    /// `hostname`: set its host name.
    Hostname(Value),
    /// `domainname`: set its NIS domain name.
    Domainname(Value),
    /// `pids_limit`: allow so many processes.
    PidsLimit(Limit),
}

/// A flag of kubelet(8).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KubeletFlag {
    /// `--allowed-unsafe-sysctls`: let pods set this key.
    AllowedUnsafeSysctl(Key),
    /// `--pod-max-pids`: allow each pod so many processes.
    PodMaxPids(Limit),
}

/// A key of `lxc.container.conf(5)`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LxcKey {
    /// `lxc.sysctl.KEY`: set a key of its network namespace.
    Sysctl(Key, Value),
    /// `lxc.uts.name`: set its host name.
    UtsName(Value),
    /// `lxc.hook.start-host`: set a key in a namespace of the container, by nsenter(1).
    StartHostHook {
        /// The namespace that the key belongs to.
        scope: Scope,
        /// The key to set.
        key: Key,
        /// The value to set it to.
        value: Value,
    },
    /// `lxc.prlimit.LIMIT`: set both sides of a limit.
    Prlimit(Resource, Limits),
    /// `lxc.cgroup.pids.max` or `lxc.cgroup2.pids.max`
    PidsMax(CgroupVersion, Limit),
    /// `lxc.apparmor.profile = unconfined`
    AppArmorUnconfined,
}
