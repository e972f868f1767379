//! How long applying a profile takes, against sysctl(8) of procps and the shell entrypoint tunectl replaces.
//!
//! `cargo bench --bench apply [-- --short] [--enforce]`. Linux, with procps, iproute2 and util-linux installed.
//! It runs in network, IPC, UTS and mount namespaces of its own: nothing outside is written.

mod harness;
#[path = "apply/settings.rs"]
mod settings;

use harness::rounds::{Contender, Times, interleave};
use harness::table::Table;
use harness::{Options, Outcome, memory, namespaces, programs};
use settings::{Files, Key, Limit};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// At most this much of the resident set may tunectl have had at its peak, in MB.
const PEAK: f64 = 1.5;
/// At most this large may the static release binary be, in MB.
const SIZE: f64 = 1.2;

/// A row of the benchmark: how many keys, and what tunectl's time should be at most.
struct Row {
    keys: usize,
    rounds: usize,
    /// As a multiple of `sysctl -q -p` on the same keys.
    of_sysctl: f64,
    /// As a multiple of the shell entrypoint, which takes part where this is given.
    of_shell: Option<f64>,
}

const ROWS: [Row; 3] = [
    Row { keys: 3, rounds: 3000, of_sysctl: 0.6, of_shell: Some(0.15) },
    Row { keys: 30, rounds: 2000, of_sysctl: 0.55, of_shell: None },
    Row { keys: 300, rounds: 1000, of_sysctl: 0.5, of_shell: None },
];

/// The programs under measurement.
struct Programs {
    tunectl: PathBuf,
    bare: PathBuf,
    service: PathBuf,
}

fn main() -> ExitCode {
    harness::exit_code(run())
}

fn run() -> Outcome<()> {
    let options = Options::from_command_line()?;
    let programs = Programs {
        tunectl: programs::tunectl()?,
        bare: programs::compile("benches/programs/bare.rs")?,
        service: programs::compile("benches/programs/true.rs")?,
    };
    programs::compile("benches/programs/peak.rs")?;
    namespaces::enter(&programs.tunectl)?;

    let mut table = Table::default();
    let keys = settings::keys()?;
    let limits = settings::limits()?;
    for row in &ROWS {
        measure(row, &keys[..row.keys], &limits, &programs, options, &mut table)?;
    }
    table.heading("Binary", ["size", ""])?;
    table.size("static release binary", megabytes(memory::size(&programs.tunectl)?), "MB", SIZE)?;
    table.conclude(options.enforce)
}

/// Measures one row and prints its lines.
fn measure(
    row: &Row,
    keys: &[Key],
    limits: &[Limit],
    programs: &Programs,
    options: Options,
    table: &mut Table,
) -> Outcome<()> {
    let files = Files::write(&keys.len().to_string(), keys, limits)?;
    let mut contenders = vec![
        contender("sysctl -q -p", keys, |turn| {
            command("sysctl", [OsStr::new("-q"), OsStr::new("-p"), files.path(turn, "conf").as_os_str()])
        }),
        contender("bare write, read back, exec", keys, |turn| {
            command(&programs.bare, [files.path(turn, "list").as_os_str(), programs.service.as_os_str()])
        }),
        contender("tunectl run", keys, |turn| tunectl(programs, &files, turn)),
    ];
    if row.of_shell.is_some() {
        let nofile = &limits[0];
        contenders.push(contender("shell entrypoint", keys, |turn| entrypoint(keys, nofile, &programs.service, turn)));
    }
    let times = interleave(&contenders, options.rounds(row.rounds))?;

    table.heading(&format!("{} keys and {} limits", keys.len(), limits.len()), ["median", "x sysctl"])?;
    let [sysctl, bare, ours, shell @ ..] = times.as_slice() else { return Err("a contender is missing".into()) };
    for (index, other) in [sysctl, bare].into_iter().chain(shell).enumerate() {
        table.time(&contenders[if index < 2 { index } else { 3 }].name, other, sysctl, None)?;
    }
    table.time("tunectl run", ours, sysctl, Some(row.of_sysctl))?;
    against_shell(ours, shell.first(), row.of_shell, table)?;
    let peak = peak(programs, &files)?;
    table.size("tunectl run, peak resident set", megabytes(peak * 1024), "MB", PEAK)
}

/// The highest peak of three runs, in KiB.
fn peak(programs: &Programs, files: &Files) -> Outcome<u64> {
    let mut highest = 0;
    for turn in 0..3 {
        highest = highest.max(memory::peak_kib(&tunectl(programs, files, turn))?);
    }
    Ok(highest)
}

fn against_shell(ours: &Times, shell: Option<&Times>, target: Option<f64>, table: &mut Table) -> Outcome<()> {
    let Some(shell) = shell else { return Ok(()) };
    table.line("tunectl run / shell entrypoint", "", ours.ratio_to(shell), target)
}

/// One that has done its work when all keys hold the values of its turn.
fn contender<'a>(name: &str, keys: &'a [Key], command: impl Fn(usize) -> Command + 'a) -> Contender<'a> {
    Contender {
        name: name.to_owned(),
        command: Box::new(command),
        check: Box::new(|turn| keys.iter().try_for_each(|key| key.check(turn))),
    }
}

fn tunectl(programs: &Programs, files: &Files, turn: usize) -> Command {
    let profile = files.path(turn, "toml");
    let [run, option, end] = ["run", "--profile", "--"].map(OsStr::new);
    command(&programs.tunectl, [run, option, profile.as_os_str(), end, programs.service.as_os_str()])
}

/// The entrypoint that people write without tunectl.
fn entrypoint(keys: &[Key], nofile: &Limit, service: &Path, turn: usize) -> Command {
    let write = |key: &Key| format!("sysctl -w {}='{}'", key.path.replace('/', "."), key.value(turn));
    let writes: Vec<String> = keys.iter().map(write).collect();
    let script = format!("{}; ulimit -n {}; exec {}", writes.join("; "), nofile.value(turn), service.display());
    command("sh", [OsStr::new("-c"), OsStr::new(&script)])
}

/// All contenders find the same, small environment.
fn command<'a>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = &'a OsStr>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files and memory are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
