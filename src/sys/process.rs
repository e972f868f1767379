//! The process: forking, signalling, groups and sessions, users, the terminal, and the machine that it runs on.

use std::io;
use std::os::fd::BorrowedFd;

use libc::{c_int, pid_t};
use nix::sys::stat::{Mode, umask};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{self, Pid};

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
/// `ESRCH`: no such process; `EPERM`: another user's.
pub fn kill(pid: pid_t, signal: c_int) -> io::Result<()> {
    // SAFETY: kill(2) takes two numbers and checks both.
    check(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Our own process number, getpid(2).
#[must_use]
pub fn own_pid() -> pid_t {
    unistd::getpid().as_raw()
}

/// The process number of our parent, getppid(2): 0 when it is outside our PID namespace.
#[must_use]
pub fn parent() -> pid_t {
    unistd::getppid().as_raw()
}

/// The number of our process group, getpgrp(2).
#[must_use]
pub fn own_group() -> pid_t {
    unistd::getpgrp().as_raw()
}

/// The number of a process's group, getpgid(2).
///
/// # Errors
/// `ESRCH`: no such process.
pub fn group_of(pid: pid_t) -> io::Result<pid_t> {
    Ok(unistd::getpgid(Some(Pid::from_raw(pid)))?.as_raw())
}

/// The session that a process belongs to, getsid(2); 0 asks for our own.
///
/// # Errors
/// `ESRCH`: no such process.
pub fn session(pid: pid_t) -> io::Result<pid_t> {
    Ok(unistd::getsid(Some(Pid::from_raw(pid)))?.as_raw())
}

/// setpgid(2): puts `pid` (0: us) into `group` (0: one of its own).
///
/// # Errors
/// `EACCES`: a child that has executed another program already; `EPERM`: a session leader; `ESRCH`.
pub fn set_group(pid: pid_t, group: pid_t) -> io::Result<()> {
    Ok(unistd::setpgid(Pid::from_raw(pid), Pid::from_raw(group))?)
}

/// setsid(2): a session of our own, without a terminal.
///
/// # Errors
/// `EPERM`: we lead a process group.
pub fn start_session() -> io::Result<()> {
    Ok(unistd::setsid().map(drop)?)
}

/// The process group in the foreground of the terminal on `fd`, tcgetpgrp(3).
///
/// # Errors
/// `ENOTTY`: no terminal, or not our controlling one.
pub fn foreground(fd: c_int) -> io::Result<pid_t> {
    Ok(unistd::tcgetpgrp(borrowed(fd))?.as_raw())
}

/// Puts `group` into the foreground of the terminal on `fd`, tcsetpgrp(3). `SIGTTOU` must be blocked or ignored by the
/// caller.
///
/// # Errors
/// `ENOTTY`; `EPERM`: the group is of another session.
pub fn set_foreground(fd: c_int, group: pid_t) -> io::Result<()> {
    Ok(unistd::tcsetpgrp(borrowed(fd), Pid::from_raw(group))?)
}

fn borrowed(fd: c_int) -> BorrowedFd<'static> {
    // SAFETY: the callers name a standard descriptor, open since `start`, or one that they keep open themselves.
    unsafe { BorrowedFd::borrow_raw(fd) }
}

/// Our nice value, -20 to 19, getpriority(2).
///
/// # Errors
/// None that getpriority(2) names for oneself.
pub fn priority() -> io::Result<i32> {
    // SAFETY: getpriority(2) takes two numbers; with 0 it means the caller, for whom it can't fail.
    Ok(unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) })
}

/// Sets our nice value, setpriority(2).
///
/// # Errors
/// `EACCES`: lower than before, without the right (`CAP_SYS_NICE`, `RLIMIT_NICE`).
pub fn set_priority(nice: i32) -> io::Result<()> {
    // SAFETY: setpriority(2) takes three numbers and checks them.
    check(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) }).map(drop)
}

