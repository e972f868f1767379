//! The vocabulary: names, values, limits, amounts, expectations and options of the service. Pure.
#![forbid(unsafe_code)]

pub mod amount;
pub mod capability;
pub mod duration;
pub mod expectation;
pub mod limit;
pub mod name;
pub mod preflight;
pub mod ranges;
pub mod run;
pub mod setting;
pub mod signal;
pub mod suggest;
pub mod value;
