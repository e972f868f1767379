//! Memory of a process: its peak once it has ended, and what a living one holds.

use super::{Outcome, programs};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The peak resident set in KiB of a command that succeeds.
pub(crate) fn peak_kib(command: &Command) -> Outcome<u64> {
    let mut measure = Command::new(programs::compile("benches/programs/peak.rs")?);
    measure.arg(command.get_program()).args(command.get_args());
    let said = programs::succeed(measure)?;
    let last = said.lines().last().unwrap_or_default();
    Ok(last.parse().map_err(|_| format!("expected a peak in KiB, found `{last}`"))?)
}

/// What a living process holds, in KiB, as `/proc/PID/smaps_rollup` has it (`proc_pid_smaps_rollup(5)`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Pages in memory, shared ones included.
    pub(crate) rss_kib: u64,
    /// Pages of its own that it has written to: what a second instance costs again.
    pub(crate) private_dirty_kib: u64,
}

/// Samples what the process `pid` holds now.
pub(crate) fn held(pid: u32) -> Outcome<Held> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    let field = |name: &str| -> Outcome<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next());
        Ok(number.ok_or_else(|| format!("{path} has no `{name}`"))?.parse()?)
    };
    Ok(Held { rss_kib: field("Rss:")?, private_dirty_kib: field("Private_Dirty:")? })
}

/// The size of a file in bytes.
pub(crate) fn size(path: &Path) -> Outcome<u64> {
    Ok(fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len())
}
