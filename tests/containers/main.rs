//! The container tier: tunectl as the entrypoint of real containers, on a real engine.
//!
//! The images are built `FROM scratch`. What is in them is the static binary, a probe that tells what it was
//! started with, and, in one, Debian's Redis. Every test is ignored unless asked for, because it needs a Docker
//! engine; `.ci/containers` brings one and runs them. Without one they fail and say so: they never pass unrun.

mod compose;
mod engine;
mod entrypoint;
mod exec;
mod host;
mod images;
mod init;
mod kubernetes;
mod limits;
mod outside;
mod podman;
#[path = "../../benches/harness/programs.rs"]
mod programs;
mod redis;
mod remedies;
mod standin;
mod sysctls;

use std::error::Error;

/// What preparing a test comes to: any failure fails the test with its message.
type Outcome<T> = Result<T, Box<dyn Error>>;
