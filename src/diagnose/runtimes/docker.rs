//! Docker, docker-run(1).

use super::{ContainerKey, Runtime, Signs, engine};
use crate::diagnose::context::DiagnosisContext;
use crate::diagnose::remedy::{Remedy, StartFlag, StartProgram};
use crate::model::limit::{Limit, Limits, Resource};

pub(super) struct Docker;

const PROGRAM: StartProgram = StartProgram::DockerRun;

impl Runtime for Docker {
    fn signs(&self) -> Signs {
        Signs { code: "docker", names: &["docker"], files: &[".dockerenv"], ..Signs::default() }
    }

    fn set_key(&self, key: &ContainerKey<'_>, context: &DiagnosisContext<'_>) -> Vec<Remedy> {
        engine::set_key(PROGRAM, key, context)
    }

    fn set_limit(&self, resource: Resource, limits: Limits, _: &DiagnosisContext<'_>) -> Vec<Remedy> {
        engine::set_limit(PROGRAM, resource, limits)
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
