//! tunectl on whole machines of its own: the only place where settings of a host are written.
//!
//! Each test boots kernels of a distribution under software emulation. They are ignored by name because that needs
//! qemu and kernel images: `.ci/machine` brings both and runs them.

#![allow(clippy::expect_used, reason = "a test ends where it can't go on")]

mod boot;
mod cpio;
mod engine;
mod host;
mod journal;
mod kernel;
mod namespaces;
mod pid_1;
mod remedies;
mod security;
mod systemd;
mod user;
