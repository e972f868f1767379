//! Files: read whole within bounds, locked, closed by number.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::Path;

use libc::c_int;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, access};

use super::check;

/// In bytes: the table of tens of thousands of mounts, `proc_pid_mountinfo(5)`, and nothing else comes near that.
const LONGEST: u64 = 8 << 20;

/// Accounts may be many: each takes some 60 bytes, passwd(5).
const LONGEST_ACCOUNTS: u64 = 1 << 30;

/// What most of them fit into: each read of a file of `/proc` may have the kernel make all of it anew.
const USUAL: usize = 1024;

/// The text of a regular file; what is no UTF-8 in it is replaced.
///
/// # Errors
/// `EISDIR`, or `EINVAL` for what else is no regular file and could keep us waiting for ever (a FIFO) or never end (a
/// device); `EFBIG` for more than 8 MiB; and what open(2) and read(2) say.
pub fn read_text(path: &Path) -> io::Result<String> {
    text_up_to(LONGEST, path)
}

/// The same of a list of accounts, passwd(5) and group(5).
///
/// # Errors
/// As [`read_text`], and `EFBIG` for more than 1 GiB.
pub fn read_accounts(path: &Path) -> io::Result<String> {
    text_up_to(LONGEST_ACCOUNTS, path)
}

fn text_up_to(longest: u64, path: &Path) -> io::Result<String> {
    // The open of a FIFO would wait for somebody at its other end, and a terminal could become ours. Not std's, which
    // musl makes two system calls of.
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = File::from(openat(AT_FDCWD, path, flags, Mode::empty())?);
    let about = file.metadata()?;
    // read(2) itself has a word for directories.
    if !about.is_file() && !about.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let mut bytes = Vec::new();
    if about.len() <= longest {
        bytes.try_reserve(USUAL)?;
        file.take(longest + 1).read_to_end(&mut bytes)?;
    }
    // The kernel calls its own files empty.
    if about.len().max(bytes.len() as u64) > longest {
        return Err(io::Error::from_raw_os_error(libc::EFBIG));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A file that only we hold, flock(2), until this is dropped.
///
/// Not that of `nix`, which ends the program where the kernel would not take the lock back, and so brings the texts of
/// all errors, 13 kB; and not std's, which is younger than the oldest Rust that this is built with.
#[derive(Debug)]
pub struct FileLock {
    file: File,
}

impl FileLock {
    /// Locks the file, if no other process has it locked.
    ///
    /// # Errors
    /// `EWOULDBLOCK`: another process has it locked; `EINTR`: a signal came between; with the file.
    pub fn new(file: File) -> Result<Self, (File, io::Error)> {
        match flock(&file, libc::LOCK_EX | libc::LOCK_NB) {
            Ok(()) => Ok(Self { file }),
            Err(error) => Err((file, error)),
        }
    }
}

impl Drop for FileLock {
    /// Unlocks at once, also where a child has the descriptor too. The kernel never refuses that.
    fn drop(&mut self) {
        let _ = flock(&self.file, libc::LOCK_UN);
    }
}

fn flock(file: &File, operation: c_int) -> io::Result<()> {
    // SAFETY: flock(2) takes two numbers, and the first stays a descriptor of ours during the call.
    check(unsafe { libc::flock(file.as_raw_fd(), operation) }).map(drop)
}

/// Whether we may execute `path`, access(2).
///
/// # Errors
/// `EACCES`: no permission, or a mount without execution; `ENOENT`.
pub fn check_execute_access(path: &CStr) -> io::Result<()> {
    Ok(access(path, AccessFlags::X_OK)?)
}

/// Closes a descriptor by its number. Nothing can be done about a failure.
pub fn close(fd: c_int) {
    let _ = nix::unistd::close(fd);
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_a_file_of_some_length_is_read() {
        let folder = std::env::temp_dir().join(format!("tunectl-text-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("file");
        let of = || read_text(&path).map_err(|error| error.raw_os_error());
        assert_eq!(of(), Err(Some(libc::ENOENT)));
        let long = "x".repeat(100_000);
        fs::write(&path, &long).unwrap();
        assert_eq!(of(), Ok(long));
        fs::write(&path, b"a\xffb\n").unwrap();
        assert_eq!(of(), Ok("a\u{fffd}b\n".to_owned()));
        // Without blocks on the disk, all of which would be read.
        File::create(&path).unwrap().set_len(LONGEST).unwrap();
        assert_eq!(of().map(|text| text.len() as u64), Ok(LONGEST));
        File::create(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(of(), Err(Some(libc::EFBIG)));
        File::create(&path).unwrap().set_len(LONGEST + 1).unwrap();
        assert_eq!(read_accounts(&path).unwrap().len() as u64, LONGEST + 1);
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, Mode::S_IRWXU).unwrap();
        assert_eq!(of(), Err(Some(libc::EINVAL)));
        let of = |path| read_text(path).map_err(|error| error.raw_os_error());
        assert_eq!(of(Path::new("/dev/zero")), Err(Some(libc::EINVAL)));
        assert_eq!(of(&folder), Err(Some(libc::EISDIR)));
        fs::remove_dir_all(&folder).unwrap();
    }
}
