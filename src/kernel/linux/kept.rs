//! Keys that stay open from one step to the next.

use std::fs::File;

use crate::model::setting::Key;

/// An open key.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) file: File,
    pub(super) writable: bool,
}

/// How many bits tell which keys may be there: four for each that is kept at most.
const BITS: usize = 4096;

/// Open keys in the order in which they were first asked for. They are asked for again in that order, to be written
/// and read back: so each is looked for behind the one before, where it nearly always is. Whether it is there at all
/// is told by a bit of its fingerprint, and only then is it searched for.
#[derive(Debug)]
pub(super) struct Shelf {
    kept: Vec<(Key, Kept)>,
    next: usize,
    known: [u64; BITS / 64],
}

impl Shelf {
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), next: 0, known: [0; BITS / 64] }
    }

    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<&Kept> {
        let at = self.place(key)?;
        self.next = at + 1;
        self.kept.get(at).map(|(_, kept)| kept)
    }

    /// Adds one that is not there yet.
    pub(super) fn add(&mut self, key: Key, kept: Kept) {
        let (word, bit) = bit(&key);
        self.known[word] |= bit;
        self.kept.push((key, kept));
    }

    /// Its bit stays, and may be another's as well.
    pub(super) fn remove(&mut self, key: &Key) {
        if let Some(at) = self.place(key) {
            self.kept.remove(at);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new();
    }

    fn place(&self, key: &Key) -> Option<usize> {
        match self.kept.get(self.next) {
            Some((its, _)) if its == key => return Some(self.next),
            _ => {}
        }
        let (word, bit) = bit(key);
        if self.known[word] & bit == 0 {
            return None;
        }
        self.kept.iter().position(|(its, _)| its == key)
    }
}

/// Which word of the bits, and which bit of it.
fn bit(key: &Key) -> (usize, u64) {
    let place = key.fingerprint() as usize % BITS;
    (place / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::SysctlName;

    fn key(name: &str) -> Key {
        Key::Sysctl(SysctlName::parse(name).unwrap())
    }

    #[test]
    fn keys_are_found_in_any_order() {
        let mut shelf = Shelf::new();
        let names = ["a.b", "a.c", "a.d", "a.e"];
        for (at, name) in names.iter().enumerate() {
            assert!(shelf.get(&key(name)).is_none());
            shelf.add(key(name), Kept { file: File::open("/dev/null").unwrap(), writable: at % 2 == 0 });
        }
        let writable = |shelf: &mut Shelf, name| shelf.get(&key(name)).map(|kept| kept.writable);
        for name in ["a.b", "a.c", "a.e", "a.d", "a.d", "a.b"] {
            assert_eq!(writable(&mut shelf, name), Some(name == "a.b" || name == "a.d"), "{name}");
        }
        shelf.remove(&key("a.c"));
        shelf.remove(&key("a.z"));
        assert_eq!((shelf.len(), writable(&mut shelf, "a.c"), writable(&mut shelf, "a.d")), (3, None, Some(true)));
        shelf.clear();
        assert_eq!((shelf.len(), writable(&mut shelf, "a.d")), (0, None));
    }
}
