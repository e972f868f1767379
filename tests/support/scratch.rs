//! A directory of a test's own, gone when the test is.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A new, empty directory.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        // Not in the target directory: who is another user inside a test must be able to enter it.
        Self::beneath(&std::env::temp_dir())
    }

    /// One for a socket, whose path has 107 bytes at most (unix(7)), however long TMPDIR is.
    pub(crate) fn for_a_socket() -> Self {
        Self::beneath(Path::new("/tmp"))
    }

    fn beneath(folder: &Path) -> Self {
        make_folders(folder);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("tunectl-test-{}-{number}", std::process::id()));
            match fs::create_dir(&path) {
                // Left by a test that was killed, which had our number and may have been another user's.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                created => {
                    created.unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
                    return Self(path.canonicalize().unwrap());
                }
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the folders on the way, and gives its path. Nobody else may write to it, whatever the
    /// umask is: with privileges tunectl would refuse it as a profile.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        make_folders(path.parent().unwrap());
        fs::write(&path, content).unwrap();
        self.mode(name, 0o644);
        path
    }

    /// Makes a folder, with those on the way, and gives its path.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        make_folders(&path);
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

/// Makes a folder that other users may enter, whatever the umask is, and those on the way that are missing.
fn make_folders(path: &Path) {
    if !path.is_dir() {
        make_folders(path.parent().unwrap());
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}
