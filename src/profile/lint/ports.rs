//! W001 and W002: ranges of local ports.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement};
use super::{highest, least, ranges, spans};
use crate::model::ranges::Ranges;
use crate::model::setting::System;

const RANGE: &str = "net.ipv4.ip_local_port_range";
const START: &str = "net.ipv4.ip_unprivileged_port_start";

/// The lowest local port that Linux gives out by itself (ip-sysctl.rst, `ip_local_port_range`).
const LINUX_FIRST: i128 = 32768;
/// The lowest that macOS does (`IPPORT_HIFIRSTAUTO`, RFC 6335).
const MACOS_FIRST: i128 = 49152;

/// W001: a range of local ports that takes in what services listen on.
pub(super) fn range(profile: &Profile, wish: &RawRequirement, name: &str) -> Option<Problem> {
    let ports = &profile.service_ports;
    let (first, reserved) = match (wish.system?, name) {
        (System::Linux, RANGE) => {
            let (first, _) = ranges(wish).into_iter().min()?;
            let own_list = profile
                .requirements
                .iter()
                .any(|other| other.setting.to_string() == "net.ipv4.ip_local_reserved_ports");
            (Some(first).filter(|first| *first < LINUX_FIRST)?, own_list || !ports.is_empty())
        }
        (System::MacOs, "net.inet.ip.portrange.first" | "net.inet.ip.portrange.hifirst") => {
            let first = highest(wish).filter(|first| *first < MACOS_FIRST)?;
            // macOS has no list of reserved ports: only what lies below the range is safe.
            let below = ports.as_slice().iter().all(|(_, high)| i128::from(*high) < first);
            (first, below && !ports.is_empty())
        }
        _ => return None,
    };
    let remedy = match wish.system? {
        System::Linux => {
            "name the ports that services here listen on: `ports = [8080]` in `[service]`, or `--port 8080`; \
             they are kept out of the range by `net.ipv4.ip_local_reserved_ports`"
        }
        System::MacOs => {
            "start the range above the ports that services here listen on, and name those: `ports = [8080]` in \
             `[service]`, or `--port 8080`"
        }
    };
    (!reserved).then(|| {
        let message = format!("local ports from {first} on, and no service port is kept out of them");
        wish.warn("W001", message)
            .help(
                "the kernel may give a service's own port to an outgoing connection, and the service's next start \
                 then fails with \"address already in use\" (with 2000 connections, port 8080 was lost in 4 of 60 \
                 trials)",
            )
            .help(remedy)
    })
}

/// W016: ports of services that leave hardly any of the local ones. Linux alone keeps them out of its range.
pub(super) fn all_reserved(profile: &Profile) -> Option<Problem> {
    let origin = profile.ports_origin.clone()?;
    let range = named(profile, RANGE).and_then(|wish| ranges(wish).first().copied()).unwrap_or((LINUX_FIRST, 60999));
    let local = Ranges::between(u32::try_from(range.0).ok()?, u32::try_from(range.1).ok()?);
    let (all, left) = (local.count(), local.without(&profile.service_ports).count());
    (left < all / 10).then(|| {
        let message = format!("of {all} local ports, {left} are left for outgoing connections");
        Problem::warning("W016", message, origin).help("name the ports that the service listens on, and no others")
    })
}

/// W002: a range with both ends odd, or both even.
pub(super) fn parity(wish: &RawRequirement, name: &str) -> Option<Problem> {
    let (first, last) = ranges(wish).into_iter().find(|(first, last)| name == RANGE && first % 2 == last % 2)?;
    let kind = if first % 2 == 0 { "even" } else { "odd" };
    let message = format!("both ends of the range of local ports are {kind}: {first} and {last}");
    Some(wish.warn("W002", message).help(
        "the kernel warns in its log, and never uses the last port of an odd number of them; take one port more or less",
    ))
}

/// W020: a range that begins below the first port that everybody may bind.
pub(super) fn order(profile: &Profile) -> Option<Problem> {
    let (start, range) = (named(profile, START)?, named(profile, RANGE)?);
    let lowest = least(start)?;
    let (_, first) = *spans(&range.asked)?.first()?;
    (first < lowest).then(|| {
        let message = format!("`{START}` of {lowest} and `{RANGE}` from {first}: the kernel never has both");
        range.warn("W020", message).see(&start.origin, "the other one")
    })
}

fn named<'a>(profile: &'a Profile, name: &str) -> Option<&'a RawRequirement> {
    let linux = |wish: &&RawRequirement| wish.system == Some(System::Linux);
    profile.requirements.iter().filter(linux).find(|wish| wish.setting.to_string() == name)
}
