//! A place to write sysctls in: network, IPC, UTS and mount namespaces of the benchmark's own.

use super::{Outcome, programs};
use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Set in the copy of the benchmark that runs inside the namespaces.
const INSIDE: &str = "TUNECTL_BENCH_INSIDE";

/// Starts this benchmark again in new namespaces and doesn't return, or returns at once when inside them.
///
/// Whoever isn't root gets a user namespace too. The copy measures `tunectl`, which it could not build there:
/// there is no network inside.
pub(crate) fn enter(tunectl: &Path) -> Outcome<()> {
    if env::var_os(INSIDE).is_some() {
        return Ok(());
    }
    let root = fs::metadata("/proc/self")?.uid() == 0;
    let mut again = Command::new("unshare");
    again.args(["--net", "--ipc", "--uts", "--mount"]);
    if !root {
        again.arg("--map-root-user");
    }
    again.arg(env::current_exe()?).args(env::args_os().skip(1)).env(INSIDE, "1").env(programs::BINARY, tunectl);
    Err(format!("cannot run `unshare` (util-linux): {}", again.exec()).into())
}
