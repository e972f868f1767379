//! Runs of a load test: what its tester printed, what was seen meanwhile, and the runs themselves.

mod pace;
pub mod sampler;
mod seen;
mod service;
mod settings;
pub mod testers;
