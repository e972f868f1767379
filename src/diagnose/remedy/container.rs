//! What whoever starts a container can give it.

use super::quote::{double, shell};
use super::{Remedy, Where, at};
use crate::catalog::{self, Docker, Kubernetes, Scope};
use crate::diagnose::DiagnosisContext;
use crate::environment::{Runtime, SecurityModule};
use crate::linux::cgroup::CgroupVersion;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::{Key, System};
use crate::model::value::Value;

/// What docker-run(1) and podman-run(1) take to confine nobody by `AppArmor`.
pub(super) const FREE: &str = "--security-opt apparmor=unconfined";

/// The command that starts containers here, with these flags.
pub(super) fn start(scene: &DiagnosisContext<'_>, flags: &str) -> Remedy {
    let program = match scene.around.runtime {
        Some(Runtime::Nspawn) => "systemd-nspawn",
        Some(Runtime::Podman) => "podman run",
        _ => "docker run",
    };
    at(Where::ContainerStart, format!("{program} {flags}"))
}

/// Have a key that is the container's own set. `lacks` is the capability that its writer would need in the
/// container itself, `writable` whether the mount there lets him.
pub(in crate::diagnose) fn container_key(
    key: &Key,
    value: &Value,
    lacks: Option<&str>,
    writable: bool,
    scene: &DiagnosisContext<'_>,
) -> Vec<Remedy> {
    let row = catalog::row(System::Linux, key);
    let scope = catalog::scope_of(System::Linux, key, scene.environment.version());
    let name = key.to_string();
    let text = value.to_string();
    match (name.as_str(), scene.around.runtime) {
        (_, Some(Runtime::Lxc)) => lxc(key, &text, scene),
        ("kernel.hostname", Some(Runtime::Kubernetes)) => vec![],
        ("kernel.hostname", runtime) => {
            let flag = start(scene, &format!("--hostname {}", shell(&text)));
            let compose = at(Where::Compose, format!("hostname: {}", double(&text))).or();
            if runtime == Some(Runtime::Nspawn) { vec![flag] } else { vec![flag, compose] }
        }
        (_, Some(Runtime::Nspawn)) => nspawn(lacks, scene),
        (_, Some(Runtime::Kubernetes)) => pod(&name, value, row.map(|row| row.kubernetes)),
        _ if row.map_or(scope == Scope::NetNs, |row| row.docker == Docker::Accepted) && has_interface(key) => {
            let flag = format!("--sysctl {}", shell(&format!("{name}={value}")));
            let compose = at(Where::ComposeSysctls, format!("{name}: {}", double(&text))).or();
            vec![start(scene, &flag), compose]
        }
        // What is of the UTS namespace only root of the machine writes.
        _ if rootless(scene) && scope == Scope::UtsNs => vec![],
        // Podman has no such flag.
        ("kernel.domainname", runtime) if runtime != Some(Runtime::Podman) => {
            let compose = at(Where::Compose, format!("domainname: {}", double(&text))).or();
            vec![start(scene, &format!("--domainname {}", shell(&text))), compose]
        }
        // The runtime does not take it, though it is the container's own: then tunectl in it has to be let.
        _ => {
            // Root of a container alone may not write what is of its user namespace.
            let roots = (scope == Scope::UserNs && scene.environment.user != 0).then_some("CAP_SYS_RESOURCE");
            let lacks = lacks.or(roots);
            // What helps under SELinux is its policy's to say.
            let policy = scene.around.security_module() == Some(SecurityModule::SeLinux);
            let flags = if policy { vec![] } else { let_write(lacks, writable, scene) };
            if flags.is_empty() { vec![] } else { vec![start(scene, &flags.join(" "))] }
        }
    }
}

/// Whether the interface that a key is of, if it is, is there when the runtime sets it: Docker connects `eth0` first, and
/// has refused to set what is of any other since version 27.
fn has_interface(key: &Key) -> bool {
    let name = key.to_string();
    let of_one = ["net.ipv4.conf.", "net.ipv6.conf.", "net.ipv4.neigh.", "net.ipv6.neigh."];
    let interface = of_one.iter().find_map(|table| name.strip_prefix(table)?.split('.').next());
    interface.is_none_or(|interface| ["all", "default", "lo", "eth0"].contains(&interface))
}

/// Whether root in the container is another user outside.
fn rootless(scene: &DiagnosisContext<'_>) -> bool {
    scene.environment.initial.user == Some(false)
}

/// LXC sets sysctls from within the container, when it has mounted `/proc` there: all but the network's are on a mount
/// that is read-only by then (`proc:mixed`), and it gives up. A hook runs outside, with the container's namespaces made.
fn lxc(key: &Key, value: &str, scene: &DiagnosisContext<'_>) -> Vec<Remedy> {
    let namespace = match catalog::scope_of(System::Linux, key, scene.environment.version()) {
        Scope::NetNs => return vec![at(Where::LxcConfig, format!("lxc.sysctl.{key} = {value}"))],
        Scope::UtsNs if key.to_string() == "kernel.hostname" => {
            return vec![at(Where::LxcConfig, format!("lxc.uts.name = {value}"))];
        }
        Scope::UtsNs => "uts",
        Scope::IpcNs => "ipc",
        _ => return vec![],
    };
    let script = format!("nsenter -t $LXC_PID --{namespace} sysctl -w {}", shell(&format!("{key}={value}")));
    vec![at(Where::LxcConfig, format!("lxc.hook.start-host = sh -c {}", shell(&script)))]
}

