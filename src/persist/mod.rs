//! Settings that outlive the boot: files that the system's own programs read at boot, at login and when a service
//! starts. All files are below a root, usually `/`.

use crate::formats::Assignment;
use crate::formats::limits_conf::LoginLimit;
use crate::model::limit::{Limits, Resource};

mod contents;
mod files;
mod limits;
pub mod messages;
mod overriding;

pub use contents::{TargetFile, target_files};
pub use files::{FileOutcome, FileResult, LostSettings, PersistError, PersistRoot};
pub use limits::{LimitRequest, login_limits, unit_limits};
pub use overriding::{OverridingLine, ReadBy, line_that_sets, overriding_lines};

/// The limits and settings that are to outlive the boot.
#[derive(Clone, Debug, Default)]
pub struct PersistentSettings {
    /// Sysctls, for sysctl.d(5).
    pub sysctls: Vec<Assignment>,
    /// Attributes of sysfs, by their absolute path.
    pub attributes: Vec<Assignment>,
    /// Kernel modules that provide any of them.
    pub modules: Vec<&'static str>,
    /// The limits that every process of macOS starts with.
    pub limits: Vec<(Resource, Limits)>,
    /// The limits of logins.
    pub logins: Vec<LoginLimit>,
    /// Services, `nginx.service`, with the limits of each.
    pub units: Vec<(String, Vec<(Resource, Limits)>)>,
    /// The names of the profiles, as they were given.
    pub profiles: Vec<String>,
    /// The hash of the profiles' text.
    pub profile_hash: u64,
}
