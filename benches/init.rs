//! What staying as the service's parent costs, against tini, tini-static, dumb-init and catatonit.
//!
//! `cargo bench --bench init [-- --short] [--enforce]`. Linux, with those four and util-linux installed; as root or as
//! a user who may unshare(1). They measure side by side, in turns; every figure has the ratio to one of them.

mod harness;
#[path = "init/running.rs"]
mod running;

use harness::rounds::{Contender, Order, Times, interleave};
use harness::table::Table;
use harness::{Options, Outcome, memory, programs};
use running::{Running, descend};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

/// Bound of the start-up over that of the bare service, as a multiple of tini's.
const START_UP: f64 = 1.0;
/// Bound of the private dirty memory while supervising, in kB.
const DIRTY: f64 = 64.0;
/// Bound of the processor time for reaping, as a multiple of tini's.
const REAPING: f64 = 1.0;
/// Bound of the latency of a signal, as a multiple of tini's; and in a session of its own, of dumb-init's.
const LATENCY: f64 = 1.1;
const LATENCY_IN_SESSION: f64 = 1.2;

/// How often all are started anew to measure latency: which processor each runs on, and so how far it has to the
/// others, is decided when it starts.
const INSTANCES: usize = 5;

/// A supervisor: its name, and the words before the service's command.
struct Init {
    name: &'static str,
    words: Vec<OsString>,
}

impl Init {
    fn command(&self, service: &[&Path]) -> Command {
        let mut words = self.words.iter().cloned().chain(service.iter().map(OsString::from));
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }
}

/// Where each stands in the list below.
const BARE: usize = 0;
const TINI: usize = 1;
const DUMB_INIT: usize = 3;
const OURS: usize = 5;
const OURS_IN_SESSION: usize = 6;

fn inits(tunectl: &Path, profile: &Path) -> Vec<Init> {
    let init = |name: &'static str, words: &[&str]| Init { name, words: words.iter().map(OsString::from).collect() };
    let (ours, profile) = (tunectl.to_string_lossy(), profile.to_string_lossy());
    vec![
        init("bare", &[]),
        init("tini", &["tini", "-s", "--"]),
        init("tini-static", &["tini-static", "-s", "--"]),
        init("dumb-init", &["dumb-init", "--"]),
        init("catatonit", &["catatonit", "--"]),
        init("tunectl run --init", &[&*ours, "run", "--init", "-p", &*profile, "--"]),
        init("tunectl run --init --session", &[&*ours, "run", "--init", "--session", "-p", &*profile, "--"]),
    ]
}

fn main() -> ExitCode {
    harness::exit_code(run())
}

fn run() -> Outcome<()> {
    let options = Options::without_against()?;
    let tunectl = programs::tunectl()?;
    let profile = programs::scratch().join("trivial.toml");
    std::fs::write(&profile, "[rlimit]\ncore = 0\n")?;
    let inits = inits(&tunectl, &profile);
    let mut table = Table::default();
    start_up(&inits, &options, &mut table)?;
    memory_and_rest(&inits, &options, &mut table)?;
    latency(&inits, &options, &mut table)?;
    reaping(&inits, &options, &mut table)?;
    table.conclude(options.enforce)
}

fn start_up(inits: &[Init], options: &Options, table: &mut Table) -> Outcome<()> {
    let service = programs::compile("benches/programs/true.rs")?;
    let contender = |init: &'_ Init| {
        let words = init.command(&[&service]);
        let (program, arguments) = (words.get_program().to_owned(), words.get_args().map(OsString::from).collect());
        Contender { name: init.name.to_owned(), command: again(program, arguments), check: Box::new(|_| Ok(())) }
    };
    let times = interleave(&inits[..=OURS].iter().map(contender).collect::<Vec<_>>(), options.rounds(2000))?;
    table.heading("Start-up of a service that does nothing", ["median", "x bare"])?;
    for (init, time) in inits.iter().zip(&times) {
        table.time(init.name, time, &times[BARE], None)?;
    }
    let over_bare =
        |times: &[Times], index: usize| times[index].median().saturating_sub(times[BARE].median()).as_secs_f64();
    let ratio = over_bare(&times, OURS) / over_bare(&times, TINI);
    table.line("over bare: tunectl / tini", "", ratio, Some(START_UP))
}

