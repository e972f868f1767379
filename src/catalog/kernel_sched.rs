//! `kernel` from `sched` on: scheduling, shared memory, semaphores, watchdogs, hardening.

use super::row::{
    ADMIN_KERNEL, ANY_INT, FLAG, HOST, INT_MAX, IPC, Kubernetes, OFF_ON, Rare, ReadBack, Row, ULONG_MAX, always,
    number, numbers, since, takes,
};
use super::version::KernelVersion;

const KERNEL: Row = Row { sources: &[ADMIN_KERNEL], ..HOST };
const SCHED: Row = Row { sources: &["sched(7)", ADMIN_KERNEL], ..HOST };
const SYSV: Row = Row { sources: &["sysvipc(7)", ADMIN_KERNEL], ..IPC };

/// A knob of the scheduler that kernels before 5.13 have.
const GONE: Row = Row {
    values: number(0, INT_MAX),
    unit: "ns",
    default: always("by the count of processors"),
    notes: &["moved in 5.13 to /sys/kernel/debug/sched, where it is no sysctl, and changed its meaning in 6.6 (EEVDF)"],
    rare: &Rare { removed_in: Some(KernelVersion(5, 13)), ..Rare::NONE },
    sources: &["sched(7)", "kernel/sched/debug.c"],
    ..HOST
};

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "kernel.sched_autogroup_enabled",
        values: FLAG,
        unit: OFF_ON,
        default: always("1 where it was built in; Debian 0 up to 6.1"),
        purpose: "whether each session is a group of its own for the scheduler",
        ..SCHED
    },
    Row {
        name: "kernel.sched_cfs_bandwidth_slice_us",
        values: number(1, INT_MAX),
        unit: "microseconds",
        default: always("5000"),
        purpose: "how much of its quota a cgroup hands to a processor at once",
        notes: &["smaller wastes less of a small quota, and costs more locking"],
        ..SCHED
    },
    Row {
        name: "kernel.sched_child_runs_first",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether a child runs before its parent after fork(2)",
        notes: &["did nothing on 6.6 (EEVDF)"],
        rare: &Rare { removed_in: Some(KernelVersion(6, 7)), ..Rare::NONE },
        ..SCHED
    },
    Row { name: "kernel.sched_latency_ns", purpose: "the time in which every task gets to run once", ..GONE },
    Row {
        name: "kernel.sched_migration_cost_ns",
        purpose: "how long a task counts as warm in a processor's cache",
        ..GONE
    },
    Row { name: "kernel.sched_min_granularity_ns", purpose: "the shortest time that a task runs", ..GONE },
    Row {
        name: "kernel.sched_rr_timeslice_ms",
        values: number(-1, INT_MAX),
        kernel_range: ANY_INT,
        unit: "ms, 0 or less the default",
        default: always("100"),
        purpose: "the time slice of SCHED_RR",
        rare: &Rare { read_back: Some(ReadBack::Rounded("rounded to clock ticks")), ..Rare::NONE },
        ..SCHED
    },
    Row {
        name: "kernel.sched_rt_period_us",
        values: number(1, INT_MAX),
        unit: "microseconds",
        default: always("1000000"),
        purpose: "the period in which real-time tasks may run for sched_rt_runtime_us",
        notes: &["refused where it would be below sched_rt_runtime_us"],
        ..SCHED
    },
    Row {
        name: "kernel.sched_rt_runtime_us",
        values: number(-1, INT_MAX),
        unit: "microseconds of each period, -1 no bound",
        default: since("950000", &[(KernelVersion(7, 2), "1000000")]),
        purpose: "how much of each period real-time tasks may take",
        notes: &["at most sched_rt_period_us", "0 gives EBUSY on 7.2"],
        rare: &Rare { after: &["kernel.sched_rt_period_us"], ..Rare::NONE },
        ..SCHED
    },
    Row {
        name: "kernel.sched_schedstats",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether the scheduler counts waits and delays",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), ..Rare::NONE },
        ..SCHED
    },
    Row {
        name: "kernel.sched_wakeup_granularity_ns",
        purpose: "how far a woken task must be behind to run at once",
        ..GONE
    },
    Row {
        name: "kernel.sem",
        values: numbers(4, 0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "per set, in all, per call, sets",
        default: always("32000 1024000000 500 32000"),
        purpose: "System V semaphores: SEMMSL, SEMMNS, SEMOPM and SEMMNI",
        notes: &[
            "the fourth is at most 32768 (16777216 with ipcmni_extend), else ERANGE",
            "of fewer than four numbers the rest stay as they were",
        ],
        sources: &["semget(2)", "sysvipc(7)", ADMIN_KERNEL],
        ..SYSV
    },
    Row {
        name: "kernel.shm_rmid_forced",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether a shared memory segment goes when nobody has it attached",
        kubernetes: Kubernetes::Safe { since: "1.4" },
        ..SYSV
    },
    Row {
        name: "kernel.shmall",
        values: number(0, ULONG_MAX),
        unit: "pages",
        default: always("18446744073692774399"),
        purpose: "System V shared memory in the whole IPC namespace",
        notes: &[
            "in pages, where shmmax is in bytes",
            "5.10 takes a negative number without an error and changes nothing",
        ],
        ..SYSV
    },
    Row {
        name: "kernel.shmmax",
        values: number(0, ULONG_MAX),
        unit: "bytes",
        default: always("18446744073692774399"),
        purpose: "the largest System V shared memory segment",
        notes: &["5.10 takes a negative number without an error and changes nothing"],
        ..SYSV
    },
    Row {
        name: "kernel.shmmni",
        values: number(0, 16_777_216),
        kernel_range: Some(const { &takes(0, 32768) }),
        unit: "segments",
        default: always("4096"),
        purpose: "System V shared memory segments that the IPC namespace may have",
        notes: &["above 32768 only where the kernel was booted with ipcmni_extend"],
        ..SYSV
    },
    Row {
        name: "kernel.softlockup_panic",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether the machine panics when a processor is stuck in the kernel",
        ..KERNEL
    },
    Row {
        name: "kernel.split_lock_mitigate",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether a program that locks across two cache lines is slowed down",
        rare: &Rare { since: Some(KernelVersion(6, 2)), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.sysctl_writes_strict",
        values: number(-1, 1),
        unit: "-1 old way, 0 warn, 1 strict",
        default: always("1"),
        purpose: "what a write at an offset does to a sysctl file: under 1 nothing, and it succeeds",
        ..KERNEL
    },
    Row {
        name: "kernel.sysrq",
        values: number(0, 511),
        kernel_range: ANY_INT,
        unit: "0 off, 1 all, or a bit mask",
        default: always("1; Debian 438, systemd 16"),
        purpose: "which orders the magic SysRq key takes",
        sources: &["Documentation/admin-guide/sysrq.rst"],
        ..KERNEL
    },
    Row {
        name: "kernel.task_delayacct",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether the time that tasks wait for disk and memory is counted, as iotop needs",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), since: Some(KernelVersion(5, 14)), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.threads-max",
        values: number(20, 1_073_741_823),
        kernel_range: Some(const { &takes(1, 1_073_741_823) }),
        unit: "tasks",
        default: always("so many that their stacks take an eighth of memory"),
        purpose: "tasks that the whole machine may have",
        notes: &["half of it is the kernel's own limit for a user's processes (nproc)"],
        ..KERNEL
    },
    Row {
        name: "kernel.timer_migration",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether timers move from an idle processor to a busy one",
        ..KERNEL
    },
    Row {
        name: "kernel.unprivileged_bpf_disabled",
        values: number(0, 2),
        unit: "0 allowed, 1 forbidden for good, 2 forbidden",
        default: since("0", &[(KernelVersion(5, 16), "2")]),
        purpose: "whether bpf(2) is open to processes without CAP_BPF",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), one_way: Some("1"), ..Rare::NONE },
        sources: &["bpf(2)", ADMIN_KERNEL],
        ..KERNEL
    },
    Row {
        name: "kernel.unprivileged_userns_clone",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("1; 0 in Debian 10 and older"),
        purpose: "whether ordinary users may make user namespaces",
        notes: &["only in kernels of Debian and some others"],
        sources: &["user_namespaces(7)"],
        ..KERNEL
    },
    Row {
        name: "kernel.watchdog",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether soft and hard lockups are looked for",
        ..KERNEL
    },
    Row {
        name: "kernel.watchdog_thresh",
        values: number(0, 60),
        unit: "seconds, 0 off",
        default: always("10"),
        purpose: "how long a processor may be stuck before that counts as a lockup",
        ..KERNEL
    },
    Row {
        name: "kernel.yama.ptrace_scope",
        values: number(0, 3),
        unit: "0 same user, 1 descendants, 2 CAP_SYS_PTRACE, 3 nobody for good",
        default: always("1; Debian 0"),
        purpose: "which processes a debugger may attach to",
        rare: &Rare { capability: Some("CAP_SYS_PTRACE"), one_way: Some("3"), ..Rare::NONE },
        notes: &["only where the kernel has the Yama module of security"],
        sources: &["ptrace(2)", "Documentation/admin-guide/LSM/Yama.rst"],
        ..KERNEL
    },
];
