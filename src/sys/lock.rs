//! A file that one process at a time may hold, flock(2).

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use super::check;

/// A file that is ours until it is dropped.
///
/// Not that of `nix`, which ends the program where the kernel would not take the lock back, and so brings the texts of
/// all errors, 13 kB; and not std's, which is younger than the oldest Rust that this is built with.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the file, if nobody has it.
    ///
    /// # Errors
    /// `EWOULDBLOCK`: another process has it; `EINTR`: a signal came between; with the file.
    pub fn new(file: File) -> Result<Self, (File, io::Error)> {
        match flock(&file, libc::LOCK_EX | libc::LOCK_NB) {
            Ok(()) => Ok(Self { file }),
            Err(error) => Err((file, error)),
        }
    }
}

impl Drop for Lock {
    /// At once, also where a child has the descriptor too. The kernel refuses this to no one.
    fn drop(&mut self) {
        let _ = flock(&self.file, libc::LOCK_UN);
    }
}

fn flock(file: &File, operation: libc::c_int) -> io::Result<()> {
    // SAFETY: flock(2) takes two numbers, and the first stays a descriptor of ours during the call.
    check(unsafe { libc::flock(file.as_raw_fd(), operation) }).map(drop)
}
