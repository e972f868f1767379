//! Waiting for several things at once, and what the kernel tells of files: inotify(7), fanotify(7).

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::time::Duration;
use std::{io, mem, ptr};

use libc::{c_int, c_void};

use super::{check, check_long};

/// Something that can be read as long as a signal waits to be taken (`signalfd(2)`). Taking it is for
/// [`take_signal`](super::take_signal), which tells of every signal there is.
///
/// # Errors
/// `EMFILE`, `ENFILE`.
pub fn signal_bell() -> io::Result<OwnedFd> {
    const SET: usize = 8;
    const NEW: c_int = -1;
    let every = u64::MAX;
    let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
    // SAFETY: the set is eight bytes, ours, and outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_signalfd4, NEW, &raw const every, SET, flags) })
}

/// Waits until one of `descriptors` can be read or the time is over; says which, bit N for the Nth.
///
/// # Errors
/// `ENOMEM`.
pub fn wait_for_any(descriptors: &[BorrowedFd<'_>], timeout: Option<Duration>) -> io::Result<u32> {
    let poll = |fd: &BorrowedFd<'_>| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let mut polled: Vec<libc::pollfd> = descriptors.iter().map(poll).collect();
    let limit = timeout.map(|time| libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    });
    let limit = limit.as_ref().map_or(ptr::null(), ptr::from_ref);
    let count = polled.len().try_into().unwrap_or(0);
    // SAFETY: `polled` holds that many entries, `limit` is null or a timespec, and both outlive the call.
    check(unsafe { libc::ppoll(polled.as_mut_ptr(), count, limit, ptr::null()) })?;
    Ok(polled.iter().zip(0..).fold(0, |ready, (entry, at)| ready | u32::from(entry.revents != 0) << at))
}

/// What inotify(7) tells of: `IN_MODIFY` of a file, or of a directory that a file in it was written or replaced.
#[derive(Debug)]
pub struct FileNotices(OwnedFd);

/// What is asked of inotify(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// That something is written to this file. A write that the kernel refuses counts too.
    Written,
    /// That a file of this directory was written and closed, replaced, made or removed.
    Entries,
}

impl FileNotices {
    /// None yet.
    ///
    /// # Errors
    /// `EMFILE`: `fs.inotify.max_user_instances`.
    pub fn new() -> io::Result<Self> {
        // SAFETY: inotify_init1(2) takes a number.
        owned(unsafe { libc::inotify_init1(libc::IN_CLOEXEC | libc::IN_NONBLOCK) }.into()).map(Self)
    }

    /// Also of this file or directory; gives the number that its notices carry. The same file gets the same number.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`; `ENOSPC`: `fs.inotify.max_user_watches`.
    pub fn add(&self, path: &CStr, interest: Interest) -> io::Result<i32> {
        let mask = match interest {
            Interest::Written => libc::IN_MODIFY,
            Interest::Entries => {
                libc::IN_CLOSE_WRITE | libc::IN_MOVED_TO | libc::IN_CREATE | libc::IN_DELETE | libc::IN_MOVED_FROM
            }
        };
        // SAFETY: `path` ends in NUL and outlives the call.
        check(unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), path.as_ptr(), mask) })
    }

    /// No more of the one with this number.
    pub fn remove(&self, number: i32) {
        // SAFETY: inotify_rm_watch(2) takes two numbers and checks both.
        unsafe { libc::inotify_rm_watch(self.0.as_raw_fd(), number) };
    }

    /// The numbers of all notices that wait, in their order; -1 stands for those that were lost (`IN_Q_OVERFLOW`).
    #[must_use]
    pub fn take(&self) -> Vec<i32> {
        let mut numbers = Vec::new();
        read_all(&self.0, &mut |bytes| {
            let mut rest = bytes;
            while let Some(header) = rest.get(..16) {
                // `struct inotify_event`: wd, mask, cookie and the length of the name that follows.
                numbers.push(i32_at(header, 0));
                let name = usize::try_from(i32_at(header, 12)).unwrap_or(0);
                rest = rest.get(16 + name..).unwrap_or(&[]);
            }
        });
        numbers
    }

    /// To wait for.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }
}

/// What fanotify(7) tells of files that are written to, with the process that wrote.
#[derive(Debug)]
pub struct WriterNotices(OwnedFd);

impl WriterNotices {
    /// None yet.
    ///
    /// # Errors
    /// `EPERM` without `CAP_SYS_ADMIN` in the initial user namespace; `ENOSYS`.
    pub fn new() -> io::Result<Self> {
        let kind = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK;
        let files = libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NONBLOCK;
        // SAFETY: fanotify_init(2) takes two numbers.
        let fd = unsafe { libc::fanotify_init(kind, files.try_into().unwrap_or(0)) };
        owned(fd.into()).map(Self)
    }

