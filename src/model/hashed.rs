//! Maps for names: what is looked up there is never walked through, so that no order hangs on a hash.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// For lookups alone: no random keys, which would cost a system call at start.
pub type Hashed<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// FNV-1a (RFC 9923), eight bytes at a step where there are eight: whoever writes a profile may slow down nobody but
/// himself.
#[derive(Debug)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn step(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x0100_0000_01b3);
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((word, behind)) = rest.split_first_chunk() {
            self.step(u64::from_le_bytes(*word));
            // The multiplication carries upwards only, and maps look at both ends.
            self.0 ^= self.0 >> 32;
            rest = behind;
        }
        let last = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.step(last);
        self.0 ^= self.0 >> 32;
    }

    // Such a number is a hash already.
    fn write_u32(&mut self, number: u32) {
        self.step(u64::from(number));
    }

    // The number of a variant.
    fn write_isize(&mut self, number: isize) {
        self.step(number.unsigned_abs() as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One in each byte.
const ONES: u64 = u64::from_ne_bytes([1; 8]);

/// FNV-1a of a setting's name or path, eight bytes at a step, blind to the lowest bit of each: all that a dot and a
/// slash differ in, so that a name has the hash of its path.
#[must_use]
pub const fn of_name(name: &[u8]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut rest = name;
    while let Some((word, behind)) = rest.split_first_chunk() {
        hash = mixed(hash, u64::from_le_bytes(*word) | ONES);
        rest = behind;
    }
    let mut last = 0;
    while let [byte, behind @ ..] = rest {
        last = last << 8 | (*byte | 1) as u64;
        rest = behind;
    }
    hash = mixed(hash, last);
    #[expect(clippy::cast_possible_truncation, reason = "any bits of it will do")]
    let hash = hash as u32;
    hash
}

/// The multiplication carries upwards only, and the lowest bits choose a slot.
const fn mixed(hash: u64, word: u64) -> u64 {
    let hash = (hash ^ word).wrapping_mul(0x0100_0000_01b3);
    hash ^ hash >> 32
}
