//! Leaves the tables of stack unwinding out of the static program, see `.cargo/no-unwind-tables.ld`.

#![allow(clippy::print_stdout, reason = "cargo reads what a build script prints")]

use std::env;

fn main() {
    const SCRIPT: &str = ".cargo/no-unwind-tables.ld";
    println!("cargo::rerun-if-changed={SCRIPT}");
    // Only the linker that comes with Rust is known to take the script, and `.cargo/config.toml` names it for musl alone.
    let linker = env::var("RUSTC_LINKER").unwrap_or_default();
    if env::var("CARGO_CFG_TARGET_ENV").as_deref() == Ok("musl") && linker.ends_with("rust-lld") {
        let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{root}/{SCRIPT}");
        println!("cargo::rustc-link-arg-bins=--icf=all");
    }
}
