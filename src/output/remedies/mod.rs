//! Remedies as text: what to paste, and where.

mod combined;
mod containers;
mod files;

use crate::catalog::{self, BacklogRow, LinePart};
use crate::diagnose::{Action, Apply, KubeletFlag, Remedy, launchd_name};
use crate::model::limit::{Limit, Limits, Resource, Side};
use crate::model::setting::Key;
use crate::model::value::Value;

use super::quote::shell;
pub(super) use combined::{CommandLine, combined};

/// Something to paste.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemedyText {
    /// Where it has to be done.
    pub place: Place,
    /// The file that it goes into, which need not exist yet, or its line (`…:3`), or the table of the profile, or the
    /// version, or what `PID` in the text stands for.
    pub spot: Option<String>,
    /// What: a command, or the lines of a file.
    pub text: String,
}

/// What stands for the number of a process that only the host knows.
const WHICH_PID: &str = "(PID: a process of this container)";

/// Where a remedy is to be pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
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
    /// A table of the profile.
    Profile,
    /// The unit of systemd(1) that starts the service.
    Unit,
    /// A file of the machine, in a line or as a whole.
    File,
}

impl Place {
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

    /// A few words for a person: "start the container with: …".
    fn describe(self) -> &'static str {
        match self {
            Self::Shell => "type",
            Self::HostShell => "on the host",
            Self::ContainerStart => "start the container with",
            Self::ComposeSysctls => "in compose.yaml, under sysctls",
            Self::ComposeUlimits => "in compose.yaml, under ulimits",
            Self::Compose => "in compose.yaml",
            Self::PodSpec => "in the pod, under spec.securityContext.sysctls",
            Self::Kubelet => "on the node, start the kubelet with",
            Self::OlderKubelet => "on the node, only for a kubelet older than",
            Self::RuntimeUnit => "in the unit of the node's containerd or CRI-O",
            Self::LxcConfig => "in the container's configuration",
            Self::Profile => "in the profile, under",
            Self::Unit => "in the systemd unit",
            Self::File => "in",
        }
    }

    fn on_host(on_host: bool) -> Self {
        if on_host { Self::HostShell } else { Self::Shell }
    }
}

/// The line of a service's configuration that sets the length of its listen queue, in connections, at an address.
#[must_use]
pub fn backlog_line(row: &BacklogRow, address: &str, length: u64) -> String {
    let part = |part: &LinePart| match part {
        LinePart::Text(text) => (*text).to_owned(),
        LinePart::Address => address.to_owned(),
        LinePart::Length => length.to_string(),
    };
    row.line.iter().map(part).collect()
}

impl RemedyText {
    /// The text of a remedy.
    #[must_use]
    pub fn of(remedy: &Remedy) -> Self {
        let at = |place, text| Self { place, spot: None, text };
        let spotted = |place, spot, text| Self { place, spot: Some(spot), text };
        match &remedy.action {
            Action::Apply(call) => at(Place::Shell, apply(call)),
            Action::ApplyInside { pid, .. } | Action::ApplyKeyFromHost { pid, .. } => {
                Self::for_process(*pid, merged(&remedy.action))
            }
            Action::ApplyLimitFromHost { .. } => Self::for_process(None, merged(&remedy.action)),
            Action::WriteKey { key, value, on_host } => at(Place::on_host(*on_host), write_key(key, value)),
            Action::Unmount { path } => at(Place::Shell, format!("sudo umount {}", shell(path))),
            Action::MountProc => at(Place::Shell, "sudo mount -t proc proc /proc".to_owned()),
            Action::LoadModule { module, on_host } => {
                at(Place::on_host(*on_host), format!("sudo modprobe {}", shell(module)))
            }
            Action::Ulimit { resource, side, limit } => at(Place::Shell, ulimit(*resource, *side, *limit)),
            Action::Launchctl { resource, limits } => {
                at(Place::Shell, format!("sudo launchctl {}", launchctl(*resource, *limits).join(" ")))
            }
            Action::ContainerStart(call) => at(Place::ContainerStart, containers::start(call)),
            Action::Compose(key) => {
                let (place, text) = containers::compose(key);
                at(place, text)
            }
            Action::PodSysctl { key, value } => at(Place::PodSpec, containers::pod_sysctl(key, value)),
            Action::Kubelet { flag, older_than } => {
                let text = match flag {
                    KubeletFlag::AllowedUnsafeSysctl(_) => merged(&remedy.action),
                    KubeletFlag::PodMaxPids(most) => format!("--pod-max-pids={}", or_word(*most, "-1")),
                };
                match older_than {
                    Some(version) => spotted(Place::OlderKubelet, (*version).to_owned(), text),
                    None => at(Place::Kubelet, text),
                }
            }
            Action::RuntimeUnit(directive) => at(Place::RuntimeUnit, files::unit_directive(directive)),
            Action::Unit(directive) => at(Place::Unit, files::unit_directive(directive)),
            Action::Lxc(key) => at(Place::LxcConfig, containers::lxc(key)),
            Action::Profile(line) => {
                let (table, text) = files::profile_line(line);
                spotted(Place::Profile, table, text)
            }
            Action::File { location, content } => {
                spotted(Place::File, files::location(location), files::content(content))
            }
        }
    }

