//! limits.conf(5): the limits of logins, which `pam_limits(8)` sets.

use std::fmt::Write as _;

use crate::model::limit::{Limit, Resource, Side};

/// A limit of a side, of those whom a domain stands for: `*` is everyone but root.
pub type Login = (&'static str, Resource, Side, Limit);

/// The text of a file that sets these.
#[must_use]
pub fn limits_d(limits: &[Login]) -> String {
    let mut text = String::from("\n");
    for (domain, resource, side, limit) in limits {
        let _ = match item(*resource, *limit) {
            Ok((item, value)) => writeln!(text, "{domain:<4}  {}  {item:<10}  {value}", side.name()),
            Err(why) => writeln!(text, "# {domain} {resource} ({}) = {limit}: {why}", side.name()),
        };
    }
    text
}

/// The item and its value: sizes in KiB, processor time in minutes, the nice value itself and not how far it may
/// go (`process_limit`, `pam_limits.c`). What does not divide goes to the next that allows as much.
fn item(resource: Resource, limit: Limit) -> Result<(&'static str, String), &'static str> {
    let divisor = match resource {
        Resource::Cpu => 60,
        Resource::Fsize
        | Resource::Data
        | Resource::Stack
        | Resource::Core
        | Resource::Rss
        | Resource::Memlock
        | Resource::As => 1024,
        Resource::Rttime => return Err("pam_limits has no word for it"),
        _ => 1,
    };
    let value = match (resource, limit) {
        (Resource::Nice, Limit::Value(value)) => (20 - i128::from(value.min(40))).to_string(),
        (Resource::Nice, Limit::Unlimited) => "-20".to_owned(),
        (_, Limit::Unlimited) => "unlimited".to_owned(),
        (_, Limit::Value(value)) => value.div_ceil(divisor).to_string(),
    };
    Ok((resource.name(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_pam() {
        let text = limits_d(&[
            ("root", Resource::Nofile, Side::Soft, Limit::Value(50000)),
            ("*", Resource::Nofile, Side::Hard, Limit::Value(65000)),
            ("root", Resource::Memlock, Side::Soft, Limit::Value(1025)),
            ("root", Resource::Memlock, Side::Hard, Limit::Unlimited),
            ("root", Resource::Cpu, Side::Soft, Limit::Value(120)),
            ("root", Resource::Nice, Side::Soft, Limit::Value(0)),
            ("root", Resource::Nice, Side::Hard, Limit::Value(40)),
            ("root", Resource::Rttime, Side::Soft, Limit::Value(5)),
        ]);
        let expected = [
            "",
            "root  soft  nofile      50000",
            "*     hard  nofile      65000",
            "root  soft  memlock     2",
            "root  hard  memlock     unlimited",
            "root  soft  cpu         2",
            "root  soft  nice        20",
            "root  hard  nice        -20",
            "# root rttime (soft) = 5: pam_limits has no word for it",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }
}
