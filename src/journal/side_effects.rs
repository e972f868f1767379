//! The settings that the kernel changes by itself when another one is written: they have to be restored as well.
#![forbid(unsafe_code)]

use crate::model::name::SysctlName;
use crate::model::setting::Key;

/// Pairs of which one is zero: writing one sets the other to zero (mm/page-writeback.c, mm/util.c). In the first two
/// pairs, zero can't be written to the first key: it is restored by writing the second.
const PAIRS: [(&str, &str); 3] = [
    ("vm/dirty_bytes", "vm/dirty_ratio"),
    ("vm/dirty_background_bytes", "vm/dirty_background_ratio"),
    ("vm/overcommit_kbytes", "vm/overcommit_ratio"),
];

/// Set by IPv4 forwarding: `inet_forward_change` and `devinet_sysctl_forward`, net/ipv4/devinet.c.
const FORWARDING: [&str; 3] =
    ["net.ipv4.ip_forward", "net.ipv4.conf.*.forwarding", "net.ipv4.conf.all.accept_redirects"];

/// Keys of `net.ipv6.conf.all` that set the key of the same name of every interface: net/ipv6/addrconf.c.
const SET_ON_EVERY_INTERFACE: [&str; 4] =
    ["forwarding", "disable_ipv6", "ignore_routes_with_linkdown", "addr_gen_mode"];

/// The other key of a pair of which one is zero.
#[must_use]
pub(super) fn partner(key: &Key) -> Option<Key> {
    let Key::Sysctl(name) = key else { return None };
    let other = PAIRS.iter().find_map(|(one, other)| match name.path() {
        path if path == *one => Some(other),
        path if path == *other => Some(one),
        _ => None,
    })?;
    SysctlName::parse(other).ok().map(Key::Sysctl)
}

/// Patterns of the keys that the kernel may change when `key` is written.
#[must_use]
pub(super) fn side_effects_of(key: &Key) -> Vec<SysctlName> {
    let Key::Sysctl(name) = key else { return Vec::new() };
    let mut names: Vec<String> = Vec::new();
    if let Some(Key::Sysctl(partner)) = partner(key) {
        names.push(partner.to_string());
    }
    let parts: Vec<&str> = name.components().collect();
    match parts[..] {
        ["net", "ipv4", "ip_forward"] | ["net", "ipv4", "conf", "all", "forwarding"] => {
            names.extend(FORWARDING.map(str::to_owned));
        }
        // An interface whose value was never set follows the default (`devinet_copy_dflt_conf`).
        ["net", "ipv4", "conf", "default", leaf] => names.push(format!("net.ipv4.conf.*.{leaf}")),
        ["net", "ipv6", "conf", "all", leaf] if SET_ON_EVERY_INTERFACE.contains(&leaf) => {
            names.push(format!("net.ipv6.conf.*.{leaf}"));
        }
        ["net", "ipv6", "conf", _, "stable_secret"] => names.push("net.ipv6.conf.*.addr_gen_mode".to_owned()),
        _ => {}
    }
    names.iter().filter_map(|name| SysctlName::parse(name).ok()).collect()
}
