//! What systemd reads: drop-ins of services (systemd.unit(5)), modules-load.d(5) and tmpfiles.d(5).

use std::fmt::Write as _;

use super::Lasting;
use crate::model::limit::{Limit, Limits, Resource};

/// A drop-in that gives a service these limits: in bytes, seconds and microseconds, as the kernel has them
/// (systemd.exec(5)).
#[must_use]
pub fn drop_in(limits: &[(Resource, Limits)]) -> String {
    let mut text = String::from("\n[Service]\n");
    for (resource, Limits { soft, hard }) in limits {
        let word = |limit: &Limit| match limit {
            Limit::Value(value) => value.to_string(),
            Limit::Unlimited => "infinity".to_owned(),
        };
        let _ = writeln!(text, "Limit{}={}:{}", resource.name().to_ascii_uppercase(), word(soft), word(hard));
    }
    text
}

/// Modules that bring keys: loaded before sysctls are set.
#[must_use]
pub fn modules_load_d(modules: &[&str]) -> String {
    let mut text = String::from("\n");
    for module in modules {
        let _ = writeln!(text, "{module}");
    }
    text
}

/// Attributes of sysfs, each written into its file at boot.
#[must_use]
pub fn tmpfiles_d(settings: &[Lasting]) -> String {
    let mut text = String::new();
    for setting in settings {
        // A percent sign begins a specifier.
        let value = setting.value.to_string().replace('%', "%%");
        let _ = writeln!(text, "\n# {}\nw {} - - - - {value}", setting.asked, setting.name.replace('%', "%%"));
    }
    text
}
