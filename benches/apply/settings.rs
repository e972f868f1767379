//! What the rows of the benchmark apply: sysctls of a network namespace and limits, each with two values.
//!
//! Runs alternate between the two, so that every write of every run is a real change.

use crate::harness::Outcome;
use crate::harness::programs::{scratch, succeed};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A sysctl and its two values.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// Its path beneath /proc/sys.
    pub(crate) path: String,
    values: [&'static str; 2],
}

/// A soft limit and its two values, both other than the one the benchmark itself has.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    name: &'static str,
    values: [u64; 2],
}

/// The three a load test is after.
const FIRST: [(&str, [&str; 2]); 3] = [
    ("net/core/somaxconn", ["32768", "16384"]),
    ("net/ipv4/ip_local_port_range", ["32768 60999", "32768 60997"]),
    ("net/ipv4/tcp_max_syn_backlog", ["32768", "16384"]),
];

/// What a long sysctl.conf for a server adds: all of the network namespace since Linux 5.4.
const SERVER: [(&str, [&str; 2]); 27] = [
    ("net/ipv4/tcp_fin_timeout", ["30", "60"]),
    ("net/ipv4/tcp_keepalive_time", ["600", "7200"]),
    ("net/ipv4/tcp_keepalive_intvl", ["30", "75"]),
    ("net/ipv4/tcp_keepalive_probes", ["5", "9"]),
    ("net/ipv4/tcp_max_tw_buckets", ["262144", "131072"]),
    ("net/ipv4/tcp_syn_retries", ["5", "6"]),
    ("net/ipv4/tcp_synack_retries", ["4", "5"]),
    ("net/ipv4/tcp_retries1", ["4", "3"]),
    ("net/ipv4/tcp_retries2", ["14", "15"]),
    ("net/ipv4/tcp_orphan_retries", ["3", "0"]),
    ("net/ipv4/tcp_tw_reuse", ["1", "2"]),
    ("net/ipv4/tcp_slow_start_after_idle", ["0", "1"]),
    ("net/ipv4/tcp_sack", ["0", "1"]),
    ("net/ipv4/tcp_window_scaling", ["0", "1"]),
    ("net/ipv4/tcp_ecn", ["1", "2"]),
    ("net/ipv4/tcp_mtu_probing", ["1", "0"]),
    ("net/ipv4/tcp_rfc1337", ["1", "0"]),
    ("net/ipv4/tcp_abort_on_overflow", ["1", "0"]),
    ("net/ipv4/tcp_no_metrics_save", ["1", "0"]),
    ("net/ipv4/tcp_notsent_lowat", ["131072", "262144"]),
    ("net/ipv4/tcp_timestamps", ["0", "1"]),
    ("net/ipv4/tcp_fastopen", ["3", "1"]),
    ("net/ipv4/tcp_reordering", ["4", "3"]),
    ("net/ipv4/ip_default_ttl", ["63", "64"]),
    ("net/ipv4/ip_nonlocal_bind", ["1", "0"]),
    ("net/ipv4/udp_rmem_min", ["8192", "4096"]),
    ("net/ipv4/udp_wmem_min", ["8192", "4096"]),
];

/// What every interface has for itself.
const INTERFACE: [(&str, [&str; 2]); 27] = [
    ("conf/*/accept_local", ["1", "0"]),
    ("conf/*/accept_redirects", ["0", "1"]),
    ("conf/*/accept_source_route", ["0", "1"]),
    ("conf/*/arp_accept", ["1", "0"]),
    ("conf/*/arp_announce", ["2", "0"]),
    ("conf/*/arp_filter", ["1", "0"]),
    ("conf/*/arp_ignore", ["1", "0"]),
    ("conf/*/arp_notify", ["1", "0"]),
    ("conf/*/bootp_relay", ["1", "0"]),
    ("conf/*/drop_gratuitous_arp", ["1", "0"]),
    ("conf/*/drop_unicast_in_l2_multicast", ["1", "0"]),
    ("conf/*/ignore_routes_with_linkdown", ["1", "0"]),
    ("conf/*/log_martians", ["1", "0"]),
    ("conf/*/medium_id", ["1", "0"]),
    ("conf/*/proxy_arp", ["1", "0"]),
    ("conf/*/proxy_arp_pvlan", ["1", "0"]),
    ("conf/*/rp_filter", ["2", "0"]),
    ("conf/*/secure_redirects", ["0", "1"]),
    ("conf/*/send_redirects", ["0", "1"]),
    ("conf/*/shared_media", ["0", "1"]),
    ("conf/*/src_valid_mark", ["1", "0"]),
    ("conf/*/tag", ["1", "0"]),
    ("neigh/*/app_solicit", ["1", "0"]),
    ("neigh/*/mcast_solicit", ["4", "3"]),
    ("neigh/*/ucast_solicit", ["4", "3"]),
    ("neigh/*/mcast_resolicit", ["1", "0"]),
    ("neigh/*/gc_stale_time", ["50", "60"]),
];

