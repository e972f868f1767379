//! memcmp(3) and bcmp(3) of the static program, eight bytes at a step.
//!
//! musl compares byte by byte. Names of settings share their beginnings (`net.ipv4.conf.eth0.`), so that a seventh of
//! all instructions of a long profile went into finding out where two of them part.

use std::ffi::c_int;

/// How many bytes are compared at once.
const STEP: usize = size_of::<u64>();

/// The eight bytes at `start + at` as a number that compares as they do, first byte first.
///
/// # Safety
/// They belong to one object that nobody changes meanwhile.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the loops around it are nothing but this")]
unsafe fn word(start: *const u8, at: usize) -> u64 {
    // SAFETY: the caller vouches that `at` lies inside.
    let place = unsafe { start.add(at) };
    // SAFETY: the caller vouches for the eight bytes there; the address need not be aligned.
    u64::from_be(unsafe { place.cast::<u64>().read_unaligned() })
}

/// memcmp(3).
///
/// # Safety
/// Both objects are at least `length` bytes long.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    let mut at = 0;
    while at + STEP <= length {
        // SAFETY: `at + STEP` is not above the length.
        let (ours, theirs) = unsafe { (word(left, at), word(right, at)) };
        if ours != theirs {
            return if ours < theirs { -1 } else { 1 };
        }
        at += STEP;
    }
    while at < length {
        // SAFETY: `at` is below the length.
        let (ours, theirs) = unsafe { (*left.add(at), *right.add(at)) };
        if ours != theirs {
            return c_int::from(ours) - c_int::from(theirs);
        }
        at += 1;
    }
    0
}

/// bcmp(3): the same, where only equality counts.
///
/// # Safety
/// As for [`memcmp`].
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    // SAFETY: the caller vouches for both.
    unsafe { memcmp(left, right, length) }
}
