//! The command line as people and scripts use it: what it prints, its exit codes, and what the kernel's own files
//! say afterwards. What is written is written in namespaces of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

mod agreement;
#[cfg(target_os = "linux")]
mod apply;
#[cfg(target_os = "linux")]
mod check;
mod computed;
mod empty_profiles;
#[cfg(target_os = "linux")]
mod failed_start;
#[cfg(target_os = "linux")]
mod few_descriptors;
#[cfg(target_os = "linux")]
mod hostile_names;
#[cfg(target_os = "linux")]
mod input;
#[cfg(target_os = "linux")]
mod limits;
mod macos;
mod memory;
#[cfg(target_os = "linux")]
mod messages;
#[cfg(target_os = "linux")]
mod other_process;
#[cfg(target_os = "linux")]
mod persist;
mod preflight;
mod profiles;
#[cfg(target_os = "linux")]
mod rights;
#[cfg(target_os = "linux")]
mod run;
mod scale;
mod services;
mod shapes;
mod table;
#[cfg(target_os = "linux")]
mod together;
#[cfg(target_os = "linux")]
mod values;
mod words;
#[cfg(target_os = "linux")]
mod writes;
