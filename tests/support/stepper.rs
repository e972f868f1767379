//! Runs a program up to one of its system calls and kills it there, ptrace(2).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it can't go on")]
#![allow(unsafe_code, reason = "ptrace(2) has no safe form here")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was killed, before the system call that was named.
    Killed,
    /// It had come to its end before, with this exit code.
    Exited(i32),
}

/// Runs `command` until it is about to make its system call number `call`, counted from 0, and kills it there with
/// `SIGKILL`: that call is not made, and all before it are.
pub(crate) fn kill_before(command: &mut Command, call: usize) -> End {
    // SAFETY: between fork and exec only ptrace(2) is called, which takes no lock.
    unsafe { command.pre_exec(|| request(libc::PTRACE_TRACEME, 0, 0)) };
    #[expect(clippy::zombie_processes, reason = "it is waited for below, by its number")]
    let child = command.spawn().unwrap();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    // The exec stops it; from then on each call does so twice, before it and after.
    let mut calls = 0;
    let mut entering = true;
    let mut signal;
    loop {
        let status = wait(pid);
        if libc::WIFEXITED(status) {
            return End::Exited(libc::WEXITSTATUS(status));
        }
        assert!(libc::WIFSTOPPED(status), "ended by a signal of its own: {status:#x}");
        match libc::WSTOPSIG(status) {
            SYSCALL_STOP => {
                if entering && calls == call {
                    break;
                }
                calls += usize::from(entering);
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
