//! The options of each load tester, as a table, and the walk over them.

use super::words::url;
use super::{Load, Target};
use crate::model::duration;

/// How a tester takes its options.
pub(super) struct Tester {
    pub(super) name: &'static str,
    /// Options that take a value, other than those below. Short ones are letters, long ones have no dashes.
    valued: &'static [&'static str],
    connections: &'static [&'static str],
    requests: &'static [&'static str],
    rate: &'static [&'static str],
    duration: &'static [&'static str],
    /// Options that turn keeping connections on, or off.
    keeps: &'static [&'static str],
    closes: &'static [&'static str],
    keepalive: bool,
    closes_first: bool,
    default_connections: u64,
    /// Long options have one dash as well, as Go's have.
    one_dash: bool,
}

/// What a tester is where nothing else is said.
const PLAIN: Tester = Tester {
    name: "",
    valued: &[],
    connections: &["c", "connections"],
    requests: &["n", "requests"],
    rate: &[],
    duration: &["d", "duration"],
    keeps: &[],
    closes: &[],
    keepalive: true,
    closes_first: false,
    default_connections: 1,
    one_dash: false,
};

/// wrk, whose options wrk2 has too.
const WRK: Tester = Tester {
    name: "wrk",
    valued: &["t", "threads", "s", "script", "H", "header", "timeout"],
    rate: &["R", "rate"],
    requests: &[],
    default_connections: 10,
    ..PLAIN
};

pub(super) const TESTERS: [Tester; 10] = [
    Tester {
        name: "ab",
        valued: &[
            "s", "b", "B", "p", "u", "T", "v", "x", "y", "z", "C", "H", "A", "P", "X", "g", "e", "m", "f", "Z", "E",
        ],
        connections: &["c"],
        requests: &["n"],
        duration: &["t"],
        keeps: &["k"],
        keepalive: false,
        ..PLAIN
    },
    Tester { name: "wrk2", ..WRK },
    WRK,
    Tester {
        name: "hey",
        valued: &["o", "m", "H", "t", "A", "d", "D", "T", "a", "x", "cpus", "host", "U"],
        connections: &["c"],
        requests: &["n"],
        rate: &["q"],
        duration: &["z"],
        closes: &["disable-keepalive"],
        default_connections: 50,
        one_dash: true,
        ..PLAIN
    },
    Tester {
        name: "oha",
        valued: &[
            "p",
            "H",
            "t",
            "T",
            "A",
            "d",
            "D",
            "a",
            "m",
            "x",
            "b",
            "o",
            "burst-delay",
            "burst-rate",
            "fps",
            "method",
            "header",
            "timeout",
            "http-version",
            "host",
            "connect-to",
            "output",
            "output-format",
            "body",
            "body-path",
        ],
        connections: &["c"],
        requests: &["n"],
        rate: &["q"],
        duration: &["z"],
        closes: &["disable-keepalive"],
        default_connections: 50,
        ..PLAIN
    },
    Tester {
        name: "h2load",
        valued: &[
            "t",
            "threads",
            "i",
            "input-file",
            "m",
            "max-concurrent-streams",
            "f",
            "w",
            "W",
            "H",
            "header",
            "p",
            "d",
            "data",
            "rate-period",
            "T",
            "N",
            "B",
            "base-uri",
            "npn-list",
            "alpn-list",
            "connect-to",
        ],
        connections: &["c", "clients"],
        rate: &["r", "rate"],
        duration: &["D", "duration"],
        ..PLAIN
    },
    Tester {
        name: "k6",
        valued: &["i", "iterations", "s", "stage", "o", "out", "e", "env", "summary-export", "summary-trend-stats"],
        connections: &["u", "vus"],
        requests: &[],
        rate: &["rps"],
        closes: &["no-connection-reuse"],
        ..PLAIN
    },
    Tester {
        name: "vegeta",
        valued: &[
            "body",
            "header",
            "targets",
            "output",
            "timeout",
            "name",
            "format",
            "laddr",
            "workers",
            "connections",
        ],
        connections: &["max-workers"],
        requests: &[],
        rate: &["rate"],
        duration: &["duration"],
        one_dash: true,
        ..PLAIN
    },
    Tester {
        name: "redis-benchmark",
        valued: &["h", "p", "s", "a", "d", "r", "P", "t", "I", "threads", "dbnum", "user", "precision", "u"],
        connections: &["c"],
        requests: &["n"],
        duration: &[],
        closes_first: true,
        default_connections: 50,
        ..PLAIN
    },
    Tester {
        name: "siege",
        valued: &["r", "reps", "d", "delay", "f", "file", "R", "rc", "H", "header", "A", "T"],
        connections: &["c", "concurrent"],
        requests: &[],
        duration: &["t", "time"],
        keepalive: false,
        default_connections: 25,
        ..PLAIN
    },
];

