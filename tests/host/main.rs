//! What keeps or follows the state of a real kernel: the Linux implementation of `Kernel`, the journal of `apply`, and
//! `tunectl watch`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod faults;
#[cfg(target_os = "linux")]
mod journal;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod laws;
#[cfg(target_os = "linux")]
mod replaced_files;
mod watch;
