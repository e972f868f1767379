//! What `tunectl watch` costs while nothing happens, and how soon it sees a change, beside Debian's tuned.
//!
//! `cargo bench --bench watch [-- --short] [--enforce]`. Linux, as root, with iproute2 and util-linux, and the package
//! `tuned` for the comparison. It runs in network, IPC, UTS and mount namespaces of its own: nothing outside is written.

mod harness;
#[allow(dead_code, reason = "limits are not watched")]
#[path = "apply/settings.rs"]
mod settings;
#[path = "watch/tuned.rs"]
mod tuned;

use harness::table::Table;
use harness::{Options, Outcome, memory, namespaces, programs};
use settings::{Files, Key};
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use tuned::Tuned;

/// At most this much may be held in memory, in MB.
const MEMORY: f64 = 2.0;
/// At most this much of one core may be used, in percent.
const PROCESSOR: f64 = 0.1;
/// At most so late may a change be seen, in ms.
const LATENCY: f64 = 100.0;
/// How many settings are watched.
const SETTINGS: usize = 300;

fn main() -> ExitCode {
    harness::exit_code(run())
}

fn run() -> Outcome<()> {
    let options = Options::without_against()?;
    let tunectl = programs::tunectl()?;
    namespaces::enter(&tunectl)?;
    let keys = &settings::keys()?[..SETTINGS];
    let files = Files::write("watch", keys, &[])?;
    for key in keys {
        put(key, key.value(0))?;
    }
    let mut table = Table::default();
    let mut daemon = Daemon::start(&tunectl, &files.path(0, "toml"))?;
    // The default interval is 30 s: a full run has three sweeps in it, a short one none but the first, which is counted.
    let idle = Duration::from_secs(if options.short { 10 } else { 95 });
    table.heading(&format!("{SETTINGS} settings, nothing happens for {} s", idle.as_secs()), ["", ""])?;
    let (rss, share) = observe(daemon.child.id(), idle)?;
    table.size("tunectl watch, resident set", rss, "MB", Some(MEMORY))?;
    table.size("tunectl watch, of one core", share, "%", Some(PROCESSOR))?;
    sweeps(&tunectl, &files.path(0, "toml"), &mut table)?;
    let times = latencies(&mut daemon, &keys[..options.rounds(100)])?;
    table.heading("From a write to the line about it", ["", ""])?;
    table.size("tunectl watch, median", times[times.len() / 2], "ms", Some(LATENCY))?;
    table.size("tunectl watch, slowest", times[times.len() - 1], "ms", Some(LATENCY))?;
    drop(daemon);
    beside(keys, idle)?;
    table.conclude(options.enforce)
}

/// Resident set in MB, and percent of a core over some time.
fn observe(pid: u32, time: Duration) -> Outcome<(f64, f64)> {
    sleep(Duration::from_secs(1));
    let (begin, used) = (Instant::now(), run_time(pid)?);
    sleep(time);
    let share = 100.0 * run_time(pid)?.saturating_sub(used).as_secs_f64() / begin.elapsed().as_secs_f64();
    let kib = u32::try_from(memory::held(pid)?.rss_kib)?;
    Ok((f64::from(kib) * 1024.0 / 1e6, share))
}

/// What a sweep costs, measured with one each 100 ms, as percent of a core with one each 30 s.
fn sweeps(tunectl: &Path, profile: &Path, table: &mut Table) -> Outcome<()> {
    let mut command = watch(tunectl, profile);
    let mut daemon = Daemon::new(command.args(["--interval", "100ms"]))?;
    daemon.line("watching ")?;
    let (_, share) = observe(daemon.child.id(), Duration::from_secs(5))?;
    table.size("tunectl watch, of a core by sweeps alone", share * 0.1 / 30.0, "%", Some(PROCESSOR))
}

/// How long each change takes to be told, in ms, sorted.
fn latencies(daemon: &mut Daemon, keys: &[Key]) -> Outcome<Vec<f64>> {
    let mut times = Vec::with_capacity(keys.len());
    for key in keys {
        let begin = Instant::now();
        put(key, key.value(1))?;
        daemon.line("drifted: ")?;
        times.push(begin.elapsed().as_secs_f64() * 1e3);
        put(key, key.value(0))?;
        daemon.line("holds again: ")?;
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

fn beside(keys: &[Key], idle: Duration) -> Outcome<()> {
    let pairs: Vec<_> = keys.iter().map(|key| (key.path.replace('/', "."), key.value(1).to_owned())).collect();
    let Some(tuned) = Tuned::start(&pairs)? else {
        writeln!(io::stdout(), "\ntuned is not installed (Debian's package `tuned`): nothing to compare with")?;
        return Ok(());
    };
    let (rss, share) = observe(tuned.pid(), idle)?;
    let applied = keys.iter().filter(|key| key.check(1).is_ok()).count();
    writeln!(io::stdout(), "\ntuned, which has applied {applied} of them: {rss:.2} MB, {share:.2} % of one core")?;
    put(&keys[0], keys[0].value(0))?;
    sleep(Duration::from_secs(3));
    let seen = if keys[0].check(1).is_ok() { "puts it back" } else { "leaves it and says nothing" };
    writeln!(io::stdout(), "  a value that is written over: tuned {seen} within 3 s")?;
    Ok(())
}

struct Daemon {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Daemon {
    fn start(tunectl: &Path, profile: &Path) -> Outcome<Self> {
        let mut daemon = Self::new(&mut watch(tunectl, profile))?;
        daemon.line("watching ")?;
        Ok(daemon)
    }

    fn new(command: &mut Command) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("it has no output")?);
        Ok(Self { child, lines })
    }

    /// Reads up to a line that begins like this.
    fn line(&mut self, begins: &str) -> Outcome<()> {
        let mut line = String::new();
        while !line.starts_with(begins) {
            line.clear();
            if self.lines.read_line(&mut line)? == 0 {
                return Err(format!("tunectl watch ended before `{begins}`").into());
            }
        }
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn watch(tunectl: &Path, profile: &Path) -> Command {
    let mut command = Command::new(tunectl);
    command.args(["watch", "-p"]).arg(profile).env_clear();
    command
}

fn put(key: &Key, value: &str) -> Outcome<()> {
    let path = Path::new("/proc/sys").join(&key.path);
    Ok(fs::write(&path, value).map_err(|error| format!("{}: {error}", path.display()))?)
}

/// The processor time of a process with all its threads, from the first field of each `schedstat`
/// (Documentation/scheduler/sched-stats.rst).
fn run_time(pid: u32) -> Outcome<Duration> {
    let mut total = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        total += text.split_whitespace().next().ok_or("schedstat is empty")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}
