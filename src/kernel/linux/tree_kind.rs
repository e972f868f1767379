//! The two trees of settings, `/proc/sys` and `/sys`, and what each may hold.

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

/// One of the two trees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TreeKind {
    /// `/proc/sys`: no links at all, proc(5).
    ProcSys,
    /// `/sys`: links between directories, as `class/net/lo`, are followed where they stay below the root.
    Sysfs,
}

impl TreeKind {
    /// How openat2(2) resolves a path to a directory.
    pub(super) fn resolve(self) -> ResolveFlag {
        match self {
            Self::ProcSys => {
                ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS
            }
            Self::Sysfs => ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS,
        }
    }

    /// Where the kernel's own tree is mounted.
    pub(super) fn mount_point(self) -> &'static str {
        match self {
            Self::ProcSys => "/proc/sys",
            Self::Sysfs => "/sys",
        }
    }

    /// The types, as of statfs(2), of the file systems that the tree is made of, that of its root first. The others are
    /// mounted at fixed places in `/sys`, sysfs(5). FUSE is for what container runtimes emulate: lxcfs processors, sysbox
    /// most of `/proc/sys`.
    pub(super) fn file_systems(self) -> &'static [FsType] {
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
