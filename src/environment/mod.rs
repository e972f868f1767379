//! Where we run: operating system, kernel release, namespaces; and, read only once something falls short, capabilities,
//! container runtime, control group and the configuration files that set the same settings. `None` stands for what
//! could not be found out, never for a guess.

pub mod calling_shell;
pub mod config_files;
mod details;
mod kernel_build;
pub mod machine;

use std::path::{Path, PathBuf};

use crate::catalog::KernelVersion;
use crate::kernel::Kernel;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Setting, System};
use crate::sys::read_text;

pub use crate::linux::namespaces::Namespaces;
pub use crate::linux::process::Seccomp;
use config_files::ConfigLine;
pub use details::{EnvironmentDetails, RuntimeHints, SecurityModule};

/// Where we run.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The operating system.
    pub system: System,
    /// The kernel's release, as in `uname -r`.
    pub release: Option<String>,
    /// Which namespaces are the machine's initial ones: ours, or those of the process that `--pid` names.
    pub initial: Namespaces,
    /// What else is known of the process that `--pid` names; `None` where all is about ourselves.
    pub target: Option<TargetProcess>,
    /// The effective user.
    pub user: u32,
    details: DetailsSource,
}

/// A process whose namespaces we have entered, but for its user namespace.
#[derive(Clone, Copy, Debug)]
pub struct TargetProcess {
    /// Whether our own user namespace is the machine's initial one: [`Environment::initial`] tells of the process's.
    pub own_user_initial: Option<bool>,
    /// Whether the process is in another user namespace than we are.
    pub other_user_namespace: bool,
}

/// Where the details come from.
#[derive(Clone, Debug)]
enum DetailsSource {
    /// The files of a Linux system below this root, and environment variables.
    Files(PathBuf, RuntimeHints),
    /// They are given.
    Given(Box<EnvironmentDetails>),
}

impl Environment {
    /// Reads where `kernel` runs. `user` is the effective user, `variable` looks an environment variable up.
    pub fn here(kernel: &mut dyn Kernel, user: u32, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        match kernel.system() {
            System::Linux => Self::linux(Path::new("/"), user, variable),
            System::MacOs => {
                let release = SysctlName::parse("kern.osrelease").ok().map(Key::Sysctl);
                let release = release.and_then(|key| kernel.read(&key).ok());
                Self::macos(release.map(|text| text.trim().to_owned()), user)
            }
        }
    }

    /// The same of a Linux system below `root`, usually `/`.
    #[must_use]
    pub fn linux(root: &Path, user: u32, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            system: System::Linux,
            release: read_text(&root.join("proc/sys/kernel/osrelease")).ok().map(|text| text.trim().to_owned()),
            initial: Namespaces::own(&root.join("proc")),
            target: None,
            user,
            details: DetailsSource::Files(root.to_owned(), RuntimeHints::of_variables(variable)),
        }
    }

    /// A Mac, which has no namespaces.
    #[must_use]
    pub fn macos(release: Option<String>, user: u32) -> Self {
        Self::known(System::MacOs, release, Namespaces::default(), user, EnvironmentDetails::default())
    }

    /// An environment whose details are given, for tests.
    #[must_use]
    pub fn known(
        system: System,
        release: Option<String>,
        initial: Namespaces,
        user: u32,
        details: EnvironmentDetails,
    ) -> Self {
        Self { system, release, initial, target: None, user, details: DetailsSource::Given(Box::new(details)) }
    }

    /// The same environment with these details, for tests.
    #[must_use]
    pub fn with_details(self, details: EnvironmentDetails) -> Self {
        Self { details: DetailsSource::Given(Box::new(details)), ..self }
    }

    /// What is needed to explain why a setting falls short. Reads some ten files at each call, and looks whether
    /// `runtime_files` exist, relative to the root directory.
    #[must_use]
    pub fn details(&self, runtime_files: &[&'static str]) -> EnvironmentDetails {
        match &self.details {
            DetailsSource::Files(root, hints) => EnvironmentDetails::linux(root, self.user, hints, runtime_files),
            DetailsSource::Given(details) => (**details).clone(),
        }
    }

    /// The lines of configuration files that set any of `settings`. Reads those files at each call.
    #[must_use]
    pub fn config_lines(&self, settings: &[&Setting], details: &EnvironmentDetails) -> Vec<ConfigLine> {
        match &self.details {
            DetailsSource::Files(root, _) => config_files::find(root, settings, self.user, details.unit.as_deref()),
            DetailsSource::Given(_) => Vec::new(),
        }
    }

    /// The environment of a process whose namespaces we have entered: `theirs` tells which of them are initial, as far
    /// as that can be seen from outside.
    #[must_use]
    pub fn for_process(self, theirs: Namespaces, other_user_namespace: bool) -> Self {
        let Namespaces { pid, user, cgroup, .. } = theirs;
        let target = Some(TargetProcess { own_user_initial: self.initial.user, other_user_namespace });
        // Of the kinds that were entered, ours are read, and are the process's.
        Self { target, initial: Namespaces { user, pid, cgroup, ..self.initial }, ..self }
    }

    /// Whether the user namespace that our own capabilities count in is the machine's initial one.
    #[must_use]
    pub fn own_user_namespace_is_initial(&self) -> Option<bool> {
        self.target.map_or(self.initial.user, |target| target.own_user_initial)
    }

    /// The kernel's version; the newest there can be where it is not known.
    #[must_use]
    pub fn version(&self) -> KernelVersion {
        self.release.as_deref().and_then(KernelVersion::parse).unwrap_or(KernelVersion(u16::MAX, 0))
    }

    /// Whether settings of the whole machine are taken to be somebody else's: one of the namespaces is not initial, or
    /// may not be.
    #[must_use]
    pub fn is_contained(&self) -> bool {
        self.system == System::Linux && (self.is_namespaced() || self.initial.any_is(None))
    }

    /// Whether one of the namespaces is known not to be initial.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        self.initial.any_is(Some(false))
    }

    /// Whether this looks like a container rather than a mere network namespace (`ip netns exec`). For the wording of
    /// remedies only.
    #[must_use]
    pub fn in_container(&self) -> bool {
        let Namespaces { uts, user, pid, cgroup, .. } = self.initial;
        [uts, user, pid, cgroup].contains(&Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(initial: Namespaces) -> Environment {
        Environment { initial, ..Environment::linux(Path::new("/nonexistent"), 0, &|_| None) }
    }

    #[test]
    fn one_namespace_that_is_not_initial_or_not_known_makes_a_container() {
        let is = Some(true);
        let own = Namespaces { ipc: is, uts: is, user: is, pid: is, cgroup: is, net: is };
        assert!(!with(own).is_contained());
        let foreign = with(Namespaces { net: Some(false), ..own });
        assert!(foreign.is_contained() && foreign.is_namespaced());
        for unknown in [Namespaces { ipc: None, ..own }, Namespaces { net: None, ..own }, Namespaces::default()] {
            assert!(with(unknown).is_contained() && !with(unknown).is_namespaced(), "{unknown:?}");
        }
        assert!(!Environment::macos(None, 0).is_contained());
    }
}
