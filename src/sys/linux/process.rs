//! Parents and children, holding on to a process, and the pages of our own program.

use std::ffi::CStr;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use libc::{c_int, c_ulong, c_void, pid_t};
use nix::sys::prctl::{get_child_subreaper, set_child_subreaper};

use super::signals::{SignalInfo, send_to_pidfd};
use super::{check_long, prctl};

/// Makes orphans among our descendants our children (`PR_SET_CHILD_SUBREAPER`), also across an exec.
///
/// # Errors
/// `EINVAL` before Linux 3.4.
pub fn set_subreaper() -> io::Result<()> {
    Ok(set_child_subreaper(true)?)
}

/// Whether orphans among our descendants become our children though we are not PID 1.
#[must_use]
pub fn is_subreaper() -> bool {
    get_child_subreaper() == Ok(true)
}

/// Has the kernel send `signal` to us when our parent dies (`PR_SET_PDEATHSIG`); 0 undoes it. A change of user undoes it
/// too.
///
/// # Errors
/// `EINVAL`: no such signal.
pub fn die_with_parent(signal: c_int) -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, c_ulong::try_from(signal).unwrap_or(0), 0).map(drop)
}

/// Sets the name that ps(1) and pgrep(1) know us by; cut at 15 bytes.
pub fn set_name(name: &CStr) {
    // It fails only for an address that can't be read.
    let _ = nix::sys::prctl::set_name(name);
}

/// A descriptor of a process, which is never that of a later one with its number (`pidfd_open(2)`).
///
/// # Errors
/// `ESRCH`; `EMFILE`; `ENOSYS` before Linux 5.3.
pub fn pidfd_open(pid: pid_t) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open(2) takes two numbers and checks both.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    check_long(fd)?;
    // SAFETY: the kernel has just given us this number, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(c_int::try_from(fd).unwrap_or(-1)) })
}

/// Sends `signal` to the process of a descriptor, with what came with `value` (`pidfd_send_signal(2)`).
///
/// # Errors
/// `ESRCH`, `EPERM`; with a value `EAGAIN`: over `RLIMIT_SIGPENDING`.
pub fn pidfd_send_signal(process: &OwnedFd, signal: c_int, value: Option<&SignalInfo>) -> io::Result<()> {
    send_to_pidfd(process, signal, value, 0)
}

/// The fields of `Elf64_Phdr` that say what is loaded where, elf(5).
type Header = libc::Elf64_Phdr;

/// Drops the resident pages of our own program that are never written to (`MADV_DONTNEED`, madvise(2)): those that are
/// needed again are read again.
///
/// The kernel maps sixteen pages around each that is touched (`fault_around_bytes`), so that after its start a
/// program counts half of its file as its own, of which a supervisor needs little.
pub fn madvise_dontneed() {
    // SAFETY: getauxval(3) takes a number; what it doesn't know is 0.
    let table = unsafe { libc::getauxval(libc::AT_PHDR) } as *const Header;
    // SAFETY: as above.
    let count = usize::try_from(unsafe { libc::getauxval(libc::AT_PHNUM) }).unwrap_or(0);
    if table.is_null() {
        return;
    }
    // SAFETY: the kernel says that this many headers of the running program are at `table` (getauxval(3)).
    let headers = unsafe { std::slice::from_raw_parts(table, count) };
    let address = |header: &Header| usize::try_from(header.p_vaddr).unwrap_or(0);
    // Where the program is loaded differs from where it says, if it is position independent. Without the header that
    // tells of the table itself, a position-dependent one is meant.
    let itself = headers.iter().find(|header| header.p_type == libc::PT_PHDR);
    let shift = itself.map_or(0, |header| table.addr().wrapping_sub(address(header)));
    for header in headers {
        let only_read = header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0;
        if let (true, Ok(size)) = (only_read, usize::try_from(header.p_memsz)) {
            let start = address(header).wrapping_add(shift);
            let page = start & !(PAGE - 1);
            let length = size.wrapping_add(start - page);
            let place = std::ptr::without_provenance_mut::<c_void>(page);
            // SAFETY: these pages hold what the file holds and were never written to, so that reading them again
            // gives the same.
            unsafe { libc::madvise(place, length, libc::MADV_DONTNEED) };
        }
    }
}

/// The smallest page of any machine that we are built for: a start is always a multiple of the real one.
const PAGE: usize = 4096;
