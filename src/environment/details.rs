//! What is around us beside the namespaces: asked for only once something has fallen short. What could not be
//! found out is `None`: no guess is passed on as a fact.

use std::path::Path;

use crate::linux::cgroup::{CgroupLimits, CgroupVersion, Cgroups};
use crate::linux::namespaces::parent_uid;
use crate::linux::process::{ProcessDir, Seccomp};
use crate::sys::read_text;

/// What is around us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentDetails {
    /// The effective capabilities, as the bits of capabilities(7).
    pub capabilities: Option<u64>,
    /// The bounding set: what no program that we start can ever have more than.
    pub bounding: Option<u64>,
    /// Whether exec can give no new rights, prctl(2) `PR_SET_NO_NEW_PRIVS`: sudo is of no use then.
    pub no_new_privileges: Option<bool>,
    /// What filters our system calls.
    pub seccomp: Option<Seccomp>,
    /// Whether our user is the machine's root, as far as one user namespace can tell: its own map.
    pub real_root: Option<bool>,
    /// What confines us beside the mode bits: the label of `AppArmor` or `SELinux`, where it confines.
    pub confined: Option<String>,
    /// What the runtime seems to be. A hint for the wording of remedies, never for a decision.
    pub runtime: Option<Runtime>,
    /// The unit of systemd(1) whose control group we are in, `redis.service`.
    pub unit: Option<String>,
    /// Which hierarchy of control groups there is.
    pub cgroups: Option<CgroupVersion>,
    /// The limits of our control group and of those above it.
    pub limits: CgroupLimits,
}

/// A security module of the kernel whose labels tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Module {
    /// `AppArmor`.
    AppArmor,
    /// `SELinux`.
    SeLinux,
}

/// What starts containers here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runtime {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
    /// A pod of Kubernetes, whatever runs its containers.
    Kubernetes,
    /// systemd-nspawn.
    Nspawn,
    /// LXC or Incus.
    Lxc,
}

impl Module {
    /// Its name, as it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AppArmor => "AppArmor",
            Self::SeLinux => "SELinux",
        }
    }

    /// Whose label this is, by its form: behind the name of its profile `AppArmor` puts a mode (`aa_getprocattr`), and a
    /// context of `SELinux` has three parts or more, none of which has a blank or a slash.
    fn of(label: &str) -> Option<Self> {
        if label.ends_with(')') && label.contains(" (") {
            return Some(Self::AppArmor);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b',' | b':');
        (label.bytes().all(plain) && label.bytes().filter(|b| *b == b':').count() > 1).then_some(Self::SeLinux)
    }
}

impl Runtime {
    /// A word for programs, part of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Kubernetes => "kubernetes",
            Self::Nspawn => "systemd-nspawn",
            Self::Lxc => "lxc",
        }
    }
}

/// What environment variables hint at: read at once, since that costs nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hints {
    kubernetes: bool,
    container: Option<Runtime>,
}

impl Hints {
    pub(super) fn of(environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let container = environment("container").and_then(|name| by_name(&name));
        Self { kubernetes: environment("KUBERNETES_SERVICE_HOST").is_some(), container }
    }
}

fn by_name(name: &str) -> Option<Runtime> {
    match name.trim() {
        "docker" => Some(Runtime::Docker),
        "podman" => Some(Runtime::Podman),
        "systemd-nspawn" => Some(Runtime::Nspawn),
        "lxc" | "lxc-libvirt" => Some(Runtime::Lxc),
        _ => None,
    }
}

impl EnvironmentDetails {
    /// Whether the effective set holds the capability with this number; unknown where the set is.
    #[must_use]
    pub fn has(&self, number: u32) -> Option<bool> {
        self.capabilities.map(|set| set.checked_shr(number).unwrap_or(0) & 1 == 1)
    }

    /// The security module that confines us, if our label tells.
    #[must_use]
    pub fn module(&self) -> Option<Module> {
        self.confined.as_deref().and_then(Module::of)
    }

    /// Whether a filter of system calls is known to be in force, seccomp(2).
    #[must_use]
    pub fn filtered(&self) -> bool {
        matches!(self.seccomp, Some(Seccomp::Filter | Seccomp::Strict))
    }

    /// Whether a set-uid program that we start, sudo(8) above all, could get the capability with this number, as far as
    /// that is known.
    #[must_use]
    pub fn may_gain(&self, number: u32) -> bool {
        let bounded = self.bounding.is_some_and(|set| set.checked_shr(number).unwrap_or(0) & 1 == 0);
        self.no_new_privileges != Some(true) && !bounded
    }

