//! `run --init`: as PID 1 of a PID namespace, and as an ordinary process.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

mod children;
mod exits;
mod faults;
mod names;
mod rights;
mod service;
mod signals;
mod state;
mod terminal;
