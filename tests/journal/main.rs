//! The journal of `apply`, and `tunectl revert`: on real keys in namespaces of the tests' own, killed at every
//! system call, and on the kernel in memory for what belongs to the whole machine.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod doubt;
#[cfg(target_os = "linux")]
mod kills;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(target_os = "linux")]
mod undo;
