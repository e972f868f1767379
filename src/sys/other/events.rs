//! Where there is no Linux, nothing is told of files. The twin of `linux/events.rs`.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::SocketAddr;
use std::time::Duration;

use super::{missing, waiting};

/// A descriptor that stands for the signals: it is to be the first that [`wait_for_any`] is given.
///
/// # Errors
/// Out of descriptors.
pub fn signal_bell() -> io::Result<OwnedFd> {
    Ok(File::open("/dev/null")?.into())
}

/// Waits until a signal waits to be taken, for at most `timeout`: there is nothing else to wait for here. Bit 0 says
/// that one does.
///
/// # Errors
/// None.
pub fn wait_for_any(_descriptors: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<u32> {
    Ok(u32::from(waiting::wait(timeout)))
}

/// What is told of files: nothing here, so there is no value of this.
#[derive(Debug)]
pub enum FileNotices {}

/// What would be asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// That something is written to this file.
    Written,
    /// That a file of this directory was written and closed, replaced, made or removed.
    Entries,
}

impl FileNotices {
    /// Not here.
    ///
    /// # Errors
    /// `ENOSYS`.
    pub fn new() -> io::Result<Self> {
        missing()
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn add(&self, _path: &CStr, _interest: Interest) -> io::Result<i32> {
        match *self {}
    }

    /// Never called.
    pub fn remove(&self, _number: i32) {
        match *self {}
    }

    /// Never called.
    #[must_use]
    pub fn take(&self) -> Vec<i32> {
        match *self {}
    }

    /// Never called.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}

/// What is told of files with who wrote to them: nothing here, so there is no value of this.
#[derive(Debug)]
pub enum WriterNotices {}

impl WriterNotices {
    /// Not here.
    ///
    /// # Errors
    /// `ENOSYS`.
    pub fn new() -> io::Result<Self> {
        missing()
    }

    /// Never called.
    ///
    /// # Errors
    /// None.
    pub fn add(&self, _path: &CStr) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub fn forget_all(&self) {
        match *self {}
    }

    /// Never called.
    #[must_use]
    pub fn take(&self) -> Vec<(Option<OwnedFd>, i32)> {
        match *self {}
    }

    /// Never called.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}

/// What is told of interfaces: nothing here, so there is no value of this.
#[derive(Debug)]
pub enum LinkNotices {}

impl LinkNotices {
    /// Not here.
    ///
    /// # Errors
    /// `ENOSYS`.
    pub fn new() -> io::Result<Self> {
        missing()
    }

    /// Never called.
    pub fn take(&self) {
        match *self {}
    }

    /// Never called.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}

/// The address of a datagram socket: a path, since abstract names are of Linux.
///
/// # Errors
/// `InvalidInput`: too long.
pub fn socket_address(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(name)
}
