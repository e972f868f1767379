//! One tree of settings, `/proc/sys` or `/sys`: opens what is beneath it and nothing else.

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::sys::statfs::{
    BPF_FS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, FUSE_SUPER_MAGIC, FsType, PROC_SUPER_MAGIC,
    RDTGROUP_SUPER_MAGIC, SECURITYFS_MAGIC, SELINUX_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC, fstatfs,
};
use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::{AccessFlags, faccessat};

use crate::kernel::Evidence;
use crate::model::hashed::Hashed;
use crate::model::name::SysctlName;

/// Directories that are held open at most. Profiles name many keys of few directories, and walking five
/// components of /proc/sys costs as much as reading the key: its dentries can't be walked without references
/// (`proc_sys_revalidate`, `fs/proc/proc_sysctl.c`).
const HELD_DIRECTORIES: usize = 32;

/// What libc has no names for: `FUSE_CTL_SUPER_MAGIC` (fs/fuse/control.c), `CONFIGFS_MAGIC` (fs/configfs/mount.c),
/// `EFIVARFS_MAGIC` (linux/magic.h).
const FUSE_CONTROL: FsType = FsType(0x6573_5543);
const CONFIGFS: FsType = FsType(0x6265_6570);
const EFIVARFS: FsType = FsType(0xde5e_81e4);

/// Which tree it is, which says what it may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// No links at all, proc(5).
    ProcSys,
    /// Links between directories, `class/net/lo` for one; those that stay beneath the root are followed.
    Sysfs,
}

impl Layout {
    fn resolve(self) -> ResolveFlag {
        match self {
            Self::ProcSys => {
                ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS
            }
            Self::Sysfs => ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        }
    }

    /// Where the kernel's own tree stands.
    fn place(self) -> &'static str {
        match self {
            Self::ProcSys => "/proc/sys",
            Self::Sysfs => "/sys",
        }
    }

    /// What statfs(2) calls the file systems of the kernel's own tree, that of its root first. The others of `/sys`
    /// have their places in it, sysfs(5). By FUSE a container's runtime plays the kernel's part: lxcfs for processors,
    /// sysbox for most of `/proc/sys`.
    fn kinds(self) -> &'static [FsType] {
        match self {
            Self::ProcSys => &[PROC_SUPER_MAGIC, FUSE_SUPER_MAGIC],
            Self::Sysfs => &[
                SYSFS_MAGIC,
                FUSE_SUPER_MAGIC,
                FUSE_CONTROL,
                CONFIGFS,
                EFIVARFS,
                RDTGROUP_SUPER_MAGIC,
                SELINUX_MAGIC,
                DEBUGFS_MAGIC,
                TRACEFS_MAGIC,
                SECURITYFS_MAGIC,
                CGROUP_SUPER_MAGIC,
                CGROUP2_SUPER_MAGIC,
                BPF_FS_MAGIC,
            ],
        }
    }
}

/// A root directory, opened when it is first needed, and the directories beneath it that were used last.
#[derive(Debug)]
pub(super) struct Tree {
    layout: Layout,
    path: PathBuf,
    root: Option<Held>,
    directories: Hashed<String, Held>,
}

/// A directory that is held open.
#[derive(Clone, Debug)]
struct Held {
    descriptor: Rc<OwnedFd>,
    /// Whether something else is mounted over it, so that what is in it is not the kernel's.
    foreign: bool,
}

impl AsFd for Held {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl Tree {
    pub(super) fn new(layout: Layout, path: PathBuf) -> Self {
        Self { layout, path, root: None, directories: HashMap::default() }
    }

    /// Opens the file at `path`. Its last component is never followed if it is a link, and nothing is
    /// created, truncated, waited for (a FIFO) or made our terminal. Where something else is mounted over the
    /// kernel's own tree the answer is EXDEV: a file there is no setting, whatever it holds.
    pub(super) fn open(&mut self, path: &str, access: OFlag) -> Result<File, Errno> {
        let flags = access | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        self.beside(path, |tree, parent, leaf| tree.open_own(parent, leaf, flags)).map(File::from)
    }

    /// Opens a file in a directory. That nothing is mounted over the file is asked of the kernel with the opening.
    fn open_own(&self, parent: &Held, leaf: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
        if parent.foreign {
            return Err(Errno::EXDEV);
        }
        let how = OpenHow::new().flags(flags).resolve(ResolveFlag::RESOLVE_NO_XDEV);
        match openat2(parent, leaf, how) {
            // A container may have a file of the kernel's mounted over itself; the others as in `open_beneath`.
            Err(Errno::EXDEV | Errno::ENOSYS | Errno::EPERM) => {}
            result => return result,
        }
        let file = openat(parent, leaf, flags, Mode::empty())?;
        if self.is_own(&file) == Some(false) { Err(Errno::EXDEV) } else { Ok(file) }
    }

