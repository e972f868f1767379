//! W005 and W015: what guides say, and what the kernel does.

use super::super::RawRequirement;
use super::super::problem::Problem;
use super::{About, highest, numbers, spans};

/// A key, the values that the warning is for, what is wrong with them, and what to know or do.
type Myth = (&'static str, fn(&RawRequirement) -> bool, &'static str, &'static [&'static str]);

const SAYINGS: [Myth; 7] = [
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
        |wish| highest(wish).is_some_and(|most| most < 65536),
        "so low does not save connections in TIME-WAIT, it destroys them",
        &["late segments then reach the next connection; the kernel's documentation says not to lower it"],
    ),
    (
        "net.ipv4.tcp_timestamps",
        |wish| highest(wish) == Some(0),
        "without timestamps, `net.ipv4.tcp_tw_reuse` does nothing",
        &["they are also what tells late segments of a former connection from those of this one (RFC 7323)"],
    ),
    (
        "net.ipv4.tcp_syncookies",
        |wish| highest(wish) == Some(0),
        "without cookies, connections are dropped when the queue of half-open ones is full",
        &["behind a queue of 128, 73 of 3000 clients had no answer after 20 s; leave it at 1"],
    ),
    (
        "net.ipv4.tcp_abort_on_overflow",
        |wish| numbers(wish).iter().any(|number| *number > 0),
        "turns a short burst into errors that users see",
        &["without it, a client whose connection did not fit into the queue tries again by itself"],
    ),
    (
        "net.ipv4.tcp_mem",
        |wish| numbers(wish).iter().any(|number| *number >= 16 << 20),
        "counts pages, not bytes: 16777216 of them are 64 GiB",
        &["the kernel's own values fit the machine; buffers of one connection are `net.ipv4.tcp_rmem` and `tcp_wmem`"],
    ),
    (
        "vm.swappiness",
        |wish| highest(wish) == Some(0),
        "at 0 does not switch swap off",
        &["it lets the kernel swap late and then all at once, or kill; 1 to 10 is what is meant, or `swapoff -a`"],
    ),
];

/// W005: a key that does not do what many guides say.
pub(super) fn saying(wish: &RawRequirement, name: &str, about: &About) -> Option<Problem> {
    if let Some(idle) = about.idle {
        let help = match &about.heeded_before {
            Some(kernel) => format!("leave it out, but for kernels before {kernel}"),
            None => "leave it out".to_owned(),
        };
        return Some(wish.warn("W005", format!("`{name}` is {idle}")).help(help));
    }
    let (_, _, wrong, known) = SAYINGS.iter().find(|(key, applies, ..)| *key == name && applies(wish))?;
    let warning = wish.warn("W005", format!("`{name}` {wrong}"));
    Some(known.iter().fold(warning, |warning, line| warning.help(*line)))
}

/// What kernels of today start with, or more.
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

/// W015: an upper bound below what a modern kernel starts with.
pub(super) fn cut(wish: &RawRequirement, name: &str) -> Option<Problem> {
    let (_, defaults) = DEFAULTS.iter().find(|(key, _)| *key == name)?;
    let most: Vec<i128> = spans(&wish.asked)?.into_iter().map(|(_, most)| most).collect();
    most.iter().zip(*defaults).find(|(most, default)| most < default)?;
    let most = if let [most] = *most { most.to_string() } else { format!("{most:?}") };
    let message = format!("`{name}` at {most} at most lowers what kernels start with today");
    Some(wish.warn("W015", message).help(format!("if no less than that is meant: `{{ at_least = {most} }}`")))
}