    /// A command for a process whose number is known, or else is to be looked up on the host.
    fn for_process(pid: Option<i32>, text: String) -> Self {
        match pid {
            Some(_) => Self { place: Place::Shell, spot: None, text },
            None => Self { place: Place::HostShell, spot: Some(WHICH_PID.to_owned()), text },
        }
    }

    /// "start the container with", "in /etc/sysctl.d/50-queue.conf:3".
    #[must_use]
    pub fn heading(&self) -> String {
        match &self.spot {
            Some(spot) => format!("{} {spot}", self.place.describe()),
            None => self.place.describe().to_owned(),
        }
    }
}

fn apply(call: &Apply) -> String {
    apply_words(call).join(" ")
}

/// The command, and each flag with its value.
fn apply_words(Apply { sudo, best_effort, persist, args, pid }: &Apply) -> Vec<String> {
    let mut words = vec![if *sudo { "sudo tunectl apply".to_owned() } else { "tunectl apply".to_owned() }];
    for (flag, given) in [("--best-effort", *best_effort), ("--persist", *persist)] {
        words.extend(given.then(|| flag.to_owned()));
    }
    // Each flag of a profile has a value.
    words.extend(args.chunks(2).map(|pair| pair.iter().map(|word| shell(word)).collect::<Vec<_>>().join(" ")));
    words.extend(pid.map(|pid| format!("--pid {pid}")));
    words
}

/// A command that takes several of its arguments at once: its beginning, one argument, and what separates two.
fn mergeable(action: &Action) -> Option<(String, String, &'static str)> {
    let pid = |pid: &Option<i32>| pid.map_or_else(|| "PID".to_owned(), |pid| pid.to_string());
    let set = |key: &Key, value: &Value| format!("--set {}", shell(&format!("{key}={value}")));
    Some(match action {
        Action::ApplyInside { pid: its, user_namespace, pid_namespace, key, value } => {
            let flags = namespaces(*user_namespace, *pid_namespace, its.is_some());
            (format!("sudo nsenter --target {}{flags} tunectl apply", pid(its)), set(key, value), " ")
        }
        Action::ApplyKeyFromHost { pid: its, key, value } => {
            (format!("sudo tunectl apply --pid {}", pid(its)), set(key, value), " ")
        }
        Action::ApplyLimitFromHost { resource, limits: Limits { soft, hard } } => {
            ("sudo tunectl apply --pid PID".to_owned(), format!("--rlimit {resource}={soft}:{hard}"), " ")
        }
        Action::WriteKey { key: key @ Key::Sysctl(_), value, .. } => {
            ("sudo sysctl -w".to_owned(), shell(&format!("{key}={value}")), " ")
        }
        Action::Kubelet { flag: KubeletFlag::AllowedUnsafeSysctl(key), .. } => {
            ("--allowed-unsafe-sysctls=".to_owned(), key.to_string(), ",")
        }
        _ => return None,
    })
}

/// The text of an action that is [`mergeable`], by itself.
fn merged(action: &Action) -> String {
    mergeable(action).map_or_else(String::new, |(stem, argument, separator)| {
        if separator == " " { format!("{stem} {argument}") } else { stem + &argument }
    })
}

/// The flags of nsenter(1) for the namespaces that `tunectl apply --pid` does not enter.
fn namespaces(user: bool, pid: bool, is_known: bool) -> String {
    let user = match (user, is_known) {
        (false, _) => "",
        (true, true) => " --user --preserve-credentials",
        // As root of that namespace: whoever is not mapped there loses at execve(2) the capabilities of setns(2).
        (true, false) => " --user",
    };
    let pid = if pid { " --pid" } else { "" };
    format!("{user}{pid}")
}

fn write_key(key: &Key, value: &Value) -> String {
    match key {
        Key::Sysctl(_) => format!("sudo sysctl -w {}", shell(&format!("{key}={value}"))),
        Key::Sysfs(_) => format!("echo {} | sudo tee {}", shell(&value.to_string()), shell(&key.to_string())),
    }
}

/// With its side: bash takes a bare `-n` for both, and a hard limit can't be raised again.
fn ulimit(resource: Resource, side: Side, limit: Limit) -> String {
    let row = catalog::limit(resource);
    let side = match side {
        Side::Soft => 'S',
        Side::Hard => 'H',
    };
    format!("ulimit -{side}{} {}", row.flag, in_units(limit, row.shell_factor))
}

/// The words behind `launchctl`.
fn launchctl(resource: Resource, Limits { soft, hard }: Limits) -> [String; 4] {
    ["limit".to_owned(), launchd_name(resource).to_owned(), soft.to_string(), hard.to_string()]
}

/// A limit, with the word for one that is unlimited.
fn or_word(limit: Limit, unlimited: &str) -> String {
    match limit {
        Limit::Value(value) => value.to_string(),
        Limit::Unlimited => unlimited.to_owned(),
    }
}

/// A limit in units of `factor`.
fn in_units(limit: Limit, factor: u64) -> String {
    match limit {
        Limit::Value(value) => value.div_ceil(factor).to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
    }
}
