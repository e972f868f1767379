//! What starts our process, one file each: how each is told to set a key, a limit, to give a capability.

mod docker;
mod engine;
mod host;
mod kubernetes;
mod lxc;
mod nspawn;
mod podman;

use super::context::DiagnosisContext;
use super::remedy::{Action, Remedy, UnitDirective};
use crate::catalog::{Row, Scope};
use crate::environment::{self, SecurityModule};
use crate::model::capability::Capability;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;
use crate::model::value::Value;

/// How what starts our process is told to start it otherwise. Empty lists where it can't be.
pub(super) trait Runtime {
    /// Have a key that is the container's own set, or have the container let us set it.
    fn set_key(&self, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy>;

    /// Have both sides of a limit of the first process set.
    fn set_limit(&self, resource: Resource, limits: Limits, context: &DiagnosisContext<'_>) -> Vec<Remedy>;

    /// Have the control group allow so many processes.
    fn raise_pids(&self, most: Limit, context: &DiagnosisContext<'_>) -> Vec<Remedy>;

    /// Have the filter of system calls let setrlimit(2) and prlimit(2) pass.
    fn allow_limit_calls(&self) -> Vec<Remedy> {
        Vec::new()
    }

    /// Have it not confine us by `AppArmor`.
    fn without_apparmor(&self) -> Vec<Remedy> {
        Vec::new()
    }

    /// Whether root in the container may write the keys that are the container's own.
    fn leaves_keys_to_root(&self) -> bool {
        false
    }
}

/// A key of the container's own, to be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct ContainerKey<'a> {
    pub(super) key: &'a Key,
    pub(super) value: &'a Value,
    pub(super) row: Option<Row>,
    pub(super) scope: Scope,
    /// The capability that its writer would need in the container itself.
    pub(super) lacks: Option<Capability>,
    /// Whether the mount there lets him.
    pub(super) writable: bool,
}

/// What starts our process, as far as that is known.
pub(super) fn of(context: &DiagnosisContext<'_>) -> &'static dyn Runtime {
    if !context.environment.in_container() {
        return &host::Host;
    }
    match context.details.runtime {
        Some(environment::Runtime::Podman) => &podman::Podman,
        Some(environment::Runtime::Kubernetes) => &kubernetes::Kubernetes,
        Some(environment::Runtime::Lxc) => &lxc::Lxc,
        Some(environment::Runtime::Nspawn) => &nspawn::Nspawn,
        Some(environment::Runtime::Docker) | None => &docker::Docker,
    }
}

/// Have what starts us not confine us. Of `AppArmor` alone, and where it was seen to help: what another module's policy
/// lets through, and what a node makes of a pod's fields, can't be told from here.
pub(super) fn without_apparmor(context: &DiagnosisContext<'_>) -> Vec<Remedy> {
    match context.details.security_module() {
        Some(SecurityModule::AppArmor) if context.environment.target.is_some() => {
            // It is the label of whoever looks at the container, not the container's.
            vec![Action::Unit(UnitDirective::AppArmorUnconfined).into()]
        }
        Some(SecurityModule::AppArmor) => of(context).without_apparmor(),
        _ => Vec::new(),
    }
}
