//! What the benchmarks share: static programs to run, interleaved rounds, memory of a process, a table.
//!
//! A benchmark compares programs by spawning each and waiting for it, in turns, and states every figure as a
//! ratio to one of them measured in the same rounds: absolute times say more about the machine than about us.

#![allow(dead_code, reason = "each benchmark uses its part")]

pub(crate) mod memory;
pub(crate) mod namespaces;
pub(crate) mod programs;
pub(crate) mod rounds;
pub(crate) mod table;

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// What a step of a benchmark comes to: any failure ends the benchmark with its message.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// What a benchmark's `main` gives back; a failure is said on standard error.
pub(crate) fn exit_code(outcome: Outcome<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(writeln!(io::stderr(), "error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The command line of a benchmark; cargo adds `--bench` of its own, which means nothing here.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// `--short`: fewer rounds, for a run of less than a minute.
    pub(crate) short: bool,
    /// `--enforce`: a missed target is a failure.
    pub(crate) enforce: bool,
    /// `--against BINARY`: another tunectl to measure in the same rounds, as an absolute path.
    pub(crate) against: Option<PathBuf>,
}

impl Options {
    /// Reads the command line; an unknown option is an error, and so is a BINARY that does not exist.
    pub(crate) fn from_command_line() -> Outcome<Self> {
        let mut options = Self { short: false, enforce: false, against: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--short" => options.short = true,
                "--enforce" => options.enforce = true,
                "--against" => {
                    let binary = arguments.next().ok_or("`--against` needs the path of a program")?;
                    let found = fs::canonicalize(&binary).map_err(|error| format!("{binary}: {error}"))?;
                    options.against = Some(found);
                }
                "--bench" => {}
                other => {
                    let expected = "`--short`, `--enforce` or `--against BINARY`";
                    return Err(format!("unknown option `{other}`, expected {expected}").into());
                }
            }
        }
        Ok(options)
    }

    /// The same for a benchmark that has nothing to compare with another tunectl.
    pub(crate) fn without_against() -> Outcome<Self> {
        let options = Self::from_command_line()?;
        if options.against.is_some() {
            return Err("`--against` is an option of the benchmark `apply` only".into());
        }
        Ok(options)
    }

    /// `full` rounds, or a tenth of them in a short run.
    pub(crate) fn rounds(&self, full: usize) -> usize {
        if self.short { full.div_ceil(10) } else { full }
    }
}
