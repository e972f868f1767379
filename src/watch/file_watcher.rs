//! Watches the files of the settings for writes.
//!
//! inotify(7) reports a write through the same mount of /proc, refused ones too; it does not report writes through
//! another mount or from another PID namespace, nor what the kernel changes by itself. So this is for speed, and the
//! sweep for completeness. Where we have the rights, fanotify(7) is used: it reports the writer, too.

use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use super::event::{Writer, WriterName};
use crate::linux::process::ProcessDir;
use crate::model::setting::Key;
use crate::sys::{self, Fanotify, Inotify, WatchDescriptor, WatchKind};

/// The settings that were written to.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Their keys, each with its last writer where that is known.
    pub(super) keys: Vec<(Key, Option<Writer>)>,
    /// Whether events were lost, so that every setting has to be read.
    pub(super) lost: bool,
}

impl Written {
    fn add(&mut self, key: &Key, writer: Option<Writer>) {
        match self.keys.iter_mut().find(|(its, _)| its == key) {
            Some((_, last)) => *last = writer,
            None => self.keys.push((key.clone(), writer)),
        }
    }
}

/// The mechanism of the kernel that reports writes.
#[derive(Debug)]
enum Mechanism {
    /// fanotify(7), with writers.
    Fanotify(Fanotify),
    /// inotify(7) tells of writes.
    Inotify(Inotify),
    /// None is available.
    None,
}

#[derive(Debug)]
pub(super) struct FileWatcher {
    mechanism: Mechanism,
    // Lists: with some hundred keys, looking one up for each write takes no time that matters.
    /// The watch descriptors of inotify(7).
    descriptors: Vec<(WatchDescriptor, Key)>,
    /// The paths that fanotify(7) watches.
    paths: Vec<(String, Key)>,
}

impl FileWatcher {
    pub(super) fn new() -> Self {
        let fanotify = Fanotify::new().map(Mechanism::Fanotify);
        let mechanism = fanotify.or_else(|_| Inotify::new().map(Mechanism::Inotify)).unwrap_or_else(|error| {
            // On macOS there is no such mechanism at all.
            if error.kind() != ErrorKind::Unsupported {
                log::warn!(
                    "changes are found at the next interval only: inotify is not available: {}",
                    sys::strerror(&error)
                );
            }
            Mechanism::None
        });
        Self { mechanism, descriptors: Vec::new(), paths: Vec::new() }
    }

    /// Watches the files of these keys and no others. Repeated at each sweep: an interface that was removed and has come
    /// back has other files. Our kernel keeps the files open, since otherwise the system may drop one from memory and
    /// make another for the program that opens it next (`proc_sys_lookup`, `fs/proc/proc_sysctl.c`).
    pub(super) fn watch<'a>(&mut self, keys: impl Iterator<Item = &'a Key>) {
        let mut refused = None;
        match &self.mechanism {
            Mechanism::None => {}
            Mechanism::Fanotify(fanotify) => {
                fanotify.clear();
                self.paths.clear();
                for key in keys {
                    let path = path(key);
                    match CString::new(path.as_str()).map(|path| fanotify.add(&path)) {
                        Ok(Ok(())) => self.paths.push((path, key.clone())),
                        Ok(Err(error)) => refused = Some(error),
                        Err(_) => {}
                    }
                }
            }
            Mechanism::Inotify(inotify) => {
                let before = std::mem::take(&mut self.descriptors);
                for key in keys {
                    match CString::new(path(key)).map(|path| inotify.add(&path, WatchKind::Written)) {
                        Ok(Ok(descriptor)) => self.descriptors.push((descriptor, key.clone())),
                        Ok(Err(error)) => refused = Some(error),
                        Err(_) => {}
                    }
                }
                let stays = |descriptor: WatchDescriptor| self.descriptors.iter().any(|(its, _)| *its == descriptor);
                let unused = before.iter().filter(|(descriptor, _)| !stays(*descriptor));
                unused.for_each(|(descriptor, _)| inotify.remove(*descriptor));
            }
        }
        // That a key does not exist, the sweep reports.
        if let Some(error) = refused.filter(|error| error.kind() != ErrorKind::NotFound) {
            log::info!("changes of some settings are found at the next interval only: {}", sys::strerror(&error));
        }
    }

    /// Readable when something was written.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.mechanism {
            Mechanism::Fanotify(fanotify) => Some(fanotify.descriptor()),
            Mechanism::Inotify(inotify) => Some(inotify.descriptor()),
            Mechanism::None => None,
        }
    }

    /// What was written since this was called last, by other processes than us.
    pub(super) fn take(&mut self) -> Written {
        let mut written = Written::default();
        match &self.mechanism {
            Mechanism::None => {}
            Mechanism::Inotify(inotify) => {
                for descriptor in inotify.take() {
                    written.lost |= descriptor.is_none();
                    let known = self.descriptors.iter().filter(|(its, _)| Some(*its) == descriptor);
                    known.for_each(|(_, key)| written.add(key, None));
                }
            }
            Mechanism::Fanotify(fanotify) => {
                let own = sys::own_pid();
                for event in fanotify.take() {
                    written.lost |= event.file().is_none();
                    let pid = event.pid();
                    let Some(file) = event.file().filter(|_| pid != own) else { continue };
                    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap_or_default();
                    if let Some((_, key)) = self.paths.iter().find(|(its, _)| Path::new(its) == path) {
                        written.add(key, writer(pid));
                    }
                }
            }
        }
        written
    }
}

/// The process with this number; `None` for one of another PID namespace, whose number the kernel does not tell.
fn writer(pid: i32) -> Option<Writer> {
    if pid <= 0 {
        return None;
    }
    let name = match ProcessDir::of(Path::new("/proc"), pid).name() {
        Ok(Some(name)) => WriterName::Known(name),
        Ok(None) => WriterName::Ended,
        Err(_) => WriterName::Unknown,
    };
    Some(Writer { pid, name })
}

fn path(key: &Key) -> String {
    match key {
        Key::Sysctl(name) => format!("/proc/sys/{}", name.path()),
        Key::Sysfs(name) => format!("/sys/{}", name.path()),
    }
}
