//! What a setting costs where there are many: 100, 1000, 10000 and 30000 of them, in processor time, beside
//! systemd-sysctl(8) and sysctl(8) of procps.
//!
//! `cargo bench --bench scale [-- --short] [--enforce]`. Linux, as root or where users may unshare, with iproute2 and
//! util-linux. A short run goes to 10000 settings and has bounds for the growth alone, which hold on a busy machine; a full
//! run compares with systemd-sysctl too. The settings are those of veth pairs in namespaces of the benchmark's own:
//! nothing outside is written.

mod harness;
#[path = "scale/scene.rs"]
mod scene;

use harness::table::Table;
use harness::{Options, Outcome, namespaces, programs};
use scene::{Interfaces, Listeners, Scene, watched_kib};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// How many settings there are, and how many of these sizes a short run has.
const SIZES: [usize; 4] = [100, 1000, 10_000, 30_000];
const SHORT: usize = 3;
/// A setting of 10000 or more may cost so many times what one of 1000 does.
const GROWTH: f64 = 3.0;
/// What `watch` may hold for each setting, in kB.
const WATCHED: f64 = 0.6;
const SYSTEMD: [&str; 2] = ["/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"];

/// A program with what it is measured by.
struct Contender {
    name: &'static str,
    /// The command of a turn.
    words: Vec<OsString>,
    /// At most so many times the processor time of the contender with this name.
    target: Option<(f64, &'static str)>,
    /// The least processor time of all rounds, in microseconds.
    least: u64,
}

fn main() -> ExitCode {
    harness::exit_code(run())
}

fn run() -> Outcome<()> {
    let options = Options::without_against()?;
    let tunectl = programs::tunectl()?;
    let cost = programs::compile("benches/programs/cost.rs")?;
    programs::compile("benches/programs/listen.rs")?;
    namespaces::enter(&tunectl)?;
    let sizes = &SIZES[..if options.short { SHORT } else { SIZES.len() }];
    let mut table = Table::default();
    let mut interfaces = Interfaces::default();
    let mut of_1000: Vec<(&str, f64)> = Vec::new();
    let mut watched = Vec::new();
    for size in sizes {
        interfaces.grow_to(*size / scene::LEAVES.len())?;
        let scene = Scene::write(*size)?;
        let mut contenders = contenders(&tunectl, &scene);
        for _ in 0..if options.short { 3 } else { 7 } {
            for contender in &mut contenders {
                contender.least = contender.least.min(microseconds(&cost, &contender.words)?);
            }
        }
        table.heading(&format!("{size} settings"), ["us a setting", "x systemd"])?;
        for contender in &contenders {
            line(contender, &contenders, *size, &mut of_1000, &options, &mut table)?;
        }
        watched.push((*size, watched_kib(&tunectl, &scene.profile(0))?));
    }
    memory(&watched, &options, &mut table)?;
    listeners(&tunectl, &cost, sizes, &options, &mut table)?;
    table.conclude(options.enforce)
}

/// All that takes turns. They begin with every setting at 0, and each finds the values that the one before it left.
fn contenders(tunectl: &Path, scene: &Scene) -> Vec<Contender> {
    let contender = |name, words: Vec<OsString>, target| Contender { name, words, target, least: u64::MAX };
    let ours = |name, words: &[&str], value: usize, target| {
        let mut all = vec![tunectl.as_os_str().to_owned()];
        all.extend(words.iter().map(OsString::from));
        all.extend([OsString::from("-p"), scene.profile(value).into_os_string()]);
        contender(name, all, target)
    };
    let theirs = |name, words: &[&str], value: usize| {
        let mut all: Vec<OsString> = words.iter().map(OsString::from).collect();
        all.push(scene.list(value).into_os_string());
        contender(name, all, None)
    };
    let revert = vec![tunectl.as_os_str().to_owned(), OsString::from("revert")];
    let mut all = Vec::new();
    let changed = "systemd-sysctl, all change";
    let unchanged = "systemd-sysctl, none changes";
    let systemd = SYSTEMD.into_iter().find(|path| Path::new(path).exists());
    if let Some(systemd) = systemd {
        all.push(theirs(changed, &[systemd], 1));
        all.push(theirs(unchanged, &[systemd], 1));
    }
    all.push(theirs("sysctl -q -p, all change", &["sysctl", "-q", "-p"], 0));
    all.push(ours("check, all fall short", &["check"], 1, Some((6.0, changed))));
    all.push(ours("check --format json, all fall short", &["check", "--format", "json"], 1, Some((6.0, changed))));
    all.push(ours("check -v, all fall short", &["check", "-v"], 1, None));
    all.push(ours("check of as many missing settings", &["check"], 2, None));
    all.push(ours("apply --no-journal, all change", &["apply", "--no-journal"], 1, Some((1.3, changed))));
    all.push(ours("apply --no-journal, none changes", &["apply", "--no-journal"], 1, Some((1.3, unchanged))));
    all.push(ours("check, all hold", &["check"], 1, Some((2.0, unchanged))));
    all.push(ours("watch --once, all hold", &["watch", "--once"], 1, None));
    all.push(ours("apply, all change", &["apply"], 0, Some((2.0, changed))));
    all.push(contender("revert, all change", revert, None));
    all.push(theirs("sysctl -q -p, back", &["sysctl", "-q", "-p"], 0));
    all
}

/// Prints the line of a contender, and compares its cost a setting with that of 1000 settings.
fn line(
    contender: &Contender,
    all: &[Contender],
    size: usize,
    of_1000: &mut Vec<(&'static str, f64)>,
    options: &Options,
    table: &mut Table,
) -> Outcome<()> {
    let each = each(contender.least, size);
    let other = contender.target.map_or("systemd-sysctl, all change", |(_, other)| other);
    let systemd = all.iter().find(|its| its.name == other);
    let target = contender.target.map(|(target, _)| target).filter(|_| !options.short && size >= 10_000);
    let figure = format!("{each:.2}");
    match systemd {
        Some(systemd) => table.line(contender.name, &figure, each / self::each(systemd.least, size), target)?,
        None => table.size(contender.name, each, "us", None)?,
    }
    if size == 1000 {
        of_1000.push((contender.name, each));
    }
    growth(contender.name, each, size, of_1000, table)
}

/// Compares the cost of one of `size` with that of one of 1000.
fn growth(name: &str, each: f64, size: usize, of_1000: &[(&'static str, f64)], table: &mut Table) -> Outcome<()> {
    match of_1000.iter().find(|(its, _)| *its == name) {
        Some((_, before)) if size > 1000 => {
            table.line("  of one, as a multiple of 1000", "", each / before, Some(GROWTH))
        }
        _ => Ok(()),
    }
}

/// What `watch` holds for each setting more than the fewest.
fn memory(watched: &[(usize, u64)], options: &Options, table: &mut Table) -> Outcome<()> {
    table.heading("watch, resident set", ["kB a setting", ""])?;
    let [(fewest, base), more @ ..] = watched else { return Ok(()) };
    for (size, kib) in more {
        let each = number(kib.saturating_sub(*base)) * 1.024 / number((size - fewest) as u64);
        let target = Some(WATCHED).filter(|_| !options.short && *size >= 10_000);
        table.size(&format!("{size} settings"), each, "kB", target)?;
    }
    Ok(())
}

/// What `check --pid` costs for each socket whose queue is too short.
fn listeners(tunectl: &Path, cost: &Path, sizes: &[usize], options: &Options, table: &mut Table) -> Outcome<()> {
    table.heading("check --pid, so many listeners", ["us each", ""])?;
    let mut of_1000 = Vec::new();
    for size in sizes {
        let listening = Listeners::start(*size)?;
        let pid = listening.pid().to_string();
        let words = ["check", "--set", "net.core.somaxconn=2147483647", "--pid", &pid].map(OsString::from);
        let words: Vec<OsString> = [tunectl.as_os_str().to_owned()].into_iter().chain(words).collect();
        let mut least = u64::MAX;
        for _ in 0..if options.short { 3 } else { 7 } {
            least = least.min(microseconds(cost, &words)?);
        }
        let each = each(least, *size);
        let name = "check --pid";
        if *size == 1000 {
            of_1000.push((name, each));
        }
        table.size(&format!("{size} listeners"), each, "us", None)?;
        growth(name, each, *size, &of_1000, table)?;
    }
    Ok(())
}

/// The processor time of a command, in microseconds.
fn microseconds(cost: &Path, words: &[OsString]) -> Outcome<u64> {
    let mut command = Command::new(cost);
    command.args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("TUNECTL_JOURNAL", journal());
    let said = programs::succeed(command)?;
    Ok(said.trim().parse().map_err(|_| format!("expected a number, found `{said}`"))?)
}

/// A journal of the benchmark's own.
fn journal() -> PathBuf {
    programs::scratch().join(OsStr::new("scale-journal"))
}

fn each(microseconds: u64, size: usize) -> f64 {
    number(microseconds) / number(size as u64)
}

#[expect(clippy::cast_precision_loss, reason = "times and sizes are far below 2^52")]
fn number(value: u64) -> f64 {
    value as f64
}
