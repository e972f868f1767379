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
/// too.
#[derive(Debug, Default)]
pub(super) struct FdCache {
    open: HashMap<Key, OpenKey>,
    /// How many may be open; read from the limit at the first insertion.
    capacity: Option<usize>,
}

impl FdCache {
    pub(super) fn get(&self, key: &Key) -> Option<&OpenKey> {
        self.open.get(key)
    }

    /// Keeps a key open, or closes it where there are enough already.
    pub(super) fn insert(&mut self, key: &Key, opened: OpenKey) {
        if self.open.len() < *self.capacity.get_or_insert_with(capacity) {
            self.open.insert(key.clone(), opened);
        }
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.open.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}

fn capacity() -> usize {
    let soft = match rlimits::limits(Resource::Nofile) {
        Ok(Limits { soft: Limit::Value(soft), .. }) => usize::try_from(soft).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    MOST.min(soft / 2)
}
