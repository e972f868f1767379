//! What lasts beyond the boot: files that the system's own programs read. Everything stands beneath a root, usually
//! `/`.

mod files;
mod others;
mod wanted;

pub use files::{Disk, Trouble, Written};
pub use others::{Winner, who_says, winners};
pub use wanted::{File, files};

/// Limits and settings that are to last.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Sysctls.
    pub sysctls: Vec<crate::formats::Lasting>,
    /// Attributes of sysfs, by their absolute path.
    pub attributes: Vec<crate::formats::Lasting>,
    /// Kernel modules that bring any of them.
    pub modules: Vec<&'static str>,
    /// Limits, both sides.
    pub limits: Vec<(crate::model::limit::Resource, crate::model::limit::Limits)>,
    /// The services that are to have the limits, `nginx.service`.
    pub units: Vec<String>,
    /// The profiles, as they were asked for.
    pub profiles: Vec<String>,
    /// The hash of their text.
    pub hash: u64,
}
