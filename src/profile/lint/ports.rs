//! W001, W002, W016 and W020: ranges of local ports.

use super::super::problem::Problem;
use super::super::{Profile, RawRequirement};
use super::{Check, LintFacts, Subject, Warning, highest, least, ranges, spans};
use crate::model::ranges::Ranges;
use crate::model::setting::{Setting, System};

const RANGE: &str = "net.ipv4.ip_local_port_range";
const START: &str = "net.ipv4.ip_unprivileged_port_start";

/// The lowest local port that Linux gives out by itself (ip-sysctl.rst, `ip_local_port_range`).
const LINUX_FIRST: i128 = 32768;
/// The lowest that macOS does (`IPPORT_HIFIRSTAUTO`, RFC 6335).
const MACOS_FIRST: i128 = 49152;

pub(super) static UNRESERVED_RANGE: Warning = Warning {
    code: "W001",
    title: "a local port range that includes service ports",
    explanation: "An outgoing connection may get any port of the range, including one that a service here listens on; \
        the service's next start then fails with \"address already in use\", as long as that connection \
        lasts and for 60 seconds of TIME-WAIT. With 2000 connections, port 8080 was lost in 4 of 60 trials. \
        Name the services' ports (`ports = [8080]` in `[service]`, or `--port 8080`): they are then reserved \
        and never given to outgoing connections.",
    check: Check::Requirement(unreserved_range),
};

/// The first port of a range that a profile asks for on `system` and that has service ports in it, none of them
/// reserved; for the commands that apply the profile. `None` where the profile allows that.
#[must_use]
pub fn unreserved_ports(profile: &Profile, system: System) -> Option<i128> {
    let asked = profile.requirements.iter().filter(|requirement| requirement.system == Some(system));
    let keys = asked.filter(|requirement| matches!(requirement.setting, Setting::Key(_)));
    let mut found = keys.filter_map(|requirement| {
        let (first, reserved) = reserved_from(requirement, profile, &requirement.setting.to_string())?;
        let problem = requirement.warn(&UNRESERVED_RANGE, String::new());
        (!reserved && !profile.allows(&problem)).then_some(first)
    });
    found.next()
}

/// The first local port that is asked for, where it is lower than the system's own, and whether service ports are
/// reserved.
fn reserved_from(requirement: &RawRequirement, profile: &Profile, name: &str) -> Option<(i128, bool)> {
    let ports = &profile.service_ports;
    match (requirement.system?, name) {
        (System::Linux, RANGE) => {
            let (first, _) = ranges(requirement).into_iter().min()?;
            let own_list = profile
                .requirements
                .iter()
                .any(|other| other.setting.to_string() == "net.ipv4.ip_local_reserved_ports");
            Some((Some(first).filter(|first| *first < LINUX_FIRST)?, own_list || !ports.is_empty()))
        }
        (System::MacOs, "net.inet.ip.portrange.first" | "net.inet.ip.portrange.hifirst") => {
            let first = highest(requirement).filter(|first| *first < MACOS_FIRST)?;
            // macOS has no list of reserved ports: only what is below the range is safe.
            let below = ports.as_slice().iter().all(|(_, high)| i128::from(*high) < first);
            Some((first, below && !ports.is_empty()))
        }
        _ => None,
    }
}

fn unreserved_range(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, profile, name, .. } = *subject;
    let (first, reserved) = reserved_from(requirement, profile, name)?;
    let remedy = match requirement.system? {
        System::Linux => {
            "name the ports that services here listen on: `ports = [8080]` in `[service]`, or `--port 8080`; \
             `net.ipv4.ip_local_reserved_ports` then excludes them"
        }
        System::MacOs => {
            "start the range above the ports that services here listen on, and name those: `ports = [8080]` in \
             `[service]`, or `--port 8080`"
        }
    };
    (!reserved).then(|| {
        let message = format!("local ports from {first} on, and no service port is reserved");
        requirement
            .warn(&UNRESERVED_RANGE, message)
            .help(
                "the kernel may give a service's own port to an outgoing connection, and the service's next start \
                 then fails with \"address already in use\" (with 2000 connections, port 8080 was lost in 4 of 60 \
                 trials)",
            )
            .help(remedy)
    })
}

