//! memcmp(3) and bcmp(3) of the static program, eight bytes at a step.
//!
//! musl compares byte by byte. Names of settings share their beginnings (`net.ipv4.conf.eth0.`), so that a seventh of
//! all instructions of a long profile went into finding out where two of them part.

use std::ffi::c_int;

/// How many bytes are compared at once.
const STEP: usize = size_of::<u64>();

/// The eight bytes at `start + at`.
///
/// # Safety
/// They belong to one object that nobody changes meanwhile.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the loop around it is nothing but this")]
unsafe fn word(start: *const u8, at: usize) -> u64 {
    // SAFETY: the caller vouches that `at` lies inside.
    let place = unsafe { start.add(at) };
    // SAFETY: the caller vouches for the eight bytes there; the address need not be aligned.
    unsafe { place.cast::<u64>().read_unaligned() }
}

/// memcmp(3).
///
/// # Safety
/// Both objects are at least `length` bytes long.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    let mut at = 0;
    if length < STEP {
        while at < length {
            // SAFETY: `at` is below the length.
            let (ours, theirs) = unsafe { (*left.add(at), *right.add(at)) };
            if ours != theirs {
                return c_int::from(ours) - c_int::from(theirs);
            }
            at += 1;
        }
        return 0;
    }
    let last = length - STEP;
    loop {
        // The last step begins where it just fits, over bytes that are known to be equal.
        let place = if at < last { at } else { last };
        // SAFETY: `place + STEP` is not above the length.
        let (ours, theirs) = unsafe { (word(left, place), word(right, place)) };
        if ours != theirs {
            return if ours.to_be() < theirs.to_be() { -1 } else { 1 };
        }
        if at >= last {
            return 0;
        }
        at += STEP;
    }
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
