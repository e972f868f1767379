//! The descriptors of keys that stay open from one step to the next.

use std::collections::HashMap;
use std::fs::File;

use crate::kernel::rlimits;
use crate::model::limit::{Limit, Limits, Resource};
use crate::model::setting::Key;

/// Upper bound of open keys, whatever the limit of open files allows.
const MOST: usize = 1024;

/// An open key.
#[derive(Debug)]
pub(super) struct OpenKey {
    pub(super) file: File,
    pub(super) writable: bool,
}

/// Open keys, at most half as many as the soft limit of open files allows: the rest of the program needs descriptors
/// too. Where those are taken, the key that was opened last stays open beside them: it is often read back next.
#[derive(Debug, Default)]
pub(super) struct FdCache {
    open: HashMap<Key, OpenKey>,
    last: Option<(Key, OpenKey)>,
    /// How many may be open; read from the limit at the first insertion.
    capacity: Option<usize>,
}

impl FdCache {
    pub(super) fn get(&self, key: &Key) -> Option<&OpenKey> {
        let last = || self.last.as_ref().filter(|(last, _)| last == key).map(|(_, opened)| opened);
        self.open.get(key).or_else(last)
    }

    /// Keeps a key open, or where there are enough already until the next one is opened.
    pub(super) fn insert(&mut self, key: &Key, opened: OpenKey) {
        if self.open.len() < *self.capacity.get_or_insert_with(capacity) {
            self.open.insert(key.clone(), opened);
        } else {
            self.last = Some((key.clone(), opened));
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.open.remove(key);
        self.last.take_if(|(last, _)| last == key);
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
        self.last = None;
    }
}

fn capacity() -> usize {
    let soft = match rlimits::limits(Resource::Nofile) {
        Ok(Limits { soft: Limit::Value(soft), .. }) => usize::try_from(soft).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    MOST.min(soft / 2)
}
