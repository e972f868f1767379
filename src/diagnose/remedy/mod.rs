//! Remedies as data: what has to be done, by which program, with which values. `output` makes the text of them.

mod containers;
mod files;

pub use containers::{ComposeKey, ContainerStart, KubeletFlag, LxcKey, StartFlag, StartProgram};
pub use files::{FileContent, FileLocation, LoginSides, ProfileLine, ProfileTree, UnitDirective, launchd_name};

use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::Key;
use crate::model::value::Value;

/// One thing to do about a setting that falls short.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Remedy {
    /// What to do.
    pub action: Action,
    /// Whether it replaces the remedies before it. Those that do not are needed together.
    pub alternative: bool,
}

impl Remedy {
    /// The same as an alternative to the remedies before it.
    #[must_use]
    pub(super) fn or(self) -> Self {
        Self { alternative: true, ..self }
    }

    /// Whether `tunectl apply` itself carries it out, wherever it is run from.
    pub(super) fn is_apply(&self) -> bool {
        matches!(
            self.action,
            Action::Apply(_)
                | Action::ApplyInside { .. }
                | Action::Unit(UnitDirective::ExecStartPre { key: Key::Sysctl(_), .. })
        )
    }
}

impl From<Action> for Remedy {
    fn from(action: Action) -> Self {
        Self { action, alternative: false }
    }
}

/// The name of tunectl's own file of sysctl.d(5), behind nearly every other in the order of names.
pub(super) const LAST_FILE: &str = "/etc/sysctl.d/99-zz-tunectl.conf";

/// Have root set a key of the whole machine, now or at each boot. `on_host` says that we are in a container and root
/// outside of it has to.
pub(super) fn host_key(key: &Key, value: &Value, on_host: bool) -> Vec<Remedy> {
    let (key, value) = (key.clone(), value.clone());
    let write = Action::WriteKey { key: key.clone(), value: value.clone(), on_host }.into();
    if matches!(key, Key::Sysfs(_)) {
        return vec![write];
    }
    let location = FileLocation { path: LAST_FILE.to_owned(), line: None, on_host };
    vec![write, Remedy::from(Action::File { location, content: FileContent::Sysctl(key, value) }).or()]
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Run `tunectl apply` for the whole profile.
    Apply(Apply),
    /// Run `tunectl apply` for one key, in namespaces of a process that `--pid` does not enter: nsenter(1).
    ApplyInside {
        /// The process; none where only the host knows its number.
        pid: Option<i32>,
        /// Whether to enter its user namespace.
        user_namespace: bool,
        /// Whether to enter its PID namespace.
        pid_namespace: bool,
        /// The key to set.
        key: Key,
        /// The value to set it to.
        value: Value,
    },
    /// Run `tunectl apply` on the host for one key of the namespaces of a process of the container.
    ApplyKeyFromHost {
        /// The process; none where only the host knows its number.
        pid: Option<i32>,
        /// The key to set.
        key: Key,
        /// The value to set it to.
        value: Value,
    },
    /// Run `tunectl apply` on the host for both sides of a limit of a process of the container.
    ApplyLimitFromHost {
        /// The limit to set.
        resource: Resource,
        /// Both of its sides.
        limits: Limits,
    },
    /// Write a key as root: sysctl(8), or tee(1) for what is below `/sys`.
    WriteKey {
        /// The key to write.
        key: Key,
        /// The value to write.
        value: Value,
        /// Whether to do so outside of the container that we are in.
        on_host: bool,
    },
    /// Unmount what is mounted over a key.
    Unmount {
        /// The mount point.
        path: String,
    },
    /// Mount procfs at `/proc`.
    MountProc,
    /// Load a kernel module: modprobe(8).
    LoadModule {
        /// The name of the module.
        module: String,
        /// Whether to do so outside of the container that we are in.
        on_host: bool,
    },
    /// Set a limit of the calling shell.
    Ulimit {
        /// The limit to set.
        resource: Resource,
        /// Which side of it.
        side: Side,
        /// The value, in the unit of setrlimit(2).
        limit: Limit,
    },
    /// Set a limit of macOS for all that launchd starts: launchctl(1).
    Launchctl {
        /// The limit to set.
        resource: Resource,
        /// Both of its sides.
        limits: Limits,
    },
    /// Start the container with these flags.
    ContainerStart(ContainerStart),
    /// Add a key to the service in a compose file.
    Compose(ComposeKey),
    /// Add a sysctl to `spec.securityContext.sysctls` of the pod.
    PodSysctl {
        /// The sysctl to list.
        key: Key,
        /// The value to give it.
        value: Value,
    },
    /// Start the node's kubelet with a flag.
    Kubelet {
        /// The flag to add.
        flag: KubeletFlag,
        /// The first version of Kubernetes that does without the flag, where there is one.
        older_than: Option<&'static str>,
    },
    /// Add a directive to the unit of the node's container runtime.
    RuntimeUnit(UnitDirective),
    /// Add a directive to the unit that starts the service.
    Unit(UnitDirective),
    /// Add a key to the configuration of an LXC container, `lxc.container.conf(5)`.
    Lxc(LxcKey),
    /// Change the profile.
    Profile(ProfileLine),
    /// Change a file of the machine.
    File {
        /// The file, and the line where one is to be replaced.
        location: FileLocation,
        /// What it has to say.
        content: FileContent,
    },
}

/// A call of `tunectl apply`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Apply {
    /// Whether it needs root.
    pub sudo: bool,
    /// Whether to keep what could be applied although something required falls short.
    pub best_effort: bool,
    /// Whether to write the files that set it at each boot.
    pub persist: bool,
    /// The words of the command line that name the profiles and the single settings.
    pub args: Vec<String>,
    /// The process whose limits and namespaces are meant, where `--pid` named one.
    pub pid: Option<i32>,
}
