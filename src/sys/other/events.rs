//! Waiting for descriptors: here only for signals, since nothing is reported of files. The twin of `linux/events.rs`.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use super::{missing, waiting};

/// A descriptor that stands for the signals: it is to be the first that [`wait_for_any`] is given.
///
/// # Errors
/// Out of descriptors.
pub fn signalfd() -> io::Result<OwnedFd> {
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

/// A watch of inotify(7): there are none on this system, so this has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WatchDescriptor {}

/// A queue of inotify(7): there are none on this system, so this has no value.
#[derive(Debug)]
pub enum Inotify {}

/// What inotify(7) would be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchKind {
    /// Writes to this file.
    Written,
    /// Files of this directory that are written and closed, replaced, made or removed.
    Entries,
}

impl Inotify {
    /// Not on this system.
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
    pub fn add(&self, _path: &CStr, _kind: WatchKind) -> io::Result<WatchDescriptor> {
        match *self {}
    }

    /// Never called: none can be made.
    pub fn remove(&self, _watch: WatchDescriptor) {
        match *self {}
    }

    /// Never called: none can be made.
    #[must_use]
    pub fn take(&self) -> Vec<Option<WatchDescriptor>> {
        match *self {}
    }

    /// Never called: none can be made.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}

/// A write that fanotify(7) reports: there are none on this system, so this has no value.
#[derive(Debug)]
pub enum WriteEvent {}

impl WriteEvent {
    /// Never called: none can be made.
    #[must_use]
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        match *self {}
    }

    /// Never called: none can be made.
    #[must_use]
    pub fn pid(&self) -> i32 {
        match *self {}
    }
}

/// A queue of fanotify(7): there are none on this system, so this has no value.
#[derive(Debug)]
pub enum Fanotify {}

impl Fanotify {
    /// Not on this system.
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

    /// Never called: none can be made.
    pub fn clear(&self) {
        match *self {}
    }

    /// Never called: none can be made.
    #[must_use]
    pub fn take(&self) -> Vec<WriteEvent> {
        match *self {}
    }

    /// Never called: none can be made.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}

/// A socket of rtnetlink(7): there are none on this system, so this has no value.
#[derive(Debug)]
pub enum LinkMonitor {}

impl LinkMonitor {
    /// Not on this system.
    ///
    /// # Errors
    /// `ENOSYS`.
    pub fn new() -> io::Result<Self> {
        missing()
    }

    /// Never called: none can be made.
    pub fn take(&self) {
        match *self {}
    }

    /// Never called: none can be made.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        match *self {}
    }
}
