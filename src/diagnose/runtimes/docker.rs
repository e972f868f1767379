//! Docker, docker-run(1).

use super::Signs;
use super::engine::Engine;
use crate::diagnose::remedy::StartProgram;

pub(super) const DOCKER: Engine = Engine {
    program: StartProgram::DockerRun,
    signs: Signs { code: "docker", names: &["docker"], files: &[".dockerenv"], ..Signs::NONE },
    by_its_user: false,
};
