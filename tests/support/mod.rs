//! What the tests of several tiers share: running tunectl, namespaces of one's own, and reading the kernel's own
//! files, so that nothing is believed only because tunectl says so.
#![allow(dead_code, reason = "each test crate uses its own part of this")]

pub(crate) mod example;
pub(crate) mod expected;
pub(crate) mod kernel;
pub(crate) mod namespaces;
pub(crate) mod pattern;
pub(crate) mod random;
pub(crate) mod scratch;
pub(crate) mod stepper;
pub(crate) mod test;
pub(crate) mod world;