    /// Also of this file.
    ///
    /// # Errors
    /// `ENOENT`, `EACCES`; `ENOSPC`: `fs.fanotify.max_user_marks`.
    pub fn add(&self, path: &CStr) -> io::Result<()> {
        let (fd, here) = (self.0.as_raw_fd(), libc::AT_FDCWD);
        // SAFETY: `path` ends in NUL and outlives the call.
        check(unsafe { libc::fanotify_mark(fd, libc::FAN_MARK_ADD, libc::FAN_MODIFY, here, path.as_ptr()) }).map(drop)
    }

    /// No more of any file. Notices that wait stay.
    pub fn forget_all(&self) {
        let (fd, here) = (self.0.as_raw_fd(), libc::AT_FDCWD);
        // SAFETY: FAN_MARK_FLUSH looks at no path.
        unsafe { libc::fanotify_mark(fd, libc::FAN_MARK_FLUSH, 0, here, ptr::null()) };
    }

    /// Each file that was written to and the number of the process that did, 0 where it is in no PID namespace of
    /// ours. No file stands for notices that were lost (`FAN_Q_OVERFLOW`).
    #[must_use]
    pub fn take(&self) -> Vec<(Option<OwnedFd>, i32)> {
        const HEADER: usize = mem::size_of::<libc::fanotify_event_metadata>();
        let mut events = Vec::new();
        read_all(&self.0, &mut |bytes| {
            let mut rest = bytes;
            while let Some(header) = rest.get(..HEADER) {
                let length = usize::try_from(i32_at(header, 0)).unwrap_or(0).max(HEADER);
                let (fd, pid) = (i32_at(header, 16), i32_at(header, 20));
                // SAFETY: the kernel has opened this descriptor for us with the event, and nobody else has it.
                let file = (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) });
                events.push((file, pid));
                rest = rest.get(length..).unwrap_or(&[]);
            }
        });
        events
    }

    /// To wait for.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }
}

/// What rtnetlink(7) tells of interfaces that come, go and change; only that something happened, not what.
#[derive(Debug)]
pub struct LinkNotices(OwnedFd);

impl LinkNotices {
    /// From now on.
    ///
    /// # Errors
    /// `EAFNOSUPPORT`: no netlink, or a filter that keeps us from it.
    pub fn new() -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: socket(2) takes three numbers.
        let socket = owned(unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) }.into())?;
        // SAFETY: a `sockaddr_nl` of zeros is a valid value of that plain C structure.
        let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
        address.nl_family = libc::AF_NETLINK.try_into().unwrap_or(0);
        address.nl_groups = libc::RTMGRP_LINK.try_into().unwrap_or(0);
        let length = mem::size_of_val(&address).try_into().unwrap_or(0);
        // SAFETY: the address is ours, as long as is said, and outlives the call.
        check(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) })?;
        Ok(Self(socket))
    }

    /// Takes what waits.
    pub fn take(&self) {
        read_all(&self.0, &mut |_| {});
    }

    /// To wait for.
    #[must_use]
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }
}

/// The address of a datagram socket by its name as `NOTIFY_SOCKET` has it: a path, or with `@` an abstract one.
///
/// # Errors
/// `InvalidInput`: too long, or neither.
pub fn socket_address(name: &str) -> io::Result<SocketAddr> {
    match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(name),
    }
}

/// Reads until nothing is left, or for some rounds: who is told of more than we can read must still get on.
fn read_all(from: &OwnedFd, take: &mut dyn FnMut(&[u8])) {
    /// A power of two that holds the longest notice: a file's name of 255 bytes.
    const ROOM: usize = 4096;
    /// Eight to keep each structure within aligned.
    #[repr(align(8))]
    struct Buffer([u8; ROOM]);
    let mut buffer = Buffer([0; ROOM]);
    for _ in 0..64 {
        let room = buffer.0.as_mut_ptr().cast::<c_void>();
        // SAFETY: `room` is as long as is said, ours, and outlives the call.
        let count = unsafe { libc::read(from.as_raw_fd(), room, ROOM) };
        match usize::try_from(count) {
            Ok(count) if count > 0 => take(&buffer.0[..count]),
            // ENOBUFS: the socket's queue ran over. It is empty then, and something did happen.
            Err(_) if io::Error::last_os_error().raw_os_error() == Some(libc::ENOBUFS) => {}
            _ => return,
        }
    }
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    word.map_or(0, i32::from_ne_bytes)
}

fn owned(fd: libc::c_long) -> io::Result<OwnedFd> {
    check_long(fd)?;
    // SAFETY: the kernel has just given us this number, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(c_int::try_from(fd).unwrap_or(-1)) })
}
