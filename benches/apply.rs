//! How long applying a profile takes, against a bare program that only writes and reads back, sysctl(8) of procps, and
//! the shell entrypoint that tunectl replaces.
//!
//! `cargo bench --bench apply [-- --short] [--enforce] [--against BINARY]`. Linux, with procps, iproute2 and util-linux
//! installed. `--against` adds another build of tunectl to the same rounds. It runs in network, IPC, UTS and mount
//! namespaces of its own: nothing outside is written.

mod harness;
#[path = "apply/settings.rs"]
mod settings;

use harness::rounds::{Contender, interleave};
use harness::table::Table;
use harness::{Options, Outcome, memory, namespaces, programs};
use settings::{Files, Key, Limit};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Bound of the peak resident set of `tunectl run`, in MB.
const PEAK: f64 = 2.0;
/// Bound of the size of the static release binary with its default features, in MB.
const SIZE: f64 = 3.0;

/// A group of the table: how many keys are applied, and the bounds of tunectl's time.
struct Row {
    keys: usize,
    rounds: usize,
    /// As a multiple of the bare program's time.
    of_bare: f64,
    /// As a multiple of the time of `sysctl -q -p`. With few keys that ratio depends on the processor more than on
    /// tunectl, so it is printed without a bound.
    of_sysctl: Option<f64>,
    /// Whether the shell entrypoint takes part, which starts a process a key.
    with_shell: bool,
}

const ROWS: [Row; 3] = [
    Row { keys: 3, rounds: 3000, of_bare: 2.2, of_sysctl: None, with_shell: true },
    Row { keys: 30, rounds: 2000, of_bare: 1.6, of_sysctl: None, with_shell: false },
    Row { keys: 300, rounds: 1000, of_bare: 1.0, of_sysctl: Some(0.5), with_shell: false },
];

/// The programs under measurement.
struct Programs {
    tunectl: PathBuf,
    /// What `--against` names.
    other: Option<PathBuf>,
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
        other: options.against.clone(),
        bare: programs::compile("benches/programs/bare.rs")?,
        service: programs::compile("benches/programs/true.rs")?,
    };
    programs::compile("benches/programs/peak.rs")?;
    namespaces::enter(&programs.tunectl)?;

    let mut table = Table::default();
    let keys = settings::keys()?;
    let limits = settings::limits()?;
    for row in &ROWS {
        measure(row, &keys[..row.keys], &limits, &programs, &options, &mut table)?;
    }
    sizes(&programs, &mut table)?;
    table.conclude(options.enforce)
}

/// Measures one row and prints its lines.
fn measure(
    row: &Row,
    keys: &[Key],
    limits: &[Limit],
    programs: &Programs,
    options: &Options,
    table: &mut Table,
) -> Outcome<()> {
    let files = Files::write(&keys.len().to_string(), keys, limits)?;
    let mut contenders = vec![
        contender("bare write, read back, exec", keys, |turn| {
            command(&programs.bare, [files.path(turn, "list").as_os_str(), programs.service.as_os_str()])
        }),
        contender("tunectl run", keys, |turn| tunectl(&programs.tunectl, programs, &files, turn)),
        contender("sysctl -q -p", keys, |turn| {
            command("sysctl", [OsStr::new("-q"), OsStr::new("-p"), files.path(turn, "conf").as_os_str()])
        }),
    ];
    if row.with_shell {
        let nofile = &limits[0];
        contenders.push(contender("shell entrypoint", keys, |turn| entrypoint(keys, nofile, &programs.service, turn)));
    }
    if let Some(other) = &programs.other {
        let name = format!("{} run", other.display());
        contenders.push(contender(&name, keys, |turn| tunectl(other, programs, &files, turn)));
    }
    let times = interleave(&contenders, options.rounds(row.rounds))?;

    table.heading(&format!("{} keys and {} limits", keys.len(), limits.len()), ["median", "x bare"])?;
    let [bare, ours, sysctl, ..] = times.as_slice() else { return Err("a contender is missing".into()) };
    table.time(&contenders[0].name, bare, bare, None)?;
    table.time(&contenders[1].name, ours, bare, Some(row.of_bare))?;
    for (contender, times) in contenders.iter().zip(&times).skip(2) {
        table.time(&contender.name, times, bare, None)?;
    }
    table.line("tunectl run / sysctl -q -p", "", ours.ratio_to(sysctl), row.of_sysctl)?;
    for (contender, times) in contenders.iter().zip(&times).skip(3) {
        table.line(&format!("tunectl run / {}", contender.name), "", ours.ratio_to(times), None)?;
    }
    let peak = peak(&programs.tunectl, programs, &files)?;
    table.size("tunectl run, peak resident set", megabytes(peak * 1024), "MB", Some(PEAK))?;
    let Some(other) = &programs.other else { return Ok(()) };
    let peak = self::peak(other, programs, &files)?;
    table.size(&format!("{} run, peak resident set", other.display()), megabytes(peak * 1024), "MB", None)
}

/// Prints how large the binaries are.
fn sizes(programs: &Programs, table: &mut Table) -> Outcome<()> {
    table.heading("Binary", ["size", ""])?;
    table.size("static release binary", megabytes(memory::size(&programs.tunectl)?), "MB", Some(SIZE))?;
    let Some(other) = &programs.other else { return Ok(()) };
    table.size(&other.display().to_string(), megabytes(memory::size(other)?), "MB", None)
}

/// The highest peak of the resident set in three runs, in KiB.
fn peak(program: &Path, programs: &Programs, files: &Files) -> Outcome<u64> {
    let mut highest = 0;
    for turn in 0..3 {
        highest = highest.max(memory::peak_kib(&tunectl(program, programs, files, turn))?);
    }
    Ok(highest)
}

/// A contender whose turn has succeeded when all keys hold the values of that turn.
fn contender<'a>(name: &str, keys: &'a [Key], command: impl Fn(usize) -> Command + 'a) -> Contender<'a> {
    Contender {
        name: name.to_owned(),
        command: Box::new(command),
        check: Box::new(|turn| keys.iter().try_for_each(|key| key.check(turn))),
    }
}

/// The command `PROGRAM run --profile FILE -- SERVICE` of a turn.
fn tunectl(program: &Path, programs: &Programs, files: &Files, turn: usize) -> Command {
    let profile = files.path(turn, "toml");
    let [run, option, end] = ["run", "--profile", "--"].map(OsStr::new);
    command(program, [run, option, profile.as_os_str(), end, programs.service.as_os_str()])
}

/// The entrypoint that people write without tunectl.
fn entrypoint(keys: &[Key], nofile: &Limit, service: &Path, turn: usize) -> Command {
    let write = |key: &Key| format!("sysctl -w {}='{}'", key.path.replace('/', "."), key.value(turn));
    let writes: Vec<String> = keys.iter().map(write).collect();
    let script = format!("{}; ulimit -n {}; exec {}", writes.join("; "), nofile.value(turn), service.display());
    command("sh", [OsStr::new("-c"), OsStr::new(&script)])
}

/// All contenders find the same, small environment. What this machine's journal holds does not count.
fn command<'a>(program: impl AsRef<OsStr>, arguments: impl IntoIterator<Item = &'a OsStr>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("TUNECTL_JOURNAL", programs::scratch().join("journal"));
    command
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files and memory are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
