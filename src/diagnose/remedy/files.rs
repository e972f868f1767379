//! Lines of files: units, profiles, configuration files of the machine.

use crate::model::capability::Capability;
use crate::model::expectation::Expectation;
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::{Key, System};
use crate::model::value::Value;

/// A directive of a unit, systemd.exec(5) and systemd.resource-control(5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UnitDirective {
    /// `LimitNOFILE=` and the like.
    Limit(Resource, Limits),
    /// `TasksMax=`: allow so many processes and threads.
    TasksMax(Limit),
    /// `ProtectKernelTunables=no`: leave /proc/sys and /sys writable.
    TunablesWritable,
    /// `ExecStartPre=+`: set a key before the service starts, outside of the unit's sandbox (systemd.service(5)). A sysctl
    /// by `tunectl apply --set`, so that nothing else that falls short holds it up and no profile has to be found.
    ExecStartPre {
        /// The key to set.
        key: Key,
        /// The value to set it to.
        value: Value,
    },
    /// `CapabilityBoundingSet=`: allow it a capability.
    CapabilityBoundingSet(Capability),
    /// `SystemCallFilter=@resources`: let setrlimit(2) and prlimit(2) pass.
    ResourceCallsAllowed,
    /// `AppArmorProfile=unconfined`: no `AppArmor` profile.
    AppArmorUnconfined,
}

/// A line of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProfileLine {
    /// A requirement of a key.
    Key {
        /// Whose table it goes into.
        system: System,
        /// Which of the system's tables.
        tree: ProfileTree,
        /// The key's name. It may be one that does not exist yet.
        name: String,
        /// What to ask for.
        wanted: Expectation<Value>,
        /// Whether it is required.
        required: bool,
    },
    /// The same limit for both sides.
    Limit(Resource, Limit),
}

/// A table of a profile for the keys of a system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProfileTree {
    /// `[linux.sysctl]` or `[macos.sysctl]`.
    Sysctl,
    /// `[linux.sysfs]`, attributes below /sys.
    Sysfs,
}

impl ProfileLine {
    /// What to ask of a key.
    pub(in crate::diagnose) fn key(key: &Key, system: System, wanted: Expectation<Value>) -> Self {
        let (tree, name) = match key {
            Key::Sysctl(name) => (ProfileTree::Sysctl, name.to_string()),
            Key::Sysfs(name) => (ProfileTree::Sysfs, name.to_string()),
        };
        Self::Key { system, tree, name, wanted, required: true }
    }

    /// What to ask of the sysctl with this name.
    pub(in crate::diagnose) fn sysctl(name: String, system: System, wanted: Expectation<Value>) -> Self {
        Self::Key { system, tree: ProfileTree::Sysctl, name, wanted, required: true }
    }

    /// The same as an optional requirement.
    pub(in crate::diagnose) fn optional(mut self) -> Self {
        if let Self::Key { required, .. } = &mut self {
            *required = false;
        }
        self
    }
}

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileLocation {
    /// The absolute path. The file need not exist yet.
    pub path: String,
    /// The line to replace, from 1; none to add one.
    pub line: Option<usize>,
    /// Whether it is a file of the host, and we are in a container.
    pub on_host: bool,
}

/// What a file is to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FileContent {
    /// A line of sysctl.d(5).
    Sysctl(Key, Value),
    /// A directive of a unit.
    Unit(UnitDirective),
    /// Lines of limits.conf(5).
    Login {
        /// Whom they are for, the first column: `*`, `@users`.
        domain: String,
        /// Which sides they set, the second column.
        sides: LoginSides,
        /// The limit to set.
        resource: Resource,
        /// Both sides, in the unit of setrlimit(2).
        limits: Limits,
    },
    /// The name of a kernel module, modules-load.d(5).
    Module(String),
    /// A daemon of launchd that sets a limit at boot, launchd.plist(5).
    LaunchDaemon(Resource, Limits),
}

/// Which sides of a limit lines of limits.conf(5) set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginSides {
    /// One side: `soft` or `hard`.
    One(Side),
    /// Both: `-` where they are equal, else a line for each.
    Both,
}

/// As launchctl(1) calls a limit, where it does so otherwise than setrlimit(2).
#[must_use]
pub fn launchd_name(resource: Resource) -> &'static str {
    match resource {
        Resource::Nofile => "maxfiles",
        Resource::Nproc => "maxproc",
        other => other.name(),
    }
}