/// Interfaces come in pairs of veth(4); ten of them make the longest row.
const PAIRS: usize = 5;

/// Limits in the order of preference; a row wants four.
const LIMITS: [(&str, &str); 7] = [
    ("nofile", "Max open files"),
    ("nproc", "Max processes"),
    ("memlock", "Max locked memory"),
    ("core", "Max core file size"),
    ("sigpending", "Max pending signals"),
    ("msgqueue", "Max msgqueue size"),
    ("stack", "Max stack size"),
];

/// Creates the interfaces and lists all keys, those of the shorter rows first.
pub(crate) fn keys() -> Outcome<Vec<Key>> {
    let mut keys: Vec<Key> = FIRST.iter().chain(&SERVER).map(|&(path, values)| key(path, values)).collect();
    for pair in 0..PAIRS {
        let ends = [format!("bench{pair}a"), format!("bench{pair}b")];
        let mut add = Command::new("ip");
        add.args(["link", "add", &ends[0], "type", "veth", "peer", "name", &ends[1]]);
        succeed(add)?;
        for (path, values) in &INTERFACE {
            keys.extend(ends.iter().map(|end| key(&format!("net/ipv4/{}", path.replace('*', end)), *values)));
        }
    }
    Ok(keys)
}

fn key(path: &str, values: [&'static str; 2]) -> Key {
    Key { path: path.to_owned(), values }
}

/// Four limits whose soft value can be changed here without a privilege.
pub(crate) fn limits() -> Outcome<Vec<Limit>> {
    let text = fs::read_to_string("/proc/self/limits")?;
    let limits: Vec<Limit> = LIMITS.iter().filter_map(|&(name, title)| limit(name, title, &text)).take(4).collect();
    if limits.len() == 4 { Ok(limits) } else { Err("fewer than four limits can be changed here".into()) }
}

fn limit(name: &'static str, title: &str, text: &str) -> Option<Limit> {
    let line = text.lines().find_map(|line| line.strip_prefix(title))?;
    let mut words = line.split_whitespace().map(|word| word.parse::<u64>().unwrap_or(1 << 40));
    let (soft, hard) = (words.next()?, words.next()?);
    let values = match (soft, hard) {
        (3.., _) => [soft - 1, soft - 2],
        (_, 6..) => [hard - 1, hard - 2],
        _ => return None,
    };
    Some(Limit { name, values })
}

impl Key {
    /// The value of a turn.
    pub(crate) fn value(&self, turn: usize) -> &'static str {
        self.values[turn % 2]
    }

    /// Whether the kernel holds the value of a turn.
    pub(crate) fn check(&self, turn: usize) -> Outcome<()> {
        let found = fs::read_to_string(Path::new("/proc/sys").join(&self.path))?;
        let wanted = self.value(turn);
        if found.split_whitespace().eq(wanted.split_whitespace()) {
            return Ok(());
        }
        Err(format!("expected {} to be `{wanted}`, found `{}`", self.path, found.trim_end()).into())
    }
}

impl Limit {
    /// The value of a turn.
    pub(crate) fn value(&self, turn: usize) -> u64 {
        self.values[turn % 2]
    }
}

/// The files that the contenders of one row read, for both turns.
#[derive(Debug)]
pub(crate) struct Files {
    name: String,
}

impl Files {
    /// Writes them to the scratch directory.
    pub(crate) fn write(name: &str, keys: &[Key], limits: &[Limit]) -> Outcome<Self> {
        let files = Self { name: name.to_owned() };
        for turn in 0..2 {
            let mut profile = String::from("description = \"benchmark\"\n\n[linux.sysctl]\n");
            let (mut conf, mut list) = (String::new(), String::new());
            for key in keys {
                let (path, value) = (&key.path, key.value(turn));
                let dotted = path.replace('/', ".");
                let quote = if value.contains(' ') { "\"" } else { "" };
                writeln!(profile, "\"{dotted}\" = {quote}{value}{quote}")?;
                writeln!(conf, "{dotted} = {value}")?;
                writeln!(list, "{path}={value}")?;
            }
            profile.push_str("\n[rlimit]\n");
            for limit in limits {
                writeln!(profile, "{} = {}", limit.name, limit.value(turn))?;
            }
            fs::write(files.path(turn, "toml"), profile)?;
            fs::write(files.path(turn, "conf"), conf)?;
            fs::write(files.path(turn, "list"), list)?;
        }
        Ok(files)
    }

    /// The file of a turn by its kind: `toml` for tunectl, `conf` for sysctl(8), `list` for the bare program.
    pub(crate) fn path(&self, turn: usize, kind: &str) -> PathBuf {
        scratch().join(format!("apply-{}-{}.{kind}", self.name, turn % 2))
    }
}
