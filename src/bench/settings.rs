//! The bounds that a network namespace shows to whoever is in it.

use std::path::Path;

use crate::model::ranges::Ranges;
use crate::model::value::MAX_PORT;
use crate::sys::read_text;
use crate::verdict::observation::Settings;

/// Reads those of the network namespace that we are in. `proc` is `/proc`: its part `sys/net` shows our own namespace,
/// whosever mount it is.
#[must_use]
pub(super) fn read(proc: &Path) -> Settings {
    let words = |path: &str| read_text(&proc.join("sys/net").join(path)).unwrap_or_default();
    let numbers = |path: &str| -> Vec<u64> { words(path).split_whitespace().map_while(|w| w.parse().ok()).collect() };
    let number = |path: &str| numbers(path).first().copied();
    let tcp_rmem = numbers("ipv4/tcp_rmem");
    let range: Vec<u16> =
        numbers("ipv4/ip_local_port_range").into_iter().filter_map(|port| u16::try_from(port).ok()).collect();
    let port_range = match range.as_slice() {
        [low, high] if low <= high => Some((*low, *high)),
        _ => None,
    };
    let reserved = Ranges::parse(&words("ipv4/ip_local_reserved_ports"), MAX_PORT).ok();
    Settings {
        somaxconn: number("core/somaxconn"),
        max_syn_backlog: number("ipv4/tcp_max_syn_backlog"),
        syncookies: number("ipv4/tcp_syncookies"),
        tcp_rmem_default: tcp_rmem.get(1).copied(),
        tcp_rmem_max: tcp_rmem.get(2).copied(),
        rmem_default: number("core/rmem_default"),
        rmem_max: number("core/rmem_max"),
        conntrack_max: number("netfilter/nf_conntrack_max"),
        reserved_ports: reserved.zip(port_range).map(|(reserved, range)| within(&reserved, range)),
        port_range,
    }
}

/// How many ports of a range are in a list.
fn within(list: &Ranges, (low, high): (u16, u16)) -> u64 {
    let (low, high) = (u32::from(low), u32::from(high));
    let parts = list.as_slice().iter().map(|(first, last)| ((*first).max(low), (*last).min(high)));
    parts.filter(|(first, last)| first <= last).map(|(first, last)| u64::from(last - first + 1)).sum()
}

/// How many ports are left for outgoing connections.
#[must_use]
pub(super) fn available_ports(settings: &Settings) -> Option<u64> {
    let (low, high) = settings.port_range?;
    Some((u64::from(high) - u64::from(low) + 1).saturating_sub(settings.reserved_ports.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn ports_that_are_reserved_are_not_left() {
        let proc = std::env::temp_dir().join(format!("tunectl-settings-{}", std::process::id()));
        let net = proc.join("sys/net");
        fs::create_dir_all(net.join("ipv4")).unwrap();
        fs::write(net.join("ipv4/ip_local_port_range"), "40000\t40199\n").unwrap();
        fs::write(net.join("ipv4/ip_local_reserved_ports"), "8080,40000-40009,40195-50000\n").unwrap();
        fs::write(net.join("ipv4/tcp_rmem"), "4096\t131072\t33554432\n").unwrap();
        let settings = read(&proc);
        fs::remove_dir_all(&proc).unwrap();
        assert_eq!(settings.port_range, Some((40_000, 40_199)));
        assert_eq!((settings.reserved_ports, available_ports(&settings)), (Some(15), Some(185)));
        assert_eq!((settings.tcp_rmem_default, settings.tcp_rmem_max), (Some(131_072), Some(33_554_432)));
        assert_eq!(settings.somaxconn, None, "what is not there is not known");
    }
}
