//! `kernel` up to `printk`: names, dumps, message queues, panics, tracing, processes.

use super::row::{
    ADMIN_KERNEL, ANY_INT, BY_TICK, Bounds, Docker, FLAG, HOST, INT_MAX, IPC, OFF_ON, Rare, ReadBack, Row, UINT_MAX,
    UTS, always, changed, number, numbers, shape, since, takes,
};
use super::scope::Scope;
use super::version::KernelVersion;
use crate::model::value::Kind;

const KERNEL: Row = Row { sources: &[ADMIN_KERNEL], ..HOST };
const MESSAGES: Row = Row { sources: &["sysvipc(7)", "msgop(2)", ADMIN_KERNEL], ..IPC };
const KEYS: Row = Row { sources: &["keyrings(7)", "Documentation/security/keys/core.rst"], ..HOST };
const PERF: Row = Row { sources: &["perf_event_open(2)", ADMIN_KERNEL], ..HOST };
const HOST_NAME: Row = Row {
    values: shape(Kind::Text),
    unit: "at most 64 bytes",
    docker: Docker::Refused,
    sources: &["uts_namespaces(7)"],
    ..UTS
};

/// Negative numbers for an `unsigned long`.
const NEGATIVE_IGNORED: &[&str] = &["5.10 takes a negative number without an error and changes nothing"];

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "kernel.core_pattern",
        values: shape(Kind::Text),
        unit: "at most 127 bytes",
        default: always("core; systemd and apport pipe it to a program"),
        purpose: "the name of a core dump, or the program that it is piped to",
        notes: &["the one of the host counts for containers too, and a piped program runs on the host as root"],
        sources: &["core(5)", ADMIN_KERNEL],
        ..KERNEL
    },
    Row {
        name: "kernel.core_pipe_limit",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "dumps, 0 no bound",
        default: always("0"),
        purpose: "core dumps that may be piped at one time",
        sources: &["core(5)", ADMIN_KERNEL],
        ..KERNEL
    },
    Row {
        name: "kernel.core_uses_pid",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether the process's number is appended to the name of its core dump",
        sources: &["core(5)", ADMIN_KERNEL],
        ..KERNEL
    },
    Row {
        name: "kernel.dmesg_restrict",
        values: FLAG,
        unit: OFF_ON,
        default: always("0; Debian and others 1"),
        purpose: "whether reading the kernel's log needs CAP_SYSLOG",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.domainname",
        default: always("(none)"),
        purpose: "the NIS domain name",
        notes: &["docker refuses it as a sysctl, --domainname sets it"],
        ..HOST_NAME
    },
    Row {
        name: "kernel.hostname",
        default: always("(none)"),
        purpose: "the host name",
        notes: &["docker refuses it as a sysctl, --hostname sets it"],
        ..HOST_NAME
    },
    Row {
        name: "kernel.hung_task_panic",
        values: FLAG,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether the machine panics when a task hangs",
        ..KERNEL
    },
    Row {
        name: "kernel.hung_task_timeout_secs",
        values: number(0, 92_233_720_368_547_758),
        kernel_range: Some(const { &takes(0, 9_223_372_036_854_775) }),
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds, 0 never",
        default: always("120"),
        purpose: "how long a task may sleep uninterruptibly before the kernel warns of it",
        notes: NEGATIVE_IGNORED,
        ..KERNEL
    },
    Row {
        name: "kernel.hung_task_warnings",
        values: number(-1, INT_MAX),
        unit: "warnings, -1 no bound",
        default: always("10"),
        purpose: "how many hung tasks are still warned of; counts down",
        ..KERNEL
    },
    Row {
        name: "kernel.io_uring_disabled",
        values: number(0, 2),
        unit: "0 for all, 1 for io_uring_group and CAP_SYS_ADMIN, 2 for none",
        default: always("0"),
        purpose: "who may make an io_uring",
        rare: &Rare { since: Some(KernelVersion(6, 6)), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.io_uring_group",
        values: number(-1, UINT_MAX),
        unit: "group id, -1 none",
        default: always("-1"),
        purpose: "the group that may make an io_uring where io_uring_disabled is 1",
        rare: &Rare { since: Some(KernelVersion(6, 6)), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.kexec_load_disabled",
        values: FLAG,
        kernel_range: Some(const { &takes(1, 1) }),
        unit: "0 allowed, 1 forbidden",
        default: always("0"),
        purpose: "whether another kernel can be loaded for kexec",
        rare: &Rare { one_way: Some("1"), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.keys.maxbytes",
        values: number(1, INT_MAX),
        unit: "bytes per user",
        default: always("20000"),
        purpose: "what the keys of an unprivileged user may take",
        ..KEYS
    },
    Row {
        name: "kernel.keys.maxkeys",
        values: number(1, INT_MAX),
        unit: "keys per user",
        default: always("200"),
        purpose: "keys that an unprivileged user may have",
        notes: &["every container has a keyring that counts against its user: hosts with many run out (EDQUOT)"],
        ..KEYS
    },
    Row {
        name: "kernel.keys.root_maxbytes",
        values: number(1, INT_MAX),
        unit: "bytes",
        default: always("25000000"),
        purpose: "what root's keys may take",
        ..KEYS
    },
    Row {
        name: "kernel.keys.root_maxkeys",
        values: number(1, INT_MAX),
        unit: "keys",
        default: always("1000000"),
        purpose: "keys that root may have",
        ..KEYS
    },
    Row {
        name: "kernel.kptr_restrict",
        values: number(0, 2),
        unit: "0 shown hashed, 1 hidden without CAP_SYSLOG, 2 hidden",
        default: always("0"),
        purpose: "whether the kernel shows its addresses",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.modules_disabled",
        values: FLAG,
        kernel_range: Some(const { &takes(1, 1) }),
        unit: "0 allowed, 1 forbidden",
        default: always("0"),
        purpose: "whether modules can be loaded and removed",
        notes: &["after it nothing that needs a module can be set"],
        rare: &Rare { one_way: Some("1"), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.msgmax",
        values: number(0, INT_MAX),
        unit: "bytes",
        default: always("8192"),
        purpose: "the largest System V message",
        ..MESSAGES
    },
    Row {
        name: "kernel.msgmnb",
        values: number(0, INT_MAX),
        unit: "bytes",
        default: always("16384"),
        purpose: "what a System V message queue may hold",
        ..MESSAGES
    },
    Row {
        name: "kernel.msgmni",
        values: number(0, 16_777_216),
        kernel_range: Some(const { &takes(0, 32768) }),
        unit: "queues",
        default: always("32000"),
        purpose: "System V message queues that the IPC namespace may have",
        notes: &["above 32768 only where the kernel was booted with ipcmni_extend"],
        ..MESSAGES
    },
    Row {
        name: "kernel.nmi_watchdog",
        values: FLAG,
        unit: OFF_ON,
        default: always("1; 0 in most virtual machines"),
        purpose: "whether hard lockups are looked for, with a performance counter of each processor",
        notes: &["read-only on a machine without such a counter"],
        ..KERNEL
    },
    Row {
        name: "kernel.numa_balancing",
        values: number(0, 4),
        kernel_range: Some(
            const { &since(Bounds { min: 0, max: 1 }, &[(KernelVersion(5, 18), Bounds { min: 0, max: 4 })]) },
        ),
        unit: "0 off, 1 on, bits 1 and 2 since 5.18",
        default: always("1 on a machine of several nodes, else 0"),
        purpose: "whether memory is moved to the node that uses it",
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), ..Rare::NONE },
        ..KERNEL
    },
    Row {
        name: "kernel.panic",
        values: number(-1, INT_MAX),
        kernel_range: ANY_INT,
        unit: "seconds, 0 never, -1 at once",
        default: always("0"),
        purpose: "how long after a panic the machine boots again",
        ..KERNEL
    },
    Row {
        name: "kernel.panic_on_oops",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether a fault of the kernel makes the machine panic",
        ..KERNEL
    },
    Row {
        name: "kernel.perf_cpu_time_max_percent",
        values: number(0, 100),
        unit: "percent",
        default: always("25"),
        purpose: "processor time that sampling may take before the kernel slows it down",
        notes: &["0 and 100 switch that off, and make perf_event_max_sample_rate refuse every value"],
        ..PERF
    },
    Row {
        name: "kernel.perf_event_max_sample_rate",
        values: number(1, INT_MAX),
        unit: "samples per second",
        default: always("100000"),
        purpose: "the highest rate of sampling",
        rare: &Rare {
            read_back: Some(ReadBack::Changed("lower, once the kernel found sampling to take too long")),
            after: &["kernel.perf_cpu_time_max_percent"],
            ..Rare::NONE
        },
        ..PERF
    },
    Row {
        name: "kernel.perf_event_max_stack",
        values: number(0, 655_360),
        unit: "frames",
        default: always("127"),
        purpose: "how deep a sampled call chain may be",
        notes: &["refused with EBUSY while sampling of call chains goes on"],
        ..PERF
    },
    Row {
        name: "kernel.perf_event_mlock_kb",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "KiB per processor",
        default: always("516"),
        purpose: "buffers of perf that do not count as locked memory of the user",
        ..PERF
    },
    Row {
        name: "kernel.perf_event_paranoid",
        values: number(-1, 4),
        kernel_range: ANY_INT,
        unit: "-1 all to 2 own processes only; Debian 3 and Ubuntu 4 nothing",
        default: always("2; Debian 3, Ubuntu 4"),
        purpose: "what may be measured without CAP_PERFMON",
        ..PERF
    },
    Row {
        name: "kernel.pid_max",
        values: number(301, 4_194_304),
        unit: "process numbers",
        scope: changed(Scope::Host, KernelVersion(6, 14), Scope::PidNs),
        default: always("32768, more on machines of many processors; systemd sets 4194304"),
        purpose: "one more than the highest process number",
        notes: &["each PID namespace has its own since 6.14, which starts at 4194304; runtimes still refuse it"],
        sources: &["proc(5)", ADMIN_KERNEL],
        ..KERNEL
    },
    Row {
        name: "kernel.printk",
        values: numbers(4, 0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "levels: console, default, lowest, default of the console",
        default: always("7 4 1 7"),
        purpose: "which messages of the kernel reach the console",
        sources: &["syslog(2)", ADMIN_KERNEL],
        ..KERNEL
    },
    Row {
        name: "kernel.pty.max",
        values: number(0, INT_MAX),
        unit: "pseudo-terminals",
        default: always("4096"),
        purpose: "pseudo-terminals that all may have open",
        sources: &["pty(7)", ADMIN_KERNEL],
        ..KERNEL
    },
    Row {
        name: "kernel.randomize_va_space",
        values: number(0, 2),
        kernel_range: ANY_INT,
        unit: "0 off, 1 stack and mappings, 2 heap too",
        default: always("2"),
        purpose: "whether addresses of new programs are random",
        notes: &[
            "measure with it on and off: LLVM's guide wants 0, pyperf 2; setarch -R switches it off for one program",
        ],
        ..KERNEL
    },
];
