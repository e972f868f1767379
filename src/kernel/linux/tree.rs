//! One tree of settings, `/proc/sys` or `/sys`: opens what is below it and nothing else.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::sys::statfs::fstatfs;
use nix::sys::statvfs::{FsFlags, fstatvfs};
use nix::unistd::{AccessFlags, faccessat};

use super::openat_beneath::open_beneath;
use super::tree_kind::TreeKind;
use crate::kernel::{Evidence, KernelError, Operation};
use crate::model::name::SysctlName;

/// Directories that are held open at most. Profiles name many keys of few directories, and walking five
/// components of /proc/sys costs as much as reading the key: its dentries can't be walked without references
/// (`proc_sys_revalidate`, `fs/proc/proc_sysctl.c`).
const HELD_DIRECTORIES: usize = 32;

/// A root directory, opened when it is first needed, and the directories below it that were used last.
#[derive(Debug)]
pub(super) struct Tree {
    kind: TreeKind,
    path: PathBuf,
    root: Option<Held>,
    directories: HashMap<String, Held>,
    /// Directories of which a file was opened by its whole path. One is held open when it is needed again.
    used: HashSet<String>,
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
    pub(super) fn new(kind: TreeKind, path: PathBuf) -> Self {
        Self { kind, path, root: None, directories: HashMap::new(), used: HashSet::new() }
    }

    /// Opens the file at `path`. Its last component is never followed if it is a link, and nothing is
    /// created, truncated, waited for (a FIFO) or made our terminal. Where something else is mounted over the
    /// kernel's own tree the answer is EXDEV: a file there is no setting, whatever it holds.
    pub(super) fn open(&mut self, path: &str, access: OFlag) -> Result<File, Errno> {
        let flags = access | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        if self.is_worth_holding(parted(path).0) {
            return self.beside(path, |tree, parent, leaf| tree.open_own(parent, leaf, flags)).map(File::from);
        }
        match self.open_by_path(path, flags) {
            Some(opened) => opened.map(File::from),
            None => self.beside(path, |tree, parent, leaf| tree.open_own(parent, leaf, flags)).map(File::from),
        }
    }

    /// Whether a directory is held open already, or was needed a short time ago. Of a pattern of interfaces each key is
    /// in a directory of its own, which costs more to open than it saves.
    fn is_worth_holding(&mut self, directory: &str) -> bool {
        if self.directories.contains_key(directory) {
            return true;
        }
        if self.used.len() >= HELD_DIRECTORIES {
            self.used.clear();
        }
        !self.used.insert(directory.to_owned())
    }

    /// Opens a file by its whole path, which must neither have a link in it nor lead to another mount. `None` where
    /// anything but a missing file is in the way: the way by the directory tells what.
    fn open_by_path(&mut self, path: &str, flags: OFlag) -> Option<Result<OwnedFd, Errno>> {
        let root = self.own_root()?;
        let how = OpenHow::new().flags(flags).resolve(self.kind.resolve() | ResolveFlag::RESOLVE_NO_XDEV);
        match openat2(&root, path, how) {
            Err(Errno::ENOENT) => Some(Err(Errno::ENOENT)),
            opened => opened.ok().map(Ok),
        }
    }

    /// The root of `/proc/sys`, beneath which every path that crosses no mount is the kernel's.
    fn own_root(&mut self) -> Option<Held> {
        self.root().ok().filter(|root| self.kind == TreeKind::ProcSys && !root.foreign)
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
        self.used.clear();
    }

    /// The names below the root that match, sorted. Directories are no settings.
    pub(super) fn names(&mut self, pattern: &SysctlName) -> Result<Vec<SysctlName>, KernelError> {
        let components: Vec<&str> = pattern.components().collect();
        let mut found = vec![String::new()];
        for depth in 1..=components.len() {
            let Ok(prefix) = SysctlName::from_components(components[..depth].iter().copied()) else {
                return Ok(Vec::new());
            };
            let last = depth == components.len();
            let literal = (!is_wild(components[depth - 1])).then_some(components[depth - 1]);
            let mut next = Vec::new();
            for directory in &found {
                next.extend(self.step(directory, literal, &prefix, last)?);
            }
            found = next;
        }
        found.sort();
        Ok(found.iter().filter_map(|path| SysctlName::existing(path)).collect())
    }

