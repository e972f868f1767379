//! The way from the root of a tree to a directory, which leads nowhere else.

use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat, openat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};

/// Opens a directory below `root`: openat2(2), or one component at a time without following links where the
/// kernel (before 5.6) or a filter that doesn't know the call (Docker before 20.10) refuses it. Opening with
/// `O_PATH` has no other reason for EPERM.
pub(super) fn open_beneath(root: &OwnedFd, path: &str, resolve: ResolveFlag) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    match openat2(root, path, OpenHow::new().flags(flags).resolve(resolve)) {
        Err(Errno::ENOSYS | Errno::EPERM) => walk(root, path, flags | OFlag::O_NOFOLLOW),
        result => result,
    }
}

/// The directory at `path`, one component at a time. Any link ends it with ELOOP, also in `/sys`, since only
/// openat2(2) follows them and stays below the root.
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

#[cfg(test)]
mod tests {
    use nix::fcntl::open;

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
