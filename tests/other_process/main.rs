//! `--pid`: a process in namespaces of its own, looked at and tuned by a tunectl that stands outside of them.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

mod ended;
mod kinds;
mod queues;
mod seen;
mod service;
mod tuned;
mod users;