impl Tester {
    /// What its options ask for.
    pub(super) fn load(&self, words: &[&str]) -> Load {
        let mut load = Load {
            tester: Some(self.name),
            keepalive: self.keepalive,
            closes_first: self.closes_first,
            ..Load::default()
        };
        let (mut host, mut port, mut socket) = (None, None, None);
        for (option, value) in self.options(words) {
            let has = |names: &[&str]| names.contains(&option.as_str());
            let text = value.as_deref().unwrap_or_default();
            if has(self.connections) {
                load.connections = text.parse().ok();
            } else if has(self.requests) {
                load.requests = text.parse().ok();
            } else if has(self.rate) {
                load.rate = per_second(text);
            } else if has(self.duration) {
                load.duration = duration::parse(text).ok();
            } else if has(self.keeps) {
                load.keepalive = true;
            } else if has(self.closes) || (has(&["H", "header"]) && is_close(text)) {
                load.keepalive = false;
            } else if self.name == "redis-benchmark" {
                match option.as_str() {
                    "h" => host = value,
                    "p" => port = text.parse().ok(),
                    "s" => socket = value,
                    "k" => load.keepalive = text != "0",
                    _ => {}
                }
            } else if option.is_empty() && load.target.is_none() {
                load.target = url(text);
            }
        }
        if self.name == "redis-benchmark" {
            let tcp = || Target::Tcp(host.unwrap_or_else(|| "127.0.0.1".to_owned()), port.unwrap_or(6379));
            load.target = Some(socket.map_or_else(tcp, Target::Unix));
        }
        if self.name == "vegeta" {
            // It opens as many as the rate needs: those of one second, if an answer takes no longer.
            load.connections = load.connections.or_else(|| load.rate.map(rounded_up));
        }
        load.connections = load.connections.or(Some(self.default_connections));
        load
    }

    /// Options with their values, and words that are none with an empty name.
    fn options(&self, words: &[&str]) -> Vec<(String, Option<String>)> {
        let mut found = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let dashes = word.len() - word.trim_start_matches('-').len();
            let body = &word[dashes..];
            if dashes == 0 || body.is_empty() {
                found.push((String::new(), Some((*word).to_owned())));
                continue;
            }
            if dashes > 1 || self.one_dash {
                let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
                let value = value.map(str::to_owned);
                let mut next = || words.next().map(|word| (*word).to_owned());
                let value = if value.is_none() && self.takes_value(name) { next() } else { value };
                found.push((name.to_owned(), value));
                continue;
            }
            // `-kc50`, `-c 50`: letters up to one that takes a value, which is the rest or the next word.
            for (at, letter) in body.char_indices() {
                let name = letter.to_string();
                if self.takes_value(&name) {
                    let rest = &body[at + letter.len_utf8()..];
                    let value = if rest.is_empty() { words.next().copied() } else { Some(rest) };
                    found.push((name, value.map(str::to_owned)));
                    break;
                }
                found.push((name, None));
            }
        }
        found
    }

    fn takes_value(&self, name: &str) -> bool {
        let lists = [self.valued, self.connections, self.requests, self.rate, self.duration];
        lists.iter().any(|list| list.contains(&name)) || (self.name == "redis-benchmark" && name == "k")
    }
}

/// `500`, `500/1s`, `100/500ms`, as vegeta takes it.
fn per_second(text: &str) -> Option<f64> {
    let (count, time) = text.split_once('/').unwrap_or((text, "1s"));
    let time = if time.starts_with(|c: char| c.is_ascii_digit()) { time.to_owned() } else { format!("1{time}") };
    let seconds = duration::parse(&time).ok()?.as_secs_f64();
    let rate = count.trim_end_matches('k').parse::<f64>().ok()? / seconds;
    let rate = if count.ends_with('k') { rate * 1e3 } else { rate };
    (rate.is_finite() && rate > 0.0).then_some(rate)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive, and is cut if it is huge"
)]
fn rounded_up(rate: f64) -> u64 {
    rate.ceil() as u64
}

fn is_close(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    header.split_once(':').is_some_and(|(name, value)| name.trim() == "connection" && value.trim() == "close")
}
