//! What is allowed in a profile and most likely not meant. Warnings are data: a code, a message, a place.

use super::asked::plain;
use super::problem::Problem;
use super::{Asked, Profile, Wish};
use crate::model::expectation::Expectation;
use crate::model::limit::Resource;
use crate::model::setting::{Key, Setting, System};
use crate::model::suggest;

/// The lowest local port that Linux gives out by itself (ip-sysctl.rst, `ip_local_port_range`).
const LINUX_FIRST: i128 = 32768;
/// The lowest that macOS does (`IPPORT_HIFIRSTAUTO`, RFC 6335).
const MACOS_FIRST: i128 = 49152;
/// The highest `fs.nr_open` of a kernel that nobody has told otherwise; with systemd it may be a thousand times
/// as much.
const MANY_FILES: i128 = 1 << 20;

/// Keys that kernels of today no longer have, when they went, and what to do instead.
const REMOVED: [(&str, &str, &str); 9] = [
    ("net.ipv4.tcp_tw_recycle", "Linux 4.12", "it broke clients behind NAT; `net.ipv4.tcp_tw_reuse` is safe"),
    ("net.ipv4.tcp_abc", "Linux 3.9", "leave it out"),
    ("net.ipv4.tcp_frto_response", "Linux 3.10", "leave it out"),
    ("net.ipv4.ip_conntrack_max", "Linux 4.9", "write `net.netfilter.nf_conntrack_max`"),
    ("net.ipv4.netfilter.ip_conntrack_max", "Linux 4.9", "write `net.netfilter.nf_conntrack_max`"),
    ("kernel.sched_latency_ns", "Linux 5.13", "it is in debugfs now, for experiments only"),
    ("kernel.sched_min_granularity_ns", "Linux 5.13", "it is in debugfs now, for experiments only"),
    ("kernel.sched_wakeup_granularity_ns", "Linux 5.13", "it is in debugfs now, for experiments only"),
    ("kernel.sched_migration_cost_ns", "Linux 5.13", "it is in debugfs now, for experiments only"),
];

/// Looks a merged profile over. `known` are the names of the sysctls that the catalog has.
#[must_use]
pub fn lint(profile: &Profile, known: &[(System, &str)]) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for wish in &profile.wishes {
        match &wish.setting {
            Setting::Key(Key::Sysctl(name)) => {
                let name = name.to_string();
                warnings.extend(port_range(profile, wish, &name));
                warnings.extend(parity(wish, &name));
                warnings.extend(removed(wish, &name).or_else(|| misspelt(wish, &name, known)));
                warnings.extend(folklore(wish, &name));
            }
            Setting::Limit(Resource::Nofile, _) => warnings.extend(many_files(wish)),
            _ => {}
        }
    }
    warnings
}

/// W001: a range of local ports that takes in what services listen on.
fn port_range(profile: &Profile, wish: &Wish, name: &str) -> Option<Problem> {
    let ports = &profile.service_ports;
    let (first, reserved) = match (wish.system?, name) {
        (System::Linux, "net.ipv4.ip_local_port_range") => {
            let (first, _) = ends(wish)?;
            let own_list =
                profile.wishes.iter().any(|other| other.setting.to_string() == "net.ipv4.ip_local_reserved_ports");
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
        Problem::warning("W001", message, wish.origin.clone())
            .help(
                "the kernel may give a service's own port to an outgoing connection, and the service's next start \
                 then fails with \"address already in use\" (with 2000 connections, port 8080 was lost in 4 of 60 \
                 trials)",
            )
            .help(remedy)
    })
}

/// W002: a range with both ends odd, or both even.
fn parity(wish: &Wish, name: &str) -> Option<Problem> {
    let (first, last) = if name == "net.ipv4.ip_local_port_range" { ends(wish)? } else { return None };
    let kind = if first % 2 == 0 { "even" } else { "odd" };
    (first % 2 == last % 2).then(|| {
        let message = format!("both ends of the range of local ports are {kind}: {first} and {last}");
        Problem::warning("W002", message, wish.origin.clone()).help(
            "the kernel warns in its log, and never uses the last port of an odd number of them; take one port more \
             or less",
        )
    })
}

