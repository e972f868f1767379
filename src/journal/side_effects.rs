//! The settings that the kernel changes by itself when another one is written: they have to be restored as well.
#![forbid(unsafe_code)]

use crate::catalog;
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};

/// Set by IPv4 forwarding: `inet_forward_change` and `devinet_sysctl_forward`, net/ipv4/devinet.c.
const FORWARDING: [&str; 3] =
    ["net.ipv4.ip_forward", "net.ipv4.conf.*.forwarding", "net.ipv4.conf.all.accept_redirects"];

/// Keys of `net.ipv6.conf.all` that set the key of the same name of every interface: net/ipv6/addrconf.c.
const SET_ON_EVERY_INTERFACE: [&str; 5] =
    ["forwarding", "force_forwarding", "disable_ipv6", "ignore_routes_with_linkdown", "addr_gen_mode"];

/// Keys of `net.ipv4.neigh` and `net.ipv6.neigh` that are one value in two units, of which the second is the finer one:
/// net/core/neighbour.c.
const NEIGHBOUR_TWINS: [(&str, &str); 3] = [
    ("base_reachable_time", "base_reachable_time_ms"),
    ("retrans_time", "retrans_time_ms"),
    ("unres_qlen", "unres_qlen_bytes"),
];

/// Other keys that are one value in two units or words: net/ipv6/route.c, net/mptcp/ctrl.c.
const TWINS: [(&str, &str); 2] = [
    ("net/ipv6/route/gc_min_interval", "net/ipv6/route/gc_min_interval_ms"),
    ("net/mptcp/pm_type", "net/mptcp/path_manager"),
];

/// What the paths of the keys begin with that have side effects. Measured by writing each key of a network namespace and
/// comparing all (Linux 6.18); `vm` and `neigh.default`, which are the machine's, by the kernel's source.
const PREFIXES: [&str; 9] = [
    "vm/",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/forwarding",
    "net/ipv4/conf/default/",
    "net/ipv4/neigh/",
    "net/ipv6/conf/",
    "net/ipv6/neigh/",
    "net/ipv6/route/gc_min_interval",
    "net/mptcp/",
];

/// The other key of a pair of which one is zero: writing one sets the other to zero. Zero can't be written to some of
/// them: it is restored by writing the other.
#[must_use]
pub(super) fn partner(key: &Key) -> Option<Key> {
    catalog::counterpart(System::Linux, key)
}

/// Patterns of the keys that the kernel may change when `key` is written.
#[must_use]
pub(super) fn side_effects_of(key: &Key) -> Vec<SysctlName> {
    let Key::Sysctl(name) = key else { return Vec::new() };
    if !PREFIXES.iter().any(|prefix| name.path().starts_with(prefix)) {
        return Vec::new();
    }
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
            if leaf == "forwarding" {
                names.push("net.ipv6.conf.*.force_forwarding".to_owned());
            }
        }
        // An interface whose value was never set follows the default (`neigh_copy_dflt_parms`).
        ["net", family, "neigh", interface, leaf] => {
            let twin = other_of(&NEIGHBOUR_TWINS, leaf);
            let leaves = [Some(leaf).filter(|_| interface == "default"), twin].into_iter().flatten();
            let interface = if interface == "default" { "*" } else { interface };
            names.extend(leaves.map(|leaf| format!("net/{family}/neigh/{interface}/{leaf}")));
        }
        ["net", "ipv6", "conf", _, "stable_secret"] => names.push("net.ipv6.conf.*.addr_gen_mode".to_owned()),
        _ => names.extend(other_of(&TWINS, name.path()).map(str::to_owned)),
    }
    names.iter().filter_map(|name| SysctlName::parse(name).ok()).collect()
}

fn other_of(pairs: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    pairs.iter().find_map(|(one, other)| match name {
        name if name == *one => Some(*other),
        name if name == *other => Some(*one),
        _ => None,
    })
}

/// Whether restoring `key` restores its side effects too: an interface that follows the default follows it back.
#[must_use]
pub(super) fn are_restored_with(key: &Key) -> bool {
    matches!(key, Key::Sysctl(name) if name.path().starts_with("net/ipv4/conf/default/"))
}
