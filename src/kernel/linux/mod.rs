//! Linux: files below `/proc/sys` and `/sys`, getrlimit(2), prlimit(2).

mod fd_cache;
mod openat_beneath;
mod process_limits;
mod tree;
mod tree_kind;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::{Uid, geteuid, seteuid};

use super::{AccessMode, Evidence, Kernel, KernelError, Operation, Process, WriteMode, rlimits};
use crate::linux::errno_of;
use crate::model::limit::{Limits, Resource};
use crate::model::name::SysctlName;
use crate::model::setting::{Key, System};
use crate::sys;
use fd_cache::{FdCache, OpenKey};
use tree::Tree;
use tree_kind::TreeKind;

/// Bytes of the first read of a key. The kernel allocates and clears as much as is asked for at every read
/// (`proc_sys_call_handler`, `fs/proc/proc_sysctl.c`), and nearly every key is shorter.
const FIRST_READ: usize = 128;

/// Bytes of the longest read: proc refuses reads of 4 MiB. The longest list of ports has some 200 kB.
const LAST_READ: usize = 2 << 20;

/// Bytes that every kernel takes of a list in one write: a page less one byte (`proc_do_large_bitmap`, kernel/sysctl.c).
const PIECE: usize = 4095;

/// The kernel that we run on.
///
/// With [`AccessMode::Write`], a key that was read stays open for the write and for reading it back, which saves two
/// path lookups out of three; with [`AccessMode::Watch`] for the next read.
#[derive(Debug)]
pub struct Linux {
    sysctl: Tree,
    sysfs: Tree,
    access: AccessMode,
    open_keys: FdCache,
    buffer: Vec<u8>,
}

impl Linux {
    /// The kernel of this machine.
    #[must_use]
    pub fn here(access: AccessMode) -> Self {
        Self::new("/proc/sys", "/sys", access)
    }

    /// A kernel whose settings are below these two directories, `/proc/sys` and `/sys`. Nothing is opened before it is
    /// needed: where a tree is missing, reading each of its keys fails.
    #[must_use]
    pub fn new(proc_sys: impl Into<PathBuf>, sys: impl Into<PathBuf>, access: AccessMode) -> Self {
        Self {
            sysctl: Tree::new(TreeKind::ProcSys, proc_sys.into()),
            sysfs: Tree::new(TreeKind::Sysfs, sys.into()),
            access,
            open_keys: FdCache::default(),
            buffer: Vec::new(),
        }
    }

    fn tree<'a>(&mut self, key: &'a Key) -> (&mut Tree, &'a str) {
        match key {
            Key::Sysctl(name) => (&mut self.sysctl, name.path()),
            Key::Sysfs(name) => (&mut self.sysfs, name.path()),
        }
    }

    fn open(&mut self, key: &Key, flags: OFlag) -> Result<File, Errno> {
        let (tree, path) = self.tree(key);
        match tree.open(path, flags) {
            Err(Errno::EMFILE | Errno::ENFILE) => {
                self.release();
                let (tree, path) = self.tree(key);
                tree.open(path, flags)
            }
            result => result,
        }
    }

    /// Closes every descriptor that is only kept for speed.
    fn release(&mut self) {
        self.open_keys.clear();
        self.sysctl.release();
        self.sysfs.release();
    }

    fn open_to_read(&mut self, key: &Key) -> Result<OpenKey, KernelError> {
        if self.access == AccessMode::Write {
            match self.open(key, OFlag::O_RDWR) {
                Ok(file) => return Ok(OpenKey { file, writable: true }),
                // Read-only for us, for everyone or on this mount; of a directory, read(2) fails.
                Err(Errno::EACCES | Errno::EPERM | Errno::EROFS | Errno::EISDIR) => {}
                Err(errno) => return Err(KernelError { operation: Operation::OpenToRead, errno }),
            }
        }
        match self.open(key, OFlag::O_RDONLY) {
            Ok(file) => Ok(OpenKey { file, writable: false }),
            Err(Errno::EACCES) if self.is_write_only(key) => {
                Err(KernelError { operation: Operation::Read, errno: Errno::EACCES })
            }
            Err(errno) => Err(KernelError { operation: Operation::OpenToRead, errno }),
        }
    }

    fn open_and_write(&mut self, key: &Key, text: &str, mode: WriteMode) -> Result<(), KernelError> {
        let opened = self.open(key, OFlag::O_WRONLY);
        let file = opened.map_err(|errno| KernelError { operation: Operation::OpenToWrite, errno })?;
        write_text(&file, text, mode)
    }

    /// Settings of an IPC namespace may be written only by the root of the user namespace that owns it, whatever the
    /// capabilities of others: the effective user counts, at open(2) and at write(2) (`ipc_permissions`,
    /// `ipc/ipc_sysctl.c`, since Linux 6.9). In the namespaces of a container whose root is another user, root of the
    /// machine therefore becomes that user for the write.
    fn write_as_owner(&mut self, key: &Key, text: &str, mode: WriteMode) -> Result<(), KernelError> {
        let denied = KernelError { operation: Operation::OpenToWrite, errno: Errno::EACCES };
        let (tree, path) = self.tree(key);
        let owner = tree.owner(path).filter(|owner| *owner != 0).ok_or(denied)?;
        if !geteuid().is_root() || seteuid(Uid::from_raw(owner)).is_err() {
            return Err(denied);
        }
        let written = self.open_and_write(key, text, mode);
        // The saved user is still root, so this can't fail (setresuid(2)).
        let _ = seteuid(Uid::from_raw(0));
        written
    }

    fn is_write_only(&mut self, key: &Key) -> bool {
        let (tree, path) = self.tree(key);
        tree.mode(path).is_some_and(|mode| mode & 0o444 == 0 && mode & 0o222 != 0)
    }

    /// Reads a key into the buffer; returns its length in bytes.
    fn fill(&mut self, key: &Key) -> Result<usize, KernelError> {
        let refusal = |errno| KernelError { operation: Operation::Read, errno };
        if let Some(kept) = self.open_keys.get(key) {
            match read_whole(&kept.file, &mut self.buffer) {
                // The key is gone (sysctl: ENOENT, sysfs: ENODEV); another may have its name now.
                Err(Errno::ENOENT | Errno::ENODEV) => self.open_keys.remove(key),
                result => return result.map_err(refusal),
            }
        }
        let opened = self.open_to_read(key)?;
        let count = read_whole(&opened.file, &mut self.buffer).map_err(refusal)?;
        if self.access != AccessMode::Read {
            self.open_keys.insert(key, opened);
        }
        Ok(count)
    }
}

