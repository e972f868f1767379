//! Everything that descends from us, found in /proc: never more than that.

use std::io;
use std::path::Path;

use crate::linux::process::{self, ProcessDir, expect_own_proc};
use crate::sys::{self, Info};

/// Where procfs is mounted.
const PROC: &str = "/proc";

/// How often the tree is walked again for those that were born while it was walked.
const PASSES: usize = 16;

/// Sends `signal` once to each of our descendants, with what came with `value`.
///
/// # Errors
/// /proc is not mounted, or is that of another PID namespace.
pub(super) fn signal(signal: i32, value: Option<&Info>) -> io::Result<()> {
    let mut known: Vec<i32> = Vec::new();
    for _ in 0..PASSES {
        let table = processes()?;
        let before = known.len();
        for (pid, parent) in below(&table, sys::own_pid()) {
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
    Ok(())
}

/// Our children, adopted ones too.
///
/// # Errors
/// As [`signal`].
pub(super) fn children() -> io::Result<Vec<i32>> {
    let own = sys::own_pid();
    Ok(processes()?.into_iter().filter(|&(_, parent)| parent == own).map(|(pid, _)| pid).collect())
}

/// Each process with its parent.
fn processes() -> io::Result<Vec<(i32, i32)>> {
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

/// Those of `table` that are below `root`, each with its parent; parents first.
fn below(table: &[(i32, i32)], root: i32) -> Vec<(i32, i32)> {
    let mut found: Vec<(i32, i32)> = table.iter().copied().filter(|&(_, parent)| parent == root).collect();
    let mut next = 0;
    while let Some(&(pid, _)) = found.get(next) {
        found.extend(table.iter().copied().filter(|&(_, parent)| parent == pid));
        next += 1;
    }
    found
}

/// Only a child of ours keeps its number until we wait for it. Any other may have ended since we read of it, and a
/// stranger may have its number now: so it is held, looked at again, and then signalled.
fn send(pid: i32, parent: i32, signal: i32, value: Option<&Info>) {
    let by_number = || match value {
        Some(info) => sys::queue(pid, signal, info).or_else(|_| sys::kill(pid, signal)),
        None => sys::kill(pid, signal),
    };
    let failed = if parent == sys::own_pid() {
        by_number()
    } else {
        match sys::hold(pid) {
            // Someone else: the next pass will see.
            Ok(_) if parent_of(pid).is_some_and(|now| now != parent && now != sys::own_pid()) => Ok(()),
            // Where nothing can be read it is gone, or there are no descriptors left.
            Ok(held) => sys::kill_held(&held, signal, value).or_else(|_| sys::kill_held(&held, signal, None)),
            // Out of descriptors, or an old kernel.
            Err(_) => by_number(),
        }
    };
    // ESRCH: it is gone, as it should. EPERM: a set-uid program, which nobody without rights can signal.
    drop(failed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_is_found() {
        let table = [(1, 0), (2, 1), (3, 2), (4, 1), (5, 3), (6, 0), (7, 6), (8, 5)];
        assert_eq!(below(&table, 2), [(3, 2), (5, 3), (8, 5)]);
        assert_eq!(below(&table, 1).len(), 5);
        assert_eq!(below(&table, 8), []);
        assert_eq!(below(&table, 6), [(7, 6)]);
    }

    #[test]
    fn our_own_parent_is_read_from_proc() {
        assert_eq!(parent_of(sys::own_pid()), Some(sys::parent()));
        assert_eq!(parent_of(-1), None);
    }
}
