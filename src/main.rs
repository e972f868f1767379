//! The program: parse, dispatch, exit code.
#![no_main]

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Parser;

use tunectl::cli::dropin::{self, DropIn};
use tunectl::cli::{Cli, Command, LogOptions, When};
use tunectl::commands::{self, NOT_STARTED, Results, USAGE, World};
use tunectl::environment::{Environment, machine};
use tunectl::init;
use tunectl::kernel::{Access, Host};
use tunectl::linux::{listeners, namespaces};
use tunectl::model::run::CompatFlags;
use tunectl::output::Colour;
use tunectl::profile_store::ProfileStore;
use tunectl::sys::{self, Inherited};

#[cfg(target_env = "musl")]
#[global_allocator]
static HEAP: sys::Heap = sys::Heap::new();

/// Where processes are found.
const PROCESSES: &str = "/proc";

tunectl::entry_point!(run);

fn run(arguments: Vec<OsString>, inherited: Inherited) -> i32 {
    if let Err(code) = refuse_others_rights() {
        return code;
    }
    if let Some(code) = init::resume(&arguments) {
        return code;
    }
    let cli = drop_in(arguments).and_then(parse);
    match cli {
        Err(code) => code,
        Ok(cli) => {
            start_log(&cli.talk);
            in_the_real_world(&cli, &inherited)
        }
    }
}

/// A step on the way to the command line; the error is the code to exit with, and all has been said.
type Step<T> = Result<T, i32>;

fn refuse_others_rights() -> Step<()> {
    if !sys::is_elevated() {
        return Ok(());
    }
    drop(writeln!(
        io::stderr(),
        "error: tunectl must not be installed set-uid or set-gid, or with file capabilities: it writes what its caller's files say"
    ));
    Err(NOT_STARTED)
}

/// The words of another init, if it is under its name that we were called, in our own.
fn drop_in(arguments: Vec<OsString>) -> Step<(Vec<OsString>, CompatFlags)> {
    match dropin::translate(&arguments, sys::own_pid(), &|name| env::var_os(name)) {
        None => Ok((arguments, CompatFlags::default())),
        Some(DropIn::Run(words, manner)) => Ok((words, manner)),
        Some(DropIn::Pause) => Err(init::pause()),
        Some(DropIn::Print(text)) => {
            drop(io::stdout().write_all(text.as_bytes()));
            Err(0)
        }
        Some(DropIn::Wrong(text)) => {
            drop(io::stderr().write_all(text.as_bytes()));
            Err(1)
        }
    }
}

fn parse((arguments, manner): (Vec<OsString>, CompatFlags)) -> Step<Cli> {
    let mut cli = Cli::try_parse_from(arguments).map_err(|error| {
        drop(error.print());
        if error.use_stderr() { USAGE } else { 0 }
    })?;
    if let Command::Run(run) = &mut cli.command {
        run.manner = manner;
    }
    Ok(cli)
}

fn in_the_real_world(cli: &Cli, inherited: &Inherited) -> i32 {
    let access = match &cli.command {
        Command::Apply(apply) if apply.dry_run => Access::Read,
        Command::Watch(watch) if !watch.repair => Access::Watch,
        Command::Revert(revert) if revert.dry_run => Access::Read,
        Command::Run(_) | Command::Apply(_) | Command::Revert(_) | Command::Watch(_) => Access::Write,
        Command::Check(_) | Command::Limits(_) | Command::Explain(_) | Command::Profile(_) => Access::Read,
    };
    let variable = |name: &str| env::var(name).ok();
    let (out, mut err) = (io::stdout().lock(), io::stderr());
    let asked = match cli.talk.color {
        When::Auto => None,
        When::Always => Some(true),
        When::Never => Some(false),
    };
    let colour = Colour::choose(asked, out.is_terminal(), &variable);
    let colour_err = Colour::choose(asked, err.is_terminal(), &variable);
    let user = sys::effective_ids().effective_uid;
    let mut world = World {
        kernel: &mut Host::here(access),
        environment: &|| Environment::here(&mut Host::here(Access::Read), user, &variable),
        machine: &|pid| match pid {
            Some(pid) => machine::of_process(Path::new("/"), pid),
            None => machine::here(&mut Host::here(Access::Read)),
        },
        library: ProfileStore::host(),
        processes: PathBuf::from(PROCESSES),
        enter: &|pid| namespaces::enter(Path::new(PROCESSES), pid),
        listeners: &|allowed| listeners::shorter_than(allowed, Path::new(PROCESSES)),
        variable: &variable,
        start: &mut commands::real_start(inherited),
        out: &mut Results::new(out),
        err: &mut err,
        colour,
        colour_err,
    };
    commands::dispatch(cli, &mut world)
}

/// Warnings, and more for each `-v`; `TUNECTL_LOG` says it all, in the syntax of `env_logger`.
fn start_log(talk: &LogOptions) {
    let level = match (talk.quiet, talk.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    env_logger::Builder::from_env(env_logger::Env::new().filter_or("TUNECTL_LOG", level)).format_timestamp(None).init();
}
