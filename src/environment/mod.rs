//! Where we run: the operating system, its kernel, and which namespaces are our own. What could not be found
//! out is `None`: no guess is passed on as a fact.

pub mod cgroup;
pub mod config_files;
mod details;
pub mod machine;
pub mod parent_process;
pub mod root_path;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::catalog::KernelVersion;
use crate::kernel::Kernel;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, Setting, System};
use crate::sys::{is_proc, text_of};

use config_files::ConfigLine;
use details::Hints;
pub use details::{EnvironmentDetails, Module, Runtime, Seccomp};

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

/// For each kind of namespace (namespaces(7)) whether ours is the machine's initial one, as what is of a kind that the
/// kernel was built without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// System V IPC and POSIX message queues.
    pub ipc: Option<bool>,
    /// Host and domain name.
    pub uts: Option<bool>,
    /// Users and capabilities.
    pub user: Option<bool>,
    /// Process numbers.
    pub pid: Option<bool>,
    /// Control groups.
    pub cgroup: Option<bool>,
    /// The network.
    pub net: Option<bool>,
}

impl Namespaces {
    fn hold(self, known: Option<bool>) -> bool {
        [self.ipc, self.uts, self.user, self.pid, self.cgroup, self.net].contains(&known)
    }
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
            release: text_of(&root.join("proc/sys/kernel/osrelease")).ok().map(|text| text.trim().to_owned()),
            initial: namespaces(root),
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
        self.system == System::Linux && (self.apart() || self.initial.hold(None))
    }

    /// Whether one of our namespaces is known not to be the machine's own.
    #[must_use]
    pub fn apart(&self) -> bool {
        self.initial.hold(Some(false))
    }

    /// Whether this looks like a container rather than a lone network namespace (`ip netns exec`): for the
    /// wording of remedies only.
    #[must_use]
    pub fn in_container(&self) -> bool {
        let Namespaces { uts, user, pid, cgroup, .. } = self.initial;
        [uts, user, pid, cgroup].contains(&Some(false))
    }
}

/// Which of ours are initial. The inode number of the network's is not fixed before 6.18, but only the initial one
/// has this key. What somebody has mounted over these places tells nothing.
fn namespaces(root: &Path) -> Namespaces {
    let (links, core) = (root.join("proc/self/ns"), root.join("proc/sys/net/core"));
    let shown = is_proc(&links) == Some(true);
    let link = |kind: &str| if shown { link_at(&links.join(kind)) } else { Err(Errno::EXDEV) };
    let net = match is_proc(&core).filter(|own| *own).map(|_| link_at(&core.join("netdev_max_backlog"))) {
        // It is there, and is no link (readlink(2)).
        Some(Err(Errno::EINVAL)) => Some(true),
        Some(Ok(None)) => Some(false),
        _ => matches!(link("net"), Ok(None)).then_some(true),
    };
    Namespaces { net, ..initial_namespaces(&link) }
}

/// What a link leads to; nothing where there is none.
///
/// # Errors
/// What readlink(2) says.
pub fn link_at(path: &Path) -> nix::Result<Option<OsString>> {
    let link = fs::read_link(path).map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw));
    match link {
        Err(Errno::ENOENT) => Ok(None),
        link => link.map(|link| Some(link.into_os_string())),
    }
}

/// Which namespaces are the machine's initial ones, by the links of a `/proc/PID/ns`, but for the network's: the
/// inode numbers of the others are fixed by the kernel's ABI (`include/linux/proc_ns.h`). `link` says what stands in
/// one, nothing for a kind that this kernel does not have.
#[must_use]
pub fn initial_namespaces(link: &dyn Fn(&str) -> nix::Result<Option<OsString>>) -> Namespaces {
    let is = |name: &str, initial: u64| {
        let Some(link) = link(name).ok()? else { return Some(true) };
        let number = link.to_str()?.strip_prefix(name)?.strip_prefix(":[")?.strip_suffix(']')?.parse::<u64>().ok()?;
        Some(number == initial)
    };
    Namespaces {
        ipc: is("ipc", 0xEFFF_FFFF),
        uts: is("uts", 0xEFFF_FFFE),
        user: is("user", 0xEFFF_FFFD),
        pid: is("pid", 0xEFFF_FFFC),
        cgroup: is("cgroup", 0xEFFF_FFFB),
        net: None,
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

    #[test]
    fn a_kind_that_the_kernel_does_not_have_is_the_machines() {
        let links = |kind: &str| match kind {
            "uts" => Ok(Some("uts:[4026531838]".into())),
            "ipc" => Ok(Some("ipc:[4026532000]".into())),
            "user" => Ok(Some("uts:[4026531837]".into())),
            "pid" => Err(Errno::EACCES),
            _ => Ok(None),
        };
        let (yes, no) = (Some(true), Some(false));
        let found = Namespaces { ipc: no, uts: yes, user: None, pid: None, cgroup: yes, net: None };
        assert_eq!(initial_namespaces(&links), found);
    }
}