    /// Reads the files of a Linux system beneath `root`. `user` is the effective user.
    pub(super) fn linux(root: &Path, user: u32, hints: Hints) -> Self {
        let read = |path: &str| read_text(&root.join(path)).ok();
        let status = ProcessDir::own(&root.join("proc")).status().ok().flatten().unwrap_or_default();
        let groups = Cgroups::own(root).unwrap_or_default();
        Self {
            capabilities: status.effective,
            bounding: status.bounding,
            no_new_privileges: status.no_new_privileges,
            seccomp: status.seccomp,
            real_root: read("proc/self/uid_map").and_then(|map| parent_uid(&map, user)).map(|uid| uid == 0),
            confined: read("proc/self/attr/current").and_then(|label| {
                // Where it only warns, it confines nobody.
                let warns = || read("sys/fs/selinux/enforce").is_some_and(|mode| mode.trim() == "0");
                confining(&label).filter(|label| Module::of(label) != Some(Module::SeLinux) || !warns())
            }),
            runtime: runtime(root, hints),
            unit: groups.unit(),
            cgroups: groups.version(),
            limits: groups.limits(),
        }
    }
}

/// The label of a process where it confines: `unconfined`, `AppArmor`'s mode of that name and `SELinux`'s
/// `unconfined_t`, `kernel_t` and `spc_t` do not, nor does `kernel`, which `SELinux` says before it has a policy.
fn confining(label: &str) -> Option<String> {
    let label = label.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let free = match Module::of(label) {
        Some(Module::AppArmor) => label.ends_with(" (unconfined)"),
        Some(Module::SeLinux) => {
            let kind = label.split(':').nth(2).unwrap_or_default();
            ["unconfined", "kernel", "spc_t"].iter().any(|free| kind.starts_with(free))
        }
        None => label == "kernel" || label.ends_with("unconfined"),
    };
    let shown = !label.is_empty() && label.chars().all(|c| !c.is_control());
    (shown && !free).then(|| label.chars().take(255).collect())
}

fn runtime(root: &Path, hints: Hints) -> Option<Runtime> {
    // Not every pod has a token or keeps its environment, but each of its containers has a file for its last words.
    let files = ["var/run/secrets/kubernetes.io", "dev/termination-log"];
    if hints.kubernetes || files.iter().any(|path| root.join(path).exists()) {
        return Some(Runtime::Kubernetes);
    }
    let manager = || read_text(&root.join("run/host/container-manager")).ok();
    let files = [("run/.containerenv", Runtime::Podman), (".dockerenv", Runtime::Docker)];
    hints
        .container
        .or_else(|| manager().and_then(|name| by_name(&name)))
        .or_else(|| files.into_iter().find(|(path, _)| root.join(path).exists()).map(|(_, runtime)| runtime))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_looked_up_by_its_number() {
        let around = EnvironmentDetails { capabilities: Some(0x1ff_feff_ffff), ..EnvironmentDetails::default() };
        assert_eq!((around.has(24), around.has(21), around.has(64)), (Some(false), Some(true), Some(false)));
        assert_eq!(EnvironmentDetails::default().has(24), None);
    }

    #[test]
    fn labels_that_confine() {
        assert_eq!(confining("docker-default (enforce)\n").as_deref(), Some("docker-default (enforce)"));
        let selinux = "system_u:system_r:container_t:s0:c1,c2";
        assert_eq!(confining(&format!("{selinux}\0")).as_deref(), Some(selinux));
        // A profile may have any name.
        assert!(confining("unconfined_t:kernel:spc_t (complain)").is_some());
        for free in [
            "unconfined\n",
            "",
            "kernel\0",
            "system_u:system_r:kernel_t:s0",
            "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023",
            "flatpak (unconfined)",
            ":lxd:unconfined",
            "a\u{1b}[2Jb",
        ] {
            assert_eq!(confining(free), None, "{free:?}");
        }
    }

    #[test]
    fn a_label_tells_whose_it_is() {
        for apparmor in ["docker-default (enforce)", "/usr/bin/man (complain)", "a//&:b:c:d (mixed)"] {
            assert_eq!(Module::of(apparmor), Some(Module::AppArmor), "{apparmor}");
        }
        for selinux in ["u:r:t", "system_u:system_r:container_t:s0:c1,c2", "a_u:b_r:c_t:s0-s15:c0.c1023"] {
            assert_eq!(Module::of(selinux), Some(Module::SeLinux), "{selinux}");
        }
        for other in ["", "_", "floor", "a:b", ":lxd://x", "(enforce)", "a b:c:d"] {
            assert_eq!(Module::of(other), None, "{other}");
        }
    }
}
