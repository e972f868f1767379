//! The limits of another process: prlimit(2), and `/proc` where that is refused.

use std::path::Path;

use nix::errno::Errno;

use crate::kernel::{KernelError, Operation, rlimits};
use crate::linux::process::{ProcessDir, expect_own_proc};
use crate::model::limit::{Limits, Resource};

const PROC: &str = "/proc";

/// Reads a limit. Where prlimit(2) refuses it (`EPERM`), the error says what `/proc/PID/limits` shows.
pub(super) fn limits(pid: i32, resource: Resource) -> Result<Limits, KernelError> {
    let operation = Operation::GetLimits;
    refuse_ended(pid).map_err(|errno| KernelError { operation, errno })?;
    let (mut soft, mut hard) = (0, 0);
    match rlimit::prlimit(pid, rlimits::number(resource), None, Some((&mut soft, &mut hard))) {
        Ok(()) => Ok(rlimits::from_raw((soft, hard))),
        Err(error) => Err(match rlimits::kernel_error(operation, &error) {
            KernelError { errno: Errno::EPERM, .. } => {
                let operation = visible(pid, resource).map_or(operation, Operation::ShowLimits);
                KernelError { operation, errno: Errno::EPERM }
            }
            refusal => refusal,
        }),
    }
}

/// Sets both sides of a limit.
pub(super) fn set_limits(pid: i32, resource: Resource, limits: Limits) -> Result<(), KernelError> {
    let operation = Operation::SetLimits;
    refuse_ended(pid).map_err(|errno| KernelError { operation, errno })?;
    rlimit::prlimit(pid, rlimits::number(resource), Some(rlimits::to_raw(limits)), None)
        .map_err(|error| rlimits::kernel_error(operation, &error))
}

/// `ESRCH` for a zombie, whose limits prlimit(2) reads and sets as if it were alive. Where `/proc` can't be read, or
/// shows other processes than those that prlimit(2) means, it is not known, and prlimit(2) decides.
fn refuse_ended(pid: i32) -> Result<(), Errno> {
    let stat = ProcessDir::of(Path::new(PROC), pid).stat();
    if stat.is_ok_and(|stat| stat.is_some_and(|stat| stat.has_ended())) { Err(Errno::ESRCH) } else { Ok(()) }
}

/// What `/proc/PID/limits` says, which takes no rights. `None` where it can't be read, or where `/proc` shows other
/// processes than those that prlimit(2) means.
fn visible(pid: i32, resource: Resource) -> Option<Limits> {
    let proc = Path::new(PROC);
    expect_own_proc(proc).ok()?;
    ProcessDir::of(proc, pid).limits(resource).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_found_in_its_line() {
        let own = std::process::id().try_into().unwrap();
        for resource in Resource::ALL {
            assert_eq!(visible(own, resource), rlimits::limits(resource).ok(), "{resource}");
        }
        assert_eq!(visible(i32::MAX, Resource::Cpu), None);
        assert_eq!(refuse_ended(i32::MAX), Ok(()), "prlimit(2) itself says so");
    }
}
