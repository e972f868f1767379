//! limits.conf(5): the resource limits of logins, which `pam_limits(8)` sets.

use std::fmt::Write as _;

use crate::model::limit::{Limit, Resource, Side};

/// A limit to write: its domain (`*` is everyone but root), the resource, the side and the value in the kernel's unit.
pub type LoginLimit = (&'static str, Resource, Side, Limit);

/// A line of such a file that sets a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The line's number, from 1.
    pub number: usize,
    /// Whom it is for: `ann`, `@users`, `*`.
    pub domain: &'a str,
    /// `soft`, `hard` or `-` for both.
    pub kind: &'a str,
    /// The limit, `nofile`.
    pub item: &'a str,
    /// The value, in the unit of limits.conf(5).
    pub value: &'a str,
}

impl Line<'_> {
    /// Whether it sets this side.
    #[must_use]
    pub fn sets(&self, side: Side) -> bool {
        self.kind == "-" || self.kind == side.name()
    }

    /// The resource that it sets; `None` for what is no resource limit, such as `maxlogins`.
    #[must_use]
    pub fn resource(&self) -> Option<Resource> {
        match self.item {
            "priority" | "maxlogins" | "maxsyslogins" | "nonewprivs" | "chroot" => None,
            item => Resource::parse(item).ok(),
        }
    }

    /// Its value in the kernel's unit; `None` where it is not understood.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        let resource = self.resource()?;
        if matches!(self.value, "unlimited" | "infinity" | "-1") {
            return Some(Limit::Unlimited);
        }
        if resource == Resource::Nice {
            // A nice value of -20 is a limit of 40, getrlimit(2).
            let limit = 20_i64.checked_sub(self.value.parse::<i64>().ok()?)?;
            return u64::try_from(limit).ok().map(Limit::Value);
        }
        Some(Limit::Value(self.value.parse::<u64>().ok()?.saturating_mul(unit(resource))))
    }
}

/// The lines that set a limit.
pub fn parse(text: &str) -> impl Iterator<Item = Line<'_>> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let fields: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        let [domain, kind, item, value] = fields.try_into().ok()?;
        Some(Line { number, domain, kind, item, value })
    })
}

/// A file that sets these.
#[must_use]
pub fn format(limits: &[LoginLimit]) -> String {
    let mut text = String::from("\n");
    for (domain, resource, side, limit) in limits {
        let _ = match value(*resource, *limit) {
            Some(value) => writeln!(text, "{domain:<4}  {}  {:<10}  {value}", side.name(), resource.name()),
            None => writeln!(text, "# {domain} {resource} ({}) = {limit}: pam_limits can't express it", side.name()),
        };
    }
    text
}

/// A limit in the unit of limits.conf(5), rounded up; `None` where it has no item for the resource. The nice value
/// itself, not how far it may be raised (`process_limit`, `pam_limits.c`).
fn value(resource: Resource, limit: Limit) -> Option<String> {
    match (resource, limit) {
        (Resource::Rttime, _) => None,
        (Resource::Nice, Limit::Value(value)) => Some((20 - i128::from(value.min(40))).to_string()),
        (Resource::Nice, Limit::Unlimited) => Some("-20".to_owned()),
        (_, Limit::Unlimited) => Some("unlimited".to_owned()),
        (_, Limit::Value(value)) => Some(value.div_ceil(unit(resource)).to_string()),
    }
}

/// How many of the kernel's units one of limits.conf(5) is: sizes are in KiB, processor time in minutes.
fn unit(resource: Resource) -> u64 {
    match resource {
        Resource::Cpu => 60,
        Resource::As
        | Resource::Core
        | Resource::Data
        | Resource::Fsize
        | Resource::Memlock
        | Resource::Rss
        | Resource::Stack => 1024,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_pam() {
        let limits = [
            ("root", Resource::Nofile, Side::Soft, Limit::Value(50000)),
            ("*", Resource::Nofile, Side::Hard, Limit::Value(65000)),
            ("root", Resource::Memlock, Side::Soft, Limit::Value(1025)),
            ("root", Resource::Memlock, Side::Hard, Limit::Unlimited),
            ("root", Resource::Cpu, Side::Soft, Limit::Value(120)),
            ("root", Resource::Nice, Side::Soft, Limit::Value(0)),
            ("root", Resource::Nice, Side::Hard, Limit::Value(40)),
            ("root", Resource::Rttime, Side::Soft, Limit::Value(5)),
        ];
        let text = format(&limits);
        let expected = [
            "",
            "root  soft  nofile      50000",
            "*     hard  nofile      65000",
            "root  soft  memlock     2",
            "root  hard  memlock     unlimited",
            "root  soft  cpu         2",
            "root  soft  nice        20",
            "root  hard  nice        -20",
            "# root rttime (soft) = 5: pam_limits can't express it",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
        let read: Vec<_> = parse(&text).map(|line| line.limit()).collect();
        let rounded = limits.map(|(_, resource, _, limit)| match (resource, limit) {
            (Resource::Memlock, Limit::Value(_)) => Some(Limit::Value(2048)),
            _ => Some(limit),
        });
        assert_eq!(read, rounded[..7]);
    }

    #[test]
    fn what_is_no_limit_is_left_out() {
        let text = "# x\nann - nofile 10 # both\n@adm hard\n* soft maxlogins 4\n* soft nofile many\n";
        let read: Vec<_> = parse(text).map(|line| (line.number, line.resource(), line.limit())).collect();
        let nofile = Some(Resource::Nofile);
        assert_eq!(read, [(2, nofile, Some(Limit::Value(10))), (4, None, None), (5, nofile, None)]);
    }
}
