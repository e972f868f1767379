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
const ATTRIBUTES: &str = "etc/tmpfiles.d/tunectl.conf";
const MODULES: &str = "etc/modules-load.d/tunectl.conf";
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

/// A file of Linux that is always at the same path.
pub(super) struct FixedFile {
    /// Its path, relative to the root.
    pub(super) path: &'static str,
    /// Its text without the header, if any of the settings goes there.
    body: fn(&PersistentSettings) -> Option<String>,
}

/// All of them. A new one is a row here, and the format's file in `formats`.
pub(super) const FIXED: &[FixedFile] = &[
    FixedFile { path: MODULES, body: |its| some(&its.modules).map(systemd::modules_load_d) },
    FixedFile { path: SYSCTLS, body: |its| some(&its.sysctls).map(sysctl_d::format) },
    FixedFile { path: ATTRIBUTES, body: |its| some(&its.attributes).map(systemd::tmpfiles_d) },
    FixedFile { path: LOGINS, body: |its| some(&its.logins).map(limits_conf::format) },
];

fn some<T>(list: &[T]) -> Option<&[T]> {
    Some(list).filter(|list| !list.is_empty())
}

fn linux(settings: &PersistentSettings) -> Vec<TargetFile> {
    let fixed = FIXED.iter().map(|file| (file.path.to_owned(), (file.body)(settings)));
    let of_unit = |(unit, limits): &(String, Vec<_>)| (drop_in(unit), some(limits).map(systemd::drop_in));
    let bodies = fixed.chain(settings.units.iter().map(of_unit));
    bodies
        .filter_map(|(path, body)| {
            let text = with_header("", CommentStyle::Hash, &settings.profiles, settings.profile_hash, &body?);
            Some(TargetFile { path, text })
        })
        .collect()
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
