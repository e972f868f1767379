//! Files that other programs read at boot, at login and when they start a service. Pure: what is to be said comes in,
//! text goes out.
#![forbid(unsafe_code)]

mod launchd;
mod limits;
pub mod prometheus;
mod seal;
mod sysctl_d;
mod units;

pub use launchd::{OPENING, launchd_limit, launchd_sysctls};
pub use limits::{Login, limits_d};
pub use seal::{Seal, Style, hash, seal, sealed};
pub use sysctl_d::sysctl_d;
pub use units::{drop_in, modules_load_d, tmpfiles_d};

use crate::model::value::Value;

/// A setting that is to be there after the next boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// As its format names it: a sysctl as sysctl.d(5) does, an attribute by its path.
    pub name: String,
    /// The value.
    pub value: Value,
    /// What the profile asks for, for people: `at least 32768`.
    pub asked: String,
}
