//! What shows, by the kernel's own files and without any of tunectl's code, that a scene was what it is called. On a busy
//! machine the load or the service may not run for a while: then nothing is starved, and there is no verdict to judge.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

/// One condition. Counters are those of this network namespace, named `TABLE.NAME` as in /proc/net/netstat and snmp.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// The first counter, less the others, rose by at least this much during the run.
    Rose(&'static [&'static str], u64),
    /// None of these counters moved.
    Still(&'static [&'static str]),
    /// The load tester counted at least so many answers.
    Answered(u64),
    /// The load tester printed this error text.
    Said(&'static str),
    /// The service had this many descriptors and a connection in its accept queue, mostly.
    Descriptors(usize),
    /// A unix(7) listener had more connections in its queue than it asked for.
    UnixQueueFull,
    /// A sender waited for the receiver's window, for a tenth of its time (`rwnd_limited` of ss(8)).
    WindowClosed,
    /// So many connections are in `TIME_WAIT` after the run.
    TimeWait(u64),
    /// So many connections are half open (`SYN_RECV`) before the run and in the middle of it.
    HalfOpen(usize),
}

/// Counters that tell of a listener that could not take every connection.
pub(crate) const LISTENERS: &[&str] = &["TcpExt.ListenOverflows", "TcpExt.ListenDrops"];

/// What one look at the sockets and the service showed.
#[derive(Debug, Default)]
struct Look {
    descriptors: usize,
    queued: u64,
    half_open: usize,
    unix_queue_full: bool,
    window_closed: bool,
}

/// Reads counters before and after a run, and looks at the sockets while it goes on.
pub(crate) struct Witness {
    needs: Vec<Need>,
    before: BTreeMap<String, u64>,
    over: Arc<AtomicBool>,
    looks: JoinHandle<Vec<Look>>,
}

impl Witness {
    pub(crate) fn begin(needs: &[Need], pid: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (ended, ss) =
            (Arc::clone(&over), needs.iter().any(|need| matches!(need, Need::UnixQueueFull | Need::WindowClosed)));
        let looks = thread::spawn(move || {
            let mut looks = Vec::new();
            while !ended.load(Ordering::Relaxed) {
                looks.push(Look::new(pid, ss));
                thread::sleep(Duration::from_millis(20));
            }
            looks
        });
        Self { needs: needs.to_vec(), before: counters(), over, looks }
    }

    /// Whether everything that was needed was so; else the figures.
    pub(crate) fn end(self, document: &Value) -> Result<(), String> {
        let after = counters();
        self.over.store(true, Ordering::Relaxed);
        let looks = self.looks.join().unwrap();
        let rose = |name: &&str| after.get(*name).unwrap_or(&0) - self.before.get(*name).unwrap_or(&0);
        let seen = |so: &dyn Fn(&Look) -> bool| looks.iter().filter(|look| so(look)).count();
        let run = &document["runs"][0];
        for need in &self.needs {
            let (holds, figures) = match need {
                Need::Rose(names, by) => {
                    let rises: Vec<u64> = names.iter().map(rose).collect();
                    (rises[0].saturating_sub(rises[1..].iter().sum()) >= *by, format!("{rises:?}"))
                }
                Need::Still(names) => {
                    let rises: Vec<u64> = names.iter().map(rose).collect();
                    (rises.iter().all(|rise| *rise == 0), format!("{rises:?}"))
                }
                Need::Answered(count) => {
                    let answered = serde_json::from_str::<Value>(run["output"].as_str().unwrap()).ok();
                    let answered = answered.and_then(|counts| counts["requests"].as_u64());
                    (answered >= Some(*count), format!("{answered:?}"))
                }
                Need::Said(text) => {
                    (run["error_output"].as_str().unwrap().contains(text), run["error_output"].to_string())
                }
                Need::Descriptors(limit) => {
                    let full = seen(&|look| look.descriptors >= *limit);
                    let standing = seen(&|look| look.descriptors >= *limit && look.queued > 0);
                    (standing >= 5 && standing * 4 > full * 3, format!("{standing} of {full} of {} looks", looks.len()))
                }
                Need::UnixQueueFull => {
                    let full = seen(&|look| look.unix_queue_full);
                    (full >= 3 && full * 3 > looks.len(), format!("{full} of {} looks", looks.len()))
                }
                Need::WindowClosed => {
                    let closed = seen(&|look| look.window_closed);
                    (closed >= 3 && closed * 2 > looks.len(), format!("{closed} of {} looks", looks.len()))
                }
                Need::TimeWait(count) => {
                    let there = time_wait();
                    (there >= *count, format!("{there}"))
                }
                Need::HalfOpen(count) => {
                    let full = seen(&|look| look.half_open >= *count);
                    (full >= 1 && full * 2 > looks.len(), format!("{full} of {} looks", looks.len()))
                }
            };
            if !holds {
                return Err(format!("{need:?}: found {figures}; the load tester printed {}", run["output"]));
            }
        }
        Ok(())
    }
}

