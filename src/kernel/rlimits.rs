//! Our own resource limits, the same on both systems: getrlimit(2), setrlimit(2).

use std::io;

use nix::errno::Errno;

use super::{KernelError, Operation};
use crate::model::limit::{Limit, Limits, Resource};

pub(super) fn limits(resource: Resource) -> Result<Limits, KernelError> {
    rlimit::getrlimit(number(resource)).map(from_raw).map_err(|error| kernel_error(Operation::GetLimits, &error))
}

pub(super) fn set_limits(resource: Resource, limits: Limits) -> Result<(), KernelError> {
    let (soft, hard) = to_raw(limits);
    rlimit::setrlimit(number(resource), soft, hard).map_err(|error| kernel_error(Operation::SetLimits, &error))
}

/// The resource in the crate's enumeration.
pub(super) fn number(resource: Resource) -> rlimit::Resource {
    match resource {
        Resource::Cpu => rlimit::Resource::CPU,
        Resource::Fsize => rlimit::Resource::FSIZE,
        Resource::Data => rlimit::Resource::DATA,
        Resource::Stack => rlimit::Resource::STACK,
        Resource::Core => rlimit::Resource::CORE,
        Resource::Rss => rlimit::Resource::RSS,
        Resource::Nproc => rlimit::Resource::NPROC,
        Resource::Nofile => rlimit::Resource::NOFILE,
        Resource::Memlock => rlimit::Resource::MEMLOCK,
        Resource::As => rlimit::Resource::AS,
        Resource::Locks => rlimit::Resource::LOCKS,
        Resource::Sigpending => rlimit::Resource::SIGPENDING,
        Resource::Msgqueue => rlimit::Resource::MSGQUEUE,
        Resource::Nice => rlimit::Resource::NICE,
        Resource::Rtprio => rlimit::Resource::RTPRIO,
        Resource::Rttime => rlimit::Resource::RTTIME,
    }
}

/// From the numbers of getrlimit(2).
pub(super) fn from_raw((soft, hard): (u64, u64)) -> Limits {
    let limit = |raw| if raw == rlimit::INFINITY { Limit::Unlimited } else { Limit::Value(raw) };
    Limits { soft: limit(soft), hard: limit(hard) }
}

/// To the numbers of setrlimit(2).
pub(super) fn to_raw(limits: Limits) -> (u64, u64) {
    let raw = |limit| match limit {
        Limit::Value(value) => value,
        Limit::Unlimited => rlimit::INFINITY,
    };
    (raw(limits.soft), raw(limits.hard))
}

pub(super) fn kernel_error(operation: Operation, error: &io::Error) -> KernelError {
    // The crate's error for a limit that this system does not have is the only one without a number.
    let errno = error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw);
    KernelError { operation, errno }
}
