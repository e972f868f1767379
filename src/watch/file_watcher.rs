//! Who stands by the files of the settings, and says at once when one is written to.
//!
//! inotify(7) tells of a write through the same mount of /proc, refused ones too; of writes through another mount, from
//! another PID namespace and of what the kernel does by itself it tells nothing. So this is for speed, and the sweep is
//! for truth. Where we may, fanotify(7) stands in for it: it tells who wrote, too.

use std::ffi::CString;
use std::fs;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;

use crate::linux::process::ProcessDir;
use crate::model::setting::Key;
use crate::sys::{self, FileNotices, Interest, WriterNotices};

/// What was written to.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// The keys, with whom wrote last where that is known.
    pub(super) keys: Vec<(Key, Option<String>)>,
    /// Whether some was lost, so that all has to be looked at.
    pub(super) lost: bool,
}

impl Touched {
    fn add(&mut self, key: &Key, by: Option<String>) {
        match self.keys.iter_mut().find(|(its, _)| its == key) {
            Some((_, last)) => *last = by,
            None => self.keys.push((key.clone(), by)),
        }
    }
}

#[derive(Debug)]
enum Door {
    Writers(WriterNotices),
    Files(FileNotices),
    None,
}

#[derive(Debug)]
pub(super) struct FileWatcher {
    door: Door,
    // Lists, since nobody writes so often that looking for a key in some hundred would be felt.
    numbers: Vec<(i32, Key)>,
    paths: Vec<(String, Key)>,
}

impl FileWatcher {
    pub(super) fn new() -> Self {
        let door = WriterNotices::new().map(Door::Writers).or_else(|_| FileNotices::new().map(Door::Files));
        let door = door.unwrap_or_else(|error| {
            // macOS tells nobody, which is no news.
            if error.kind() != ErrorKind::Unsupported {
                log::warn!("changes are seen at the next sweep only: inotify can't be had: {}", sys::reason(&error));
            }
            Door::None
        });
        Self { door, numbers: Vec::new(), paths: Vec::new() }
    }

    /// Stands by these files and no others. Done again at each sweep: the file of an interface that was taken away and
    /// came back is another one. Our kernel keeps the files open meanwhile, since without that the system may drop one
    /// from memory and make another for who opens it next (`proc_sys_lookup`, `fs/proc/proc_sysctl.c`).
    pub(super) fn post<'a>(&mut self, keys: impl Iterator<Item = &'a Key>) {
        let mut refused = None;
        match &self.door {
            Door::None => {}
            Door::Writers(door) => {
                door.forget_all();
                self.paths.clear();
                for key in keys {
                    let path = path(key);
                    match CString::new(path.as_str()).map(|path| door.add(&path)) {
                        Ok(Ok(())) => self.paths.push((path, key.clone())),
                        Ok(Err(error)) => refused = Some(error),
                        Err(_) => {}
                    }
                }
            }
            Door::Files(door) => {
                let before = std::mem::take(&mut self.numbers);
                for key in keys {
                    match CString::new(path(key)).map(|path| door.add(&path, Interest::Written)) {
                        Ok(Ok(number)) => self.numbers.push((number, key.clone())),
                        Ok(Err(error)) => refused = Some(error),
                        Err(_) => {}
                    }
                }
                let stays = |number: i32| self.numbers.iter().any(|(its, _)| *its == number);
                before.iter().filter(|(number, _)| !stays(*number)).for_each(|(gone, _)| door.remove(*gone));
            }
        }
        // A key that isn't there now is no news.
        if let Some(error) = refused.filter(|error| error.kind() != ErrorKind::NotFound) {
            log::info!("changes of some settings are seen at the next sweep only: {}", sys::reason(&error));
        }
    }

    /// To wait for.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.door {
            Door::Writers(door) => Some(door.descriptor()),
            Door::Files(door) => Some(door.descriptor()),
            Door::None => None,
        }
    }

    /// What was written to since this was asked last, by others than us.
    pub(super) fn take(&mut self) -> Touched {
        let mut touched = Touched::default();
        match &self.door {
            Door::None => {}
            Door::Files(door) => {
                for number in door.take() {
                    touched.lost |= number < 0;
                    let known = self.numbers.iter().filter(|(its, _)| *its == number);
                    known.for_each(|(_, key)| touched.add(key, None));
                }
            }
            Door::Writers(door) => {
                let own = sys::own_pid();
                for (file, pid) in door.take() {
                    touched.lost |= file.is_none();
                    let Some(file) = file.filter(|_| pid != own) else { continue };
                    let path = fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap_or_default();
                    if let Some((_, key)) = self.paths.iter().find(|(its, _)| Path::new(its) == path) {
                        touched.add(key, writer(pid));
                    }
                }
            }
        }
        touched
    }
}

/// A process by its name and number. One that has ended leaves its number only; one of another PID namespace nothing.
fn writer(pid: i32) -> Option<String> {
    if pid <= 0 {
        return None;
    }
    Some(match ProcessDir::of(Path::new("/proc"), pid).name() {
        Ok(Some(name)) => format!("{} (pid {pid})", name.escape_debug()),
        Ok(None) => format!("pid {pid}, which has ended"),
        Err(_) => format!("pid {pid}"),
    })
}

fn path(key: &Key) -> String {
    match key {
        Key::Sysctl(name) => format!("/proc/sys/{}", name.path()),
        Key::Sysfs(name) => format!("/sys/{}", name.path()),
    }
}
