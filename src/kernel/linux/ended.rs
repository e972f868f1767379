//! Processes that nobody is left of but their number.
#![forbid(unsafe_code)]

use std::path::Path;

use nix::errno::Errno;

use crate::sys::text_of;

/// What prlimit(2) should say of a process that has ended and that its parent has not asked for yet: it changes its
/// limits as if they were anybody's. Where `/proc` can't be read, nothing is said.
///
/// # Errors
/// `ESRCH` of such a process.
pub(super) fn refuse_ended(pid: i32) -> Result<(), Errno> {
    let stat = text_of(Path::new(&format!("/proc/{pid}/stat"))).unwrap_or_default();
    if has_ended(&stat) { Err(Errno::ESRCH) } else { Ok(()) }
}

/// State and number of threads, `proc_pid_stat`(5): where only the first thread has ended, others are left. The
/// name stands in parentheses and may hold anything.
fn has_ended(stat: &str) -> bool {
    let mut fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    matches!(fields.next(), Some("Z" | "X")) && matches!(fields.nth(16), Some("0" | "1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_one_that_others_threads_are_left_of_something_is_left() {
        let stat = |state, threads| format!("7 (a) Z 1) {state} 1 7 7 0 -1 4 0 0 0 0 0 0 0 0 20 0 {threads} 0 99 0");
        assert!(has_ended(&stat("Z", 1)));
        assert!(!has_ended(&stat("Z", 2)));
        assert!(!has_ended(&stat("S", 1)));
        assert!(!has_ended(""));
        assert_eq!(refuse_ended(i32::MAX), Ok(()), "prlimit(2) itself says so");
    }
}
