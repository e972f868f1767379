//! Podman, podman-run(1).

use super::Signs;
use super::engine::Engine;
use crate::diagnose::remedy::StartProgram;

pub(super) const PODMAN: Engine = Engine {
    program: StartProgram::PodmanRun,
    signs: Signs { code: "podman", names: &["podman"], files: &["run/.containerenv"], ..Signs::NONE },
    by_its_user: true,
};
