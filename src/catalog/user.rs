//! `user`: how many namespaces and watches the users of a user namespace may have.

use super::row::{INT_MAX, Rare, Row, USER, always, number};
use super::version::KernelVersion;

const NAMESPACES: Row = Row {
    values: number(0, INT_MAX),
    unit: "per user",
    default: always("half of kernel.threads-max"),
    notes: &["0 forbids them; a user namespace can only lower what its parents allow"],
    sources: &["namespaces(7)", "Documentation/admin-guide/sysctl/user.rst"],
    ..USER
};

const WATCHES: Row = Row { notes: &[], sources: &["inotify(7)", "fanotify(7)"], ..NAMESPACES };

pub(super) static ROWS: &[Row] = &[
    Row { name: "user.max_cgroup_namespaces", purpose: "cgroup namespaces that a user may have", ..NAMESPACES },
    Row {
        name: "user.max_fanotify_groups",
        default: always("128"),
        purpose: "fanotify groups that a user may have in this user namespace",
        rare: &Rare { since: Some(KernelVersion(5, 13)), ..Rare::NONE },
        ..WATCHES
    },
    Row {
        name: "user.max_fanotify_marks",
        default: always("8192 or more, by memory"),
        purpose: "fanotify marks that a user may have in this user namespace",
        rare: &Rare { since: Some(KernelVersion(5, 13)), ..Rare::NONE },
        ..WATCHES
    },
    Row {
        name: "user.max_inotify_instances",
        default: always("128"),
        purpose: "inotify instances that a user may have in this user namespace",
        ..WATCHES
    },
    Row {
        name: "user.max_inotify_watches",
        default: always("as fs.inotify.max_user_watches"),
        purpose: "files that a user may watch with inotify in this user namespace",
        ..WATCHES
    },
    Row { name: "user.max_ipc_namespaces", purpose: "IPC namespaces that a user may have", ..NAMESPACES },
    Row { name: "user.max_mnt_namespaces", purpose: "mount namespaces that a user may have", ..NAMESPACES },
    Row { name: "user.max_net_namespaces", purpose: "network namespaces that a user may have", ..NAMESPACES },
    Row { name: "user.max_pid_namespaces", purpose: "PID namespaces that a user may have", ..NAMESPACES },
    Row { name: "user.max_time_namespaces", purpose: "time namespaces that a user may have", ..NAMESPACES },
    Row {
        name: "user.max_user_namespaces",
        purpose: "user namespaces that a user may have; 0 stops rootless containers",
        ..NAMESPACES
    },
    Row { name: "user.max_uts_namespaces", purpose: "UTS namespaces that a user may have", ..NAMESPACES },
];