/// W003: a sysctl that is not in the catalog, and differs little from one that is.
fn misspelt(wish: &Wish, name: &str, known: &[(System, &str)]) -> Option<Problem> {
    let known = || known.iter().filter(|(system, _)| wish.system == Some(*system)).map(|(_, name)| *name);
    if wish.is_pattern() || known().any(|known| known == name) {
        return None;
    }
    let near = known()
        .find(|known| *known == name.replace('/', "."))
        .or_else(|| known().find(|known| similar(name, known)))?;
    let message = format!("`{name}` is no sysctl that tunectl knows, did you mean `{near}`?");
    Some(Problem::warning("W003", message, wish.origin.clone()))
}

/// Whether two names differ in one component only, and there by a few letters. Not by a number at its end: many
/// a sysctl has brothers such as `gc_thresh1` and `gc_thresh2`.
fn similar(name: &str, known: &str) -> bool {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (name.split('.').collect(), known.split('.').collect());
    let differing: Vec<_> = ours.iter().zip(&theirs).filter(|(a, b)| a != b).collect();
    let &[(a, b)] = differing.as_slice() else { return false };
    let letters = |text: &str| text.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
    ours.len() == theirs.len()
        && a.len().abs_diff(b.len()) <= 2
        && letters(a) != letters(b)
        && suggest::nearest(a, [*b]).is_some()
}

/// W004: a key that kernels no longer have.
fn removed(wish: &Wish, name: &str) -> Option<Problem> {
    let (_, since, instead) = REMOVED.iter().find(|(removed, _, _)| *removed == name)?;
    let message = format!("`{name}` is gone since {since}");
    Some(Problem::warning("W004", message, wish.origin.clone()).help(*instead))
}

/// W005: a key that does not do what many guides say.
fn folklore(wish: &Wish, name: &str) -> Option<Problem> {
    (name == "net.ipv4.tcp_fin_timeout").then(|| {
        Problem::warning("W005", "`net.ipv4.tcp_fin_timeout` does not shorten TIME-WAIT", wish.origin.clone())
            .help(
                "TIME-WAIT lasts 60 s, fixed in the kernel (TCP_TIMEWAIT_LEN); this is the time for which a \
                 half-closed connection that no process holds is kept (FIN-WAIT-2)",
            )
            .help("for more new connections per second, `net.ipv4.tcp_tw_reuse = 1` or a wider range of local ports")
    })
}

/// W006: so many descriptors that programs which close them all one by one stand still.
fn many_files(wish: &Wish) -> Option<Problem> {
    let many = wish.asked.values().any(|value| match value {
        Asked::Unlimited => true,
        Asked::Amount(amount) => plain(*amount).is_some_and(|number| number > MANY_FILES),
        _ => false,
    });
    let raised = !matches!(wish.asked, Expectation::Bounds { at_least: None, .. });
    (many && raised).then(|| {
        Problem::warning("W006", format!("{} is more than {MANY_FILES}", wish.setting), wish.origin.clone()).help(
            "programs that close every possible descriptor one by one need minutes then, and some reserve memory \
                 for each; ask for what the service needs",
        )
    })
}

/// The two ends of a range that is asked for, as far as they are plain numbers.
fn ends(wish: &Wish) -> Option<(i128, i128)> {
    let (Expectation::Exactly(Asked::Amounts(ends)) | Expectation::Covers(Asked::Amounts(ends))) = &wish.asked else {
        return None;
    };
    let &[first, last] = ends.as_slice() else { return None };
    Some((plain(first)?, plain(last)?))
}

/// The highest number that is let pass, if there is one.
fn highest(wish: &Wish) -> Option<i128> {
    match &wish.asked {
        Expectation::Exactly(Asked::Amount(amount))
        | Expectation::Bounds { at_most: Some(Asked::Amount(amount)), .. } => plain(*amount),
        _ => None,
    }
}
