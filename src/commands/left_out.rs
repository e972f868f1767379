//! A subcommand that this program was built without.

use std::ffi::OsString;

use super::{CommandError, Execute, USAGE, World};

/// Whatever was typed.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// Whatever was typed; it is not read.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    words: Vec<OsString>,
}

impl Execute for BenchArgs {
    fn execute(&self, _: &mut World<'_>) -> Result<i32, CommandError> {
        Err(CommandError::new(USAGE, "built without the feature `bench`"))
    }
}
