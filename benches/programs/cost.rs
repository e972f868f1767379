//! `cost COMMAND [ARG...]` runs COMMAND and prints the processor time that it took, user and system, in microseconds, as
//! wait4(2) reports it. Unlike the time on the clock it hardly depends on what else the machine does.
//!
//! What COMMAND prints goes nowhere. It may exit with 0 or 1, which says that a setting falls short.

use std::process::{Command, Stdio};

/// `struct rusage` of getrusage(2), as musl lays it out on 64-bit Linux: the user time, then the system time.
#[repr(C)]
struct Usage {
    times: [i64; 4],
    rest: [i64; 30],
}

unsafe extern "C" {
    fn wait4(pid: i32, status: *mut i32, options: i32, usage: *mut Usage) -> i32;
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let mut status = 0;
    let mut usage = Usage { times: [0; 4], rest: [0; 30] };
    // SAFETY: `status` and `usage` are live and exclusively ours for the call, and `usage` is as long as musl's.
    let waited = unsafe { wait4(pid, &raw mut status, 0, &raw mut usage) };
    // The exit code is the second byte of the status, a signal the first (wait(2)).
    assert!(waited == pid && matches!(status, 0 | 0x100), "the measured program failed: {status:#x}");
    let [user, user_micros, system, system_micros] = usage.times;
    println!("{}", (user + system) * 1_000_000 + user_micros + system_micros);
}
