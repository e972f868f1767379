//! Leaves the tables for unwinding out of the static release program, 100 kB that nothing ever reads: a panic ends it
//! (`panic = "abort"`), and it prints no backtraces (`src/sys/unwind.rs`).
//!
//! A build script, since only that one program may be linked so: tests unwind.

use std::env;
use std::io::{self, Write};

fn main() -> io::Result<()> {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    let mut cargo = io::stdout();
    writeln!(cargo, "cargo:rerun-if-changed=.cargo")?;
    if is("CARGO_CFG_TARGET_ENV", "musl") && is("PROFILE", "release") {
        let here = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        for script in ["no-unwind-tables"] {
            writeln!(cargo, "cargo:rustc-link-arg-bin=tunectl=-T{here}/.cargo/{script}.ld")?;
        }
    }
    Ok(())
}