    /// What `ask` says of the directory of `path` and of the last component.
    fn beside<T>(&mut self, path: &str, ask: impl Fn(&Self, &Held, &str) -> Result<T, Errno>) -> Result<T, Errno> {
        let (parent, leaf) = parted(path);
        let held = self.directory(parent)?;
        match ask(self, &held, leaf) {
            // The directory of an interface that was taken away and came back is another one.
            Err(Errno::ENOENT) if self.directories.remove(parent).is_some() => {
                let held = self.directory(parent)?;
                ask(self, &held, leaf)
            }
            result => result,
        }
    }

    /// Closes all that is held open.
    pub(super) fn release(&mut self) {
        self.directories.clear();
    }

    /// What exists beneath the root and matches, sorted. Directories are no settings.
    pub(super) fn names(&mut self, pattern: &SysctlName) -> Vec<SysctlName> {
        let wanted: Vec<&str> = pattern.components().collect();
        let mut found = vec![String::new()];
        for depth in 1..=wanted.len() {
            let Ok(prefix) = SysctlName::from_components(wanted[..depth].iter().copied()) else { return Vec::new() };
            let last = depth == wanted.len();
            let literal = (!is_wild(wanted[depth - 1])).then_some(wanted[depth - 1]);
            found = found.iter().flat_map(|directory| self.step(directory, literal, &prefix, last)).collect();
        }
        found.sort();
        found.iter().filter_map(|path| SysctlName::existing(path)).collect()
    }

    /// The paths one component below `directory` that match `prefix`: files for the last component, else directories.
    fn step(&mut self, directory: &str, literal: Option<&str>, prefix: &SysctlName, last: bool) -> Vec<String> {
        let entries = match literal {
            Some(name) => vec![name.to_owned()],
            None => self.entries(directory),
        };
        let paths = entries.into_iter().map(|entry| join(directory, &entry));
        let matching = paths.filter(|path| SysctlName::existing(path).is_some_and(|name| prefix.matches(&name)));
        matching.filter(|path| self.stat(path).is_ok_and(|stat| is_directory(&stat) != last)).collect()
    }

    /// The names in a directory; none where it can't be read.
    fn entries(&mut self, directory: &str) -> Vec<String> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let opened = self.directory(directory).and_then(|held| Dir::openat(held, ".", flags, Mode::empty()));
        let Ok(mut opened) = opened else { return Vec::new() };
        let names = opened.iter().flatten().filter_map(|entry| entry.file_name().to_str().ok().map(str::to_owned));
        names.filter(|name| name != "." && name != "..").collect()
    }

    fn stat(&mut self, path: &str) -> Result<FileStat, Errno> {
        self.beside(path, |_, parent, leaf| fstatat(parent, leaf, AtFlags::AT_SYMLINK_NOFOLLOW))
    }

    /// What stands around the file at `path`.
    pub(super) fn inspect(&mut self, path: &str) -> Evidence {
        let tree_present = self.is_present();
        // O_PATH asks for no permission on the file itself, open(2); the mount is that of the path, since a
        // container often has a read-only /proc/sys with a writable /proc/sys/net in it.
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let found = self.beside(path, |_, parent, leaf| openat(parent, leaf, flags, Mode::empty()));
        let (exists, file) = match found {
            Ok(file) => (Some(true), Some(file)),
            Err(Errno::ENOENT | Errno::ENOTDIR) => (Some(false), None),
            Err(_) => (None, None),
        };
        let stat = file.as_ref().and_then(|file| fstat(file).ok());
        let mount = file.as_ref().and_then(|file| fstatvfs(file).ok());
        let foreign = self.is_foreign(path, file.as_ref());
        Evidence {
            exists,
            mode: stat.map(|stat| stat.st_mode & 0o7777),
            owner: stat.map(|stat| stat.st_uid),
            read_only_mount: mount.map(|mount| mount.flags().contains(FsFlags::ST_RDONLY)),
            denied: file.as_ref().and_then(|_| self.is_denied(path)),
            foreign,
            mask: if foreign == Some(true) { Some(self.mask(path)) } else { None },
            tree_present,
            ..Evidence::default()
        }
    }

    fn is_denied(&mut self, path: &str) -> Option<bool> {
        let (parent, leaf) = parted(path);
        match faccessat(self.directory(parent).ok()?, leaf, AccessFlags::W_OK, AtFlags::AT_EACCESS) {
            Ok(()) => Some(false),
            Err(Errno::EACCES) => Some(true),
            Err(_) => None,
        }
    }

    /// The permission bits of the file at `path`.
    pub(super) fn mode(&mut self, path: &str) -> Option<u32> {
        self.stat(path).ok().map(|stat| stat.st_mode & 0o7777)
    }

    /// The owner of the file at `path`, as our user namespace sees him.
    pub(super) fn owner(&mut self, path: &str) -> Option<u32> {
        self.stat(path).ok().map(|stat| stat.st_uid)
    }

    /// Whether the file, or where it is not there the nearest directory above it, is on another file system than
    /// the tree: then something is mounted over it.
    fn is_foreign(&mut self, path: &str, file: Option<&OwnedFd>) -> Option<bool> {
        let own = match file {
            Some(file) => self.is_own(file),
            None => Path::new(path).ancestors().skip(1).find_map(|above| {
                let directory = self.directory(above.to_str()?).ok()?;
                self.is_own(directory)
            }),
        };
        own.map(|own| !own)
    }

