//! What the two trees of settings are made of.

use nix::fcntl::ResolveFlag;
use nix::sys::statfs::{
    BPF_FS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, FUSE_SUPER_MAGIC, FsType, PROC_SUPER_MAGIC,
    RDTGROUP_SUPER_MAGIC, SECURITYFS_MAGIC, SELINUX_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC,
};

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
    /// How openat2(2) is to go from the root to a directory.
    pub(super) fn resolve(self) -> ResolveFlag {
        match self {
            Self::ProcSys => {
                ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS
            }
            Self::Sysfs => ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        }
    }

    /// Where the kernel's own tree stands.
    pub(super) fn place(self) -> &'static str {
        match self {
            Self::ProcSys => "/proc/sys",
            Self::Sysfs => "/sys",
        }
    }

    /// What statfs(2) calls the file systems of the kernel's own tree, that of its root first. The others of `/sys`
    /// have their places in it, sysfs(5). By FUSE a container's runtime plays the kernel's part: lxcfs for processors,
    /// sysbox for most of `/proc/sys`.
    pub(super) fn kinds(self) -> &'static [FsType] {
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
