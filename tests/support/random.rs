//! Random numbers that can be had again: the seed is printed.
#![allow(dead_code, reason = "each test crate uses its own part of this")]

/// What `TUNECTL_FAULTS` says: nothing for `all`, else a seed. Without it the seed is 1.
pub(crate) fn seed() -> Option<u64> {
    match std::env::var("TUNECTL_FAULTS") {
        Ok(all) if all == "all" => None,
        Ok(seed) => {
            Some(seed.parse().unwrap_or_else(|_| panic!("TUNECTL_FAULTS is `{seed}`, neither a seed nor `all`")))
        }
        Err(_) => Some(1),
    }
}

/// A sequence of numbers, splitmix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let at = self.below(all.len() as u64);
        &all[usize::try_from(at).unwrap()]
    }
}
