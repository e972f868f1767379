//! Names of settings: sysctls as sysctl.d(5) writes them, and sysfs attributes.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;

/// The name of a sysctl, or a pattern of names (`net.ipv4.conf.*.rp_filter`).
///
/// Kept as the path below `/proc/sys` (`net/ipv4/conf/eth0.100/rp_filter`), shown as sysctl.d(5) writes
/// it: dots between components, and a slash for a dot inside one (`net.ipv4.conf.eth0/100.rp_filter`).
/// No value of this type can lead out of `/proc/sys`: components are never empty, `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SysctlName {
    /// Shared, since requirement, step, outcome and journal all keep it.
    path: Rc<str>,
    /// Kept beside the path: `a*b` is a pattern in a profile, but may also be the name of an interface that exists.
    is_pattern: bool,
}

/// The longest file name that Linux knows, in bytes (`NAME_MAX`, limits.h(0p)).
const COMPONENT_BYTES: usize = 255;

impl SysctlName {
    /// Reads a name by the rule of sysctl.d(5): the first separator decides. If it is a slash, slashes
    /// separate and dots belong to the name; if it is a dot, dots separate and a slash stands for a dot.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with the name.
    pub fn parse(text: &str) -> Result<Self, String> {
        let separator = text.bytes().find(|byte| matches!(byte, b'.' | b'/'));
        let path = if separator == Some(b'.') { Cow::Owned(swap(text)) } else { Cow::Borrowed(text) };
        Self::from_path(&path, text)
    }

    /// Makes a name from its components, such as the nested keys of a TOML table.
    /// A slash inside a component stands for a dot, as in sysctl.d(5).
    ///
    /// # Errors
    /// Says in one sentence what is wrong with the name.
    pub fn from_components<'a>(components: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let parts: Vec<String> = components.into_iter().map(|part| part.replace('/', ".")).collect();
        Self::from_path(&parts.join("/"), &parts.join("."))
    }

    /// The name of a setting that exists, from its path below `/proc/sys`; `None` where the path leads elsewhere. Never
    /// a pattern: network interfaces may be called `a*b`, `x=y` or `it's` (`dev_valid_name`, net/core/dev.c).
    #[must_use]
    pub fn existing(path: &str) -> Option<Self> {
        let is_name = |part: &str| !matches!(part, "" | "." | "..");
        path.split('/').all(is_name).then(|| Self::known(path, false))
    }

    fn from_path(path: &str, as_typed: &str) -> Result<Self, String> {
        if path.starts_with('/') {
            return Err(format!(
                "`{as_typed}` is not a sysctl name: it must be relative to /proc/sys, as in `net.core.somaxconn`"
            ));
        }
        for component in path.split('/') {
            check_component(component, as_typed, "a sysctl name")?;
        }
        Ok(Self::known(path, path.bytes().any(|byte| matches!(byte, b'*' | b'?' | b'['))))
    }

    fn known(path: &str, is_pattern: bool) -> Self {
        Self { path: path.into(), is_pattern }
    }

    /// The path below `/proc/sys`, such as `net/ipv4/conf/eth0.100/rp_filter`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The name as sysctl.d(5) writes it, such as `net.ipv4.conf.eth0/100.rp_filter`.
    #[must_use]
    pub fn dotted(&self) -> String {
        swap(&self.path)
    }

    /// The parts of the name, outermost first.
    #[must_use]
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.path.split('/')
    }

    /// Whether the name is a pattern of names, with `*`, `?` or `[…]` as in glob(7).
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.is_pattern
    }

    /// Whether this pattern matches `name`. Wildcards never match a separator.
    #[must_use]
    pub fn matches(&self, name: &Self) -> bool {
        let (mut ours, mut theirs) = (self.components(), name.components());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(pattern), Some(text)) if wildcard_matches(pattern, text) => {}
                _ => return false,
            }
        }
    }
}

impl fmt::Display for SysctlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.dotted())
    }
}

/// The path of an attribute below `/sys`, such as `kernel/mm/transparent_hugepage/enabled`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SysfsName {
    path: Rc<str>,
}

impl SysfsName {
    /// Reads a path relative to `/sys`.
    ///
    /// # Errors
    /// Says in one sentence what is wrong with the path.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with('/') {
            return Err(format!(
                "`{text}` is not a sysfs attribute: it must be relative to /sys, as in `kernel/mm/ksm/run`"
            ));
        }
        for component in text.split('/') {
            check_component(component, text, "a sysfs attribute")?;
        }
        Ok(Self { path: text.into() })
    }

    /// The path below `/sys`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for SysfsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.path)
    }
}

/// Dots for slashes and slashes for dots.
fn swap(text: &str) -> String {
    let mut swapped = text.as_bytes().to_vec();
    for byte in &mut swapped {
        *byte = match *byte {
            b'.' => b'/',
            b'/' => b'.',
            other => other,
        };
    }
    // One byte of ASCII for another: it is text still.
    String::from_utf8(swapped).unwrap_or_default()
}

fn check_component(component: &str, whole: &str, what: &str) -> Result<(), String> {
    let reason = if component.is_empty() {
        "it has an empty component"
    } else if component == "." || component == ".." {
        "`.` and `..` are not allowed as components"
    } else if component.len() > COMPONENT_BYTES {
        "a component is longer than 255 bytes"
    } else if component.chars().any(|c| matches!(c, '"' | '\'' | '=') || c.is_control() || c.is_whitespace()) {
        "it contains a blank, a quote, an equals sign or a control character"
    } else {
        return Ok(());
    };
    Err(format!("`{}` is not {what}: {reason}", whole.escape_debug()))
}

