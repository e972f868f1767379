//! The files that the profile came from: whether they have changed.

use std::ffi::CString;
use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::sys::{FileNotices, Interest};

/// What tells one state of a file from another without reading it.
type Print = Option<(u64, u64, u64, i64, i64)>;

#[derive(Debug)]
pub(super) struct ConfigWatcher {
    files: Vec<(PathBuf, Print)>,
    notices: Option<FileNotices>,
    numbers: Vec<i32>,
}

impl ConfigWatcher {
    pub(super) fn new() -> Self {
        Self { files: Vec::new(), notices: FileNotices::new().ok(), numbers: Vec::new() }
    }

    /// Looks at these files from now on, and at the directories that they are in: editors and Kubernetes put another
    /// file, or another link, in the place of the one that was there. A file may be missing; it may come.
    pub(super) fn follow(&mut self, files: &[PathBuf]) {
        self.files = files.iter().map(|file| (file.clone(), print(file))).collect();
        let Some(notices) = &self.notices else { return };
        let mut numbers = Vec::new();
        for file in files {
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let Ok(folder) = CString::new(folder.as_os_str().as_bytes()) else { continue };
            numbers.extend(notices.add(&folder, Interest::Entries).ok());
        }
        self.numbers.iter().filter(|number| !numbers.contains(number)).for_each(|gone| notices.remove(*gone));
        self.numbers = numbers;
    }

    /// Whether one has changed since this was asked last.
    pub(super) fn have_changed(&mut self) -> bool {
        let mut changed = false;
        for (file, before) in &mut self.files {
            let now = print(file);
            changed |= now != *before;
            *before = now;
        }
        changed
    }

    /// To wait for.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.notices.as_ref().map(FileNotices::descriptor)
    }

    /// Takes what waits.
    pub(super) fn take(&self) {
        drop(self.notices.as_ref().map(FileNotices::take));
    }
}

/// Follows links, so that another file behind the same name is told.
fn print(file: &Path) -> Print {
    let found = fs::metadata(file).ok()?;
    Some((found.dev(), found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}