/// nspawn sets none itself. It leaves all writable where its environment says so, but for users of a namespace of theirs:
/// nspawn(1), `$SYSTEMD_NSPAWN_API_VFS_WRITABLE`.
fn nspawn(lacks: Option<&str>, scene: &DiagnosisContext<'_>) -> Vec<Remedy> {
    match lacks {
        Some(capability) => vec![start(scene, &format!("--capability={capability}"))],
        None if rootless(scene) => vec![],
        None => vec![at(Where::ContainerStart, "SYSTEMD_NSPAWN_API_VFS_WRITABLE=yes systemd-nspawn".to_owned())],
    }
}

/// What a container that may write what is its own is to be started with, and this one was not.
fn let_write(lacks: Option<&str>, writable: bool, scene: &DiagnosisContext<'_>) -> Vec<String> {
    let mut flags = Vec::new();
    if !writable {
        flags.push("--security-opt systempaths=unconfined".to_owned());
    }
    if scene.around.security_module() == Some(SecurityModule::AppArmor) {
        flags.push(FREE.to_owned());
    }
    if scene.environment.user != 0 {
        flags.push("--user 0".to_owned());
    }
    if let Some(capability) = lacks {
        flags.push(format!("--cap-add {}", capability.trim_start_matches("CAP_")));
    }
    flags
}

/// A pod's list of sysctls, and where the kubelet does not let every pod have it, its own list too. That takes no others
/// than it knows to be of a namespace: with any other among them it does not start. Pods have sysctls since Kubernetes 1.4;
/// from inside, nothing tells which version the node's kubelet is.
fn pod(name: &str, value: &Value, rule: Option<Kubernetes>) -> Vec<Remedy> {
    if rule == Some(Kubernetes::NotPossible) {
        return vec![];
    }
    let mut remedies = vec![at(Where::PodSpec, format!("- {{name: {name}, value: {}}}", double(&value.to_string())))];
    let flag = format!("--allowed-unsafe-sysctls={name}");
    match rule {
        Some(Kubernetes::Safe { since: "1.4" }) => {}
        Some(Kubernetes::Safe { since }) => {
            remedies.push(super::spotted(Where::OlderKubelet, since.to_owned(), flag));
        }
        _ => remedies.push(at(Where::Kubelet, flag)),
    }
    remedies
}

/// Have a limit of the container's first process set, both sides.
pub(in crate::diagnose) fn container_limit(
    resource: Resource,
    limits: Limits,
    scene: &DiagnosisContext<'_>,
) -> Vec<Remedy> {
    let both = |word, between| format!("{}{between}{}", infinity(word)(limits.soft), infinity(word)(limits.hard));
    match scene.around.runtime {
        // A pod has no field for limits (kubernetes#3595): the unit of the runtime on the node decides.
        Some(Runtime::Kubernetes) => vec![at(Where::RuntimeUnit, super::host::unit_line(resource, limits))],
        Some(Runtime::Lxc) => {
            vec![at(Where::LxcConfig, format!("lxc.prlimit.{resource} = {}", both("unlimited", ":")))]
        }
        Some(Runtime::Nspawn) => {
            let name = resource.name().to_ascii_uppercase();
            vec![start(scene, &format!("--rlimit={name}={}", both("infinity", ":")))]
        }
        _ => {
            let compose = at(Where::ComposeUlimits, format!("{resource}: {{soft: {}}}", both("-1", ", hard: "))).or();
            let flag = start(scene, &format!("--ulimit {resource}={}", both("-1", ":")));
            // Podman of somebody else than root can give no more than it has.
            let starter = rootless(scene) && scene.around.runtime == Some(Runtime::Podman);
            let login = starter.then(|| super::host::at_login(resource, limits));
            std::iter::once(flag).chain(login).chain([compose]).collect()
        }
    }
}

/// Have the container's control group allow so many processes.
pub(in crate::diagnose) fn container_pids(wanted: Limit, scene: &DiagnosisContext<'_>) -> Vec<Remedy> {
    let count = |infinite: &'static str| infinity(infinite)(wanted);
    match scene.around.runtime {
        Some(Runtime::Kubernetes) => vec![at(Where::Kubelet, format!("--pod-max-pids={}", count("-1")))],
        Some(Runtime::Lxc) => {
            let tree = if scene.around.cgroups == Some(CgroupVersion::V1) { "cgroup" } else { "cgroup2" };
            vec![at(Where::LxcConfig, format!("lxc.{tree}.pids.max = {}", count("max")))]
        }
        // The group that nspawn makes can't be seen from inside: this is that of a unit there.
        Some(Runtime::Nspawn) => vec![super::host::pids_in_unit(wanted)],
        _ => vec![
            start(scene, &format!("--pids-limit {}", count("-1"))),
            at(Where::Compose, format!("pids_limit: {}", count("-1"))).or(),
        ],
    }
}

/// Have the container's filter of system calls let limits pass.
pub(in crate::diagnose) fn container_filter(scene: &DiagnosisContext<'_>) -> Vec<Remedy> {
    match scene.around.runtime {
        Some(Runtime::Kubernetes | Runtime::Lxc | Runtime::Nspawn) => vec![],
        _ => vec![start(scene, "--security-opt seccomp=unconfined")],
    }
}

/// A limit, with the word for one that is none.
fn infinity(word: &'static str) -> impl Fn(Limit) -> String {
    move |limit| match limit {
        Limit::Value(value) => value.to_string(),
        Limit::Unlimited => word.to_owned(),
    }
}
