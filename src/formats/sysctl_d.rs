//! sysctl.d(5): what systemd-sysctl(8) and `sysctl --system` set at boot.

use std::fmt::Write as _;

use super::Lasting;

/// The text of a file that sets all of these. An empty list can't be said: neither reader takes an empty value.
#[must_use]
pub fn sysctl_d(settings: &[Lasting]) -> String {
    let mut text = String::new();
    for setting in settings {
        let value = setting.value.to_string();
        let _ = if value.is_empty() {
            writeln!(text, "\n# {}: {}, which is an empty list", setting.name, setting.asked)
        } else {
            writeln!(text, "\n# {}\n{} = {value}", setting.asked, setting.name)
        };
    }
    text
}
