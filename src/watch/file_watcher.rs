//! Watches the files of the settings for writes.
//!
//! inotify(7) reports a write through the same mount of /proc, refused ones too; it does not report writes through
//! another mount or from another PID namespace, nor what the kernel changes by itself. So this is for speed, and the
//! sweep for completeness. Where we have the rights, fanotify(7) is used: it reports the writer, too.

use std::collections::{HashMap, HashSet};
use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use super::event::{Writer, WriterName};
use crate::linux::process::ProcessDir;
use crate::model::name::{SysctlName, SysfsName};
use crate::model::setting::Key;
use crate::sys::{self, Fanotify, Inotify, WatchDescriptor, WatchKind};

/// The settings that were written to.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Their keys, each with its last writer where that is known.
    pub(super) keys: Vec<(Key, Option<Writer>)>,
    /// Whether events were lost, so that every setting has to be read.
    pub(super) lost: bool,
    /// The index of each key.
    indices: HashMap<Key, usize>,
}

impl Written {
    fn add(&mut self, key: &Key, writer: Option<Writer>) {
        if let Some((_, last)) = self.indices.get(key).and_then(|index| self.keys.get_mut(*index)) {
            *last = writer;
        } else {
            self.indices.insert(key.clone(), self.keys.len());
            self.keys.push((key.clone(), writer));
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
    /// The keys by the watch descriptors of inotify(7).
    descriptors: HashMap<WatchDescriptor, Key>,
    /// The keys that fanotify(7) watches.
    keys: HashSet<Key>,
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
        Self { mechanism, descriptors: HashMap::new(), keys: HashSet::new() }
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
                self.keys.clear();
                for key in keys {
                    match CString::new(path(key)).map(|path| fanotify.add(&path)) {
                        Ok(Ok(())) => drop(self.keys.insert(key.clone())),
                        Ok(Err(error)) => refused = Some(error),
                        Err(_) => {}
                    }
                }
            }
            Mechanism::Inotify(inotify) => {
                let before = std::mem::take(&mut self.descriptors);
                for key in keys {
                    match CString::new(path(key)).map(|path| inotify.add(&path, WatchKind::Written)) {
                        Ok(Ok(descriptor)) => drop(self.descriptors.insert(descriptor, key.clone())),
                        Ok(Err(error)) => refused = Some(error),
                        Err(_) => {}
                    }
                }
                let unused = before.keys().filter(|descriptor| !self.descriptors.contains_key(descriptor));
                unused.for_each(|descriptor| inotify.remove(*descriptor));
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
                    if let Some(key) = descriptor.and_then(|descriptor| self.descriptors.get(&descriptor)) {
                        written.add(key, None);
                    }
                }
            }
            Mechanism::Fanotify(fanotify) => {
                let own = sys::own_pid();
                for event in fanotify.take() {
                    written.lost |= event.file().is_none();
                    let pid = event.pid();
                    let Some(file) = event.file().filter(|_| pid != own) else { continue };
                    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap_or_default();
                    if let Some(key) = key_at(&path).as_ref().and_then(|key| self.keys.get(key)) {
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

const SYSCTLS: &str = "/proc/sys";
const ATTRIBUTES: &str = "/sys";

fn path(key: &Key) -> String {
    match key {
        Key::Sysctl(name) => format!("{SYSCTLS}/{}", name.path()),
        Key::Sysfs(name) => format!("{ATTRIBUTES}/{}", name.path()),
    }
}

/// The key whose file is at a path.
fn key_at(path: &Path) -> Option<Key> {
    let beneath = |root: &str| path.strip_prefix(root).ok()?.to_str();
    match beneath(SYSCTLS) {
        Some(name) => SysctlName::existing(name).map(Key::Sysctl),
        None => SysfsName::parse(beneath(ATTRIBUTES)?).ok().map(Key::Sysfs),
    }
}
