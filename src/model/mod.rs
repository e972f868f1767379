//! The vocabulary: names, values, limits, amounts and expectations. Pure, and beneath everything else.
#![forbid(unsafe_code)]

pub mod amount;
pub mod capability;
pub mod duration;
pub mod expectation;
pub mod limit;
pub mod name;
pub mod order;
pub mod ranges;
pub mod run;
pub mod setting;
pub mod signal;
pub mod suggest;
pub mod value;
