//! launchd.plist(5): macOS reads no sysctl.conf, so what is to last is set by a job at boot.

use std::fmt::Write as _;

use super::Lasting;
use crate::model::limit::{Limit, Limits};

/// What has to stand before any comment.
pub const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";

/// A job that sets all of these sysctls.
#[must_use]
pub fn launchd_sysctls(label: &str, settings: &[Lasting]) -> String {
    let pairs = settings.iter().map(|setting| format!("{}={}", setting.name, setting.value));
    job(label, ["/usr/sbin/sysctl".to_owned()].into_iter().chain(pairs))
}

/// A job that sets what every process starts with: `launchctl limit` knows `maxfiles` and `maxproc`.
#[must_use]
pub fn launchd_limit(label: &str, name: &str, limits: Limits) -> String {
    let word = |limit: Limit| match limit {
        Limit::Value(value) => value.to_string(),
        Limit::Unlimited => "unlimited".to_owned(),
    };
    let words =
        ["/bin/launchctl".to_owned(), "limit".to_owned(), name.to_owned(), word(limits.soft), word(limits.hard)];
    job(label, words)
}

fn job(label: &str, words: impl IntoIterator<Item = String>) -> String {
    let mut text = String::from("<plist version=\"1.0\">\n<dict>\n");
    let _ = writeln!(text, "  <key>Label</key>\n  <string>{}</string>", escaped(label));
    text.push_str("  <key>ProgramArguments</key>\n  <array>\n");
    for word in words {
        let _ = writeln!(text, "    <string>{}</string>", escaped(&word));
    }
    text.push_str("  </array>\n  <key>RunAtLoad</key>\n  <true/>\n</dict>\n</plist>\n");
    text
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
