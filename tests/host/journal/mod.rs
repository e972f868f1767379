//! The journal of `apply`, and `tunectl revert`: on real keys in namespaces of the tests' own, killed at every
//! system call, and on the kernel in memory for what belongs to the whole machine.

mod bytes;
mod doubt;
pub(crate) mod kills;
mod locations;
mod memory;
mod run;
mod signals;
mod undo;
mod unknown;
