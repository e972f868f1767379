//! What else is to be known of where we run, to explain why a setting falls short.

use std::path::Path;

use crate::linux::cgroup::{CgroupLimits, CgroupVersion, Cgroups};
use crate::linux::namespaces::parent_uid;
use crate::linux::process::{ProcessDir, Seccomp};
use crate::sys::read_text;

/// Rights, confinement, container runtime and control group. `None` stands for what is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentDetails {
    /// The effective capabilities, bit N for capability N of capabilities(7).
    pub capabilities: Option<u64>,
    /// The bounding set: what no program that we start can ever have more than.
    pub bounding: Option<u64>,
    /// Whether exec can give no new rights (prctl(2), `PR_SET_NO_NEW_PRIVS`), so that sudo is of no use.
    pub no_new_privileges: Option<bool>,
    /// The seccomp mode.
    pub seccomp: Option<Seccomp>,
    /// Whether our user is the machine's root, as far as the map of our own user namespace tells.
    pub real_root: Option<bool>,
    /// The label of `AppArmor` or `SELinux`, where it confines us.
    pub confined: Option<String>,
    /// What tells of the runtime that started our container. For the wording of remedies, never for a decision.
    pub runtime_hints: RuntimeHints,
    /// The service of systemd(1) whose control group we are in, `redis.service`.
    pub unit: Option<String>,
    /// The version of control groups.
    pub cgroups: Option<CgroupVersion>,
    /// The limits of our control group and of those above it.
    pub limits: CgroupLimits,
}

/// Environment variables that runtimes set, besides `container`.
const VARIABLES: [&str; 1] = ["KUBERNETES_SERVICE_HOST"];

/// What tells of the runtime that started us.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeHints {
    /// The value of the environment variable `container`: the name of a runtime (systemd's Container Interface).
    pub container: Option<String>,
    /// The text of `/run/host/container-manager`, which systemd as PID 1 of a container copies from `container`.
    pub container_manager: Option<String>,
    /// The names of other environment variables of runtimes that are set.
    pub variables: Vec<&'static str>,
    /// Those of the files that were looked for that exist, relative to the root directory.
    pub files: Vec<&'static str>,
}

impl RuntimeHints {
    /// Those of a container that names its runtime, for tests.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { container: Some(name.to_owned()), ..Self::default() }
    }

    /// The environment variables. They are read at the start, before anything changes them.
    pub(super) fn of_variables(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let variables = VARIABLES.into_iter().filter(|name| variable(name).is_some()).collect();
        Self { container: variable("container"), variables, ..Self::default() }
    }

    /// The same with what is found beneath `root`.
    pub(super) fn with_files(&self, root: &Path, files: &[&'static str]) -> Self {
        Self {
            container_manager: read_text(&root.join("run/host/container-manager")).ok(),
            files: files.iter().copied().filter(|file| root.join(file).exists()).collect(),
            ..self.clone()
        }
    }
}

/// A security module of the kernel that labels processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecurityModule {
    /// `AppArmor`, which goes by paths.
    AppArmor,
    /// `SELinux`, which goes by labels.
    SeLinux,
}

impl SecurityModule {
    /// Its name, for messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AppArmor => "AppArmor",
            Self::SeLinux => "SELinux",
        }
    }

    /// The module that a label is of, by its form: `AppArmor` writes the name of a profile and its mode in parentheses
    /// (`aa_getprocattr`); a context of `SELinux` has three or more parts without blanks and slashes, with colons between.
    fn of_label(label: &str) -> Option<Self> {
        if label.ends_with(')') && label.contains(" (") {
            return Some(Self::AppArmor);
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b',' | b':');
        (label.bytes().all(plain) && label.bytes().filter(|b| *b == b':').count() > 1).then_some(Self::SeLinux)
    }
}

impl EnvironmentDetails {
    /// Whether the capability with this number is effective.
    #[must_use]
    pub fn has(&self, number: u32) -> Option<bool> {
        self.capabilities.map(|set| set.checked_shr(number).unwrap_or(0) & 1 == 1)
    }

    /// The security module that confines us, by the form of our label.
    #[must_use]
    pub fn security_module(&self) -> Option<SecurityModule> {
        self.confined.as_deref().and_then(SecurityModule::of_label)
    }

    /// Whether system calls are known to be filtered, seccomp(2).
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

    /// Reads the files of a Linux system below `root`. `user` is the effective user, `hints` has what the environment
    /// variables tell of the runtime, and `runtime_files` are the files that may tell of it.
    pub(super) fn linux(root: &Path, user: u32, hints: &RuntimeHints, runtime_files: &[&'static str]) -> Self {
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
                // In permissive mode SELinux only logs.
                let permissive = || read("sys/fs/selinux/enforce").is_some_and(|mode| mode.trim() == "0");
                confining_label(&label)
                    .filter(|label| SecurityModule::of_label(label) != Some(SecurityModule::SeLinux) || !permissive())
            }),
            runtime_hints: hints.with_files(root, runtime_files),
            unit: groups.unit(),
            cgroups: groups.version(),
            limits: groups.limits(),
        }
    }
}

/// The label of a process where it confines: `unconfined`, `AppArmor`'s mode of that name and `SELinux`'s
/// `unconfined_t`, `kernel_t` and `spc_t` do not, nor does `kernel`, which `SELinux` says before it has a policy.
fn confining_label(label: &str) -> Option<String> {
    let label = label.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    let free = match SecurityModule::of_label(label) {
        Some(SecurityModule::AppArmor) => label.ends_with(" (unconfined)"),
        Some(SecurityModule::SeLinux) => {
            let kind = label.split(':').nth(2).unwrap_or_default();
            ["unconfined", "kernel", "spc_t"].iter().any(|free| kind.starts_with(free))
        }
        None => label == "kernel" || label.ends_with("unconfined"),
    };
    let shown = !label.is_empty() && label.chars().all(|c| !c.is_control());
    (shown && !free).then(|| label.chars().take(255).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capability_is_looked_up_by_its_number() {
        let details = EnvironmentDetails { capabilities: Some(0x1ff_feff_ffff), ..EnvironmentDetails::default() };
        assert_eq!((details.has(24), details.has(21), details.has(64)), (Some(false), Some(true), Some(false)));
        assert_eq!(EnvironmentDetails::default().has(24), None);
    }

    #[test]
    fn labels_that_confine() {
        assert_eq!(confining_label("docker-default (enforce)\n").as_deref(), Some("docker-default (enforce)"));
        let selinux = "system_u:system_r:container_t:s0:c1,c2";
        assert_eq!(confining_label(&format!("{selinux}\0")).as_deref(), Some(selinux));
        // A profile may have any name.
        assert!(confining_label("unconfined_t:kernel:spc_t (complain)").is_some());
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
            assert_eq!(confining_label(free), None, "{free:?}");
        }
    }

    #[test]
    fn the_form_of_a_label_tells_its_module() {
        for apparmor in ["docker-default (enforce)", "/usr/bin/man (complain)", "a//&:b:c:d (mixed)"] {
            assert_eq!(SecurityModule::of_label(apparmor), Some(SecurityModule::AppArmor), "{apparmor}");
        }
        for selinux in ["u:r:t", "system_u:system_r:container_t:s0:c1,c2", "a_u:b_r:c_t:s0-s15:c0.c1023"] {
            assert_eq!(SecurityModule::of_label(selinux), Some(SecurityModule::SeLinux), "{selinux}");
        }
        for other in ["", "_", "floor", "a:b", ":lxd://x", "(enforce)", "a b:c:d"] {
            assert_eq!(SecurityModule::of_label(other), None, "{other}");
        }
    }
}
