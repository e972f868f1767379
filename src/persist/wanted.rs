//! Which files say what is wanted.

use super::Wanted;
use crate::formats::{self, OPENING, Style};
use crate::model::limit::Resource;
use crate::model::setting::System;

/// A file that is to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where, relative to the root.
    pub path: String,
    /// All of its text.
    pub text: String,
}

/// Read last of all but what the administrator calls higher still, so that it wins (sysctl.d(5)).
pub(super) const SYSCTLS: &str = "etc/sysctl.d/99-tunectl.conf";
pub(super) const ATTRIBUTES: &str = "etc/tmpfiles.d/tunectl.conf";
pub(super) const MODULES: &str = "etc/modules-load.d/tunectl.conf";
pub(super) const LOGINS: &str = "etc/security/limits.d/99-tunectl.conf";
pub(super) const UNITS: &str = "etc/systemd/system";
pub(super) const DROP_IN: &str = "99-tunectl.conf";
pub(super) const JOBS: &str = "Library/LaunchDaemons";
pub(super) const LABEL: &str = "tunectl.";

/// Where the drop-in of a unit stands.
pub(super) fn drop_in(unit: &str) -> String {
    format!("{UNITS}/{unit}.d/{DROP_IN}")
}

/// The files for a system.
#[must_use]
pub fn files(wanted: &Wanted, system: System) -> Vec<File> {
    match system {
        System::Linux => linux(wanted),
        System::MacOs => macos(wanted),
    }
}

fn linux(wanted: &Wanted) -> Vec<File> {
    let mut files = Vec::new();
    let mut add = |path: &str, some: bool, body: &dyn Fn() -> String| {
        if some {
            let text = formats::seal("", Style::Hash, &wanted.profiles, wanted.hash, &body());
            files.push(File { path: path.to_owned(), text });
        }
    };
    add(MODULES, !wanted.modules.is_empty(), &|| formats::modules_load_d(&wanted.modules));
    add(SYSCTLS, !wanted.sysctls.is_empty(), &|| formats::sysctl_d(&wanted.sysctls));
    add(ATTRIBUTES, !wanted.attributes.is_empty(), &|| formats::tmpfiles_d(&wanted.attributes));
    add(LOGINS, !wanted.logins.is_empty(), &|| formats::limits_d(&wanted.logins));
    for (unit, limits) in &wanted.units {
        add(&drop_in(unit), !limits.is_empty(), &|| formats::drop_in(limits));
    }
    files
}

fn macos(wanted: &Wanted) -> Vec<File> {
    let mut files = Vec::new();
    let mut add = |name: &str, body: String| {
        let text = formats::seal(OPENING, Style::Xml, &wanted.profiles, wanted.hash, &body);
        files.push(File { path: format!("{JOBS}/{LABEL}{name}.plist"), text });
    };
    if !wanted.sysctls.is_empty() {
        add("sysctl", formats::launchd_sysctls("tunectl.sysctl", &wanted.sysctls));
    }
    for (resource, limits) in &wanted.limits {
        let name = match resource {
            Resource::Nofile => "maxfiles",
            Resource::Nproc => "maxproc",
            _ => continue,
        };
        add(name, formats::launchd_limit(&format!("{LABEL}{name}"), name, *limits));
    }
    files
}
