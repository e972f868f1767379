//! A directory of a test's own, gone when the test is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A new, empty directory.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Not in the target directory: who is another user inside a test must be able to enter it.
        let path = std::env::temp_dir().join(format!("tunectl-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the folders on the way, and gives its path. Nobody else may write to it, whatever the
    /// umask is: with privileges tunectl would refuse it as a profile.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        self.mode(name, 0o644);
        path
    }

    /// Gives a file its mode. One that is to be run is written once more, by a process that starts no others: a child
    /// that another test was just starting may still hold ours open, and execve(2) would say ETXTBSY.
    pub(crate) fn mode(&self, name: &str, mode: u32) {
        let path = self.0.join(name);
        if mode & 0o111 != 0 && path.is_file() {
            let copy = path.with_extension("copy");
            assert!(Command::new("cp").args([&path, &copy]).status().unwrap().success());
            fs::rename(&copy, &path).unwrap();
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
