//! A directory that is held open, and files in it that are replaced whole: the one way in which tunectl writes a file.
//!
//! Every file is reached through the descriptor of its directory, so that nobody can put another directory in its place
//! between two calls, and its last component is never followed if it is a symbolic link. The directory may belong to
//! another user, who must not be able to have us write anywhere else or wait for ever.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::process::own_pid;

/// How the name of a file begins until it is complete; the process ID of its writer and a random number follow. None of
/// the programs that read the directories we write to reads a file of such a name: it is hidden and has no ending.
const UNFINISHED: &str = ".tunectl-new-";

/// How often a random name is tried. One of 64 bits that exists already is no accident.
const ATTEMPTS: usize = 8;

/// The permission bits of a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// These, whatever the umask is.
    Exactly(u32),
    /// Those of any new file: 0666 without the bits of the umask.
    Default,
}

/// How a file of a directory is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// To be read.
    Read,
    /// To be appended to.
    Append,
    /// To be appended to; created with mode 0600 where there is none.
    CreateOrAppend,
}

/// A directory that is held open.
#[derive(Debug)]
pub struct Directory(File);

impl Directory {
    /// Opens a directory.
    ///
    /// # Errors
    /// `ENOTDIR`, and what open(2) says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, OFlag::empty())
    }

    /// Opens a directory that must not be a symbolic link.
    ///
    /// # Errors
    /// `ENOTDIR` or `ELOOP` for a link, and what open(2) says.
    pub fn open_no_follow(path: &Path) -> io::Result<Self> {
        Self::open_with(path, OFlag::O_NOFOLLOW)
    }

    /// Opens a directory in this one, which must not be a symbolic link.
    ///
    /// # Errors
    /// As [`Directory::open_no_follow`].
    pub fn open_directory(&self, name: &OsStr) -> io::Result<Self> {
        self.open_at(name, OFlag::O_RDONLY | OFlag::O_DIRECTORY, 0).map(Self)
    }

    fn open_with(path: &Path, flags: OFlag) -> io::Result<Self> {
        let flags = flags | OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self(openat(AT_FDCWD, path, flags, Mode::empty())?.into()))
    }

    /// The directory's own metadata.
    ///
    /// # Errors
    /// What fstat(2) says.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// The names of all files in it, in no order.
    ///
    /// # Errors
    /// What getdents(2) says: then no name is known, not only those that were not read.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut listing = Dir::openat(&self.0, ".", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        let mut names = Vec::new();
        // The iterator never ends where the listing fails for good: the first error is the last step.
        for entry in listing.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Opens a file. A FIFO is not waited for, and a terminal does not become ours.
    ///
    /// # Errors
    /// `ELOOP` for a symbolic link, and what open(2) says.
    pub fn open_file(&self, name: &OsStr, access: Access) -> io::Result<File> {
        let how = match access {
            Access::Read => OFlag::O_RDONLY,
            Access::Append => OFlag::O_WRONLY | OFlag::O_APPEND,
            Access::CreateOrAppend => OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT,
        };
        self.open_at(name, how, 0o600)
    }

    fn open_at(&self, name: &OsStr, how: OFlag, mode: u32) -> io::Result<File> {
        let flags = how | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        Ok(openat(&self.0, name, flags, permissions(mode))?.into())
    }

    /// When a file was modified last; of a symbolic link, the link itself.
    ///
    /// # Errors
    /// What fstatat(2) says.
    pub fn modified(&self, name: &OsStr) -> io::Result<SystemTime> {
        let found = self.stat(name)?;
        let seconds = Duration::from_secs(u64::try_from(found.st_mtime).unwrap_or(0));
        Ok(SystemTime::UNIX_EPOCH + seconds + Duration::from_nanos(u64::try_from(found.st_mtime_nsec).unwrap_or(0)))
    }

    fn stat(&self, name: &OsStr) -> io::Result<FileStat> {
        Ok(fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW)?)
    }

    /// Replaces a file whole, or creates it: a reader sees the old contents or the new ones, also after a crash of the
    /// machine.
    ///
    /// The contents go to a new file of an unpredictable name, which gets its mode before its contents and is synced
    /// before it is renamed.
    ///
    /// # Errors
    /// The file exists and is not a regular one, or a system call failed. Then the old file is as it was, and no other
    /// is left.
    pub fn replace(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> io::Result<()> {
        self.check_replaceable(name)?;
        let (unfinished, mut file) = self.create_unfinished(mode)?;
        let written = (|| {
            if let FileMode::Exactly(bits) = mode {
                file.set_permissions(std::fs::Permissions::from_mode(bits))?;
            }
            file.write_all(contents)?;
            file.sync_all()?;
            renameat(&self.0, unfinished.as_os_str(), &self.0, name)?;
            self.sync()
        })();
        if written.is_err() {
            let _ = unlinkat(&self.0, unfinished.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
        written
    }

    /// rename(2) would put a file in the place of a device or a FIFO too, `/dev/null` above all.
    fn check_replaceable(&self, name: &OsStr) -> io::Result<()> {
        match fstatat(&self.0, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(found) if SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG => Ok(()),
            Ok(_) => Err(io::Error::other("it exists and is not a regular file")),
        }
    }

    fn create_unfinished(&self, mode: FileMode) -> io::Result<(OsString, File)> {
        let bits = if mode == FileMode::Default { 0o666 } else { 0o600 };
        let mut failure = io::Error::from(Errno::EEXIST);
        for _ in 0..ATTEMPTS {
            // The keys of std's hash maps are random numbers of the kernel's.
            let name = OsString::from(format!("{UNFINISHED}{}-{:016x}", own_pid(), RandomState::new().hash_one(0)));
            match self.open_at(&name, OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL, bits) {
                Ok(file) => return Ok((name, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => failure = error,
                Err(error) => return Err(error),
            }
        }
        Err(failure)
    }

    /// Removes a file; returns whether there was one.
    ///
    /// # Errors
    /// What unlinkat(2) says.
    pub fn remove(&self, name: &OsStr) -> io::Result<bool> {
        match unlinkat(&self.0, name, UnlinkatFlags::NoRemoveDir) {
            Err(Errno::ENOENT) => Ok(false),
            result => {
                result?;
                self.sync()?;
                Ok(true)
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}

/// Replaces the file at `path` whole, as [`Directory::replace`] does.
///
/// # Errors
/// As there, and `EINVAL` for a path without a file name.
pub fn replace_file(path: &Path, contents: &[u8], mode: FileMode) -> io::Result<()> {
    let name = path.file_name().ok_or(Errno::EINVAL)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Directory::open(folder)?.replace(name, contents, mode)
}

/// The process that writes, or wrote, the unfinished file of this name; `None` for any other file.
#[must_use]
pub fn unfinished_by(name: &OsStr) -> Option<i32> {
    let rest = name.to_str()?.strip_prefix(UNFINISHED)?;
    // A number that is not positive would stand for a process group in kill(2).
    rest.split('-').next()?.parse().ok().filter(|&pid| pid > 0)
}

#[allow(clippy::useless_conversion, reason = "macOS's `mode_t` is narrower than Linux's")]
fn permissions(bits: u32) -> Mode {
    Mode::from_bits_truncate(libc::mode_t::try_from(bits & 0o7777).unwrap_or(0o600))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_regular_files_are_replaced() {
        let folder = std::env::temp_dir().join(format!("tunectl-replace-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        let mode = |name: &str| fs::metadata(path(name)).unwrap().permissions().mode() & 0o7777;
        let replace = |name: &str| replace_file(&path(name), b"new", FileMode::Exactly(0o640));
        fs::write(path("other"), "other").unwrap();
        fs::write(path("file"), "old").unwrap();
        fs::set_permissions(path("file"), fs::Permissions::from_mode(0o400)).unwrap();
        for name in ["file", "none"] {
            replace(name).unwrap();
            assert_eq!((fs::read_to_string(path(name)).unwrap().as_str(), mode(name)), ("new", 0o640));
        }
        symlink("other", path("link")).unwrap();
        nix::unistd::mkfifo(&path("fifo"), Mode::S_IRWXU).unwrap();
        fs::create_dir_all(path("folder")).unwrap();
        for name in ["link", "fifo", "folder"] {
            let refused = replace(name).unwrap_err();
            assert_eq!(refused.to_string(), "it exists and is not a regular file", "{name}");
        }
        assert_eq!(replace_file(Path::new("/dev/null"), b"", FileMode::Default).unwrap_err().raw_os_error(), None);
        assert_eq!(fs::read_to_string(path("other")).unwrap(), "other");
        let mut names = Directory::open(&folder).unwrap().names().unwrap();
        names.sort();
        assert_eq!(names, ["fifo", "file", "folder", "link", "none", "other"]);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_unfinished_file_names_its_writer() {
        let of = |name: &str| unfinished_by(OsStr::new(name));
        assert_eq!(of(".tunectl-new-12-0123456789abcdef"), Some(12));
        // The names of version 0.1.0.
        assert_eq!(of(".tunectl-new-12"), Some(12));
        for other in [".tunectl-new-", ".tunectl-new--1", ".tunectl-new-0", "tunectl-new-12", "new"] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
