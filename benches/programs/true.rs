//! The service of the benchmarks: it does nothing, so that what is measured is what comes before it.

fn main() {}
