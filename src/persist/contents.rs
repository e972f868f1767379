//! The files that are to be there, and their text.

use super::PersistentSettings;
use crate::formats::checksum_header::{CommentStyle, with_header};
use crate::formats::{launchd, limits_conf, sysctl_d, systemd};
use crate::model::limit::Resource;
use crate::model::setting::System;

/// A file that is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetFile {
    /// Its path, relative to the root.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// Read after all other files but those that the administrator names higher still, so that it has the last word
/// (sysctl.d(5)).
pub(super) const SYSCTLS: &str = "etc/sysctl.d/99-tunectl.conf";
pub(super) const ATTRIBUTES: &str = "etc/tmpfiles.d/tunectl.conf";
pub(super) const MODULES: &str = "etc/modules-load.d/tunectl.conf";
pub(super) const LOGINS: &str = "etc/security/limits.d/99-tunectl.conf";
pub(super) const UNITS: &str = "etc/systemd/system";
pub(super) const DROP_IN: &str = "99-tunectl.conf";
pub(super) const JOBS: &str = "Library/LaunchDaemons";
pub(super) const LABEL: &str = "tunectl.";

/// The path of the drop-in of a unit.
pub(super) fn drop_in(unit: &str) -> String {
    format!("{UNITS}/{unit}.d/{DROP_IN}")
}

/// The files of a system.
#[must_use]
pub fn target_files(settings: &PersistentSettings, system: System) -> Vec<TargetFile> {
    match system {
        System::Linux => linux(settings),
        System::MacOs => macos(settings),
    }
}

fn linux(settings: &PersistentSettings) -> Vec<TargetFile> {
    let mut files = Vec::new();
    let mut add = |path: &str, is_empty: bool, body: &dyn Fn() -> String| {
        if !is_empty {
            let text = with_header("", CommentStyle::Hash, &settings.profiles, settings.profile_hash, &body());
            files.push(TargetFile { path: path.to_owned(), text });
        }
    };
    add(MODULES, settings.modules.is_empty(), &|| systemd::modules_load_d(&settings.modules));
    add(SYSCTLS, settings.sysctls.is_empty(), &|| sysctl_d::format(&settings.sysctls));
    add(ATTRIBUTES, settings.attributes.is_empty(), &|| systemd::tmpfiles_d(&settings.attributes));
    add(LOGINS, settings.logins.is_empty(), &|| limits_conf::format(&settings.logins));
    for (unit, limits) in &settings.units {
        add(&drop_in(unit), limits.is_empty(), &|| systemd::drop_in(limits));
    }
    files
}

fn macos(settings: &PersistentSettings) -> Vec<TargetFile> {
    let mut files = Vec::new();
    let mut add = |name: &str, body: String| {
        let (profiles, hash) = (&settings.profiles, settings.profile_hash);
        let text = with_header(launchd::OPENING, CommentStyle::Xml, profiles, hash, &body);
        files.push(TargetFile { path: format!("{JOBS}/{LABEL}{name}.plist"), text });
    };
    if !settings.sysctls.is_empty() {
        add("sysctl", launchd::sysctl_job("tunectl.sysctl", &settings.sysctls));
    }
    for (resource, limits) in &settings.limits {
        let name = match resource {
            Resource::Nofile => "maxfiles",
            Resource::Nproc => "maxproc",
            _ => continue,
        };
        add(name, launchd::limit_job(&format!("{LABEL}{name}"), name, *limits));
    }
    files
}
