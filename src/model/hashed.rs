//! Maps for names: what is looked up there is never walked through, so that no order hangs on a hash.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// For lookups alone: no random keys, which would cost a system call at start. Whoever writes a profile may slow down
/// nobody but himself.
pub type Hashed<K, V> = HashMap<K, V, BuildHasherDefault<Quick>>;

/// Eight bytes at a step where there are eight.
#[derive(Debug)]
pub struct Quick(u64);

impl Default for Quick {
    fn default() -> Self {
        Self(SEED)
    }
}

impl Quick {
    fn step(&mut self, word: u64) {
        self.0 = mixed(self.0, word);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((word, behind)) = rest.split_first_chunk() {
            self.step(u64::from_le_bytes(*word));
            rest = behind;
        }
        let last = rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        self.step(last);
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

/// A hash of a setting's path, eight bytes at a step. Other than a [`Hasher`]'s, the compiler can take it as well.
#[must_use]
pub const fn of_path(path: &[u8]) -> u32 {
    let mut hash = SEED;
    let mut rest = path;
    while let Some((word, behind)) = rest.split_first_chunk() {
        hash = mixed(hash, u64::from_le_bytes(*word));
        rest = behind;
    }
    let mut last = 0;
    while let [byte, behind @ ..] = rest {
        last = last << 8 | *byte as u64;
        rest = behind;
    }
    hash = mixed(hash, last);
    #[expect(clippy::cast_possible_truncation, reason = "any bits of it will do")]
    let hash = hash as u32;
    hash
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4): 2^64 by the golden ratio spreads each bit over all
/// above it. Maps look at both ends, so what went up comes down again.
const fn mixed(hash: u64, word: u64) -> u64 {
    let hash = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ hash >> 32
}
