//! Remedies: lines to paste, and where to paste them.

mod container;
mod host;
mod profile;
mod quote;
mod unconfined;

pub use quote::shell;

pub(super) use container::{container_filter, container_key, container_limit, container_pids};
pub(super) use host::{
    allowed_by_filter, apply, apply_as_root, at_boot, capability_in_unit, change_line, host_key, host_limit,
    limit_in_unit, module, module_at_boot, mount_proc, pids_in_unit, tunables_in_unit, ulimit, unmask, within,
};
pub(super) use profile::{ask_for, ask_for_another, limit_of, not_required};
pub(super) use unconfined::unconfined;

/// Something to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Where.
    pub place: Where,
    /// The file that it goes into, which need not exist yet, or its line (`…:3`), or the table of the profile, or the
    /// version.
    pub spot: Option<String>,
    /// What: a command, or the lines of a file.
    pub text: String,
    /// Whether this is another way to do the same. Those that are none are needed together.
    pub alternative: bool,
}

/// Where a remedy is to be pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// The shell that tunectl was called from.
    Shell,
    /// A root shell on the machine that the container runs on.
    HostShell,
    /// The command line that starts the container.
    ContainerStart,
    /// The list `sysctls` of a service in a compose file.
    ComposeSysctls,
    /// The table `ulimits` of a service in a compose file.
    ComposeUlimits,
    /// A service in a compose file.
    Compose,
    /// The list `spec.securityContext.sysctls` of a pod.
    PodSpec,
    /// The command line of the node's kubelet.
    Kubelet,
    /// The same, needed only where the kubelet is older than the version that is the spot.
    OlderKubelet,
    /// The unit of the node's container runtime.
    RuntimeUnit,
    /// The configuration of a container of LXC, `lxc.container.conf(5)`.
    LxcConfig,
    /// The profile.
    Profile,
    /// The unit of systemd(1) that starts the service.
    Unit,
    /// A file of the machine, in a line or as a whole.
    File,
}

impl Where {
    /// A few words for a person: "start it with: …".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Shell => "type",
            Self::HostShell => "on the host",
            Self::ContainerStart => "start it with",
            Self::ComposeSysctls => "in compose.yaml, under sysctls",
            Self::ComposeUlimits => "in compose.yaml, under ulimits",
            Self::Compose => "in compose.yaml",
            Self::PodSpec => "in the pod, under spec.securityContext.sysctls",
            Self::Kubelet => "on the node, start the kubelet with",
            Self::OlderKubelet => "give the node's kubelet, if older than",
            Self::RuntimeUnit => "in the unit of the node's containerd or CRI-O",
            Self::LxcConfig => "in the container's configuration",
            Self::Profile => "in the profile, under",
            Self::Unit => "in the unit",
            Self::File => "in",
        }
    }

    /// A word for programs, part of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::HostShell => "host-shell",
            Self::ContainerStart => "container-start",
            Self::ComposeSysctls => "compose-sysctls",
            Self::ComposeUlimits => "compose-ulimits",
            Self::Compose => "compose",
            Self::PodSpec => "pod-spec",
            Self::Kubelet => "kubelet",
            Self::OlderKubelet => "older-kubelet",
            Self::RuntimeUnit => "runtime-unit",
            Self::LxcConfig => "lxc-config",
            Self::Profile => "profile",
            Self::Unit => "unit",
            Self::File => "file",
        }
    }
}

impl Remedy {
    /// "start it with", "in /etc/sysctl.d/50-queue.conf:3".
    #[must_use]
    pub fn heading(&self) -> String {
        match &self.spot {
            Some(spot) => format!("{} {spot}", self.place.describe()),
            None => self.place.describe().to_owned(),
        }
    }

    /// The same, as another way to do what those before it do.
    #[must_use]
    pub(super) fn or(self) -> Self {
        Self { alternative: true, ..self }
    }
}

fn at(place: Where, text: String) -> Remedy {
    Remedy { place, spot: None, text, alternative: false }
}

fn spotted(place: Where, spot: String, text: String) -> Remedy {
    Remedy { place, spot: Some(spot), text, alternative: false }
}
