//! Runs of a load test: what its tester printed, and the runs themselves.

pub mod testers;