/// umask(2): the permission bits that new files don't get. Returns the previous ones.
#[must_use]
#[allow(clippy::useless_conversion, reason = "macOS's `mode_t` is narrower than Linux's")]
pub fn set_umask(bits: u32) -> u32 {
    let bits = libc::mode_t::try_from(bits & 0o777).unwrap_or(0o777);
    umask(Mode::from_bits_truncate(bits)).bits().into()
}

/// Makes writing to a pipe that nobody reads an error that does not end us.
pub fn ignore_broken_pipes() {
    set_disposition(libc::SIGPIPE, Disposition::Ignored);
}

/// The user and group numbers of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The real user ID.
    pub uid: u32,
    /// The effective user ID.
    pub effective_uid: u32,
    /// The real group ID.
    pub gid: u32,
    /// The effective group ID.
    pub effective_gid: u32,
}

/// Our user and group numbers.
#[must_use]
pub fn effective_ids() -> Ids {
    Ids {
        uid: unistd::getuid().as_raw(),
        effective_uid: unistd::geteuid().as_raw(),
        gid: unistd::getgid().as_raw(),
        effective_gid: unistd::getegid().as_raw(),
    }
}

/// Sets the real, effective and saved group. As root there is no way back, which is what makes it safe.
///
/// # Errors
/// `EPERM` without `CAP_SETGID`; `EINVAL`: a number that the user namespace does not map.
pub fn set_gid(gid: u32) -> io::Result<()> {
    super::system::set_all_gids(gid)
}

/// Sets the real, effective and saved user.
///
/// # Errors
/// `EPERM` without `CAP_SETUID`; `EINVAL`: not mapped; `EAGAIN`: over `RLIMIT_NPROC` on old kernels.
pub fn set_uid(uid: u32) -> io::Result<()> {
    super::system::set_all_uids(uid)
}

/// Whether our supplementary groups are these, in any order.
#[must_use]
pub fn has_groups(groups: &[u32]) -> bool {
    // No allocation, as nix's does: limits may be in force already. Longer lists (getgroups(2) fails then) are trusted.
    let mut found = [0_u32; 256];
    // SAFETY: the kernel writes at most 256 numbers, for which there is room.
    let count = unsafe { libc::getgroups(256, found.as_mut_ptr()) };
    let Some(found) = usize::try_from(count).ok().and_then(|count| found.get(..count)) else {
        return groups.len() > 256;
    };
    found.iter().all(|group| groups.contains(group)) && groups.iter().all(|group| found.contains(group))
}

/// Microseconds of `CLOCK_MONOTONIC` (`clock_gettime(2)`), which std's `Instant` does not tell.
#[must_use]
pub fn monotonic_microseconds() -> u64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).ok();
    let number = |part: i64| u64::try_from(part).unwrap_or(0);
    now.map_or(0, |now| number(now.tv_sec()) * 1_000_000 + number(now.tv_nsec()) / 1000)
}

/// How many processors run, at least one. musl counts those that we may run on, `sched_getaffinity(2)`, and glibc all.
/// Not std's `available_parallelism`: it reads the files of control groups too, with 14 kB of program.
#[must_use]
pub fn processors() -> u32 {
    u32::try_from(configured(libc::_SC_NPROCESSORS_ONLN)).unwrap_or(1).max(1)
}

/// The machine's memory in bytes, as sysinfo(2) has it: that of `MemTotal` in `/proc/meminfo`. 0 where it is not known.
#[must_use]
pub fn memory() -> u64 {
    configured(libc::_SC_PHYS_PAGES).saturating_mul(configured(libc::_SC_PAGESIZE))
}

/// sysconf(3); 0 where it is not known. nix names no processors and no memory on macOS.
fn configured(name: c_int) -> u64 {
    // SAFETY: sysconf(3) takes a number and checks it.
    u64::try_from(unsafe { libc::sysconf(name) }).unwrap_or(0)
}
