//! `tunectl watch`: what it tells, what it puts back, and that it stays as small as it was.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod daemon;
mod journal;
#[cfg(target_os = "linux")]
mod mac;
#[cfg(target_os = "linux")]
mod manager;
mod memory;
#[cfg(target_os = "linux")]
mod notices;
mod once;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod watched;
