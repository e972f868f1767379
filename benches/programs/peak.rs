//! `peak COMMAND [ARG...]` runs COMMAND and prints its peak resident set in KiB, as wait4(2) reports it.
//!
//! Linux carries the high-water mark of the memory a process had before execve(2) over to the program it
//! becomes, and a spawned child starts out in its parent's memory. So the parent has to be smaller than what it
//! measures: the benchmark's driver is not, this is.

use std::process::Command;

/// `struct rusage` of getrusage(2), as musl lays it out on 64-bit Linux: `ru_maxrss` comes after two `timeval`s.
#[repr(C)]
struct Usage {
    times: [i64; 4],
    peak_kib: i64,
    rest: [i64; 29],
}

unsafe extern "C" {
    fn wait4(pid: i32, status: *mut i32, options: i32, usage: *mut Usage) -> i32;
}

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().unwrap();
    let child = Command::new(program).args(arguments).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    let mut status = 0;
    let mut usage = Usage { times: [0; 4], peak_kib: 0, rest: [0; 29] };
    // SAFETY: `status` and `usage` are live and exclusively ours for the call, and `usage` is as long as musl's.
    let waited = unsafe { wait4(pid, &raw mut status, 0, &raw mut usage) };
    assert_eq!((waited, status), (pid, 0), "the measured program failed");
    println!("{}", usage.peak_kib);
}
