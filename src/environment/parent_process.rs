//! Who is meant by "the shell I typed this in".

use std::path::Path;

use crate::sys::text_of;

/// A process, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParentProcess {
    /// Its number.
    pub pid: i32,
    /// Its command name, as in `/proc/PID/comm`.
    pub name: String,
}

/// Programs that only stand between a shell and what is run with other rights.
const GO_BETWEENS: [&str; 4] = ["sudo", "doas", "su", "run0"];

/// The nearest ancestor of `pid` that is not a go-between, read beneath `proc`. Never PID 1: an init is
/// nobody's shell.
#[must_use]
pub fn shell_of(proc: &Path, pid: i32) -> Option<ParentProcess> {
    let mut parent = parent_of(proc, pid)?;
    // A chain of parents ends at PID 1; the count guards against a /proc that is not one.
    for _ in 0..64 {
        if parent <= 1 {
            return None;
        }
        let name = name_of(proc, parent)?;
        if !GO_BETWEENS.contains(&name.as_str()) {
            return Some(ParentProcess { pid: parent, name });
        }
        parent = parent_of(proc, parent)?;
    }
    None
}

/// The command name of a process.
#[must_use]
pub fn name_of(proc: &Path, pid: i32) -> Option<String> {
    let comm = text_of(&proc.join(pid.to_string()).join("comm")).ok()?;
    let name = comm.trim_end().to_owned();
    (!name.is_empty()).then_some(name)
}

/// The name stands in parentheses and may hold anything, closing ones too: the fields start behind the last.
fn parent_of(proc: &Path, pid: i32) -> Option<i32> {
    let stat = text_of(&proc.join(pid.to_string()).join("stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_nearest_that_is_no_go_between() {
        let proc = std::env::temp_dir().join(format!("tunectl-ancestry-{}", std::process::id()));
        for (pid, parent, name) in [
            (900, 800, "tunectl"),
            (800, 700, "sudo"),
            (700, 600, "sudo"),
            (600, 1, "b) S 1 (x"),
            (50, 40, "t"),
            (40, 1, "su"),
        ] {
            let folder = proc.join(pid.to_string());
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("stat"), format!("{pid} ({name}) S {parent} 1 1 0")).unwrap();
            fs::write(folder.join("comm"), format!("{name}\n")).unwrap();
        }
        assert_eq!(shell_of(&proc, 900), Some(ParentProcess { pid: 600, name: "b) S 1 (x".to_owned() }));
        assert_eq!(shell_of(&proc, 50), None, "only PID 1 is left");
        assert_eq!(shell_of(&proc, 4), None, "no such process");
        fs::remove_dir_all(&proc).unwrap();
    }
}
