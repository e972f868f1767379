//! What holds a load test back, made real: each limit in namespaces of its own, starved and beside it a control that has
//! enough. The starved run names exactly its code, the control none. Everything is on loopback or between two ends of a
//! veth pair, and takes seconds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test ends where it can't go on")]
#![cfg(target_os = "linux")]

#[path = "../support/mod.rs"]
mod support;

mod cgroups;
mod evidence;
mod pressure;
mod queues;
mod remedies;
mod runs;
mod scene;
mod sides;
mod waiting;
