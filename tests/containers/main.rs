//! The container tier: tunectl in real containers, as their entrypoint or as what is asked why they fall short.
//!
//! The images are built `FROM scratch`. What is in them is the static binary, a probe that tells what it was
//! started with, and, in one, Debian's Redis. Most run on a Docker engine; Podman, a kubelet with containerd,
//! systemd-nspawn and LXC each start theirs in a module of their own. Every test is ignored unless asked for, because of
//! what it needs; `.ci/containers` brings it and runs them. Without it they fail and say so: they never pass unrun.
//! The files that people copy to deploy tunectl are tested by `deploy`, which `.ci/deploy` runs.
#![cfg_attr(
    target_os = "linux",
    allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test ends where it can't go on")
)]

#[cfg(target_os = "linux")]
#[path = "../support/mod.rs"]
mod support;

mod compose;
#[cfg(target_os = "linux")]
mod deploy;
mod engine;
mod entrypoint;
mod exec;
mod host;
mod images;
mod init;
mod kubernetes;
mod limits;
mod lxc;
mod node;
mod nspawn;
mod outside;
mod pod;
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
