//! Files of systemd: units and their drop-ins (systemd.unit(5)), modules-load.d(5) and tmpfiles.d(5).

use std::fmt::Write as _;

use super::Assignment;
use crate::model::limit::{Limit, Limits, Resource, Side};

/// An assignment in a unit or a drop-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Directive<'a> {
    /// The line's number, from 1.
    pub number: usize,
    /// Its name, `LimitNOFILE`.
    pub name: &'a str,
    /// Its value, `1024:65536`.
    pub value: &'a str,
}

/// The assignments of a unit or a drop-in, whatever their section.
pub fn parse(text: &str) -> impl Iterator<Item = Directive<'_>> {
    (1..).zip(text.lines()).filter_map(|(number, line)| {
        let (name, value) = line.split_once('=')?;
        Some(Directive { number, name: name.trim(), value: value.trim() })
    })
}

/// One side of the value of a `LimitNOFILE=` or the like, systemd.exec(5): `65536`, `1024:65536`, `infinity`, `64M`.
/// Suffixes are understood for sizes in bytes only.
#[must_use]
pub fn parse_limit(resource: Resource, side: Side, value: &str) -> Option<Limit> {
    let (soft, hard) = value.split_once(':').unwrap_or((value, value));
    let text = match side {
        Side::Soft => soft,
        Side::Hard => hard,
    };
    if text == "infinity" {
        return Some(Limit::Unlimited);
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match &text[digits.len()..] {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    let counted = matches!(resource, Resource::Nofile | Resource::Nproc | Resource::Locks | Resource::Sigpending);
    let number = digits.parse::<u64>().ok().filter(|_| factor == 1 || !counted)?;
    number.checked_mul(factor).map(Limit::Value)
}

/// A drop-in that gives a service these limits, in bytes, seconds and microseconds as the kernel has them.
#[must_use]
pub fn drop_in(limits: &[(Resource, Limits)]) -> String {
    let mut text = String::from("\n[Service]\n");
    for (resource, Limits { soft, hard }) in limits {
        let word = |limit: &Limit| match limit {
            Limit::Value(value) => value.to_string(),
            Limit::Unlimited => "infinity".to_owned(),
        };
        let _ = writeln!(text, "{}={}:{}", directive("Limit", *resource), word(soft), word(hard));
    }
    text
}

/// The name of a limit's directive, `LimitNOFILE` or `DefaultLimitNOFILE`.
#[must_use]
pub fn directive(prefix: &str, resource: Resource) -> String {
    format!("{prefix}{}", resource.name().to_ascii_uppercase())
}

/// A file of modules-load.d(5): modules that bring keys, loaded before sysctls are set.
#[must_use]
pub fn modules_load_d(modules: &[&str]) -> String {
    let mut text = String::from("\n");
    for module in modules {
        let _ = writeln!(text, "{module}");
    }
    text
}

/// A file of tmpfiles.d(5) that writes attributes of sysfs at boot.
#[must_use]
pub fn tmpfiles_d(settings: &[Assignment]) -> String {
    let mut text = String::new();
    for Assignment { name, value, comment } in settings {
        // A percent sign begins a specifier.
        let escaped = |text: &str| text.replace('%', "%%");
        let _ = writeln!(text, "\n# {comment}\nw {} - - - - {}", escaped(name), escaped(&value.to_string()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        let limits = Limits { soft: Limit::Value(1024), hard: Limit::Unlimited };
        let text = drop_in(&[(Resource::Nofile, limits), (Resource::As, limits)]);
        let read: Vec<_> = parse(&text).map(|directive| (directive.number, directive.name, directive.value)).collect();
        assert_eq!(read, [(3, "LimitNOFILE", "1024:infinity"), (4, "LimitAS", "1024:infinity")]);
        let sides = [Side::Soft, Side::Hard].map(|side| parse_limit(Resource::Nofile, side, "1024:infinity"));
        assert_eq!(sides, [Some(limits.soft), Some(limits.hard)]);
    }

    #[test]
    fn a_size_may_have_a_suffix_and_a_count_may_not() {
        let soft = |resource, text| parse_limit(resource, Side::Soft, text);
        assert_eq!(soft(Resource::Memlock, "64M"), Some(Limit::Value(64 << 20)));
        for (resource, text) in
            [(Resource::Nofile, "64K"), (Resource::As, "64T"), (Resource::As, ""), (Resource::As, "x")]
        {
            assert_eq!(soft(resource, text), None, "{text}");
        }
    }
}
