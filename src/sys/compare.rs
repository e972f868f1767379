//! memcmp(3) and bcmp(3) of the static program, eight bytes at a step.
//!
//! musl compares byte by byte. Names of settings share their beginnings (`net.ipv4.conf.eth0.`), so that a seventh of
//! all instructions of a long profile went into finding out where two of them part.

use std::ffi::c_int;

/// How many bytes are compared at once.
const STEP: usize = size_of::<u64>();

/// The bytes at `start + at` of a value of that size; the address need not be aligned.
///
/// # Safety
/// They belong to one object that nobody changes meanwhile.
#[inline(always)]
#[allow(clippy::inline_always, reason = "the loops around it are nothing but this")]
unsafe fn at<T: Copy>(start: *const u8, at: usize) -> T {
    // SAFETY: the caller vouches that `at` lies inside.
    let place = unsafe { start.add(at) };
    // SAFETY: the caller vouches for the bytes there, and any bytes are a value of the two integers that are asked for.
    unsafe { place.cast::<T>().read_unaligned() }
}

/// memcmp(3).
///
/// # Safety
/// Both objects are at least `length` bytes long.
#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
unsafe extern "C" fn memcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    let mut next = 0;
    if length < STEP {
        while next < length {
            // SAFETY: `next` is below the length.
            let ours: u8 = unsafe { at(left, next) };
            // SAFETY: as above.
            let theirs: u8 = unsafe { at(right, next) };
            if ours != theirs {
                return c_int::from(ours) - c_int::from(theirs);
            }
            next += 1;
        }
        return 0;
    }
    let last = length - STEP;
    loop {
        // The last step begins where it just fits, over bytes that are known to be equal.
        let place = if next < last { next } else { last };
        // SAFETY: `place + STEP` is not above the length.
        let ours: u64 = unsafe { at(left, place) };
        // SAFETY: as above.
        let theirs: u64 = unsafe { at(right, place) };
        if ours != theirs {
            return if ours.to_be() < theirs.to_be() { -1 } else { 1 };
        }
        if next >= last {
            return 0;
        }
        next += STEP;
    }
}

/// bcmp(3): the same, where only equality counts.
///
/// # Safety
/// As for [`memcmp`].
#[cfg_attr(target_env = "musl", unsafe(no_mangle))]
unsafe extern "C" fn bcmp(left: *const u8, right: *const u8, length: usize) -> c_int {
    // SAFETY: the caller vouches for both.
    unsafe { memcmp(left, right, length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_ordered_as_slices_are_wherever_they_begin() {
        for length in 0..40 {
            for (start, changed) in (0..9).flat_map(|start| (0..=length).map(move |changed| (start, changed))) {
                let left: Vec<u8> = (0..64).collect();
                let mut right = left.clone();
                // The byte behind the last one differs too, which nobody may look at.
                right[start + length] ^= 0xff;
                if changed < length {
                    right[start + changed] ^= 0x81;
                }
                let (ours, theirs) = (&left[start..start + length], &right[start..start + length]);
                // SAFETY: both slices have `length` bytes.
                let order = unsafe { memcmp(ours.as_ptr(), theirs.as_ptr(), length) };
                // SAFETY: as above.
                let differ = unsafe { bcmp(ours.as_ptr(), theirs.as_ptr(), length) };
                assert_eq!(order.cmp(&0), ours.cmp(theirs), "{length} bytes from {start}, {changed} changed");
                assert_eq!(differ == 0, ours == theirs);
            }
        }
    }
}
