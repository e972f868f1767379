//! Docker and Podman: flags of docker-run(1) and podman-run(1), and compose files.

use super::{ContainerKey, Runtime, Signs, host};
use crate::catalog::{self, Scope};
use crate::diagnose::context::{DiagnosisContext, is_named};
use crate::diagnose::remedy::{Action, ComposeKey, ContainerStart, Remedy, StartFlag, StartProgram};
use crate::environment::SecurityModule;
use crate::model::capability::Capability;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;

/// Docker, as docker-run(1) has it.
pub(super) const DOCKER: Engine = Engine {
    program: StartProgram::DockerRun,
    signs: Signs { code: "docker", names: &["docker"], files: &[".dockerenv"], ..Signs::NONE },
    by_its_user: false,
};

/// Podman, as podman-run(1) has it.
pub(super) const PODMAN: Engine = Engine {
    program: StartProgram::PodmanRun,
    signs: Signs { code: "podman", names: &["podman"], files: &["run/.containerenv"], ..Signs::NONE },
    by_its_user: true,
};

/// An engine with the command line of Docker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Engine {
    /// The command that starts a container.
    pub(super) program: StartProgram,
    /// How its containers are recognised.
    pub(super) signs: Signs,
    /// Whether it runs as the user that calls it, who can give a container no higher limits than the login has.
    pub(super) by_its_user: bool,
}

impl Runtime for Engine {
    fn signs(&self) -> Signs {
        self.signs
    }

    fn set_key(&self, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        set_key(self.program, key, context)
    }

    fn set_limit(&self, resource: Resource, limits: Limits, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        let flag = StartFlag::Ulimit(resource, limits);
        let mut remedies = either(self.program, flag, ComposeKey::Ulimit(resource, limits));
        if self.by_its_user && context.is_rootless() {
            remedies.insert(1, host::at_login(resource, limits));
        }
        remedies
    }

    fn raise_pids(&self, most: Limit, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        either(self.program, StartFlag::PidsLimit(most), ComposeKey::PidsLimit(most))
    }

    fn allow_limit_calls(&self, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![start(self.program, vec![StartFlag::SeccompUnconfined])]
    }

    fn without_apparmor(&self, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![start(self.program, vec![StartFlag::AppArmorUnconfined])]
    }
}

/// One command line.
pub(super) fn start(program: StartProgram, flags: Vec<StartFlag>) -> Remedy {
    Action::ContainerStart(ContainerStart { program, flags }).into()
}

/// A flag, or else a key in a compose file.
fn either(program: StartProgram, flag: StartFlag, compose: ComposeKey) -> Vec<Remedy> {
    vec![start(program, vec![flag]), Remedy::from(Action::Compose(compose)).or()]
}

fn set_key(program: StartProgram, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
    let (name, value) = (key.key.clone(), key.value.clone());
    if is_named(key.key, "kernel.hostname") {
        return either(program, StartFlag::Hostname(value.clone()), ComposeKey::Hostname(value));
    }
    let accepted = key.row.map_or(key.scope == Scope::NetNs, |row| row.docker == catalog::Docker::Accepted);
    if accepted && has_interface(key.key) {
        return either(program, StartFlag::Sysctl(name.clone(), value.clone()), ComposeKey::Sysctl(name, value));
    }
    // What is of the UTS namespace only root of the machine writes.
    if context.is_rootless() && key.scope == Scope::UtsNs {
        return Vec::new();
    }
    // Podman has no such flag.
    if is_named(key.key, "kernel.domainname") && program != StartProgram::PodmanRun {
        return either(program, StartFlag::Domainname(value.clone()), ComposeKey::Domainname(value));
    }
    // The runtime does not take it, though it is the container's own: then tunectl in it has to be let.
    let flags = let_write(key, context);
    if flags.is_empty() { Vec::new() } else { vec![start(program, flags)] }
}

/// What a container that may write what is its own is to be started with, and this one was not.
fn let_write(key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<StartFlag> {
    let root = context.environment.user == 0;
    // Root of a container alone may not write what is of its user namespace.
    let roots = (key.scope == Scope::UserNs && !root).then_some(Capability::SYS_RESOURCE);
    let module = context.details.security_module();
    // What helps under SELinux is its policy's to say.
    if module == Some(SecurityModule::SeLinux) {
        return Vec::new();
    }
    let paths = (!key.writable).then_some(StartFlag::SystemPathsUnconfined);
    let apparmor = (module == Some(SecurityModule::AppArmor)).then_some(StartFlag::AppArmorUnconfined);
    let user = (!root).then_some(StartFlag::UserRoot);
    let capability = key.lacks.or(roots).map(StartFlag::CapAdd);
    [paths, apparmor, user, capability].into_iter().flatten().collect()
}

/// Whether the interface that a key is of, if it is, is there when the runtime sets it: Docker connects `eth0` first, and
/// has refused to set what is of any other since version 27.
fn has_interface(key: &Key) -> bool {
    let Key::Sysctl(name) = key else { return true };
    let mut parts = name.path().split('/');
    let table = [parts.next(), parts.next(), parts.next()];
    let of_one = ["ipv4", "ipv6"]
        .iter()
        .any(|family| ["conf", "neigh"].iter().any(|kind| table == [Some("net"), Some(family), Some(kind)]));
    !of_one || parts.next().is_none_or(|interface| ["all", "default", "lo", "eth0"].contains(&interface))
}
