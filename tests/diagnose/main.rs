//! Every cause made real, by namespaces, mounts, capabilities and files, and every remedy followed to the letter:
//! afterwards `check` passes. What would change the whole machine is not followed here but in the machine tier, and
//! what takes a container engine in the container tier.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

mod causes;
mod config_files;
mod confined;
mod explain;
mod families;
mod key_cases;
mod keys;
mod landlock;
mod limits;
mod odd;
mod pasted;
mod scene;
#[path = "../support/mod.rs"]
mod support;
mod traps;
mod units;
mod untold;
mod value_cases;
