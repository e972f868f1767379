//! Where we run: the operating system, its kernel, and which namespaces are our own. What could not be found
//! out is `None`: no guess is passed on as a fact.

pub mod calling_shell;
pub mod config_files;
mod details;
pub mod machine;
pub mod root_path;

use std::path::{Path, PathBuf};

use crate::catalog::KernelVersion;
use crate::kernel::Kernel;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Setting, System};
use crate::sys::read_text;

pub use crate::linux::namespaces::Namespaces;
pub use crate::linux::process::Seccomp;
use config_files::ConfigLine;
use details::Hints;
pub use details::{EnvironmentDetails, Module, Runtime};

/// Where we run.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The operating system.
    pub system: System,
    /// The kernel's release, as in `uname -r`.
    pub release: Option<String>,
    /// Which of our namespaces are the machine's own; Linux only.
    pub initial: Namespaces,
    /// Our own user namespace, where `initial` speaks of the namespaces of a process that is visited (`--pid`), which
    /// its user namespace is one of and we have not entered.
    pub visitor: Option<Visitor>,
    /// The effective user.
    pub user: u32,
    /// Where the rest is to be found, once it is asked for.
    around: Around,
}

/// The user namespace of whoever visits a process.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// Whether it is the machine's.
    pub initial: Option<bool>,
    /// Whether the process is in another one.
    pub other_users: bool,
}

/// Where the surroundings come from.
#[derive(Clone, Debug)]
enum Around {
    /// The files of a Linux system beneath this root.
    Files(PathBuf, Hints),
    /// They are known.
    Known(Box<EnvironmentDetails>),
}

impl Environment {
    /// Reads where `kernel` runs. `user` is the effective user, `environment` looks a variable up.
    pub fn here(kernel: &mut dyn Kernel, user: u32, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        match kernel.system() {
            System::Linux => Self::linux(Path::new("/"), user, environment),
            System::MacOs => {
                let release = SysctlName::parse("kern.osrelease").ok().map(Key::Sysctl);
                let release = release.and_then(|key| kernel.read(&key).ok());
                Self::macos(release.map(|text| text.trim().to_owned()), user)
            }
        }
    }

    /// Reads where we run from the files of a Linux system beneath `root`, usually `/`. `user` is the effective
    /// user, `environment` looks a variable up.
    #[must_use]
    pub fn linux(root: &Path, user: u32, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            system: System::Linux,
            release: read_text(&root.join("proc/sys/kernel/osrelease")).ok().map(|text| text.trim().to_owned()),
            initial: Namespaces::own(&root.join("proc")),
            visitor: None,
            user,
            around: Around::Files(root.to_owned(), Hints::of(environment)),
        }
    }

    /// A Mac has no namespaces: all that there is is its own.
    #[must_use]
    pub fn macos(release: Option<String>, user: u32) -> Self {
        Self::known(System::MacOs, release, Namespaces::default(), user, EnvironmentDetails::default())
    }

    /// A context of which everything is known already, for tests.
    #[must_use]
    pub fn known(
        system: System,
        release: Option<String>,
        initial: Namespaces,
        user: u32,
        around: EnvironmentDetails,
    ) -> Self {
        Self { system, release, initial, visitor: None, user, around: Around::Known(Box::new(around)) }
    }

    /// The same context amid other surroundings, for tests.
    #[must_use]
    pub fn amid(self, around: EnvironmentDetails) -> Self {
        Self { around: Around::Known(Box::new(around)), ..self }
    }

    /// What is around us. Reads some ten files each time: to be asked for once, where something fell short.
    #[must_use]
    pub fn surroundings(&self) -> EnvironmentDetails {
        match &self.around {
            Around::Files(root, hints) => EnvironmentDetails::linux(root, self.user, *hints),
            Around::Known(around) => (**around).clone(),
        }
    }

    /// Which files of the system set these settings: beneath the same root as the surroundings. Reads them all.
    #[must_use]
    pub fn elsewhere(&self, settings: &[&Setting], around: &EnvironmentDetails) -> Vec<ConfigLine> {
        match &self.around {
            Around::Files(root, _) => config_files::find(root, settings, self.user, around.unit.as_deref()),
            Around::Known(_) => Vec::new(),
        }
    }

    /// The same context for whoever has entered the namespaces of a process: `theirs` are those, as far as they are
    /// known from outside, `other_users` whether its user namespace is not ours.
    #[must_use]
    pub fn visiting(self, theirs: Namespaces, other_users: bool) -> Self {
        let Namespaces { pid, user, cgroup, .. } = theirs;
        let visitor = Some(Visitor { initial: self.initial.user, other_users });
        // We see the namespaces that we have entered; of the others, the process's own count.
        Self { visitor, initial: Namespaces { user, pid, cgroup, ..self.initial }, ..self }
    }

    /// Whether the user namespace that our capabilities are of is the machine's.
    #[must_use]
    pub fn in_initial_users(&self) -> Option<bool> {
        self.visitor.map_or(self.initial.user, |visitor| visitor.initial)
    }

    /// Whose namespaces these are, for sentences that go on with "… in a container".
    #[must_use]
    pub fn who_is(&self) -> &'static str {
        if self.visitor.is_some() { "the process is" } else { "we are" }
    }

    /// The kernel's version, the newest there is where it is not known.
    #[must_use]
    pub fn version(&self) -> KernelVersion {
        self.release.as_deref().and_then(KernelVersion::parse).unwrap_or(KernelVersion(u16::MAX, 0))
    }

    /// Whether global settings are to be taken for somebody else's: one of our namespaces is not the machine's own,
    /// or may not be.
    #[must_use]
    pub fn contained(&self) -> bool {
        self.system == System::Linux && (self.apart() || self.initial.any_is(None))
    }

    /// Whether one of our namespaces is known not to be the machine's own.
    #[must_use]
    pub fn apart(&self) -> bool {
        self.initial.any_is(Some(false))
    }

    /// Whether this looks like a container rather than a lone network namespace (`ip netns exec`): for the
    /// wording of remedies only.
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
    fn one_foreign_namespace_makes_a_container_and_so_does_one_that_is_not_known() {
        let is = Some(true);
        let own = Namespaces { ipc: is, uts: is, user: is, pid: is, cgroup: is, net: is };
        assert!(!with(own).contained());
        let foreign = with(Namespaces { net: Some(false), ..own });
        assert!(foreign.contained() && foreign.apart());
        for unknown in [Namespaces { ipc: None, ..own }, Namespaces { net: None, ..own }, Namespaces::default()] {
            assert!(with(unknown).contained() && !with(unknown).apart(), "{unknown:?}");
        }
        assert!(!Environment::macos(None, 0).contained());
    }
}
