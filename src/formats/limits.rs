//! limits.conf(5): the limits of logins, which `pam_limits(8)` sets.

use std::fmt::Write as _;

use crate::model::limit::{Limit, Limits, Resource, Side};

/// The text of a file that sets these for everyone. A wildcard does not stand for root, who needs lines of his own.
#[must_use]
pub fn limits_d(limits: &[(Resource, Limits)]) -> String {
    let mut text = String::from("\n");
    for (resource, both) in limits {
        for side in [Side::Soft, Side::Hard] {
            match item(*resource, both.side(side)) {
                Ok((item, value)) => {
                    for domain in ["*", "root"] {
                        let _ = writeln!(text, "{domain:<4}  {}  {item:<10}  {value}", side.name());
                    }
                }
                Err(why) => {
                    let _ = writeln!(text, "# {resource} ({}) = {}: {why}", side.name(), both.side(side));
                }
            }
        }
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
        let both = |soft, hard| Limits { soft: Limit::Value(soft), hard };
        let text = limits_d(&[
            (Resource::Nofile, both(50000, Limit::Value(65000))),
            (Resource::Memlock, both(1025, Limit::Unlimited)),
            (Resource::Cpu, both(120, Limit::Unlimited)),
            (Resource::Nice, both(0, Limit::Value(40))),
            (Resource::Rttime, both(5, Limit::Unlimited)),
        ]);
        let roots: Vec<&str> = text.lines().filter(|line| !line.starts_with('*')).collect();
        let expected = [
            "",
            "root  soft  nofile      50000",
            "root  hard  nofile      65000",
            "root  soft  memlock     2",
            "root  hard  memlock     unlimited",
            "root  soft  cpu         2",
            "root  hard  cpu         unlimited",
            "root  soft  nice        20",
            "root  hard  nice        -20",
            "# rttime (soft) = 5: pam_limits has no word for it",
            "# rttime (hard) = unlimited: pam_limits has no word for it",
        ];
        assert_eq!(roots, expected);
        assert!(text.contains("*     soft  nofile      50000\n"), "{text}");
    }
}
