//! Rows by name, without a search: a table of hashes that the compiler makes. A profile asks for each of its keys
//! more than once, and names begin so much alike that ordering them is dear.

use super::row::Row;

/// A slot that no row is in.
const FREE: u16 = u16::MAX;

/// Where each row stands: its table in the high byte and its place there in the low one, in the slot that the hash of
/// its name says, or in the next that was free.
pub(super) struct Index<const SLOTS: usize> {
    tables: &'static [&'static [Row]],
    /// What parts the components of the rows' names.
    separator: u8,
    slots: [u16; SLOTS],
}

impl<const SLOTS: usize> Index<SLOTS> {
    pub(super) const fn new(tables: &'static [&'static [Row]], separator: u8) -> Self {
        let mut slots = [FREE; SLOTS];
        let (mut table, mut taken) = (0, 0);
        while table < tables.len() {
            let rows = tables[table];
            assert!(table < 0xff && rows.len() <= 0x100, "a row's place must fit into two bytes");
            let mut at = 0;
            while at < rows.len() {
                let mut slot = hash([rows[at].name, "", ""], separator) % SLOTS;
                while slots[slot] != FREE {
                    slot = (slot + 1) % SLOTS;
                }
                #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
                let place = (table << 8 | at) as u16;
                slots[slot] = place;
                at += 1;
            }
            taken += rows.len();
            table += 1;
        }
        assert!(taken <= SLOTS / 2, "an index that is over half full is slow: double its slots");
        Self { tables, separator, slots }
    }

    /// The row of a path, given in three parts. A dot inside a component of it is no separator:
    /// `net/core.somaxconn` is not `net.core.somaxconn`.
    pub(super) fn find(&self, path: [&str; 3]) -> Option<&'static Row> {
        let first = hash(path, b'/');
        (0..SLOTS).find_map(|step| {
            let place = self.slots[(first + step) % SLOTS];
            if place == FREE {
                return Some(None);
            }
            let [table, at] = place.to_be_bytes();
            let row = self.tables.get(usize::from(table))?.get(usize::from(at))?;
            is_spelled(row.name, path, self.separator).then_some(Some(row))
        })?
    }
}

/// FNV-1a, with every separator taken for a slash.
const fn hash(parts: [&str; 3], separator: u8) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    let mut part = 0;
    while part < parts.len() {
        let bytes = parts[part].as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let byte = if bytes[at] == separator { b'/' } else { bytes[at] };
            hash = (hash ^ byte as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        part += 1;
    }
    hash as usize
}

fn is_spelled(name: &str, path: [&str; 3], separator: u8) -> bool {
    let mut rest = name.as_bytes();
    for part in path {
        let Some((ours, behind)) = rest.split_at_checked(part.len()) else { return false };
        let same = |(ours, theirs): (&u8, &u8)| (if *ours == separator { b'/' } else { *ours }) == *theirs;
        if !ours.iter().zip(part.as_bytes()).all(same) {
            return false;
        }
        rest = behind;
    }
    rest.is_empty()
}