    /// The paths one component below `directory` that match `prefix`: files for the last component, else directories.
    fn step(
        &mut self,
        directory: &str,
        literal: Option<&str>,
        prefix: &SysctlName,
        last: bool,
    ) -> Result<Vec<String>, KernelError> {
        let entries = match literal {
            Some(name) => vec![(name.to_owned(), None)],
            None => self.entries(directory)?,
        };
        let mut matching = Vec::new();
        for (path, kind) in entries.into_iter().map(|(entry, kind)| (join(directory, &entry), kind)) {
            if !SysctlName::existing(&path).is_some_and(|name| prefix.matches(&name)) {
                continue;
            }
            match kind.map_or_else(|| self.stat(&path).map(|stat| is_directory(&stat)), Ok) {
                Ok(is_directory) if is_directory != last => matching.push(path),
                Ok(_) | Err(Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(errno) => return Err(KernelError { operation: Operation::OpenToRead, errno }),
            }
        }
        Ok(matching)
    }

    /// The names in a directory, each with whether it is a directory where the listing says so; none where there is no
    /// such directory.
    fn entries(&mut self, directory: &str) -> Result<Vec<(String, Option<bool>)>, KernelError> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let mut opened = self.directory(directory).and_then(|held| Dir::openat(held, ".", flags, Mode::empty()));
        if matches!(opened, Err(Errno::EMFILE | Errno::ENFILE)) {
            self.release();
            opened = self.directory(directory).and_then(|held| Dir::openat(held, ".", flags, Mode::empty()));
        }
        let mut opened = match opened {
            Ok(opened) => opened,
            Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(Vec::new()),
            Err(errno) => return Err(KernelError { operation: Operation::OpenToRead, errno }),
        };
        let mut names = Vec::new();
        for entry in opened.iter() {
            let entry = entry.map_err(|errno| KernelError { operation: Operation::Read, errno })?;
            let kind = entry.file_type().map(|kind| kind == Type::Directory);
            let name = entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | ".."));
            names.extend(name.map(|name| (name.to_owned(), kind)));
        }
        Ok(names)
    }

    fn stat(&mut self, path: &str) -> Result<FileStat, Errno> {
        let by_path = self.own_root().map(|root| fstatat(&root, path, AtFlags::AT_SYMLINK_NOFOLLOW));
        if let Some(found @ (Ok(_) | Err(Errno::ENOENT))) = by_path {
            return found;
        }
        self.beside(path, |_, parent, leaf| fstatat(parent, leaf, AtFlags::AT_SYMLINK_NOFOLLOW))
    }

    /// The mounts and permissions of the file at `path`.
    pub(super) fn inspect(&mut self, path: &str) -> Evidence {
        let tree_present = self.is_present();
        // O_PATH asks for no permission on the file itself, open(2); the mount is that of the path, since a
        // container often has a read-only /proc/sys with a writable /proc/sys/net in it.
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let by_path = if self.directories.contains_key(parted(path).0) { None } else { self.open_by_path(path, flags) };
        let is_by_path = by_path.is_some();
        let found =
            by_path.unwrap_or_else(|| self.beside(path, |_, parent, leaf| openat(parent, leaf, flags, Mode::empty())));
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
            denied: file.as_ref().and_then(|_| self.is_denied(path, is_by_path)),
            foreign,
            mask: if foreign == Some(true) { Some(self.mask(path)) } else { None },
            tree_present,
            ..Evidence::default()
        }
    }

    /// `by_path` says that there is neither a link nor a mount on the path.
    fn is_denied(&mut self, path: &str, by_path: bool) -> Option<bool> {
        let (parent, leaf) = if by_path { ("", path) } else { parted(path) };
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

    /// Whether a file or directory below the root is on a file system of the kernel's own tree; nobody can say
    /// of a tree that is another one.
    fn is_own(&self, file: impl AsFd) -> Option<bool> {
        if self.path != Path::new(self.kind.mount_point()) {
            return None;
        }
        let system = fstatfs(file).ok()?;
        Some(self.kind.file_systems().contains(&system.filesystem_type()))
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
        let opened = open_beneath(&root.descriptor, path, self.kind.resolve());
        let opened = match opened {
            Err(Errno::EMFILE | Errno::ENFILE) if !self.directories.is_empty() => {
                self.release();
                open_beneath(&root.descriptor, path, self.kind.resolve())?
            }
            opened => opened?,
        };
        let opened = self.held(opened);
        if self.directories.len() >= HELD_DIRECTORIES {
            self.directories.clear();
        }
        self.directories.insert(path.to_owned(), opened.clone());
        Ok(opened)
    }
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
