//! Processes: forking, signalling, groups and sessions.

use std::io;

use libc::{c_int, pid_t};

use super::check;
use super::signal::{Disposition, set_disposition};

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    /// The new one.
    Child,
    /// The one that forked, with the number of the new one.
    Parent(pid_t),
}

/// fork(2). Only while the process has one thread: the child gets a copy of the one that calls.
///
/// # Errors
/// `EAGAIN` (`RLIMIT_NPROC`, `pids.max`), `ENOMEM`.
pub fn fork() -> io::Result<Fork> {
    // SAFETY: tunectl starts no thread before it forks, so no lock can be held by one that the child lacks.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Fork::Child),
        pid => Ok(Fork::Parent(pid)),
    }
}

/// Ends the process at once, without the C library's exit handlers: for a forked child.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit(2) takes any number and does not return.
    unsafe { libc::_exit(code) }
}

/// kill(2): `pid` below -1 is a process group, -1 everything that we may signal.
///
/// # Errors
/// `ESRCH`: nobody is there; `EPERM`: someone else's.
pub fn kill(pid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: kill(2) takes two numbers and checks both.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Our own number.
#[must_use]
pub fn own_pid() -> pid_t {
    // SAFETY: getpid(2) takes nothing and always succeeds.
    unsafe { libc::getpid() }
}

/// The number of our parent: 0 when it is outside our PID namespace.
#[must_use]
pub fn parent() -> pid_t {
    // SAFETY: getppid(2) takes nothing and always succeeds.
    unsafe { libc::getppid() }
}

/// The number of our process group.
#[must_use]
pub fn own_group() -> pid_t {
    // SAFETY: getpgrp(2) takes nothing and always succeeds.
    unsafe { libc::getpgrp() }
}

/// The number of a process's group.
///
/// # Errors
/// `ESRCH`: it is gone.
pub fn group_of(pid: pid_t) -> io::Result<pid_t> {
    // SAFETY: getpgid(2) takes a number and checks it.
    check(unsafe { libc::getpgid(pid) })
}

/// The session that a process belongs to; 0 asks for our own.
///
/// # Errors
/// `ESRCH`: it is gone.
pub fn session(pid: pid_t) -> io::Result<pid_t> {
    // SAFETY: getsid(2) takes a number and checks it.
    check(unsafe { libc::getsid(pid) })
}

/// setpgid(2): puts `pid` (0: us) into `group` (0: one of its own).
///
/// # Errors
/// `EACCES`: a child that has executed another program already; `EPERM`: a session leader; `ESRCH`.
pub fn set_group(pid: pid_t, group: pid_t) -> io::Result<()> {
    // SAFETY: setpgid(2) takes two numbers and checks both.
    check(unsafe { libc::setpgid(pid, group) }).map(drop)
}

/// setsid(2): a session of our own, without a terminal.
///
/// # Errors
/// `EPERM`: we lead a process group.
pub fn start_session() -> io::Result<()> {
    // SAFETY: setsid(2) takes nothing.
    check(unsafe { libc::setsid() }).map(drop)
}

/// Our nice value, -20 to 19.
///
/// # Errors
/// None that getpriority(2) names for oneself.
pub fn priority() -> io::Result<i32> {
    // SAFETY: getpriority(2) takes two numbers; with 0 it means the caller, for whom it can't fail.
    Ok(unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) })
}

/// Sets our nice value.
///
/// # Errors
/// `EACCES`: lower than before, without the right (`CAP_SYS_NICE`, `RLIMIT_NICE`).
pub fn set_priority(nice: i32) -> io::Result<()> {
    // SAFETY: setpriority(2) takes three numbers and checks them.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
}

/// Makes writing to a pipe that nobody reads an error instead of our end.
pub fn ignore_broken_pipes() {
    set_disposition(libc::SIGPIPE, Disposition::Ignored);
}

/// Closes a descriptor by its number. Nothing can be done about a failure.
pub fn close(fd: c_int) {
    // SAFETY: the callers name descriptors that no Rust object owns: those that were handed to us.
    unsafe { libc::close(fd) };
}

/// How many processors run, at least one. musl counts those that we may run on, `sched_getaffinity(2)`, and glibc all.
/// Not std's `available_parallelism`: it reads the files of control groups too, with 14 kB of program.
#[must_use]
pub fn processors() -> u32 {
    // SAFETY: sysconf(3) takes a number and checks it.
    let online = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    u32::try_from(online).unwrap_or(1).max(1)
}

/// The machine's memory in bytes, as sysinfo(2) has it: that of `MemTotal` in `/proc/meminfo`. 0 where it is not known.
#[must_use]
pub fn memory() -> u64 {
    // SAFETY: as above.
    let pages = unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) };
    // SAFETY: as above.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(pages).unwrap_or(0).saturating_mul(u64::try_from(size).unwrap_or(0))
}
