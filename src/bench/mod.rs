//! Runs of a load test: what its tester printed, what was seen meanwhile, and the runs themselves.

pub mod capture;
pub mod child;
pub mod document;
pub mod messages;
mod pace;
pub mod runs;
pub mod sampler;
mod seen;
mod service;
mod settings;
pub mod statistics;
pub mod table;
pub mod testers;
