//! `apply --persist` and `revert --persist`: the files, word for word, and what the programs make of them that read
//! them at boot, at login and when a service starts.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

mod files;
mod macos;
mod modules;
mod readers;
mod root;
mod told;