impl Kernel for Linux {
    fn system(&self) -> System {
        System::Linux
    }

    fn read(&mut self, key: &Key) -> Result<String, KernelError> {
        let mut whole = String::new();
        self.with_text(key, &mut |text| text.clone_into(&mut whole)).map(|()| whole)
    }

    fn with_text(&mut self, key: &Key, use_text: &mut dyn FnMut(&str)) -> Result<(), KernelError> {
        let count = self.fill(key)?;
        use_text(&String::from_utf8_lossy(&self.buffer[..count]));
        Ok(())
    }

    fn write(&mut self, key: &Key, text: &str, mode: WriteMode) -> Result<(), KernelError> {
        if self.access != AccessMode::Write {
            // What write(2) says of a descriptor that isn't open for writing.
            return Err(KernelError { operation: Operation::Write, errno: Errno::EBADF });
        }
        if let Some(kept) = self.open_keys.get(key).filter(|kept| kept.writable) {
            match write_text(&kept.file, text, mode) {
                // No such value, or the key is gone: a new descriptor tells which.
                Err(KernelError { operation: Operation::Write, errno: Errno::ENOENT | Errno::ENODEV }) => {
                    self.open_keys.remove(key);
                }
                result => return result,
            }
        }
        // Opened to be read back too; why it can't be opened is told without that.
        if let Ok(file) = self.open(key, OFlag::O_RDWR) {
            let written = write_text(&file, text, mode);
            self.open_keys.insert(key, OpenKey { file, writable: true });
            return written;
        }
        match self.open_and_write(key, text, mode) {
            Err(KernelError { operation: Operation::OpenToWrite, errno: Errno::EACCES }) => {
                self.write_as_owner(key, text, mode)
            }
            result => result,
        }
    }

    fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError> {
        match self.sysctl.names(pattern) {
            Err(KernelError { errno: Errno::EMFILE | Errno::ENFILE, .. }) => {
                self.release();
                self.sysctl.names(pattern)
            }
            result => result,
        }
    }

    fn close(&mut self, key: &Key) {
        self.open_keys.remove(key);
    }

    fn ending_signal(&mut self) -> Option<i32> {
        sys::ending_signal()
    }

    fn inspect(&mut self, key: &Key) -> Evidence {
        let (tree, path) = self.tree(key);
        tree.inspect(path)
    }

    fn limits(&mut self, process: Process, resource: Resource) -> Result<Limits, KernelError> {
        match process {
            Process::Own => rlimits::limits(resource),
            Process::Pid(pid) => process_limits::limits(pid, resource),
        }
    }

    fn set_limits(&mut self, process: Process, resource: Resource, limits: Limits) -> Result<(), KernelError> {
        match process {
            Process::Own => rlimits::set_limits(resource, limits),
            Process::Pid(pid) => process_limits::set_limits(pid, resource, limits),
        }
    }
}

/// The whole text from its start into the buffer, and its length. A second read(2) at an offset gives the rest of
/// the short values that most keys have, but nothing of a list of ports: so where a read fills the buffer, all is
/// read again into a larger one.
fn read_whole(file: &File, buffer: &mut Vec<u8>) -> Result<usize, Errno> {
    let mut size = FIRST_READ;
    while size <= LAST_READ {
        if buffer.len() < size {
            buffer.resize(size, 0);
        }
        let count = uninterrupted(|| file.read_at(&mut buffer[..size], 0))?;
        if count < size {
            return Ok(count);
        }
        size *= 8;
    }
    Err(Errno::EFBIG)
}

fn write_text(file: &File, text: &str, mode: WriteMode) -> Result<(), KernelError> {
    let mut taken = 0;
    for piece in cut(text, mode) {
        // At offset 0 the kernel replaces the list, further on it adds to it.
        let offset = u64::try_from(taken).unwrap_or(u64::MAX);
        let count = uninterrupted(|| file.write_at(piece.as_bytes(), offset))
            .map_err(|errno| KernelError { operation: Operation::Write, errno })?;
        taken += count;
        if count < piece.len() {
            return Err(KernelError { operation: Operation::ShortWrite { taken, of: text.len() }, errno: Errno::EIO });
        }
    }
    Ok(())
}

/// The text in one piece, or a list in pieces that each end behind a comma, so that no number is cut in two.
fn cut(text: &str, mode: WriteMode) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let left = rest?;
        let fits = mode == WriteMode::One || left.len() <= PIECE;
        let comma = if fits { None } else { left.as_bytes()[..PIECE].iter().rposition(|byte| *byte == b',') };
        let (piece, left) = left.split_at(comma.map_or(left.len(), |comma| comma + 1));
        rest = (!left.is_empty()).then_some(left);
        Some(piece)
    })
}

fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> Result<usize, Errno> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(errno_of(&error)),
            Ok(count) => return Ok(count),
        }
    }
}

#[cfg(test)]
mod tests;
