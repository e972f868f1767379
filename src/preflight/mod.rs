//! What a load test needs before it runs.

pub mod load;
