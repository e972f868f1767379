//! Runs a program up to one of its system calls and kills it there, ptrace(2).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]
#![allow(unsafe_code, reason = "ptrace(2) has no safe form here")]

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was killed, before the system call that was named.
    Killed,
    /// It had come to its end before, with this exit code, 128+N for a signal.
    Exited(i32),
}

/// Runs `command` until it is about to make its system call number `call`, counted from 0, and kills it there with
/// `SIGKILL`: that call is not made, and all before it are.
pub(crate) fn kill_before(command: &mut Command, call: usize) -> End {
    let mut calls = 0..call;
    step(command, |_| calls.next().is_none())
}

/// Runs `command` to its end, and sends it `signal` when it is about to make its system call number `call`, counted from 0.
/// Returns its exit code, 128+N where a signal ended it, and whether it came so far.
pub(crate) fn signal_before(command: &mut Command, call: usize, signal: libc::c_int) -> (i32, bool) {
    let mut calls = 0;
    let end = step(command, |pid| {
        if calls == call {
            // SAFETY: it is our child, and not waited for yet.
            unsafe { libc::kill(pid, signal) };
        }
        calls += 1;
        false
    });
    match end {
        End::Exited(code) => (code, calls > call),
        End::Killed => unreachable!("it was not killed"),
    }
}

/// A system call that is about to be made.
#[derive(Debug)]
pub(crate) struct Call {
    /// `SYS_write` and the like, of libc.
    pub(crate) number: i64,
    /// What its first argument is a descriptor of; empty for another.
    pub(crate) file: String,
}

/// Runs `command` to its end and says which system calls it made.
pub(crate) fn calls(command: &mut Command) -> Vec<Call> {
    let mut calls = Vec::new();
    step(command, |pid| {
        // proc(5), `/proc/pid/syscall`: the number, and the arguments in hexadecimal.
        let call = fs::read_to_string(format!("/proc/{pid}/syscall")).unwrap();
        let mut words = call.split(' ');
        let number = words.next().and_then(|number| number.parse().ok()).unwrap_or(-1);
        let first = words.next().and_then(|word| u32::from_str_radix(word.trim_start_matches("0x"), 16).ok());
        let link = first.and_then(|descriptor| fs::read_link(format!("/proc/{pid}/fd/{descriptor}")).ok());
        calls.push(Call { number, file: link.map_or_else(String::new, |link| link.to_string_lossy().into_owned()) });
        false
    });
    calls
}

/// Runs `command` and asks before each of its system calls, of the process with this number, whether to kill it there.
fn step(command: &mut Command, mut ends_here: impl FnMut(libc::pid_t) -> bool) -> End {
    // SAFETY: between fork and exec only ptrace(2) is called, which takes no lock.
    unsafe { command.pre_exec(|| request(libc::PTRACE_TRACEME, 0, 0)) };
    #[expect(clippy::zombie_processes, reason = "it is waited for below, by its number")]
    let child = command.spawn().unwrap();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // The exec stops it; from then on each call does so twice, before it and after.
    let mut entering = true;
    let mut signal;
    loop {
        let status = wait(pid);
        if libc::WIFEXITED(status) {
            return End::Exited(libc::WEXITSTATUS(status));
        }
        if libc::WIFSIGNALED(status) {
            return End::Exited(128 + libc::WTERMSIG(status));
        }
        assert!(libc::WIFSTOPPED(status), "{status:#x}");
        match libc::WSTOPSIG(status) {
            SYSCALL_STOP => {
                if entering && ends_here(pid) {
                    break;
                }
                entering = !entering;
                signal = 0;
            }
            libc::SIGTRAP => {
                const SYSGOOD: libc::c_int = libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_EXITKILL;
                // SAFETY: the child is stopped; the options are numbers.
                unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, pid, 0, SYSGOOD) };
                signal = 0;
            }
            other => signal = other,
        }
        request(libc::PTRACE_SYSCALL, pid, signal).unwrap();
    }
    // SAFETY: it is our child, and not waited for yet.
    unsafe { libc::kill(pid, libc::SIGKILL) };
    while !libc::WIFSIGNALED(wait(pid)) {}
    End::Killed
}

/// With `PTRACE_O_TRACESYSGOOD`.
const SYSCALL_STOP: libc::c_int = libc::SIGTRAP | 0x80;

fn request(request: libc::c_uint, pid: libc::pid_t, data: libc::c_int) -> io::Result<()> {
    // SAFETY: these requests take numbers only.
    let result = unsafe { libc::ptrace(request, pid, ptr::null_mut::<libc::c_void>(), libc::c_long::from(data)) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn wait(pid: libc::pid_t) -> libc::c_int {
    let mut status = 0;
    // SAFETY: `status` is ours to write.
    let found = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!(found, pid, "{}", io::Error::last_os_error());
    status
}
