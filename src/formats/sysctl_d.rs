//! sysctl.d(5): what systemd-sysctl(8) and `sysctl --system` set at boot.

use std::fmt::Write as _;

use super::{Assignment, Lasting};
use crate::model::name::SysctlName;

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

/// The lines of such a file that set something. What neither reader would understand is left out, as they do.
#[must_use]
pub fn sysctl_d_lines(text: &str) -> Vec<Assignment> {
    let assignment = |(at, line): (usize, &str)| {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        let (name, value) = line.split_once('=')?;
        // A leading dash says that a failure is of no matter.
        let name = SysctlName::parse(name.trim().trim_start_matches('-')).ok()?;
        Some(Assignment { line: at + 1, name: name.to_string(), value: value.trim().to_owned() })
    };
    text.lines().enumerate().filter_map(assignment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_their_readers_do() {
        let text = "# a\n;b = 1\n\n-net/core/somaxconn=5\n net.ipv4.conf.eth0/1.rp_filter =  0 1 \n-net.x\nx y = 1\n";
        let found: Vec<String> =
            sysctl_d_lines(text).iter().map(|found| format!("{} {} {}", found.line, found.name, found.value)).collect();
        assert_eq!(found, ["4 net.core.somaxconn 5", "5 net.ipv4.conf.eth0/1.rp_filter 0 1"]);
    }
}
