//! The static programs under measurement: ours by cargo, the small ones beside it by rustc.

use super::Outcome;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Held by the thread that builds a program: of several that want one, the others find it built.
static BUILDING: Mutex<()> = Mutex::new(());

/// Names a `tunectl` to measure instead of building one.
pub(crate) const BINARY: &str = "TUNECTL_STATIC_BINARY";

/// The target triple whose programs are static: what goes into an image `FROM scratch`.
pub(crate) fn target() -> String {
    format!("{}-unknown-linux-musl", env::consts::ARCH)
}

/// A directory of the build that benchmarks may write to; it is not removed.
pub(crate) fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// The static release binary of tunectl: the one that `TUNECTL_STATIC_BINARY` names, else built here.
pub(crate) fn tunectl() -> Outcome<PathBuf> {
    if let Some(path) = env::var_os(BINARY) {
        return Ok(PathBuf::from(path));
    }
    let target_dir = scratch().parent().ok_or("the build has no target directory")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut build = Command::new(cargo);
    build
        .args(["build", "--quiet", "--release", "--bin", "tunectl", "--target", &target(), "--target-dir"])
        .arg(target_dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    succeed(build)?;
    let program = target_dir.join(target()).join("release/tunectl");
    // What the kernel has yet to write counts as dirty in the memory of who runs it (`smaps_pte_entry`, fs/proc).
    fs::File::open(&program)?.sync_all()?;
    Ok(program)
}

/// A program of one source file, `source` relative to the package, built static where it isn't up to date.
pub(crate) fn compile(source: &str) -> Outcome<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let name = source.file_stem().ok_or("a program has a file name")?;
    let program = scratch().join(name);
    let _alone = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    if newer(&program, &source) {
        return Ok(program);
    }
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    // Built beside its place and moved there, so that two processes that build at once don't meet.
    let unfinished = program.with_extension(std::process::id().to_string());
    let mut build = Command::new(rustc);
    build
        .args(["--edition", "2024", "--target", &target(), "-C", "opt-level=3", "-C", "panic=abort"])
        .args(["-C", "strip=symbols", "-o"])
        .arg(&unfinished)
        .arg(&source);
    succeed(build)?;
    fs::rename(&unfinished, &program)?;
    Ok(program)
}

fn newer(program: &Path, source: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    changed(program).is_some_and(|built| changed(source).is_some_and(|written| built > written))
}

/// Runs `command` to its end; on failure the error holds what it said.
pub(crate) fn succeed(mut command: Command) -> Outcome<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("cannot run `{program}`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} failed ({}):\n{said}", output.status).into())
}
