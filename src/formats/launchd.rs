//! launchd.plist(5): macOS reads no sysctl.conf, so settings that are to outlive a boot are set by a job at boot.

use std::fmt::Write as _;

use super::Assignment;
use crate::model::limit::{Limit, Limits};

/// What has to be before any comment.
pub const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n";

/// A job that sets all of these sysctls.
#[must_use]
pub fn sysctl_job(label: &str, settings: &[Assignment]) -> String {
    let pairs = settings.iter().map(|setting| format!("{}={}", setting.name, setting.value));
    job(label, ["/usr/sbin/sysctl".to_owned()].into_iter().chain(pairs))
}

/// A job that sets a limit that every process starts with; `name` is that of `launchctl limit`, `maxfiles` or `maxproc`.
#[must_use]
pub fn limit_job(label: &str, name: &str, limits: Limits) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_value_is_escaped() {
        let text = job("a<b", ["x&y".to_owned()]);
        assert!(text.contains("<string>a&lt;b</string>") && text.contains("<string>x&amp;y</string>"), "{text}");
    }
}
