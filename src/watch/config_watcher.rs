//! Watches the files of the profile.

use std::ffi::CString;
use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::{Inotify, WatchDescriptor, WatchKind};

/// What tells two states of a file apart without reading it: device, inode, size, and the time of the last change in
/// seconds and nanoseconds. `None` for a file that does not exist.
type Fingerprint = Option<(u64, u64, u64, i64, i64)>;

#[derive(Debug)]
pub(super) struct ConfigWatcher {
    files: Vec<(PathBuf, Fingerprint)>,
    inotify: Option<Inotify>,
    /// The watch descriptors of inotify(7).
    descriptors: Vec<WatchDescriptor>,
}

impl ConfigWatcher {
    pub(super) fn new() -> Self {
        Self { files: Vec::new(), inotify: Inotify::new().ok(), descriptors: Vec::new() }
    }

    /// Watches these files from now on, and the directories that they are in: editors and Kubernetes replace a file or a
    /// link by another one. A file may be missing, and be created later.
    pub(super) fn watch(&mut self, files: &[PathBuf]) {
        self.files = files.iter().map(|file| (file.clone(), fingerprint(file))).collect();
        let Some(inotify) = &self.inotify else { return };
        let mut descriptors = Vec::new();
        for file in files {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let Ok(folder) = CString::new(folder.as_os_str().as_bytes()) else { continue };
            descriptors.extend(inotify.add(&folder, WatchKind::Entries).ok());
        }
        let unused = self.descriptors.iter().filter(|descriptor| !descriptors.contains(descriptor));
        unused.for_each(|descriptor| inotify.remove(*descriptor));
        self.descriptors = descriptors;
    }

    /// Whether a file has changed since this was called last.
    pub(super) fn has_changed(&mut self) -> bool {
        let mut changed = false;
        for (file, before) in &mut self.files {
            let now = fingerprint(file);
            changed |= now != *before;
            *before = now;
        }
        changed
    }

    /// Readable when something has changed in one of the directories.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(Inotify::descriptor)
    }

    /// Takes the pending events.
    pub(super) fn drain(&self) {
        drop(self.inotify.as_ref().map(Inotify::take));
    }
}

/// Follows links, so that a link to another file is a change.
fn fingerprint(file: &Path) -> Fingerprint {
    let found = fs::metadata(file).ok()?;
    Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}
