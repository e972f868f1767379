//! The program: parse, dispatch, exit code.
#![no_main]

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};

use clap::Parser;
use log::{Level, LevelFilter, Record};

use tunectl::cli::LogOptions;
use tunectl::cli::compat::{self, CompatCommand};
use tunectl::commands::{self, Cli, NOT_STARTED, USAGE};
use tunectl::init;
use tunectl::model::run::CompatFlags;
use tunectl::snippet::visible;
use tunectl::sys::{self, Inherited};

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

tunectl::entry_point!(run);

/// The program; returns its exit code.
fn run(arguments: Vec<OsString>, inherited: &Inherited) -> i32 {
    if sys::is_elevated() {
        return refuse_elevated();
    }
    if let Some(code) = init::resume(&arguments) {
        return code;
    }
    match translate_compat(arguments).and_then(|(arguments, compat)| Ok((parse(arguments)?, compat))) {
        Err(code) => code,
        Ok((cli, compat)) => {
            start_log(&cli.log);
            commands::run_on_host(&cli, compat, inherited)
        }
    }
}

fn refuse_elevated() -> i32 {
    let message = "tunectl: error: the program must not be set-uid, set-gid or have file capabilities: it writes what its \
            caller's files say\n";
    drop(io::stderr().write_all(message.as_bytes()));
    NOT_STARTED
}

/// Under the name of another init, its command line in ours; the error is the exit code, after everything is printed.
fn translate_compat(arguments: Vec<OsString>) -> Result<(Vec<OsString>, CompatFlags), i32> {
    match compat::translate(&arguments, sys::own_pid(), &|name| env::var_os(name)) {
        None => Ok((arguments, CompatFlags::default())),
        Some(CompatCommand::Run(arguments, compat)) => Ok((arguments, compat)),
        Some(CompatCommand::Pause) => Err(init::pause()),
        Some(CompatCommand::Print(text)) => {
            drop(io::stdout().write_all(text.as_bytes()));
            Err(0)
        }
        Some(CompatCommand::UsageError(text)) => {
            drop(io::stderr().write_all(text.as_bytes()));
            Err(1)
        }
    }
}

/// The command line; the error is the exit code, after help or the mistake is printed.
fn parse(arguments: Vec<OsString>) -> Result<Cli, i32> {
    Cli::try_parse_from(arguments).map_err(|error| {
        if !error.use_stderr() {
            drop(error.print());
            return 0;
        }
        let text: String = error.render().to_string().lines().map(|line| visible(line) + "\n").collect();
        drop(io::stderr().write_all(format!("tunectl: {text}").as_bytes()));
        USAGE
    })
}

/// Logs warnings, and more for each `-v`. `TUNECTL_LOG`, in the syntax of `env_logger`, goes before both flags.
fn start_log(options: &LogOptions) {
    let level = match (options.quiet, options.verbose) {
        (true, _) => "error",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let mut log = env_logger::Builder::from_env(env_logger::Env::new().filter_or("TUNECTL_LOG", level));
    log.format(log_line).init();
}

/// A message as all others are; from `-vv` on with the module that it comes from.
fn log_line(line: &mut impl Write, record: &Record<'_>) -> io::Result<()> {
    let text = visible(&record.args().to_string());
    match record.level() {
        level if log::max_level() >= LevelFilter::Debug => writeln!(line, "[{level:<5} {}] {text}", record.target()),
        Level::Error => writeln!(line, "tunectl: error: {text}"),
        Level::Warn => writeln!(line, "tunectl: warning: {text}"),
        Level::Info | Level::Debug | Level::Trace => writeln!(line, "tunectl: {text}"),
    }
}
