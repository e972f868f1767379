//! sysctl.d(5): the settings that systemd-sysctl(8) and `sysctl --system` write at boot.

use std::fmt::Write as _;

use super::Assignment;
use crate::model::name::SysctlName;

/// One line of such a file that sets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line's number, from 1.
    pub number: usize,
    /// The name or the pattern that it sets.
    pub name: SysctlName,
    /// The value; `None` for `-name`, which excludes the name from what patterns set.
    pub value: Option<String>,
}

/// The lines that set something. Comments, and lines that neither reader understands, are left out.
#[must_use]
pub fn parse(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        // `-name = value` is a value whose failure is ignored, `-name` alone an exclusion.
        let (optional, line) = line.strip_prefix('-').map_or((false, line), |rest| (true, rest));
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.trim().to_owned())),
            None if optional => (line, None),
            None => continue,
        };
        if let Ok(name) = SysctlName::parse(name.trim()) {
            lines.push(Line { number, name, value });
        }
    }
    lines
}

/// A file that sets all of these. An empty list becomes a comment: neither reader accepts an empty value.
#[must_use]
pub fn format(settings: &[Assignment]) -> String {
    let mut text = String::new();
    for Assignment { name, value, comment } in settings {
        let value = value.to_string();
        let _ = if value.is_empty() {
            writeln!(text, "\n# {name}: {comment}, which is an empty list")
        } else {
            writeln!(text, "\n# {comment}\n{name} = {value}")
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::Value;

    #[test]
    fn what_is_written_is_read_again() {
        let setting = |name: &str, value| Assignment { name: name.to_owned(), value, comment: "at least 1".to_owned() };
        let text = format(&[
            setting("net.ipv4.conf.eth0/1.rp_filter", Value::Number(2)),
            setting("net.ipv4.ip_local_reserved_ports", Value::text("")),
            setting("net.ipv4.tcp_rmem", Value::Numbers(vec![1, 2, 3])),
        ]);
        let lines: Vec<_> =
            parse(&text).into_iter().map(|line| (line.number, line.name.to_string(), line.value)).collect();
        let line = |number, name: &str, value: &str| (number, name.to_owned(), Some(value.to_owned()));
        assert_eq!(lines, [line(3, "net.ipv4.conf.eth0/1.rp_filter", "2"), line(8, "net.ipv4.tcp_rmem", "1 2 3")]);
    }

    #[test]
    fn a_dash_makes_a_value_optional_or_excludes_a_name() {
        let text = "; comment\n-vm.swappiness = 1\n-net.ipv4.conf.lo.rp_filter\nnonsense\n=\nvm/swappiness=2\n";
        let lines: Vec<_> = parse(text).into_iter().map(|line| (line.number, line.value)).collect();
        assert_eq!(lines, [(2, Some("1".to_owned())), (3, None), (6, Some("2".to_owned()))]);
    }
}
