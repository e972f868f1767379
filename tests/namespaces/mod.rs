//! Runs a test again in namespaces of its own, where what it writes is seen by nobody else.

use std::env;
use std::io::{self, Write};
use std::process::{Command, Stdio};

use nix::unistd::Uid;

/// Set in the process that runs inside.
const INSIDE: &str = "TUNECTL_TEST_INSIDE";

/// Runs `body` in new network, IPC and host name namespaces, in a process that runs nothing but the test
/// called `name`. Who isn't root becomes it in a user namespace.
pub(crate) fn inside(name: &str, body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    let mut unshare = vec!["--net", "--ipc", "--uts"];
    if !Uid::effective().is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    match Command::new("unshare").args(&unshare).arg("true").output() {
        Ok(tried) if tried.status.success() => {}
        Ok(tried) => return skip(name, String::from_utf8_lossy(&tried.stderr).trim()),
        Err(error) => return skip(name, &format!("unshare(1) does not run: {error}")),
    }
    let program = env::current_exe().unwrap();
    let status = Command::new("unshare")
        .args(&unshare)
        .arg(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "`{name}` failed inside its namespaces: {status}");
}

/// Says loudly that a test could not do its work here, past the capture of output; where everything is
/// required, that is a failure.
pub(crate) fn skip(name: &str, reason: &str) {
    let required = env::var_os("TUNECTL_TEST_REQUIRE").is_some_and(|tiers| tiers == "all");
    assert!(!required, "`{name}` is required and could not run: {reason}");
    // Not `eprintln!`, which the test harness captures.
    let line = format!("SKIP {name}: {reason}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
