//! The command line of a load tester: what it opens, how fast, and where to. Pure.
//!
//! A tester is found anywhere in the words: behind `taskset`, `env` or `timeout`, or in the line of a shell.

mod testers;
mod words;

use std::time::Duration;

use testers::TESTERS;
use words::{SEPARATORS, flattened, url};

/// What a load test is asked to do, as far as its command line says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// The tester's name; nothing where it is another program.
    pub tester: Option<&'static str>,
    /// Connections at once.
    pub connections: Option<u64>,
    /// Requests in all.
    pub requests: Option<u64>,
    /// Requests a second; nothing where it sends as fast as answers come.
    pub rate: Option<f64>,
    /// For how long.
    pub duration: Option<Duration>,
    /// Whether a connection serves many requests.
    pub keepalive: bool,
    /// Whether the tester closes its connections first, so that `TIME_WAIT` holds its ports.
    pub closes_first: bool,
    /// The address that it connects to.
    pub target: Option<Target>,
}

/// Where requests are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A host's name or address, and a port.
    Tcp(String, u16),
    /// A path of unix(7).
    Unix(String),
}

impl Load {
    /// Reads the words of a command.
    #[must_use]
    pub fn parse(command: &[String]) -> Self {
        let words = flattened(command);
        let known = words.iter().enumerate().find_map(|(at, word)| {
            let name = word.rsplit('/').next().unwrap_or(word);
            Some((at, TESTERS.iter().find(|tester| tester.name == name)?))
        });
        let Some((at, tester)) = known else {
            return Self { target: words.iter().find_map(|word| url(word)), keepalive: true, ..Self::default() };
        };
        let own = words[at + 1..].iter().take_while(|word| !SEPARATORS.contains(&word.as_str()));
        let own: Vec<&str> = own.map(String::as_str).collect();
        let mut load = tester.load(&own);
        load.target = load.target.or_else(|| words.iter().find_map(|word| url(word)));
        load
    }

    /// The port on this machine or another that it connects to.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self.target.as_ref()? {
            Target::Tcp(_, port) => Some(*port),
            Target::Unix(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Load {
        Load::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    fn tcp(host: &str, port: u16) -> Target {
        Target::Tcp(host.to_owned(), port)
    }

    #[test]
    fn the_options_of_each_tester() {
        for (line, tester, connections, requests, keepalive, target) in [
            ("ab -r -n 40000 -c 4000 http://host:8080/", "ab", 4000, Some(40_000), false, Some(tcp("host", 8080))),
            ("ab -kc50 -n2000 http://h/", "ab", 50, Some(2000), true, Some(tcp("h", 80))),
            ("wrk -t2 -c400 -d5s --latency http://h:1/", "wrk", 400, None, true, Some(tcp("h", 1))),
            ("wrk --connections=20 -H Connection:close http://h:1/", "wrk", 20, None, false, Some(tcp("h", 1))),
            ("wrk2 -c 100 -R 2k https://h/", "wrk2", 100, None, true, Some(tcp("h", 443))),
            ("hey -n=500 -c 30 -disable-keepalive http://h:2/", "hey", 30, Some(500), false, Some(tcp("h", 2))),
            ("oha -n 100 http://[::1]:8080/x", "oha", 50, Some(100), true, Some(tcp("::1", 8080))),
            ("h2load --h1 -n 10 -c 5 http://u:p@h:3/", "h2load", 5, Some(10), true, Some(tcp("h", 3))),
            ("k6 run --vus 10 script.js", "k6", 10, None, true, None),
            ("vegeta attack -rate=500/1s -targets=t", "vegeta", 500, None, true, None),
            ("redis-benchmark -h r -p 7 -c 9 -k 0 -q", "redis-benchmark", 9, None, false, Some(tcp("r", 7))),
            ("siege -b -c 20 -r 50 http://h:8/", "siege", 20, None, false, Some(tcp("h", 8))),
            ("taskset -c 1 /usr/bin/ab -c 7 http://h/", "ab", 7, None, false, Some(tcp("h", 80))),
        ] {
            let load = parse(line);
            assert_eq!(load.tester, Some(tester), "{line}");
            assert_eq!((load.connections, load.requests), (Some(connections), requests), "{line}");
            assert_eq!((load.keepalive, load.target), (keepalive, target), "{line}");
        }
    }

    #[test]
    fn rates_and_times() {
        assert_eq!(parse("wrk2 -R2000 -d30s http://h/").rate, Some(2000.0));
        assert_eq!(parse("wrk2 -R2000 -d30s http://h/").duration, Some(Duration::from_secs(30)));
        assert_eq!(parse("vegeta attack -rate 100/500ms").rate, Some(200.0));
        assert_eq!(parse("vegeta attack -rate 60/m").rate, Some(1.0));
        assert_eq!(parse("vegeta attack -rate 0").rate, None, "as fast as it can");
        assert_eq!(parse("ab -t 10 -c 5 http://h/").duration, Some(Duration::from_secs(10)));
    }

    #[test]
    fn the_line_of_a_shell() {
        let line = "echo \"GET http://h:9/\" | vegeta attack -rate 50 -duration 5s | vegeta report";
        let load = Load::parse(&["sh".to_owned(), "-c".to_owned(), line.to_owned()]);
        assert_eq!((load.tester, load.connections, load.target), (Some("vegeta"), Some(50), Some(tcp("h", 9))));
        let load = Load::parse(&["sh".to_owned(), "-c".to_owned(), "ab -c 5 'http://h:9/a b'; ab -c 7 x".to_owned()]);
        assert_eq!((load.connections, load.target), (Some(5), Some(tcp("h", 9))));
    }

    #[test]
    fn another_program_has_a_target_if_it_names_a_url() {
        for (line, target) in [
            ("python3 client.py --url=http://127.0.0.1:8080/", Some(tcp("127.0.0.1", 8080))),
            ("curl http://h", Some(tcp("h", 80))),
            ("psql tcp://h", None),
            ("x http://:80/", None),
            ("x http://h:99999/", None),
            ("x ftp://h/", None),
            ("true", None),
        ] {
            let load = parse(line);
            assert_eq!((load.tester, load.connections, load.target), (None, None, target), "{line}");
        }
    }

    #[test]
    fn a_socket_of_unix() {
        assert_eq!(parse("redis-benchmark -s /run/r.sock").target, Some(Target::Unix("/run/r.sock".to_owned())));
        assert_eq!(parse("redis-benchmark").target, Some(tcp("127.0.0.1", 6379)));
    }

    #[test]
    fn options_cut_short_are_no_panic() {
        for line in ["ab -c", "wrk -", "hey --", "ab -c x -n -1", "", "vegeta attack -rate=", "sh -c '"] {
            let load = parse(line);
            assert_ne!(load.connections, Some(0), "{line}");
        }
    }
}
