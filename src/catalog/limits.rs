//! Resource limits: what each counts, how a shell prints it, and what surprises people.

use crate::model::limit::Resource;

/// What is known of one resource limit.
#[derive(Clone, Copy, Debug)]
pub struct LimitRow {
    /// The limit that it describes.
    pub resource: Resource,
    /// What it counts, in the kernel and in a profile.
    pub unit: &'static str,
    /// The flag of the shell's `ulimit`.
    pub flag: char,
    /// The title that `ulimit -a` of bash(1) has for it.
    pub title: &'static str,
    /// How many of the kernel's units one of the shell's is: 1024 where `ulimit` counts in KiB.
    pub shell_factor: u64,
    /// What the kernel gives its first process, soft and hard (`include/asm-generic/resource.h`).
    pub default: &'static str,
    /// What it bounds, in one line.
    pub purpose: &'static str,
    /// What surprises people.
    pub notes: &'static [&'static str],
    /// Whether macOS has it.
    pub on_macos: bool,
    /// Whether today's Linux looks at it at all.
    pub has_effect: bool,
}

/// What is known of that limit.
#[must_use]
pub fn limit(resource: Resource) -> &'static LimitRow {
    // The order is that of `Resource`, a test holds it so.
    &ROWS[resource as usize]
}

const PLAIN: LimitRow = LimitRow {
    resource: Resource::Cpu,
    unit: "",
    flag: ' ',
    title: "",
    shell_factor: 1,
    default: "unlimited",
    purpose: "",
    notes: &[],
    on_macos: false,
    has_effect: true,
};

const KIB: LimitRow = LimitRow { unit: "bytes", shell_factor: 1024, on_macos: true, ..PLAIN };

/// bash calls them blocks, of 1024 bytes; in POSIX mode, and in dash, a block is 512 bytes.
const BLOCKS: LimitRow = LimitRow { ..KIB };

static ROWS: [LimitRow; 16] = [
    LimitRow {
        resource: Resource::Cpu,
        unit: "seconds",
        flag: 't',
        title: "cpu time",
        purpose: "processor time of the process",
        notes: &["at the soft limit SIGXCPU comes every second, at the hard one SIGKILL"],
        on_macos: true,
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Fsize,
        flag: 'f',
        title: "file size",
        purpose: "size of a file that the process writes",
        notes: &[
            "beyond it comes SIGXFSZ, and EFBIG where that is ignored",
            "Elasticsearch starts only if it is unlimited",
        ],
        ..BLOCKS
    },
    LimitRow {
        resource: Resource::Data,
        flag: 'd',
        title: "data seg size",
        purpose: "data segment, brk and private writable mappings",
        notes: &["counts private mappings since Linux 4.7"],
        ..KIB
    },
    LimitRow {
        resource: Resource::Stack,
        flag: 's',
        title: "stack size",
        default: "8388608, hard unlimited",
        purpose: "stack of the main thread, and the default stack of new threads",
        notes: &[
            "a quarter of it bounds arguments and environment at execve(2)",
            "unlimited makes glibc give each thread 2 MiB",
        ],
        ..KIB
    },
    LimitRow {
        resource: Resource::Core,
        flag: 'c',
        title: "core file size",
        default: "0, hard unlimited",
        purpose: "size of a core dump; 0 means none",
        notes: &[
            "where kernel.core_pattern is a pipe, the limit counts only as far as that program looks at it (core(5))",
        ],
        ..BLOCKS
    },
    LimitRow {
        resource: Resource::Rss,
        flag: 'm',
        title: "max memory size",
        purpose: "resident memory",
        notes: &[
            "without effect since Linux 2.4.30: the cgroup's memory.max is what bounds it",
            "macOS knows it as another name of `as`",
        ],
        on_macos: false,
        has_effect: false,
        ..KIB
    },
    LimitRow {
        resource: Resource::Nproc,
        unit: "processes and threads",
        flag: 'u',
        title: "max user processes",
        default: "half of kernel.threads-max",
        purpose: "processes and threads of the real user",
        notes: &[
            "counts all of the user's, and not for root, CAP_SYS_RESOURCE or CAP_SYS_ADMIN",
            "the cgroup's pids.max bounds too, and fork gives EAGAIN for both",
        ],
        on_macos: true,
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Nofile,
        unit: "descriptors",
        flag: 'n',
        title: "open files",
        default: "1024, hard 4096; systemd gives services 1024, hard 524288",
        purpose: "one more than the highest file descriptor of the process",
        notes: &[
            "a hard limit above fs.nr_open is refused even to root, and so is unlimited",
            "1073741816 makes programs that close or count every possible descriptor hang for minutes",
            "select(2) can't watch a descriptor from 1024 on, so raise the soft limit only for a service that is known not to",
            "on macOS the lower of it and kern.maxfilesperproc counts, without an error",
        ],
        on_macos: true,
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Memlock,
        flag: 'l',
        title: "max locked memory",
        default: "8388608 (65536 before 5.16)",
        purpose: "memory that the process may lock: mlock(2), io_uring, RDMA",
        notes: &["not for CAP_IPC_LOCK", "BPF maps count against the cgroup's memory instead since 5.11"],
        ..KIB
    },
    LimitRow {
        resource: Resource::As,
        flag: 'v',
        title: "virtual memory",
        purpose: "address space of the process",
        notes: &["Java, Go and sanitizers reserve far more than they use, and fail under it"],
        ..KIB
    },
    LimitRow {
        resource: Resource::Locks,
        unit: "locks",
        flag: 'x',
        title: "file locks",
        purpose: "file locks and leases",
        notes: &["without effect since Linux 2.4.25"],
        has_effect: false,
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Sigpending,
        unit: "signals",
        flag: 'i',
        title: "pending signals",
        default: "half of kernel.threads-max",
        purpose: "signals queued for all processes of the real user",
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Msgqueue,
        unit: "bytes",
        flag: 'q',
        title: "POSIX message queues",
        default: "819200",
        purpose: "POSIX message queues of the real user (mq_overview(7))",
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Nice,
        unit: "20 - nice",
        flag: 'e',
        title: "scheduling priority",
        default: "0",
        purpose: "how far the process may raise its priority: a limit of N allows a nice value of 20 - N",
        notes: &["1 to 40 mean nice 19 to -20"],
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Rtprio,
        unit: "priority",
        flag: 'r',
        title: "real-time priority",
        default: "0",
        purpose: "the highest real-time priority that the process may take, 1 to 99",
        ..PLAIN
    },
    LimitRow {
        resource: Resource::Rttime,
        unit: "microseconds",
        flag: 'R',
        title: "real-time non-blocking time",
        purpose: "processor time under a real-time policy without a blocking call",
        notes: &["at the soft limit SIGXCPU comes every second, at the hard one SIGKILL"],
        ..PLAIN
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_own_row() {
        for resource in Resource::ALL {
            assert_eq!(limit(resource).resource, resource);
        }
    }

    #[test]
    fn flags_differ_and_texts_are_there() {
        for (i, row) in ROWS.iter().enumerate() {
            assert!(ROWS[..i].iter().all(|other| other.flag != row.flag), "-{} twice", row.flag);
            assert!(!row.unit.is_empty() && !row.title.is_empty() && !row.purpose.is_empty(), "{}", row.resource);
        }
        let on_macos = ROWS.iter().filter(|row| row.on_macos).count();
        assert_eq!(on_macos, 9, "getrlimit(2) of macOS has nine");
    }
}
