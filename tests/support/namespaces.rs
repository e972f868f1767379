//! Runs a test again in namespaces of its own, where what it writes is seen by nobody else.
#![cfg(target_os = "linux")]
#![allow(dead_code, unused_macros, unused_imports, reason = "each test crate uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]
#![allow(
    unsafe_code,
    reason = "renaming an interface is an ioctl(2), and a call between fork and exec has no safe form"
)]

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use tunectl::sys;

/// Set in the process that runs inside.
const INSIDE: &str = "TUNECTL_TEST_INSIDE";

/// The name of the test function that this stands in, as the test harness knows it.
macro_rules! this_test {
    () => {{
        fn here() {}
        let path = std::any::type_name_of_val(&here);
        // `crate::module::function::here` without the first and the last, and without closures on the way.
        let name = path.split_once("::").and_then(|(_, rest)| rest.rsplit_once("::")).map(|(name, _)| name);
        name.unwrap_or_default().trim_end_matches("::{{closure}}")
    }};
}
pub(crate) use this_test;

/// Whether this is the process that runs inside.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs `body` in new network, IPC and host name namespaces, in a process that runs nothing but the test called
/// `name` (see [`this_test`]). Who isn't root becomes it in a user namespace.
pub(crate) fn inside(name: &str, body: impl FnOnce()) {
    inside_of(name, &["--net", "--ipc", "--uts"], body);
}

/// The same in new namespaces of these kinds, as unshare(1) calls them.
pub(crate) fn inside_of(name: &str, kinds: &[&str], body: impl FnOnce()) {
    if is_inside() {
        return body();
    }
    // Under another name nothing would run inside, and that would pass.
    let thread = std::thread::current();
    assert!(thread.name().is_none_or(|test| test == "main" || test == name), "{name} is {:?}", thread.name());
    let mut unshare = kinds.to_vec();
    if sys::effective_ids().effective_uid != 0 {
        unshare.extend(["--user", "--map-root-user"]);
    }
    match Command::new("unshare").args(&unshare).arg("true").output() {
        Ok(tried) if tried.status.success() => {}
        Ok(tried) => return skip(name, String::from_utf8_lossy(&tried.stderr).trim()),
        Err(error) => return skip(name, &format!("unshare(1) does not run: {error}")),
    }
    let mut inner = Command::new("unshare");
    inner.args(&unshare).arg(env::current_exe().unwrap());
    inner
        .args(["--exact", name, "--nocapture", "--include-ignored", "--test-threads=1"])
        .env(INSIDE, "1")
        .stdout(Stdio::null());
    let status = dies_with_us(&mut inner).status().unwrap();
    assert!(status.success(), "`{name}` failed inside its namespaces: {status}");
}

/// Has the kernel kill what this starts when the thread that starts it ends: a test that is killed itself drops
/// nothing, and what it leaves behind would keep the pipes open that its own caller reads to their end.
pub(crate) fn dies_with_us(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only prctl(2) is called, which takes no lock.
    unsafe { command.pre_exec(|| sys::die_with_parent(libc::SIGKILL)) }
}

/// Has what this starts begin with the default action for every signal, whatever was ignored where the tests were started:
/// nohup(1), or a shell in the background. A shell can't set a trap for what it finds ignored.
pub(crate) fn with_default_signals(command: &mut Command) -> &mut Command {
    let reset = || {
        for signal in 1..=libc::SIGRTMAX() {
            // SAFETY: takes two numbers, and is safe to call between fork and exec (signal-safety(7)).
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: it calls only the above, and allocates nothing.
    unsafe { command.pre_exec(reset) }
}

/// Lowers a limit of this process, and so of what it starts. Only in the process of one test: others would share it.
pub(crate) fn lower_limit(resource: rlimit::Resource, soft: u64, hard: u64) {
    assert!(is_inside(), "other tests run in this process");
    resource.set(soft, hard).unwrap_or_else(|error| panic!("{resource:?} to {soft}:{hard}: {error}"));
}

/// Gives the loopback interface of a network namespace that is ours another name, with a dot in it for example.
/// It is down there, and then the kernel allows that (netdevice(7), `SIOCSIFNAME`).
pub(crate) fn rename_loopback(name: &str) {
    assert!(is_inside(), "only in namespaces of our own");
    // SAFETY: a request of zeros is a valid value of that plain C structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    let copy = |to: &mut [libc::c_char; libc::IFNAMSIZ], text: &str| {
        text.bytes().zip(to).for_each(|(byte, place)| *place = libc::c_char::from_ne_bytes([byte]));
    };
    copy(&mut request.ifr_name, "lo");
    let mut new = [0; libc::IFNAMSIZ];
    copy(&mut new, name);
    request.ifr_ifru.ifru_newname = new;
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // SAFETY: the request is ours, of the type that this call reads, and outlives it.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFNAME, &raw const request) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

/// Says loudly that a test could not do its work here, past the capture of output; where everything is
/// required, that is a failure.
pub(crate) fn skip(name: &str, reason: &str) {
    let required = env::var_os("TUNECTL_TEST_REQUIRE").is_some_and(|tiers| tiers == "all");
    assert!(!required, "`{name}` is required and could not run: {reason}");
    // Not `eprintln!`, which the test harness captures.
    io::stderr().write_all(format!("SKIP: {reason} ({name})\n").as_bytes()).unwrap();
}
