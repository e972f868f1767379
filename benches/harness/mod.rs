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
use std::io::{self, Write};
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

/// How a benchmark was asked to run; cargo adds `--bench` of its own, which means nothing here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// `--short`: fewer rounds, for a run of less than a minute.
    pub(crate) short: bool,
    /// `--enforce`: a missed target is a failure.
    pub(crate) enforce: bool,
}

impl Options {
    /// Reads the command line; an unknown option is an error.
    pub(crate) fn from_command_line() -> Outcome<Self> {
        let mut options = Self { short: false, enforce: false };
        for argument in std::env::args().skip(1) {
            match argument.as_str() {
                "--short" => options.short = true,
                "--enforce" => options.enforce = true,
                "--bench" => {}
                other => {
                    return Err(format!("unknown option `{other}`, expected `--short` or `--enforce`").into());
                }
            }
        }
        Ok(options)
    }

    /// `full` rounds, or a tenth of them in a short run.
    pub(crate) fn rounds(self, full: usize) -> usize {
        if self.short { full.div_ceil(10) } else { full }
    }
}
