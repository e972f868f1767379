//! Foreign file formats, one file each, with its reader and its writer. Pure: text and values come in, values and text
//! go out; which files a system has, and in which order they are read, is known elsewhere.
#![forbid(unsafe_code)]

pub mod checksum_header;
pub mod launchd;
pub mod limits_conf;
pub mod prometheus;
pub mod sysctl_d;
pub mod systemd;

use crate::model::value::Value;

/// A setting to write into a file, with a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// As the format names it: a sysctl as sysctl.d(5) does, an attribute of sysfs by its absolute path.
    pub name: String,
    /// The value to write.
    pub value: Value,
    /// What the profile asks for, for people: `at least 32768`.
    pub comment: String,
}
