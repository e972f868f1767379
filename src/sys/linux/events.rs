//! Waiting for several descriptors, and what the kernel reports of files and interfaces: inotify(7), fanotify(7),
//! rtnetlink(7).

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

use libc::c_int;
use nix::errno::Errno;
use nix::fcntl::AT_FDCWD;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::fanotify::{self, EventFFlags, FanotifyEvent, MarkFlags, MaskFlags};
use nix::sys::inotify::{self, AddWatchFlags};
use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket};
use nix::unistd::read;

pub use nix::sys::inotify::WatchDescriptor;

use super::check_long;

/// How often one call reads from the kernel at most: a queue that fills faster than it is read must not keep the caller.
const MOST_READS: usize = 64;

/// A descriptor that can be read as long as a signal is pending (`signalfd(2)`). Taking it is for
/// [`wait_signal`](super::wait_signal), which knows every signal there is.
///
/// # Errors
/// `EMFILE`, `ENFILE`.
pub fn signalfd() -> io::Result<OwnedFd> {
    const SET: usize = 8;
    const NEW: c_int = -1;
    let every = u64::MAX;
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: the set is eight bytes, ours, and outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_signalfd4, NEW, &raw const every, SET, flags) };
    check_long(fd)?;
    // SAFETY: the kernel has just given us this number, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(c_int::try_from(fd).unwrap_or(-1)) })
}

/// Waits until one of `descriptors` can be read or the time is over, poll(2); says which, bit N for the Nth.
///
/// # Errors
/// `ENOMEM`; `EINTR`.
pub fn wait_for_any(descriptors: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<u32> {
    let mut polled: Vec<PollFd<'_>> = descriptors.iter().map(|fd| PollFd::new(*fd, PollFlags::POLLIN)).collect();
    // Rounded up to milliseconds: rounded down, the rest of the time would be spent in calls that don't wait.
    let up = |timeout: Duration| PollTimeout::try_from(timeout.saturating_add(Duration::from_nanos(999_999)));
    poll(&mut polled, timeout.map_or(PollTimeout::NONE, |timeout| up(timeout).unwrap_or(PollTimeout::MAX)))?;
    Ok(polled.iter().zip(0..).fold(0, |ready, (entry, at)| ready | u32::from(entry.any() != Some(false)) << at))
}

/// What inotify(7) is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchKind {
    /// Writes to this file. One that the kernel refuses counts too.
    Written,
    /// Files of this directory that are written and closed, replaced, made or removed.
    Entries,
}

/// A queue of inotify(7).
#[derive(Debug)]
pub struct Inotify(inotify::Inotify);

impl Inotify {
    /// A queue that nothing is watched for yet.
    ///
    /// # Errors
    /// `EMFILE`: `fs.inotify.max_user_instances`.
    pub fn new() -> io::Result<Self> {
        Ok(Self(inotify::Inotify::init(inotify::InitFlags::IN_CLOEXEC | inotify::InitFlags::IN_NONBLOCK)?))
    }

    /// Watches this file or directory too; the same file gets the same descriptor.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`; `ENOSPC`: `fs.inotify.max_user_watches`.
    pub fn add(&self, path: &CStr, kind: WatchKind) -> io::Result<WatchDescriptor> {
        let mask = match kind {
            WatchKind::Written => AddWatchFlags::IN_MODIFY,
            WatchKind::Entries => {
                AddWatchFlags::IN_CLOSE_WRITE
                    | AddWatchFlags::IN_MOVED_TO
                    | AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_DELETE
                    | AddWatchFlags::IN_MOVED_FROM
            }
        };
        Ok(self.0.add_watch(path, mask)?)
    }

    /// Stops watching. One that the kernel has removed itself, with its file, stays removed.
    pub fn remove(&self, watch: WatchDescriptor) {
        let _ = self.0.rm_watch(watch);
    }

    /// Takes all events that are queued, in their order: each is the watch that it is of, or `None` where events were
    /// lost (`IN_Q_OVERFLOW`).
    #[must_use]
    pub fn take(&self) -> Vec<Option<WatchDescriptor>> {
        let reads = (0..MOST_READS).map_while(|_| self.0.read_events().ok());
        let lost = AddWatchFlags::IN_Q_OVERFLOW;
        reads.flatten().map(|event| (!event.mask.contains(lost)).then_some(event.wd)).collect()
    }

    /// The descriptor to wait for.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A queue of fanotify(7), whose events tell the process that wrote.
pub struct Fanotify(fanotify::Fanotify);

impl std::fmt::Debug for Fanotify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Fanotify").field(&self.descriptor()).finish()
    }
}

/// A write that fanotify(7) reports.
#[derive(Debug)]
pub struct WriteEvent(FanotifyEvent);

impl WriteEvent {
    /// The file, opened for reading; `None` where events were lost (`FAN_Q_OVERFLOW`).
    #[must_use]
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        self.0.fd()
    }

    /// The process that wrote; 0 where it is in no PID namespace of ours.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.0.pid()
    }
}

impl Fanotify {
    /// A queue that nothing is watched for yet.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN` in the initial user namespace; `ENOSYS`.
    pub fn new() -> io::Result<Self> {
        let flags =
            fanotify::InitFlags::FAN_CLASS_NOTIF | fanotify::InitFlags::FAN_CLOEXEC | fanotify::InitFlags::FAN_NONBLOCK;
        let files = EventFFlags::O_RDONLY | EventFFlags::O_CLOEXEC | EventFFlags::O_NONBLOCK;
        Ok(Self(fanotify::Fanotify::init(flags, files)?))
    }

    /// Watches this file too.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`; `ENOSPC`: `fs.fanotify.max_user_marks`.
    pub fn add(&self, path: &CStr) -> io::Result<()> {
        Ok(self.0.mark(MarkFlags::FAN_MARK_ADD, MaskFlags::FAN_MODIFY, AT_FDCWD, Some(path))?)
    }

    /// Stops watching all files. Events that are queued stay.
    pub fn clear(&self) {
        let _ = self.0.mark(MarkFlags::FAN_MARK_FLUSH, MaskFlags::empty(), AT_FDCWD, None::<&CStr>);
    }

    /// Takes all events that are queued, in their order.
    #[must_use]
    pub fn take(&self) -> Vec<WriteEvent> {
        (0..MOST_READS).map_while(|_| self.0.read_events().ok()).flatten().map(WriteEvent).collect()
    }

    /// The descriptor to wait for.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A socket of rtnetlink(7) that can be read when an interface has come, gone or changed; what happened is not told.
#[derive(Debug)]
pub struct LinkMonitor(OwnedFd);

impl LinkMonitor {
    /// Reports what happens from now on.
    ///
    /// # Errors
    /// `EAFNOSUPPORT`: no netlink, or a filter of system calls that refuses it.
    pub fn new() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, SockProtocol::NetlinkRoute)?;
        let groups = libc::RTMGRP_LINK.try_into().unwrap_or(0);
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, groups))?;
        Ok(Self(socket))
    }

    /// Takes all messages that are queued.
    pub fn take(&self) {
        let mut buffer = [0; 4096];
        // ENOBUFS: the queue ran over. It is empty then.
        let more = |count: nix::Result<usize>| matches!(count, Ok(1..) | Err(Errno::ENOBUFS));
        let _ = (0..MOST_READS).take_while(|_| more(read(&self.0, &mut buffer))).count();
    }

    /// The descriptor to wait for.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
