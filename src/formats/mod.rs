//! What other programs read. Pure: reports in, text out.
#![forbid(unsafe_code)]

pub mod prometheus;
