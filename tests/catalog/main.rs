//! The catalog: its rows by themselves, its kernel versions, and both against the kernel that runs here.
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod kernel;
mod rows;
mod versions;
