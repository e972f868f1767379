//! Podman, podman-run(1).

use super::{ContainerKey, Runtime, Signs, engine, host};
use crate::diagnose::context::DiagnosisContext;
use crate::diagnose::remedy::{Remedy, StartFlag, StartProgram};
use crate::model::limit::{Limit, Limits, Resource};

pub(super) struct Podman;

const PROGRAM: StartProgram = StartProgram::PodmanRun;

impl Runtime for Podman {
    fn signs(&self) -> Signs {
        Signs { code: "podman", names: &["podman"], files: &["run/.containerenv"], ..Signs::default() }
    }

    fn set_key(&self, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        engine::set_key(PROGRAM, key, context)
    }

    /// Podman of somebody else than root can give no more than it has.
    fn set_limit(&self, resource: Resource, limits: Limits, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        let mut remedies = engine::set_limit(PROGRAM, resource, limits);
        if context.is_rootless() {
            remedies.insert(1, host::at_login(resource, limits));
        }
        remedies
    }

    fn raise_pids(&self, most: Limit, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        engine::raise_pids(PROGRAM, most)
    }

    fn allow_limit_calls(&self, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![engine::start(PROGRAM, vec![StartFlag::SeccompUnconfined])]
    }

    fn without_apparmor(&self, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        vec![engine::start(PROGRAM, vec![StartFlag::AppArmorUnconfined])]
    }
}
