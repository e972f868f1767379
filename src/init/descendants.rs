//! Our descendants, found in `/proc`, and signalling all of them and nobody else.

use std::io;
use std::path::Path;

use crate::linux::process::{self, ProcessDir, expect_own_proc};
use crate::sys::{self, SignalInfo};

/// Where procfs is mounted.
const PROC: &str = "/proc";

/// How often the process table is read again for processes that were started while it was read.
const PASSES: usize = 16;

/// Sends `signal` once to each of our descendants, with the value and the first sender of `value`; returns how many they
/// are.
///
/// # Errors
/// /proc is not mounted, or is that of another PID namespace.
pub(super) fn signal_all(signal: i32, value: Option<&SignalInfo>) -> io::Result<usize> {
    let mut known: Vec<i32> = Vec::new();
    for _ in 0..PASSES {
        let table = process_table()?;
        let before = known.len();
        for (pid, parent) in descendants_of(&table, sys::own_pid()) {
            if known.contains(&pid) {
                continue;
            }
            known.try_reserve(1)?;
            known.push(pid);
            send(pid, parent, signal, value);
        }
        if known.len() == before {
            break;
        }
    }
    Ok(known.len())
}

/// Our children, adopted ones too.
///
/// # Errors
/// As [`signal_all`].
pub(super) fn children() -> io::Result<Vec<i32>> {
    let own = sys::own_pid();
    Ok(process_table()?.into_iter().filter(|&(_, parent)| parent == own).map(|(pid, _)| pid).collect())
}

/// Each process with its parent, 0 where that can't be read.
fn process_table() -> io::Result<Vec<(i32, i32)>> {
    expect_own_proc(Path::new(PROC))?;
    // The directory is closed before the files in it are opened: its descriptor may be the last one.
    let pids = process::pids(Path::new(PROC))?;
    let mut table = Vec::new();
    table.try_reserve_exact(pids.len())?;
    table.extend(pids.into_iter().map(|pid| (pid, parent_of(pid).unwrap_or(0))));
    Ok(table)
}

/// The parent of a process, where it can be read.
fn parent_of(pid: i32) -> Option<i32> {
    ProcessDir::of(Path::new(PROC), pid).stat().ok()?.map(|stat| stat.parent)
}

/// The descendants of `root` in `table`, each with its parent; parents first.
fn descendants_of(table: &[(i32, i32)], root: i32) -> Vec<(i32, i32)> {
    let mut found: Vec<(i32, i32)> = table.iter().copied().filter(|&(_, parent)| parent == root).collect();
    let mut next = 0;
    while let Some(&(pid, _)) = found.get(next) {
        found.extend(table.iter().copied().filter(|&(_, parent)| parent == pid));
        next += 1;
    }
    found
}

/// Signals a descendant. Only a child of ours keeps its process ID until we wait for it. Any other may have ended since
/// the table was read, and its ID may be another process's: so a pidfd is opened, its parent compared again, and the
/// signal sent through the pidfd.
fn send(pid: i32, parent: i32, signal: i32, value: Option<&SignalInfo>) {
    let by_pid = || match value {
        Some(info) => sys::queue(pid, signal, info).or_else(|_| sys::kill(pid, signal)),
        None => sys::kill(pid, signal),
    };
    let sent = if parent == sys::own_pid() {
        by_pid()
    } else {
        match sys::pidfd_open(pid) {
            // Another process has that ID, or it was adopted by another: the next pass reads it anew.
            Ok(_) if parent_of(pid).is_some_and(|now| now != parent && now != sys::own_pid()) => Ok(()),
            // Where its parent can't be read it is gone, or no descriptors are left.
            Ok(pidfd) => {
                sys::pidfd_send_signal(&pidfd, signal, value).or_else(|_| sys::pidfd_send_signal(&pidfd, signal, None))
            }
            // No descriptors are left, or the kernel has no pidfds (before Linux 5.3).
            Err(_) => by_pid(),
        }
    };
    // ESRCH: it is gone. EPERM: it has another user by a set-uid program, and we have no CAP_KILL.
    drop(sent);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descendants_are_found_at_any_depth() {
        let table = [(1, 0), (2, 1), (3, 2), (4, 1), (5, 3), (6, 0), (7, 6), (8, 5)];
        assert_eq!(descendants_of(&table, 2), [(3, 2), (5, 3), (8, 5)]);
        assert_eq!(descendants_of(&table, 1).len(), 5);
        assert_eq!(descendants_of(&table, 8), []);
        assert_eq!(descendants_of(&table, 6), [(7, 6)]);
    }

    #[test]
    fn our_own_parent_is_read_from_proc() {
        assert_eq!(parent_of(sys::own_pid()), Some(sys::parent()));
        assert_eq!(parent_of(-1), None);
    }
}
