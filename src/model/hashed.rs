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

    // The number of a variant, which tells as much in one step as in eight.
    fn write_isize(&mut self, number: isize) {
        self.write(&number.to_le_bytes()[..1]);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
