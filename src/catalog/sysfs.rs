//! Attributes below `/sys`: disks, processors, huge pages. All of the host: `/sys` is read-only in
//! containers but in privileged ones.

use super::row::{FLAG, HOST, OFF_ON, Rare, ReadBack, Row, UINT_MAX, ULONG_MAX, always, number, shape, takes};
use crate::model::value::Kind;

const QUEUE: Row = Row { sources: &["Documentation/ABI/stable/sysfs-block"], ..HOST };
const CPUFREQ: Row = Row {
    notes: &["absent in virtual machines and where the firmware decides"],
    sources: &["Documentation/admin-guide/pm/cpufreq.rst"],
    ..HOST
};
const KSM: Row = Row { sources: &["Documentation/admin-guide/mm/ksm.rst"], ..HOST };
const HUGE: Row = Row { sources: &["Documentation/admin-guide/mm/transhuge.rst"], ..HOST };

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "block/*/queue/nr_requests",
        values: number(1, ULONG_MAX),
        unit: "requests",
        default: always("by the driver"),
        purpose: "requests that may wait for the disk",
        rare: &Rare {
            read_back: Some(ReadBack::Clamped("at least 4, and at most what the driver can hold")),
            ..Rare::NONE
        },
        ..QUEUE
    },
    Row {
        name: "block/*/queue/read_ahead_kb",
        values: number(0, ULONG_MAX),
        unit: "KiB",
        default: always("128"),
        purpose: "how much is read ahead",
        notes: &["databases with random reads want little, streams much"],
        rare: &Rare { read_back: Some(ReadBack::Rounded("rounded down to whole pages")), ..Rare::NONE },
        ..QUEUE
    },
    Row {
        name: "block/*/queue/rq_affinity",
        values: number(0, 2),
        kernel_range: Some(const { &takes(0, 2) }),
        unit: "0 any, 1 the group of processors that asked, 2 the processor",
        default: always("1"),
        purpose: "which processor finishes a request",
        ..QUEUE
    },
    Row {
        name: "block/*/queue/scheduler",
        values: shape(Kind::Choice),
        unit: "none, mq-deadline, kyber, bfq",
        default: always("none for fast disks, mq-deadline for others"),
        purpose: "in which order requests go to the disk",
        ..QUEUE
    },
    Row {
        name: "devices/system/clocksource/clocksource0/current_clocksource",
        values: shape(Kind::Word),
        unit: "name",
        default: always("tsc, kvm-clock, or what is available"),
        purpose: "where the time comes from",
        notes: &["hpet, acpi_pm and xen are slow to read; see available_clocksource"],
        sources: &["Documentation/ABI/testing/sysfs-devices-system-cpu", "Documentation/timers/timekeeping.rst"],
        ..HOST
    },
    Row {
        name: "devices/system/cpu/*/cpufreq/energy_performance_preference",
        values: shape(Kind::Word),
        unit: "performance, balance_performance, balance_power, power",
        default: always("balance_performance"),
        purpose: "what the processor prefers where it chooses its own frequency",
        ..CPUFREQ
    },
    Row {
        name: "devices/system/cpu/*/cpufreq/scaling_governor",
        values: shape(Kind::Word),
        unit: "performance, powersave, schedutil, …",
        default: always("schedutil, or powersave with intel_pstate"),
        purpose: "who chooses the processor's frequency",
        ..CPUFREQ
    },
    Row {
        name: "devices/system/cpu/*/cpufreq/scaling_max_freq",
        values: number(0, UINT_MAX),
        unit: "kHz",
        default: always("the highest there is"),
        purpose: "the highest frequency that is chosen",
        rare: &Rare { read_back: Some(ReadBack::Clamped("brought into the range of the processor")), ..Rare::NONE },
        ..CPUFREQ
    },
    Row {
        name: "devices/system/cpu/*/cpufreq/scaling_min_freq",
        values: number(0, UINT_MAX),
        unit: "kHz",
        default: always("the lowest there is"),
        purpose: "the lowest frequency that is chosen",
        rare: &Rare { read_back: Some(ReadBack::Clamped("brought into the range of the processor")), ..Rare::NONE },
        ..CPUFREQ
    },
    Row {
        name: "devices/system/cpu/cpufreq/boost",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether processors may go beyond their nominal frequency",
        ..CPUFREQ
    },
    Row {
        name: "devices/system/cpu/intel_pstate/no_turbo",
        values: FLAG,
        unit: "0 turbo, 1 no turbo",
        default: always("0"),
        purpose: "whether Intel processors stay at their nominal frequency",
        ..CPUFREQ
    },
    Row {
        name: "devices/system/cpu/smt/control",
        values: shape(Kind::Word),
        unit: "on, off, forceoff, notsupported",
        default: always("on"),
        purpose: "whether the second threads of processors are used",
        rare: &Rare { one_way: Some("forceoff"), ..Rare::NONE },
        sources: &["Documentation/ABI/testing/sysfs-devices-system-cpu"],
        ..HOST
    },
    Row {
        name: "kernel/mm/hugepages/*/nr_hugepages",
        values: number(0, ULONG_MAX),
        unit: "huge pages",
        default: always("0"),
        purpose: "huge pages of a size that are set aside",
        rare: &Rare {
            read_back: Some(ReadBack::Clamped("fewer, where memory is short or in pieces")),
            after: &["vm.compact_memory", "vm.drop_caches"],
            ..Rare::NONE
        },
        sources: &["Documentation/admin-guide/mm/hugetlbpage.rst"],
        ..HOST
    },
    Row {
        name: "kernel/mm/ksm/pages_to_scan",
        values: number(0, UINT_MAX),
        unit: "pages",
        default: always("100"),
        purpose: "pages that are looked at before the search for equal ones rests",
        ..KSM
    },
    Row {
        name: "kernel/mm/ksm/run",
        values: number(0, 2),
        unit: "0 stop, 1 run, 2 stop and separate",
        default: always("0"),
        purpose: "whether equal pages are found and kept once",
        ..KSM
    },
    Row {
        name: "kernel/mm/ksm/sleep_millisecs",
        values: number(0, UINT_MAX),
        unit: "ms",
        default: always("20"),
        purpose: "how long the search for equal pages rests",
        ..KSM
    },
    Row {
        name: "kernel/mm/transparent_hugepage/defrag",
        values: shape(Kind::Choice),
        unit: "always, defer, defer+madvise, madvise, never",
        default: always("madvise"),
        purpose: "whether a program waits for memory to be put together for a huge page",
        notes: &["MongoDB 8 wants defer+madvise"],
        ..HUGE
    },
    Row {
        name: "kernel/mm/transparent_hugepage/enabled",
        values: shape(Kind::Choice),
        unit: "always, madvise, never",
        default: always("always or madvise, by how the kernel was built"),
        purpose: "whether programs get huge pages that they did not ask for",
        notes: &[
            "Redis and MongoDB up to 7 want madvise or never, MongoDB 8 always",
            "a process can switch it off for itself with prctl(PR_SET_THP_DISABLE), without privileges",
        ],
        ..HUGE
    },
    Row {
        name: "kernel/mm/transparent_hugepage/khugepaged/defrag",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether huge pages are also made in the background where memory must be put together",
        ..HUGE
    },
    Row {
        name: "kernel/mm/transparent_hugepage/khugepaged/max_ptes_none",
        values: number(0, 511),
        kernel_range: Some(const { &takes(0, 511) }),
        unit: "pages",
        default: always("511"),
        purpose: "how many pages of a huge page made in the background may have been unused",
        notes: &["0 saves memory; MongoDB 8 wants it"],
        ..HUGE
    },
    Row {
        name: "kernel/mm/transparent_hugepage/khugepaged/pages_to_scan",
        values: number(1, UINT_MAX),
        unit: "pages",
        default: always("4096"),
        purpose: "pages that are looked at before the search for huge pages rests",
        ..HUGE
    },
    Row {
        name: "kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
        values: number(0, UINT_MAX),
        unit: "ms",
        default: always("10000"),
        purpose: "how long the search for huge pages rests",
        ..HUGE
    },
    Row {
        name: "kernel/mm/transparent_hugepage/shmem_enabled",
        values: shape(Kind::Choice),
        unit: "always, within_size, advise, never, deny, force",
        default: always("never"),
        purpose: "whether shared memory and tmpfs get huge pages",
        ..HUGE
    },
    Row {
        name: "kernel/mm/transparent_hugepage/use_zero_page",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether reading unused memory maps one shared huge page of zeros",
        ..HUGE
    },
    Row {
        name: "module/nf_conntrack/parameters/hashsize",
        values: number(1, UINT_MAX),
        unit: "buckets",
        default: always("by memory, at most 262144"),
        purpose: "the size of the table of tracked connections; as net.netfilter.nf_conntrack_buckets",
        rare: &Rare {
            read_back: Some(ReadBack::Rounded("rounded up to what fills whole pages")),
            module: Some("nf_conntrack"),
            ..Rare::NONE
        },
        sources: &["Documentation/networking/nf_conntrack-sysctl.rst"],
        ..HOST
    },
    Row {
        name: "module/zswap/parameters/enabled",
        values: shape(Kind::Word),
        unit: "N off, Y on",
        default: always("N or Y, by how the kernel was built"),
        purpose: "whether pages are compressed in memory before they go to swap",
        sources: &["Documentation/admin-guide/mm/zswap.rst"],
        ..HOST
    },
];
