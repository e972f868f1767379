//! The shell that tunectl was called from.

use std::path::Path;

use nix::errno::Errno;

use crate::linux::process::{NamedProcess, ProcessDir};

/// Programs between a shell and what it starts with other rights.
const PRIVILEGE_PROGRAMS: [&str; 4] = ["sudo", "doas", "su", "run0"];

/// The nearest ancestor of `pid` that does not only change privileges; `None` where that is PID 1, which is no shell,
/// or none at all. `proc` is where procfs is mounted.
///
/// # Errors
/// `/proc` could not be read; `ESRCH` where it does not show `pid`.
pub fn calling_shell(proc: &Path, pid: i32) -> Result<Option<NamedProcess>, Errno> {
    let mut parent = parent_of(proc, pid)?.ok_or(Errno::ESRCH)?;
    // A chain of parents ends at PID 1; the count guards against a /proc that is not one.
    for _ in 0..64 {
        if parent <= 1 {
            return Ok(None);
        }
        let process = ProcessDir::of(proc, parent);
        let Some(name) = process.name()? else { return Ok(None) };
        if !PRIVILEGE_PROGRAMS.contains(&name.as_str()) {
            return Ok(Some(NamedProcess { pid: parent, name }));
        }
        let Some(next) = parent_of(proc, parent)? else { return Ok(None) };
        parent = next;
    }
    Ok(None)
}

fn parent_of(proc: &Path, pid: i32) -> Result<Option<i32>, Errno> {
    Ok(ProcessDir::of(proc, pid).stat()?.map(|stat| stat.parent))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_ancestor_that_is_not_sudo() {
        let proc = std::env::temp_dir().join(format!("tunectl-shell-{}", std::process::id()));
        for (pid, parent, name) in [
            (900, 800, "tunectl"),
            (800, 700, "sudo"),
            (700, 600, "sudo"),
            (600, 1, "b) S 1 (x"),
            (50, 40, "t"),
            (40, 1, "su"),
            (30, 0, "init"),
        ] {
            let folder = proc.join(pid.to_string());
            fs::create_dir_all(&folder).unwrap();
            let stat = format!("{pid} ({name}) S {parent} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 7 0");
            fs::write(folder.join("stat"), stat).unwrap();
            fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
        }
        let shell = NamedProcess { pid: 600, name: "b) S 1 (x".to_owned() };
        assert_eq!(calling_shell(&proc, 900), Ok(Some(shell)));
        assert_eq!(calling_shell(&proc, 50), Ok(None), "only PID 1 is left");
        assert_eq!(calling_shell(&proc, 30), Ok(None), "the parent is in another PID namespace");
        assert_eq!(calling_shell(&proc, 4), Err(Errno::ENOENT), "not known");
        fs::remove_dir_all(&proc).unwrap();
    }
}
