//! Rows by name, without a search: a table of hashes that the compiler makes. A profile asks for each of its keys
//! more than once, and names begin so much alike that ordering them is dear.

use super::pack::Packed;
use super::unpack::Entry;
use crate::model::hashed::of_path;

/// A slot that no row is in.
const FREE: u16 = u16::MAX;

/// The longest name that a row may have, in bytes.
pub(super) const LONGEST: usize = 96;

/// Where the head of each row begins, in the slot that the hash of its name says, or in the next that was free.
pub(super) struct Index<const SLOTS: usize> {
    rows: &'static Packed,
    slots: [u16; SLOTS],
}

impl<const SLOTS: usize> Index<SLOTS> {
    pub(super) const fn new(rows: &'static Packed) -> Self {
        assert!(rows.heads.len() < FREE as usize, "a row's place must fit into two bytes");
        let mut slots = [FREE; SLOTS];
        let (mut at, mut taken) = (0, 0);
        while at < rows.heads.len() {
            let entry = Entry::at(rows, at);
            assert!(entry.name_bytes().len() <= LONGEST, "a row's name is longer than any that is looked for");
            let mut slot = of_row(entry.name_bytes(), rows.separator) as usize % SLOTS;
            while slots[slot] != FREE {
                slot = (slot + 1) % SLOTS;
            }
            #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
            let place = at as u16;
            slots[slot] = place;
            (at, taken) = (entry.end(), taken + 1);
        }
        assert!(taken <= SLOTS / 2, "an index that is over half full is slow: double its slots");
        Self { rows, slots }
    }

    /// The row whose name is this path, its components parted by slashes, and `hash` that of it.
    pub(super) fn find(&self, path: &[u8], hash: u32) -> Option<Entry> {
        let first = hash as usize;
        (0..SLOTS).find_map(|step| {
            let place = self.slots[(first + step) % SLOTS];
            if place == FREE {
                return Some(None);
            }
            let entry = Entry::at(self.rows, place.into());
            is_spelled(entry.name_bytes(), path, self.rows.separator).then_some(Some(entry))
        })?
    }
}

/// The hash of the path that a row's name stands for.
const fn of_row(name: &[u8], separator: u8) -> u32 {
    let mut path = [0; LONGEST];
    let mut at = 0;
    while at < name.len() {
        path[at] = if name[at] == separator { b'/' } else { name[at] };
        at += 1;
    }
    of_path(path.split_at(name.len()).0)
}

/// Whether `name`, with a slash for each `separator`, is `path`.
fn is_spelled(name: &[u8], path: &[u8], separator: u8) -> bool {
    if name.len() != path.len() {
        return false;
    }
    let (mut name, mut path) = (name, path);
    while let (Some((ours, name_left)), Some((theirs, path_left))) =
        (name.split_first_chunk(), path.split_first_chunk())
    {
        let (ours, theirs) = (u64::from_ne_bytes(*ours), u64::from_ne_bytes(*theirs));
        let turned = u64::from(separator ^ b'/') * is_byte(ours, separator);
        if ours ^ turned != theirs {
            return false;
        }
        (name, path) = (name_left, path_left);
    }
    let turned = |byte: &u8| if *byte == separator { b'/' } else { *byte };
    name.iter().zip(path).all(|(ours, theirs)| turned(ours) == *theirs)
}

/// One in each byte of `word` that is `byte`, nought in the others.
const fn is_byte(word: u64, byte: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let differs = word ^ u64::from_ne_bytes([byte; 8]);
    // A byte's highest bit is set by this unless the byte is nought; nothing carries from one byte to the next.
    let set = ((differs & LOW) + LOW) | differs | LOW;
    !set >> 7
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_with_a_slash_for_each_separator() {
        for (name, path, expected) in [
            ("net.core.somaxconn", "net/core/somaxconn", true),
            ("net.core.somaxconn", "net.core/somaxconn", false),
            ("net.core.somaxconn", "net/core/somaxcomn", false),
            ("net.core.somaxconn", "net/core/somaxconm", false),
            ("net.core.somaxconn", "net/core/somaxcon", false),
            ("net.ipv4.conf.*.x", "net/ipv4/conf/*/x", true),
            ("a.b", "a/b", true),
            ("a.b", "a.b", false),
            ("........", "////////", true),
            ("........", "///.////", false),
            ("", "", true),
        ] {
            assert_eq!(is_spelled(name.as_bytes(), path.as_bytes(), b'.'), expected, "{name} and {path}");
            assert!(!expected || of_row(name.as_bytes(), b'.') == of_path(path.as_bytes()), "{name} and {path}");
        }
        assert!(is_spelled(b"kernel/mm/ksm/run.d", b"kernel/mm/ksm/run.d", b'/'));
        assert!(!is_spelled(b"kernel/mm/ksm/run.d", b"kernel.mm/ksm/run.d", b'/'));
    }

    #[test]
    fn bytes_are_found_wherever_they_stand() {
        for word in [*b"........", *b"//..//..", *b"\xae.\x2d./.\x00.", *b"abcdefgh"] {
            let expected = word.map(|byte| u8::from(byte == b'.'));
            assert_eq!(is_byte(u64::from_ne_bytes(word), b'.').to_ne_bytes(), expected, "{word:?}");
        }
    }
}