fn again(program: OsString, arguments: Vec<OsString>) -> Box<dyn Fn(usize) -> Command> {
    Box::new(move |_| {
        let mut command = Command::new(&program);
        command.args(&arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    })
}

fn memory_and_rest(inits: &[Init], options: &Options, table: &mut Table) -> Outcome<()> {
    let service = programs::compile("benches/programs/echo.rs")?;
    let running = start_all(&inits[TINI..=OURS], &service)?;
    // What is done once is done by now.
    std::thread::sleep(Duration::from_secs(2));
    let before: Vec<u64> = running.iter().map(Running::wake_ups).collect::<Outcome<_>>()?;
    let seconds = if options.short { 3 } else { 10 };
    std::thread::sleep(Duration::from_secs(seconds));
    table.heading(&format!("Supervising, {seconds} s idle"), ["", ""])?;
    for ((init, running), before) in inits[TINI..].iter().zip(&running).zip(before) {
        let held = memory::held(running.supervisor)?;
        let woken = running.wake_ups()? - before;
        let ours = init.name.starts_with("tunectl");
        let rows = [
            ("resident", held.rss_kib, "kB", None),
            ("private dirty", held.private_dirty_kib, "kB", Some(DIRTY)),
            ("wake-ups", woken, "", Some(0.0)),
        ];
        for (what, figure, unit, target) in rows {
            let name = format!("{}, {what}", init.name);
            table.size(&name, number(figure), unit, target.filter(|_| ours))?;
        }
    }
    Ok(())
}

fn start_all(inits: &[Init], service: &Path) -> Outcome<Vec<Running>> {
    inits.iter().map(|init| Running::start(init.command(&[service]))).collect()
}

fn latency(inits: &[Init], options: &Options, table: &mut Table) -> Outcome<()> {
    let service = programs::compile("benches/programs/echo.rs")?;
    let mut times = vec![vec![]; inits.len()];
    let mut order = Order::new(inits.len());
    for _ in 0..INSTANCES {
        let mut running = start_all(inits, &service)?;
        std::thread::sleep(Duration::from_millis(500));
        for _ in 0..options.rounds(4000) {
            for &index in order.next() {
                times[index].push(running[index].answer()?);
            }
        }
    }
    let times: Vec<Times> = times.into_iter().map(Times::new).collect();
    table.heading("A signal, from kill(2) to the service's answer", ["median", "x bare"])?;
    for (init, time) in inits.iter().zip(&times) {
        table.time(init.name, time, &times[BARE], None)?;
    }
    table.line("tunectl / tini", "", times[OURS].ratio_to(&times[TINI]), Some(LATENCY))?;
    let in_session = times[OURS_IN_SESSION].ratio_to(&times[DUMB_INIT]);
    table.line("tunectl --session / dumb-init", "", in_session, Some(LATENCY_IN_SESSION))
}

fn reaping(inits: &[Init], options: &Options, table: &mut Table) -> Outcome<()> {
    let service = programs::compile("benches/programs/storm.rs")?;
    let count = if options.short { 4000 } else { 20_000 };
    let mut times = vec![vec![]; inits.len()];
    let mut order = Order::new(OURS + 1 - TINI);
    for _ in 0..if options.short { 3 } else { 5 } {
        for index in order.next().iter().map(|place| TINI + place) {
            let command = descend(&inits[index].command(&[&service, Path::new(&count.to_string())]));
            times[index].push(Running::first(command)?.processor_time()?);
        }
    }
    let times: Vec<Times> = times.into_iter().map(Times::new).collect();
    table.heading(&format!("Processor time for reaping {count} orphans"), ["median", "x tini"])?;
    for (init, time) in inits.iter().zip(&times).take(OURS).skip(TINI) {
        table.time(init.name, time, &times[TINI], None)?;
    }
    table.time(inits[OURS].name, &times[OURS], &times[TINI], Some(REAPING))
}

#[expect(clippy::cast_precision_loss, reason = "kilobytes and wake-ups are far below 2^52")]
fn number(figure: u64) -> f64 {
    figure as f64
}
