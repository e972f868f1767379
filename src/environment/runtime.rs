//! Which container runtime started us, by what it leaves in our environment and in our files.

use std::path::Path;

use crate::sys::read_text;

/// What starts containers.
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

/// Environment variables that runtimes set. They are read at the start, before anything changes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeVariables {
    /// The value of `container`: the name of a runtime (systemd's Container Interface).
    pub container: Option<String>,
    /// Whether `KUBERNETES_SERVICE_HOST` is set.
    pub kubernetes_service_host: bool,
}

/// What tells of the runtime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimeHints {
    /// The environment variables.
    pub variables: RuntimeVariables,
    /// The text of `/run/host/container-manager`, which systemd as PID 1 of a container copies from `container`.
    pub container_manager: Option<String>,
    /// Those of [`MARKER_FILES`] that exist.
    pub files: Vec<&'static str>,
}

/// Files that runtimes create in each container, relative to its root.
const MARKER_FILES: [&str; 4] = [SERVICE_ACCOUNT, TERMINATION_LOG, CONTAINERENV, DOCKERENV];

const SERVICE_ACCOUNT: &str = "var/run/secrets/kubernetes.io";
const TERMINATION_LOG: &str = "dev/termination-log";
const CONTAINERENV: &str = "run/.containerenv";
const DOCKERENV: &str = ".dockerenv";

impl RuntimeVariables {
    pub(super) fn read(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let kubernetes_service_host = variable("KUBERNETES_SERVICE_HOST").is_some();
        Self { container: variable("container"), kubernetes_service_host }
    }
}

impl RuntimeHints {
    pub(super) fn read(root: &Path, variables: &RuntimeVariables) -> Self {
        Self {
            variables: variables.clone(),
            container_manager: read_text(&root.join("run/host/container-manager")).ok(),
            files: MARKER_FILES.into_iter().filter(|file| root.join(file).exists()).collect(),
        }
    }
}

impl Runtime {
    /// The word for it in JSON output.
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

    /// The runtime that the hints speak for: Kubernetes before what runs its containers, a name before a file.
    #[must_use]
    pub fn recognise(hints: &RuntimeHints) -> Option<Self> {
        let exists = |file: &str| hints.files.contains(&file);
        // Not every pod has a token or keeps its environment, but each of its containers has a termination log.
        if hints.variables.kubernetes_service_host || exists(SERVICE_ACCOUNT) || exists(TERMINATION_LOG) {
            return Some(Self::Kubernetes);
        }
        let names = [hints.variables.container.as_deref(), hints.container_manager.as_deref()];
        names
            .into_iter()
            .flatten()
            .find_map(Self::from_name)
            .or_else(|| exists(CONTAINERENV).then_some(Self::Podman))
            .or_else(|| exists(DOCKERENV).then_some(Self::Docker))
    }

    /// The runtime that calls itself so in the environment variable `container`.
    fn from_name(name: &str) -> Option<Self> {
        match name.trim() {
            "docker" => Some(Self::Docker),
            "podman" => Some(Self::Podman),
            "systemd-nspawn" => Some(Self::Nspawn),
            "lxc" | "lxc-libvirt" => Some(Self::Lxc),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubernetes_goes_before_a_name_and_a_name_before_a_file() {
        let hints = |container: &str, manager: &str, files: &[&'static str]| RuntimeHints {
            variables: RuntimeVariables {
                container: Some(container.to_owned()).filter(|name| !name.is_empty()),
                kubernetes_service_host: false,
            },
            container_manager: Some(manager.to_owned()).filter(|name| !name.is_empty()),
            files: files.to_vec(),
        };
        for (hints, runtime) in [
            (hints("podman", "", &[TERMINATION_LOG]), Some(Runtime::Kubernetes)),
            (hints("lxc", "podman", &[DOCKERENV]), Some(Runtime::Lxc)),
            (hints("oci", "systemd-nspawn\n", &[]), Some(Runtime::Nspawn)),
            (hints("", "", &[DOCKERENV]), Some(Runtime::Docker)),
            (hints("", "", &[CONTAINERENV, DOCKERENV]), Some(Runtime::Podman)),
            (hints("unknown", "", &[]), None),
        ] {
            assert_eq!(Runtime::recognise(&hints), runtime, "{hints:?}");
        }
        let variables = RuntimeVariables { kubernetes_service_host: true, ..RuntimeVariables::default() };
        let pod = RuntimeHints { variables, ..RuntimeHints::default() };
        assert_eq!(Runtime::recognise(&pod), Some(Runtime::Kubernetes));
    }
}