    /// Whether a file or directory beneath the root is on a file system of the kernel's own tree; nobody can say
    /// of a tree that is another one.
    fn is_own(&self, file: impl AsFd) -> Option<bool> {
        if self.path != Path::new(self.layout.place()) {
            return None;
        }
        let system = fstatfs(file).ok()?;
        Some(self.layout.kinds().contains(&system.filesystem_type()))
    }

    /// How much of the path leads to the outermost of what is mounted over it: a directory, or else the file.
    fn mask(&mut self, path: &str) -> usize {
        let mut ends = path.match_indices('/').map(|(end, _)| end);
        ends.find(|end| self.directory(&path[..*end]).is_ok_and(|held| held.foreign)).unwrap_or(path.len())
    }

    /// Whether the root is there, and where it is the kernel's own tree, whether the right file system is.
    fn is_present(&mut self) -> Option<bool> {
        match self.root() {
            Ok(root) => Some(!root.foreign),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Some(false),
            Err(_) => None,
        }
    }

    fn root(&mut self) -> Result<Held, Errno> {
        if let Some(root) = &self.root {
            return Ok(root.clone());
        }
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = self.held(open(&self.path, flags, Mode::empty())?);
        self.root = Some(root.clone());
        Ok(root)
    }

    fn held(&self, directory: OwnedFd) -> Held {
        let foreign = self.is_own(&directory) == Some(false);
        Held { descriptor: Rc::new(directory), foreign }
    }

    /// The directory at `path`, the root for an empty one.
    fn directory(&mut self, path: &str) -> Result<Held, Errno> {
        if path.is_empty() {
            return self.root();
        }
        if let Some(held) = self.directories.get(path) {
            return Ok(held.clone());
        }
        let root = self.root()?;
        let opened = self.held(open_beneath(&root.descriptor, path, self.layout.resolve())?);
        if self.directories.len() >= HELD_DIRECTORIES {
            self.directories.clear();
        }
        self.directories.insert(path.to_owned(), opened.clone());
        Ok(opened)
    }
}

/// Opens a directory beneath `root`: openat2(2), or one component at a time without following links where the
/// kernel (before 5.6) or a filter that doesn't know the call (Docker before 20.10) refuses it. Opening with
/// `O_PATH` has no other reason for EPERM.
fn open_beneath(root: &OwnedFd, path: &str, resolve: ResolveFlag) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match openat2(root, path, OpenHow::new().flags(flags).resolve(resolve)) {
        Err(Errno::ENOSYS | Errno::EPERM) => walk(root, path, flags | OFlag::O_NOFOLLOW),
        result => result,
    }
}

/// The directory at `path`, one component at a time. Any link ends it with ELOOP, also in `/sys`, since only
/// openat2(2) follows them and stays beneath the root.
fn walk(root: &OwnedFd, path: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
    let mut components = path.split('/');
    let mut at = step(root, components.next().unwrap_or("."), flags)?;
    for component in components {
        at = step(&at, component, flags)?;
    }
    Ok(at)
}

/// Refuses what openat2(2) would, with the same errors.
fn step(at: &OwnedFd, component: &str, flags: OFlag) -> Result<OwnedFd, Errno> {
    if component == ".." {
        return Err(Errno::EXDEV);
    }
    openat(at, component, flags, Mode::empty()).map_err(|errno| {
        let is_link = |stat: FileStat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFLNK;
        match fstatat(at, component, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) if errno == Errno::ENOTDIR && is_link(stat) => Errno::ELOOP,
            _ => errno,
        }
    })
}

/// A path's directory and its last component.
fn parted(path: &str) -> (&str, &str) {
    match path.bytes().rposition(|byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => ("", path),
    }
}

fn is_directory(stat: &FileStat) -> bool {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR
}

fn is_wild(component: &str) -> bool {
    component.contains(['*', '?', '['])
}

fn join(directory: &str, entry: &str) -> String {
    if directory.is_empty() { entry.to_owned() } else { format!("{directory}/{entry}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_without_openat2_follows_no_link_and_goes_up_nowhere() {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = open("/proc", flags, Mode::empty()).unwrap();
        let flags = flags | OFlag::O_NOFOLLOW;
        let found = walk(&root, "sys/net/core", flags).unwrap();
        assert!(openat(&found, "somaxconn", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty()).is_ok());
        assert_eq!(walk(&root, "self", flags).unwrap_err(), Errno::ELOOP);
        assert_eq!(walk(&root, "net/core", flags).unwrap_err(), Errno::ELOOP);
        assert_eq!(walk(&root, "sys/../sys/net", flags).unwrap_err(), Errno::EXDEV);
        assert_eq!(walk(&root, "sys/nonsense/core", flags).unwrap_err(), Errno::ENOENT);
    }
}