pub(super) static ALL_RESERVED: Warning = Warning {
    code: "W016",
    title: "service ports that leave too few for outgoing connections",
    explanation: "`ports` are excluded from the local port range. If fewer than a tenth of it is left, connect() soon \
        fails with \"cannot assign requested address\". Name only the ports that the service listens on.",
    check: Check::Profile(all_reserved),
};

fn all_reserved(profile: &Profile, _facts: &LintFacts<'_>) -> Vec<Problem> {
    hardly_any_left(profile).into_iter().collect()
}

/// Only Linux keeps the ports of services out of its range.
fn hardly_any_left(profile: &Profile) -> Option<Problem> {
    let origin = profile.ports_origin.clone()?;
    let range = named(profile, RANGE)
        .and_then(|requirement| ranges(requirement).first().copied())
        .unwrap_or((LINUX_FIRST, 60999));
    let local = Ranges::between(u32::try_from(range.0).ok()?, u32::try_from(range.1).ok()?);
    let (all, left) = (local.count(), local.without(&profile.service_ports).count());
    (left < all / 10).then(|| {
        let message = format!("of {all} local ports, {left} are left for outgoing connections");
        Problem::warning(ALL_RESERVED.code, message, origin)
            .help("name the ports that the service listens on, and no others")
    })
}

pub(super) static PARITY: Warning = Warning {
    code: "W002",
    title: "a local port range whose ends are both even or both odd",
    explanation: "connect() uses ports of the parity of the first one and bind() those of the other parity, so the \
        kernel wants equally many of each: it logs `ip_local_port_range: prefer different parity for \
        start/end values` and never uses the last of an odd number of ports. Use one port more or less.",
    check: Check::Requirement(parity),
};

fn parity(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, .. } = *subject;
    let (first, last) = ranges(requirement).into_iter().find(|(first, last)| name == RANGE && first % 2 == last % 2)?;
    let kind = if first % 2 == 0 { "even" } else { "odd" };
    let message = format!("both ends of the local port range are {kind}: {first} and {last}");
    Some(requirement.warn(&PARITY, message).help(
        "the kernel logs a warning, and never uses the last of an odd number of ports; use one port more \
            or less",
    ))
}

pub(super) static BELOW_UNPRIVILEGED: Warning = Warning {
    code: "W020",
    title: "a local port range that begins below the first unprivileged port",
    explanation: "The kernel refuses a local port range that begins below `net.ipv4.ip_unprivileged_port_start`, and \
        refuses to raise that above the start of the range: one of the two always falls short.",
    check: Check::Profile(below_unprivileged),
};

fn below_unprivileged(profile: &Profile, _facts: &LintFacts<'_>) -> Vec<Problem> {
    never_both(profile).into_iter().collect()
}

fn never_both(profile: &Profile) -> Option<Problem> {
    let (start, range) = (named(profile, START)?, named(profile, RANGE)?);
    let lowest = least(start)?;
    let (_, first) = *spans(&range.wanted)?.first()?;
    (first < lowest).then(|| {
        let message = format!("`{START}` of {lowest} and `{RANGE}` from {first}: the kernel does not allow both");
        range.warn(&BELOW_UNPRIVILEGED, message).see(&start.origin, "the other one")
    })
}

fn named<'a>(profile: &'a Profile, name: &str) -> Option<&'a RawRequirement> {
    let linux = |requirement: &&RawRequirement| requirement.system == Some(System::Linux);
    profile.requirements.iter().filter(linux).find(|requirement| requirement.setting.to_string() == name)
}
