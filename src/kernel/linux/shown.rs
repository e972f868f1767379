//! Limits as the kernel shows them to everybody, where prlimit(2) tells them to nobody else.
#![forbid(unsafe_code)]

use std::path::Path;

use crate::kernel::Operation;
use crate::model::limit::Resource;
use crate::sys::{expect_own_proc, text_of};

/// What `/proc/PID/limits` says, which takes no right; prlimit(2) takes the same to read as to set. Nothing where
/// `/proc` is that of other processes than those that prlimit(2) means, or can't be read.
pub(super) fn shown(pid: i32, resource: Resource) -> Option<Operation> {
    expect_own_proc().ok()?;
    row(&text_of(Path::new(&format!("/proc/{pid}/limits"))).ok()?, resource)
}

/// A heading, then one line a limit in the order of their numbers: a name in 25 columns, the soft one and the hard one,
/// in the units of setrlimit(2) (`proc_pid_limits`, fs/proc/base.c).
fn row(table: &str, resource: Resource) -> Option<Operation> {
    let mut words = table.lines().nth(1 + resource as usize)?.get(25..)?.split_whitespace();
    let mut side = || match words.next()? {
        "unlimited" => Some(rlimit::INFINITY),
        number => number.parse().ok(),
    };
    Some(Operation::ShowLimits { soft: side()?, hard: side()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{KernelError, rlimits};
    use nix::errno::Errno;

    #[test]
    fn every_limit_is_found_in_its_line() {
        let own = std::process::id().try_into().unwrap();
        for resource in Resource::ALL {
            let operation = shown(own, resource).unwrap();
            let limits = KernelError { operation, errno: Errno::EPERM }.shown();
            assert_eq!(limits, rlimits::limits(resource).ok(), "{resource}");
        }
        assert_eq!(shown(i32::MAX, Resource::Cpu), None);
    }

    #[test]
    fn what_is_no_such_table_tells_nothing() {
        let heading = "Limit                     Soft Limit           Hard Limit           Units     \n";
        let row = |line: &str| row(&format!("{heading}{line}\n"), Resource::Cpu);
        let both = Operation::ShowLimits { soft: 5, hard: u64::MAX };
        assert_eq!(row("Max cpu time              5                    unlimited            seconds   "), Some(both));
        for wrong in ["", "Max cpu time", "Max cpu time              5", "Max cpu time              -1 x", "é"] {
            assert_eq!(row(wrong), None, "{wrong}");
        }
    }
}
