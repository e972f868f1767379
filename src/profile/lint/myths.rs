//! W005 and W015: values that guides recommend and that do not do what they say.

use super::super::RawRequirement;
use super::super::problem::Problem;
use super::{Check, Idle, Subject, Warning, highest, numbers, spans};

/// A key, the values that the warning is for, what is wrong with them, and what to know or do.
type Myth = (&'static str, fn(&RawRequirement) -> bool, &'static str, &'static [&'static str]);

const MYTHS: [Myth; 7] = [
    (
        "net.ipv4.tcp_fin_timeout",
        |_| true,
        "does not shorten TIME-WAIT",
        &[
            "TIME-WAIT lasts 60 s, fixed in the kernel (TCP_TIMEWAIT_LEN); this is the time for which a half-closed \
             connection that no process holds is kept (FIN-WAIT-2)",
            "for more new connections per second, `net.ipv4.tcp_tw_reuse = 1` or a wider range of local ports",
        ],
    ),
    (
        "net.ipv4.tcp_max_tw_buckets",
        |requirement| highest(requirement).is_some_and(|most| most < 65536),
        "at a low value does not save connections in TIME-WAIT, it destroys them",
        &["late segments then reach the next connection; the kernel's documentation says not to lower it"],
    ),
    (
        "net.ipv4.tcp_timestamps",
        |requirement| highest(requirement) == Some(0),
        "without timestamps, `net.ipv4.tcp_tw_reuse` does nothing",
        &["they also distinguish late segments of an earlier connection from those of the current one (RFC \
            7323)"],
    ),
    (
        "net.ipv4.tcp_syncookies",
        |requirement| highest(requirement) == Some(0),
        "without cookies, connections are dropped when the queue of half-open ones is full",
        &["behind a queue of 128, 73 of 3000 clients had no answer after 20 s; leave it at 1"],
    ),
    (
        "net.ipv4.tcp_abort_on_overflow",
        |requirement| numbers(requirement).iter().any(|number| *number > 0),
        "turns a short burst into errors that users see",
        &["without it, a client whose connection did not fit into the queue tries again by itself"],
    ),
    (
        "net.ipv4.tcp_mem",
        |requirement| numbers(requirement).iter().any(|number| *number >= 16 << 20),
        "counts pages, not bytes: 16777216 of them are 64 GiB",
        &["the kernel's own values fit the machine; buffers of one connection are `net.ipv4.tcp_rmem` and `tcp_wmem`"],
    ),
    (
        "vm.swappiness",
        |requirement| highest(requirement) == Some(0),
        "at 0 does not switch swap off",
        &["it makes the kernel swap late and then all at once, or kill; use 1 to 10, or `swapoff -a`"],
    ),
];

pub(super) static MYTH: Warning = Warning {
    code: "W005",
    title: "a value copied from guides that has no effect, or a harmful one",
    explanation: "Some settings are copied from guide to guide although they never did what the guides say: \
        `tcp_fin_timeout` does not shorten TIME-WAIT, which is a constant 60 seconds. Each such warning says \
        what the setting does and what helps instead.",
    check: Check::Requirement(myth),
};

fn myth(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, key, .. } = *subject;
    if !subject.is_linux() {
        return None;
    }
    if let Some(Idle { since, works_on_older, reason }) = &key.idle {
        let help = match since {
            Some(kernel) if *works_on_older => format!("leave it out, unless for kernels before {kernel}"),
            _ => "leave it out".to_owned(),
        };
        let since = since.as_ref().map(|kernel| format!(" since {kernel}")).unwrap_or_default();
        let reason = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        return Some(requirement.warn(&MYTH, format!("`{name}` is without effect{since}{reason}")).help(help));
    }
    let (_, _, wrong, known) = MYTHS.iter().find(|(key, applies, ..)| *key == name && applies(requirement))?;
    let warning = requirement.warn(&MYTH, format!("`{name}` {wrong}"));
    Some(known.iter().fold(warning, |warning, line| warning.help(*line)))
}

/// The defaults of current kernels, or more than those.
const DEFAULTS: [(&str, &[i128]); 13] = [
    ("fs.aio-max-nr", &[65536]),
    ("fs.inotify.max_user_instances", &[128]),
    ("fs.inotify.max_user_watches", &[8192]),
    ("fs.nr_open", &[1 << 20]),
    ("kernel.pid_max", &[32768]),
    // As good as unlimited since Linux 3.16 (`include/uapi/linux/shm.h`): older guides raise them to less.
    ("kernel.shmall", &[i64::MAX as i128]),
    ("kernel.shmmax", &[i64::MAX as i128]),
    ("net.core.rmem_max", &[4 << 20]),
    ("net.core.somaxconn", &[4096]),
    ("net.core.wmem_max", &[4 << 20]),
    ("net.ipv4.tcp_rmem", &[4096, 131_072, 32 << 20]),
    ("net.ipv4.tcp_wmem", &[4096, 16384, 4 << 20]),
    ("vm.max_map_count", &[65530]),
];

pub(super) static BELOW_DEFAULT: Warning = Warning {
    code: "W015",
    title: "an exact value, or an upper bound, below the default of current kernels",
    explanation: "It was an increase when the guide was written, and is a decrease now: `somaxconn = 1024` was eight \
        times the default before Linux 5.4, and has been a quarter of it since. Write `{ at_least = … }`, \
        which never lowers.",
    check: Check::Requirement(below_default),
};

fn below_default(subject: &Subject<'_>) -> Option<Problem> {
    let Subject { requirement, name, .. } = *subject;
    let (_, defaults) = DEFAULTS.iter().find(|(key, _)| *key == name && subject.is_linux())?;
    let most: Vec<i128> = spans(&requirement.wanted)?.into_iter().map(|(_, most)| most).collect();
    most.iter().zip(*defaults).find(|(most, default)| most < default)?;
    let most = if let [most] = *most { most.to_string() } else { format!("{most:?}") };
    let message = format!("`{name}` at {most} or less is below the default of current kernels");
    Some(requirement.warn(&BELOW_DEFAULT, message).help(format!("if a minimum is meant: `{{ at_least = {most} }}`")))
}
