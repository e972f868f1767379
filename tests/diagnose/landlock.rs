//! A security module that refuses: Landlock, which any process can bind itself with (landlock(7)).
#![allow(unsafe_code, reason = "there is no safe call for Landlock in the crates that are here")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::Value;

use crate::support::namespaces::{inside, skip, this_test};
use crate::support::test::tunectl;

/// `LANDLOCK_ACCESS_FS_WRITE_FILE` of linux/landlock.h: what is handled and not allowed by any rule is refused.
const WRITE_FILE: u64 = 1 << 1;

/// Forbids this process, and what it becomes, to open any file for writing.
fn write_nothing() -> io::Result<()> {
    let handled = WRITE_FILE;
    // SAFETY: the attribute is eight bytes that outlive the call, as its size says.
    let ruleset = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, &raw const handled, 8_usize, 0_u32) };
    if ruleset < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a call of plain numbers, which concerns this process alone.
    let bound = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if bound < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as above; the descriptor is the one that was just made.
    let bound = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0_u32) };
    if bound < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn bound(mut command: Command) -> Command {
    // SAFETY: between fork and exec it makes system calls and nothing else.
    unsafe { command.pre_exec(write_nothing) };
    command
}

#[test]
fn landlock_is_diagnosed_as_a_security_module() {
    inside(this_test!(), || {
        if let Err(error) = bound(Command::new("true")).status() {
            return skip(this_test!(), &format!("this kernel has no Landlock: {error}"));
        }
        let mut command = bound(tunectl());
        command.env("container", "scene").args([
            "apply",
            "--no-journal",
            "--format",
            "json",
            "--set",
            "net.core.somaxconn=9999",
        ]);
        let output = command.output().unwrap();
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let finding = &document["findings"][0];
        assert_eq!((&finding["cause"], &finding["found"]), (&"security-module".into(), &4096.into()), "{finding}");
        // Whoever is not bound sets it.
        let remedy = &finding["remedies"][0]["text"];
        assert_eq!(remedy, "sudo tunectl apply --pid PID --set net.core.somaxconn=9999");
        let ours = std::process::id().to_string();
        let set = ["apply", "--no-journal", "--pid", &ours, "--set", "net.core.somaxconn=9999"];
        assert!(tunectl().args(set).status().unwrap().success());
        let mut command = bound(tunectl());
        assert!(command.args(["check", "--set", "net.core.somaxconn=9999"]).status().unwrap().success());
    });
}
