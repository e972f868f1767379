//! `fs`: open files, pipes, watches, POSIX message queues.

use super::row::{
    ADMIN_FS, ANY_INT, Access, FLAG, HOST, INT_MAX, IPC, LONG_MAX, OFF_ON, Rare, ReadBack, Row, ULONG_MAX, always,
    number, numbers, since, takes,
};
use super::version::KernelVersion;

const FS: Row = Row { sources: &[ADMIN_FS], ..HOST };
const INOTIFY: Row = Row { sources: &["inotify(7)"], ..HOST };
const FANOTIFY: Row =
    Row { rare: &Rare { since: Some(KernelVersion(5, 13)), ..Rare::NONE }, sources: &["fanotify(7)"], ..HOST };
const MQUEUE: Row = Row { sources: &["mq_overview(7)", ADMIN_FS], ..IPC };
const PIPE: Row = Row { sources: &["pipe(7)", ADMIN_FS], ..HOST };
const PROTECTED: Row = Row { sources: &["proc(5)", ADMIN_FS], ..HOST };

/// What 5.10 made of a negative number for an `unsigned long`.
const NEGATIVE_IGNORED: &[&str] = &["5.10 takes a negative number without an error and changes nothing"];

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "fs.aio-max-nr",
        values: number(1, ULONG_MAX),
        kernel_range: Some(const { &takes(0, ULONG_MAX) }),
        unit: "requests",
        default: always("65536"),
        purpose: "asynchronous requests that all programs together may have set up with io_setup(2)",
        notes: NEGATIVE_IGNORED,
        ..FS
    },
    Row {
        name: "fs.aio-nr",
        values: number(0, ULONG_MAX),
        unit: "requests",
        default: always("0"),
        purpose: "asynchronous requests that are set up now, against fs.aio-max-nr",
        access: Access::ReadOnly,
        ..FS
    },
    Row {
        name: "fs.epoll.max_user_watches",
        values: number(1, LONG_MAX),
        kernel_range: Some(const { &takes(0, LONG_MAX) }),
        unit: "watches per user",
        default: always("4% of low memory"),
        purpose: "descriptors that a user may have registered with epoll",
        notes: NEGATIVE_IGNORED,
        sources: &["epoll(7)"],
        ..FS
    },
    Row {
        name: "fs.fanotify.max_queued_events",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "events",
        default: always("16384"),
        purpose: "events that a fanotify group may have waiting",
        ..FANOTIFY
    },
    Row {
        name: "fs.fanotify.max_user_groups",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "groups per user",
        default: always("128"),
        purpose: "fanotify groups that a user may have",
        ..FANOTIFY
    },
    Row {
        name: "fs.fanotify.max_user_marks",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "marks per user",
        default: always("8192 or more, by memory"),
        purpose: "fanotify marks that a user may have",
        ..FANOTIFY
    },
    Row {
        name: "fs.file-max",
        values: number(1, LONG_MAX),
        kernel_range: Some(const { &takes(0, LONG_MAX) }),
        unit: "open files",
        default: always("a tenth of memory in KiB; systemd sets it to the maximum"),
        purpose: "files that all processes together may have open; beyond it open(2) gives ENFILE",
        notes: &["CAP_SYS_ADMIN goes beyond it", "5.10 takes a negative number without an error and changes nothing"],
        ..FS
    },
    Row {
        name: "fs.file-nr",
        values: numbers(3, 0, LONG_MAX),
        unit: "open files, 0, maximum",
        default: always("counted"),
        purpose: "files that are open now, against fs.file-max",
        access: Access::ReadOnly,
        ..FS
    },
    Row {
        name: "fs.inotify.max_queued_events",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "events",
        default: always("16384"),
        purpose: "events that an inotify instance may have waiting; beyond it they are lost",
        ..INOTIFY
    },
    Row {
        name: "fs.inotify.max_user_instances",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "instances per user",
        default: always("128"),
        purpose: "inotify instances that a user may have; beyond it inotify_init(2) gives EMFILE",
        notes: &["often the first to run out on a host with many containers, whose users share it"],
        ..INOTIFY
    },
    Row {
        name: "fs.inotify.max_user_watches",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "watches per user",
        default: since("8192", &[(KernelVersion(5, 11), "8192 to 1048576, by memory")]),
        purpose: "files that a user may watch with inotify; beyond it inotify_add_watch(2) gives ENOSPC",
        notes: &["user.max_inotify_watches bounds each user namespace besides"],
        ..INOTIFY
    },
    Row {
        name: "fs.lease-break-time",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "seconds",
        default: always("45"),
        purpose: "how long the holder of a file lease has to give it up",
        sources: &["fcntl(2)", ADMIN_FS],
        ..FS
    },
    Row {
        name: "fs.leases-enable",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether processes may take leases on files",
        sources: &["fcntl(2)", ADMIN_FS],
        ..FS
    },
    Row {
        name: "fs.mount-max",
        values: number(1, INT_MAX),
        unit: "mounts",
        default: always("100000"),
        purpose: "mounts that a mount namespace may have",
        ..FS
    },
    Row {
        name: "fs.mqueue.msg_default",
        values: number(1, 65536),
        unit: "messages",
        default: always("10"),
        purpose: "messages that a queue holds when mq_open(3) says nothing",
        ..MQUEUE
    },
    Row {
        name: "fs.mqueue.msg_max",
        values: number(1, 65536),
        unit: "messages",
        default: always("10"),
        purpose: "the most messages that a queue may be made to hold",
        ..MQUEUE
    },
    Row {
        name: "fs.mqueue.msgsize_default",
        values: number(128, 16_777_216),
        unit: "bytes",
        default: always("8192"),
        purpose: "the size of a message when mq_open(3) says nothing",
        ..MQUEUE
    },
    Row {
        name: "fs.mqueue.msgsize_max",
        values: number(128, 16_777_216),
        unit: "bytes",
        default: always("8192"),
        purpose: "the largest size of a message that a queue may be made for",
        ..MQUEUE
    },
    Row {
        name: "fs.mqueue.queues_max",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "queues",
        default: always("256"),
        purpose: "POSIX message queues that the IPC namespace may have",
        ..MQUEUE
    },
    Row {
        name: "fs.nr_open",
        values: number(64, 2_147_483_584),
        unit: "descriptors per process",
        default: always("1048576; systemd raises it to the maximum, but not as Debian builds it"),
        purpose: "the highest value that any limit of open files (nofile) may have",
        notes: &[
            "a hard limit above it is refused even to root, and so is an unlimited one",
            "after it is lowered, a process above it can't even set the limit that it has",
        ],
        ..FS
    },
    Row {
        name: "fs.pipe-max-size",
        values: number(4096, 2_147_483_648),
        kernel_range: Some(const { &takes(0, 2_147_483_648) }),
        unit: "bytes",
        default: always("1048576"),
        purpose: "how large an unprivileged process may make a pipe with F_SETPIPE_SZ",
        notes: &["4294967296 wraps around to 4096 on 6.12 and later, without an error"],
        rare: &Rare {
            read_back: Some(ReadBack::Rounded("rounded up to a power of two of pages: 1048577 becomes 2097152")),
            ..Rare::NONE
        },
        ..PIPE
    },
    Row {
        name: "fs.pipe-user-pages-hard",
        values: number(0, ULONG_MAX),
        unit: "pages per user, 0 no bound",
        default: always("0"),
        purpose: "pages that an unprivileged user's pipes may hold before new ones are refused",
        notes: NEGATIVE_IGNORED,
        ..PIPE
    },
    Row {
        name: "fs.pipe-user-pages-soft",
        values: number(0, ULONG_MAX),
        unit: "pages per user, 0 no bound",
        default: always("16384"),
        purpose: "pages that an unprivileged user's pipes may hold before new ones get a single page",
        notes: NEGATIVE_IGNORED,
        ..PIPE
    },
    Row {
        name: "fs.protected_fifos",
        values: number(0, 2),
        unit: "0 off, 1 in world-writable, 2 also in group-writable sticky folders",
        default: always("0; systemd sets 1"),
        purpose: "whether opening someone else's FIFO for creation is refused",
        ..PROTECTED
    },
    Row {
        name: "fs.protected_hardlinks",
        values: FLAG,
        unit: OFF_ON,
        default: always("0; systemd sets 1"),
        purpose: "whether hard links to files that one can't write are refused",
        ..PROTECTED
    },
    Row {
        name: "fs.protected_regular",
        values: number(0, 2),
        unit: "0 off, 1 in world-writable, 2 also in group-writable sticky folders",
        default: always("0; systemd sets 2"),
        purpose: "whether opening someone else's file for creation is refused",
        ..PROTECTED
    },
    Row {
        name: "fs.protected_symlinks",
        values: FLAG,
        unit: OFF_ON,
        default: always("0; systemd sets 1"),
        purpose: "whether symbolic links in sticky world-writable folders are followed only by their owner",
        ..PROTECTED
    },
    Row {
        name: "fs.suid_dumpable",
        values: number(0, 2),
        unit: "0 never, 1 always, 2 readable by root only",
        default: always("0"),
        purpose: "whether programs that change credentials leave a core dump",
        ..PROTECTED
    },
];
