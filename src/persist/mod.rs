//! What lasts beyond the boot: files that the system's own programs read. Everything stands beneath a root, usually
//! `/`.

use crate::formats::{self, Lasting};
use crate::model::limit::{Limits, Resource};

mod files;
mod limits;
mod others;
mod wanted;

pub use files::{Disk, PersistError, Written};
pub use limits::{Asked, logins, unit};
pub use others::{Winner, who_says, winners};
pub use wanted::{File, files};

/// Limits and settings that are to last.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Sysctls.
    pub sysctls: Vec<Lasting>,
    /// Attributes of sysfs, by their absolute path.
    pub attributes: Vec<Lasting>,
    /// Kernel modules that bring any of them.
    pub modules: Vec<&'static str>,
    /// What every process of macOS starts with.
    pub limits: Vec<(Resource, Limits)>,
    /// What logins get.
    pub logins: Vec<formats::Login>,
    /// Services, `nginx.service`, and what each gets.
    pub units: Vec<(String, Vec<(Resource, Limits)>)>,
    /// The profiles, as they were asked for.
    pub profiles: Vec<String>,
    /// The hash of their text.
    pub hash: u64,
}