/// glob(7) for one component: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`.
fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // Where the last star stood and what it had taken by then: the one place to go back to. This keeps
    // the work linear in practice, and bounded by the product of the lengths for a hostile pattern.
    let mut last_star: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            last_star = Some((p, t));
            p += 1;
        } else if let Some(next) = one_matches(&pattern, p, text[t]) {
            p = next;
            t += 1;
        } else if let Some((star, taken)) = last_star {
            last_star = Some((star, taken + 1));
            p = star + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p.min(pattern.len())..].iter().all(|c| *c == '*')
}

/// If the pattern's piece at `at` matches `c`, the position behind that piece.
fn one_matches(pattern: &[char], at: usize, c: char) -> Option<usize> {
    match pattern.get(at)? {
        '?' => Some(at + 1),
        '[' => {
            let negated = matches!(pattern.get(at + 1), Some('!' | '^'));
            let first = at + 1 + usize::from(negated);
            // A `]` right behind the opening is itself a member, glob(7).
            let close = (first + 1..pattern.len()).find(|i| pattern[*i] == ']')?;
            (set_holds(&pattern[first..close], c) != negated).then_some(close + 1)
        }
        literal => (*literal == c).then_some(at + 1),
    }
}

fn set_holds(set: &[char], c: char) -> bool {
    let mut i = 0;
    while i < set.len() {
        if i + 2 < set.len() && set[i + 1] == '-' {
            if (set[i]..=set[i + 2]).contains(&c) {
                return true;
            }
            i += 3;
        } else if set[i] == c {
            return true;
        } else {
            i += 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_separator_decides() {
        for (typed, path, shown) in [
            ("net.core.somaxconn", "net/core/somaxconn", "net.core.somaxconn"),
            ("net/core/somaxconn", "net/core/somaxconn", "net.core.somaxconn"),
            (
                "net.ipv4.conf.eth0/100.rp_filter",
                "net/ipv4/conf/eth0.100/rp_filter",
                "net.ipv4.conf.eth0/100.rp_filter",
            ),
            (
                "net/ipv4/conf/eth0.100/rp_filter",
                "net/ipv4/conf/eth0.100/rp_filter",
                "net.ipv4.conf.eth0/100.rp_filter",
            ),
            (
                "net.bridge.bridge-nf-call-iptables",
                "net/bridge/bridge-nf-call-iptables",
                "net.bridge.bridge-nf-call-iptables",
            ),
        ] {
            let name = SysctlName::parse(typed).unwrap();
            assert_eq!((name.path(), name.to_string().as_str()), (path, shown), "{typed}");
        }
    }

    #[test]
    fn nested_components_keep_their_dots() {
        let name = SysctlName::from_components(["net", "ipv4", "conf", "eth0.100", "rp_filter"]).unwrap();
        assert_eq!(name.path(), "net/ipv4/conf/eth0.100/rp_filter");
        assert_eq!(SysctlName::from_components(["net", "ipv4", "conf", "eth0/100", "rp_filter"]).unwrap(), name);
    }

    #[test]
    fn nothing_leads_out_of_proc_sys() {
        for bad in [
            "",
            ".",
            "..",
            "/net/core",
            "../etc",
            "net/../../etc",
            "net..core",
            "net.core.",
            ".net",
            "net/./core",
            "net core",
            "net.core\n",
            "net.core=1",
            "\"net\"",
            "a\0b",
            "net/..",
        ] {
            assert!(SysctlName::parse(bad).is_err(), "{bad:?} was taken");
        }
        // With a dot first, `/` stands for a dot inside a component: a file called `...`, which does not exist.
        assert_eq!(SysctlName::parse("a.//b").unwrap().path(), "a/..b");
        assert!(SysctlName::parse("a.//").is_err());
        assert!(SysfsName::parse("/kernel").is_err());
        assert!(SysfsName::parse("kernel/../..").is_err());
    }

    #[test]
    fn what_exists_is_no_pattern_and_leads_nowhere_else() {
        let odd = SysctlName::existing("net/ipv4/conf/a*b/rp_filter").unwrap();
        assert!(!odd.is_pattern());
        assert_ne!(odd, SysctlName::parse("net/ipv4/conf/a*b/rp_filter").unwrap());
        assert!(SysctlName::parse("net.ipv4.conf.*.rp_filter").unwrap().matches(&odd));
        assert_eq!(SysctlName::existing("net/core/somaxconn"), SysctlName::parse("net.core.somaxconn").ok());
        for bad in ["", "/net", "net/", "net//core", "net/../core", "./net"] {
            assert_eq!(SysctlName::existing(bad), None, "{bad}");
        }
    }

    #[test]
    fn patterns_stay_inside_a_component() {
        let all = SysctlName::parse("net.ipv4.conf.*.rp_filter").unwrap();
        assert!(all.is_pattern());
        assert!(all.matches(&SysctlName::parse("net/ipv4/conf/eth0.100/rp_filter").unwrap()));
        assert!(!all.matches(&SysctlName::parse("net.ipv4.conf.a.b.rp_filter").unwrap()));
        for (pattern, text, expected) in [
            ("eth?", "eth0", true),
            ("eth?", "eth10", false),
            ("e*0", "eth0", true),
            ("e*0", "eth01", false),
            ("[a-e]th[!1]", "eth0", true),
            ("[a-e]th[!1]", "eth1", false),
            ("*", "", true),
            ("**a**b", "xxaxxb", true),
            ("[", "[", false),
        ] {
            assert_eq!(wildcard_matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
