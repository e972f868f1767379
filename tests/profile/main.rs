//! Profiles: what they mean, what is refused, what is warned of, and the ones that are built in.
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]

#[path = "../support/mod.rs"]
mod support;

mod builtin;
mod files;
mod hostile;
mod laws;
mod lint;
mod meaning;
mod refusals;
mod refused_values;
mod store;
mod warnings;
