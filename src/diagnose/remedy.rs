//! Remedies: lines to paste, and where to paste them.

use crate::catalog::{self, Kubernetes};
use crate::context::{Context, Runtime};
use crate::model::limit::{Limit, Resource, Side};
use crate::model::setting::{Key, System};
use crate::model::value::Value;

use super::Scene;

/// Something to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Where.
    pub place: Where,
    /// What: a command, or the lines of a file.
    pub text: String,
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
    /// The pod's manifest.
    PodSpec,
    /// The profile.
    Profile,
    /// The unit of systemd(1) that starts the service.
    Unit,
}

impl Where {
    /// A few words for a person: "fix (in …)".
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Shell => "type",
            Self::HostShell => "on the host",
            Self::ContainerStart => "start it with",
            Self::PodSpec => "in the pod's spec",
            Self::Profile => "in the profile",
            Self::Unit => "in the unit",
        }
    }

    /// A word for programs, part of the JSON output.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::HostShell => "host-shell",
            Self::ContainerStart => "container-start",
            Self::PodSpec => "pod-spec",
            Self::Profile => "profile",
            Self::Unit => "unit",
        }
    }
}

fn at(place: Where, text: String) -> Remedy {
    Remedy { place, text }
}

/// Have `tunectl apply` do it, as root.
pub(super) fn apply_as_root(scene: &Scene<'_>) -> Remedy {
    at(Where::Shell, format!("sudo tunectl apply{}", flags(scene)))
}

/// Have `tunectl apply` do it.
pub(super) fn apply(scene: &Scene<'_>) -> Remedy {
    at(Where::Shell, format!("tunectl apply{}", flags(scene)))
}

fn flags(scene: &Scene<'_>) -> String {
    scene.asked.iter().fold(String::new(), |flags, word| flags + " " + &quoted(word))
}

/// Have whoever starts the container set a key that is the container's own.
pub(super) fn container_key(key: &Key, value: &Value, context: &Context) -> Vec<Remedy> {
    let pair = format!("{key}={value}");
    match context.runtime {
        Some(Runtime::Kubernetes) => {
            let row = catalog::row(System::Linux, key);
            let mut remedies = vec![at(
                Where::PodSpec,
                format!("securityContext: {{sysctls: [{{name: {key}, value: \"{value}\"}}]}}"),
            )];
            if row.is_none_or(|row| matches!(row.kubernetes, Kubernetes::Unsafe)) {
                remedies.push(at(Where::HostShell, format!("kubelet --allowed-unsafe-sysctls={key}")));
            }
            remedies
        }
        Some(Runtime::Podman) => vec![at(Where::ContainerStart, format!("podman run --sysctl {}", quoted(&pair)))],
        _ => vec![at(Where::ContainerStart, format!("docker run --sysctl {}", quoted(&pair)))],
    }
}

/// Have the operator of the host set a key of the whole machine.
pub(super) fn host_key(key: &Key, value: &Value, contained: bool) -> Remedy {
    let place = if contained { Where::HostShell } else { Where::Shell };
    let text = match key {
        Key::Sysctl(_) => format!("sudo sysctl -w {}", quoted(&format!("{key}={value}"))),
        Key::Sysfs(_) => format!("echo {} | sudo tee {key}", quoted(&value.to_string())),
    };
    at(place, text)
}

/// Have the unit of the service leave `/proc/sys` writable, systemd.exec(5).
pub(super) fn tunables_in_unit() -> Remedy {
    at(Where::Unit, "ProtectKernelTunables=no".to_owned())
}

/// Have a module loaded.
pub(super) fn module(name: &str, contained: bool) -> Remedy {
    at(if contained { Where::HostShell } else { Where::Shell }, format!("sudo modprobe {name}"))
}

/// Set a limit of the shell itself. With its side: bash takes a bare `-n` for both, and a hard limit can't be raised again.
pub(super) fn ulimit(resource: Resource, side: Side, limit: Limit) -> Remedy {
    let row = catalog::limit(resource);
    let side = match side {
        Side::Soft => 'S',
        Side::Hard => 'H',
    };
    let value = match limit {
        Limit::Value(value) => value.div_ceil(row.shell_factor).to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
    };
    at(Where::Shell, format!("ulimit -{side}{} {value}", row.flag))
}

/// Have whoever starts the process give it a higher hard limit.
pub(super) fn higher_hard_limit(resource: Resource, value: Limit, scene: &Scene<'_>) -> Vec<Remedy> {
    let docker = match value {
        Limit::Value(value) => value.to_string(),
        Limit::Unlimited => "-1".to_owned(),
    };
    let unit = match value {
        Limit::Value(value) => value.to_string(),
        Limit::Unlimited => "infinity".to_owned(),
    };
    let unit = at(Where::Unit, format!("Limit{}={unit}", resource.name().to_uppercase()));
    let program = if scene.context.runtime == Some(Runtime::Podman) { "podman" } else { "docker" };
    let container = at(Where::ContainerStart, format!("{program} run --ulimit {resource}={docker}:{docker}"));
    match (scene.context.in_container(), scene.context.runtime) {
        // A pod has no field for limits (kubernetes#3595): the runtime's own unit on the node decides.
        (true, Some(Runtime::Kubernetes)) => vec![unit],
        (true, _) => vec![container],
        // Root that may not raise it either gains nothing by sudo.
        (false, _) if scene.context.user == 0 => vec![unit],
        (false, _) => vec![apply_as_root(scene), unit],
    }
}

/// Have the profile ask for another key as well.
pub(super) fn profile_line(line: String) -> Remedy {
    at(Where::Profile, line)
}

/// As a POSIX shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted("net.core.somaxconn=1"), "net.core.somaxconn=1");
        assert_eq!(quoted("a=1 2"), "'a=1 2'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
    }
}
