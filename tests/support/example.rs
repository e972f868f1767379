//! The programs that tests run beside tunectl: examples of this package.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// The path of the example `name`, whose source is `source`: `cargo test` has built it, and for `cargo test --test NAME`
/// it is built here, once a process.
pub(crate) fn example(name: &'static str, source: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(name).or_insert_with(|| build(name, source)).clone()
}

fn build(name: &str, source: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    // TARGET/PROFILE/deps/TEST-HASH
    let place = own.ancestors().nth(2).unwrap();
    let program = place.join("examples").join(name);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
    if changed(&program) > changed(&source) {
        return program;
    }
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--example", name, "--target-dir"]).arg(place.parent().unwrap());
    build.current_dir(env!("CARGO_MANIFEST_DIR"));
    if place.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success() && program.exists(), "{} could not be built", program.display());
    program
}
