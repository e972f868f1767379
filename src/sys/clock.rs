//! The clock that nobody sets, as a number that other programs understand.

use std::mem;

/// Microseconds of `CLOCK_MONOTONIC` (`clock_gettime(2)`), which std's `Instant` does not tell.
#[must_use]
pub fn monotonic_microseconds() -> u64 {
    // SAFETY: a `timespec` of zeros is a valid value of that plain C structure.
    let mut now: libc::timespec = unsafe { mem::zeroed() };
    // SAFETY: `now` is ours to write and outlives the call, which can't fail for this clock.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or(0) * 1_000_000 + nanoseconds.unwrap_or(0) / 1000
}
