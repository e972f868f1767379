//! Keys that stay open from one step to the next.

use std::fs::File;

use crate::model::hashed::Hashed;
use crate::model::setting::Key;

/// An open key.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) file: File,
    pub(super) writable: bool,
}

/// Open keys in the order in which they were first asked for. They are asked for again in that order, to be written
/// and read back: so each is looked for behind the one before, where it nearly always is, and only then by its hash.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    kept: Vec<(Key, Kept)>,
    places: Hashed<Key, usize>,
    next: usize,
}

impl Shelf {
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<&Kept> {
        let at = match self.kept.get(self.next) {
            Some((its, _)) if its == key => self.next,
            _ => *self.places.get(key)?,
        };
        self.next = at + 1;
        self.kept.get(at).map(|(_, kept)| kept)
    }

    /// Adds one that is not there yet.
    pub(super) fn add(&mut self, key: Key, kept: Kept) {
        self.places.insert(key.clone(), self.kept.len());
        self.kept.push((key, kept));
    }

    pub(super) fn remove(&mut self, key: &Key) {
        let Some(at) = self.places.remove(key) else { return };
        self.kept.swap_remove(at);
        if let Some((moved, _)) = self.kept.get(at) {
            self.places.insert(moved.clone(), at);
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
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
        let mut shelf = Shelf::default();
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
