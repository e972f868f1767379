//! What starts a container: command lines, compose files, pods and LXC's configuration.

use crate::diagnose::{ComposeKey, ContainerStart, LxcKey, StartFlag, StartProgram};
use crate::linux::cgroup::CgroupVersion;
use crate::model::limit::Limits;
use crate::model::setting::Key;
use crate::model::value::Value;
use crate::output::capability;
use crate::output::quote::{double, shell};

use super::{Place, or_word};

/// The command line that starts a container: `docker run --sysctl …`.
pub(super) fn start(start: &ContainerStart) -> String {
    start_words(start).join(" ")
}

/// The same, the program and each flag by itself.
pub(super) fn start_words(start: &ContainerStart) -> Vec<String> {
    let program = match start.program {
        StartProgram::DockerRun => "docker run",
        StartProgram::PodmanRun => "podman run",
        StartProgram::Nspawn => "systemd-nspawn",
    };
    let is_variable = |flag: &&StartFlag| **flag == StartFlag::NspawnApiWritable;
    let variable = start.flags.iter().find(is_variable).map_or("", |_| "SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes ");
    let flags = start.flags.iter().filter(|flag| !is_variable(flag));
    std::iter::once(format!("{variable}{program}")).chain(flags.map(flag)).collect()
}

fn flag(flag: &StartFlag) -> String {
    match flag {
        StartFlag::Sysctl(key, value) => format!("--sysctl {}", shell(&format!("{key}={value}"))),
        StartFlag::Hostname(name) => format!("--hostname {}", shell(&name.to_string())),
        StartFlag::Domainname(name) => format!("--domainname {}", shell(&name.to_string())),
        StartFlag::SystemPathsUnconfined => "--security-opt systempaths=unconfined".to_owned(),
        StartFlag::AppArmorUnconfined => "--security-opt apparmor=unconfined".to_owned(),
        StartFlag::SeccompUnconfined => "--security-opt seccomp=unconfined".to_owned(),
        StartFlag::UserRoot => "--user 0".to_owned(),
        StartFlag::CapAdd(added) => format!("--cap-add {}", added.to_string().to_ascii_uppercase()),
        StartFlag::Ulimit(resource, limits) => format!("--ulimit {resource}={}", both(*limits, "-1")),
        StartFlag::PidsLimit(most) => format!("--pids-limit {}", or_word(*most, "-1")),
        StartFlag::NspawnCapability(added) => format!("--capability={}", capability(*added)),
        StartFlag::NspawnRlimit(resource, limits) => {
            format!("--rlimit={}={}", resource.name().to_ascii_uppercase(), both(*limits, "infinity"))
        }
        // A variable in front of the command.
        StartFlag::NspawnApiWritable => String::new(),
    }
}

/// The soft and the hard limit, `1024:4096`.
fn both(Limits { soft, hard }: Limits, unlimited: &str) -> String {
    format!("{}:{}", or_word(soft, unlimited), or_word(hard, unlimited))
}

/// Where in a compose file, and the line.
pub(super) fn compose(key: &ComposeKey) -> (Place, String) {
    match key {
        ComposeKey::Sysctl(key, value) => (Place::ComposeSysctls, format!("{key}: {}", double(&value.to_string()))),
        ComposeKey::Ulimit(resource, Limits { soft, hard }) => {
            let sides = format!("soft: {}, hard: {}", or_word(*soft, "-1"), or_word(*hard, "-1"));
            (Place::ComposeUlimits, format!("{resource}: {{{sides}}}"))
        }
        ComposeKey::Hostname(name) => (Place::Compose, format!("hostname: {}", double(&name.to_string()))),
        ComposeKey::Domainname(name) => (Place::Compose, format!("domainname: {}", double(&name.to_string()))),
        ComposeKey::PidsLimit(most) => (Place::Compose, format!("pids_limit: {}", or_word(*most, "-1"))),
    }
}

/// An entry of `spec.securityContext.sysctls`.
pub(super) fn pod_sysctl(key: &Key, value: &Value) -> String {
    format!("- {{name: {key}, value: {}}}", double(&value.to_string()))
}

pub(super) fn lxc(key: &LxcKey) -> String {
    match key {
        LxcKey::Sysctl(key, value) => format!("lxc.sysctl.{key} = {value}"),
        LxcKey::UtsName(name) => format!("lxc.uts.name = {name}"),
        LxcKey::StartHostHook { scope, key, value } => {
            let namespace = scope.namespace().unwrap_or_default();
            let write = format!("sysctl -w {}", shell(&format!("{key}={value}")));
            format!("lxc.hook.start-host = sh -c {}", shell(&format!("nsenter -t $LXC_PID --{namespace} {write}")))
        }
        LxcKey::Prlimit(resource, limits) => format!("lxc.prlimit.{resource} = {}", both(*limits, "unlimited")),
        LxcKey::PidsMax(version, most) => {
            let tree = if *version == CgroupVersion::V1 { "cgroup" } else { "cgroup2" };
            format!("lxc.{tree}.pids.max = {}", or_word(*most, "max"))
        }
        LxcKey::AppArmorUnconfined => "lxc.apparmor.profile = unconfined".to_owned(),
    }
}