impl Look {
    fn new(pid: u32, ss: bool) -> Self {
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        // Of a listener, the length of its accept queue is in the column `rx_queue` (`get_tcp4_sock`).
        let queued = |row: &Vec<&str>| u64::from_str_radix(row[4].split(':').nth(1).unwrap(), 16).unwrap();
        let mut look = Self {
            descriptors: fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count),
            queued: rows.iter().filter(|row| row[3] == "0A").map(queued).max().unwrap_or(0),
            half_open: rows.iter().filter(|row| row[3] == "03").count(),
            ..Self::default()
        };
        if ss {
            look.unix_queue_full = run("ss -lxH").lines().any(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                matches!(words[2..4], [used, limit] if used.parse::<u64>().unwrap() > limit.parse::<u64>().unwrap())
            });
            // `rwnd_limited:1234ms(56.7%)`
            let shares = run("ss -tinH");
            let shares = shares.split_whitespace().filter_map(|word| word.strip_prefix("rwnd_limited:"));
            let share = |text: &str| text.split(['(', '%']).nth(1)?.parse::<f64>().ok();
            look.window_closed = shares.filter_map(share).any(|share| share >= 10.0);
        }
        look
    }
}

fn run(line: &str) -> String {
    let mut words = line.split(' ');
    let output =
        Command::new(words.next().unwrap()).args(words).output().unwrap_or_else(|error| panic!("{line}: {error}"));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Pairs of lines, names and numbers, after the name of a table.
pub(crate) fn counters() -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for file in ["netstat", "snmp"] {
        let text = fs::read_to_string(format!("/proc/net/{file}")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.chunks(2) {
            let (table, names) = pair[0].split_once(": ").unwrap();
            let (_, numbers) = pair[1].split_once(": ").unwrap();
            for (name, number) in names.split(' ').zip(numbers.split(' ')) {
                all.extend(number.parse().ok().map(|number| (format!("{table}.{name}"), number)));
            }
        }
    }
    all
}

fn time_wait() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap();
    let words: Vec<&str> = text.lines().find(|line| line.starts_with("TCP:")).unwrap().split(' ').collect();
    words[words.iter().position(|word| *word == "tw").unwrap() + 1].parse().unwrap()
}

/// Waits until so many connections are half open: the queue that they wait in is as full as it gets.
pub(crate) fn wait_for_half_open(count: usize) {
    crate::support::kernel::until(&format!("fewer than {count} connections are half open"), || {
        Look::new(std::process::id(), false).half_open >= count
    });
}

/// How often a scene is set again that was not what it is called.
const ATTEMPTS: usize = 6;

/// Plays a scene until it was what it is called: `attempt` says with which figures it was not.
pub(crate) fn really<T>(name: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let mut found = Vec::new();
    for _ in 0..ATTEMPTS {
        match attempt() {
            Ok(it) => return it,
            Err(figures) => found.push(figures),
        }
    }
    panic!("{name}: the scene could not be set in {ATTEMPTS} attempts:\n{}", found.join("\n"));
}
