//! `vm`: memory, swap, writing back, huge pages. All of the host but one.

use super::row::{
    ADMIN_VM, ANY_INT, Access, BY_TICK, Bounds, FLAG, HOST, INT_MAX, OFF_ON, Rare, ReadBack, Row, TICKS,
    TICKS_SECONDS_MAX, ULONG_MAX, always, never_changed, number, since, takes,
};
use super::scope::Scope;
use super::version::KernelVersion;

const VM: Row = Row { sources: &[ADMIN_VM], ..HOST };

/// A share of memory, in percent.
const SHARE: Row = Row { values: number(0, 100), unit: "percent of available memory", ..VM };

const HUGE: Row = Row { sources: &["Documentation/admin-guide/mm/hugetlbpage.rst"], ..HOST };

const OVERCOMMIT: Row = Row { sources: &["proc(5)", "Documentation/mm/overcommit-accounting.rst"], ..HOST };

pub(super) static ROWS: &[Row] = &[
    Row {
        name: "vm.admin_reserve_kbytes",
        values: number(0, ULONG_MAX),
        unit: "KiB",
        default: always("8192, or 3% of memory if that is less"),
        purpose: "memory kept for processes with CAP_SYS_ADMIN",
        ..VM
    },
    Row {
        name: "vm.block_dump",
        values: FLAG,
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether reads and writes of disks are logged",
        notes: &["tracepoints of block tell the same"],
        rare: &Rare { removed_in: Some(KernelVersion(5, 14)), ..Rare::NONE },
        ..VM
    },
    Row {
        name: "vm.compact_memory",
        values: number(1, 1),
        unit: "1 does it",
        default: always("none"),
        purpose: "moves pages together so that large free blocks appear",
        notes: &["up to 6.1 every number does it"],
        access: Access::WriteOnly,
        ..VM
    },
    Row {
        name: "vm.compaction_proactiveness",
        values: number(0, 100),
        unit: "0 off to 100",
        default: always("20"),
        purpose: "how eagerly memory is compacted in the background",
        ..VM
    },
    Row {
        name: "vm.dirty_background_bytes",
        values: number(1, ULONG_MAX),
        unit: "bytes",
        default: always("0, which means that the ratio counts"),
        purpose: "dirty memory at which writing back begins in the background",
        notes: &["sets dirty_background_ratio to 0; to undo, write that one: 0 is refused here"],
        ..VM
    },
    Row {
        name: "vm.dirty_background_ratio",
        default: always("10"),
        purpose: "dirty memory at which writing back begins in the background",
        notes: &["sets dirty_background_bytes to 0"],
        ..SHARE
    },
    Row {
        name: "vm.dirty_bytes",
        values: number(8192, ULONG_MAX),
        unit: "bytes",
        default: always("0, which means that the ratio counts"),
        purpose: "dirty memory at which a process that writes has to write back itself",
        notes: &["sets dirty_ratio to 0; to undo, write that one: 0 is refused here, and so is less than two pages"],
        ..VM
    },
    Row {
        name: "vm.dirty_expire_centisecs",
        values: number(0, INT_MAX),
        unit: "1/100 s",
        default: always("3000"),
        purpose: "how old dirty data is when it has to be written back",
        ..VM
    },
    Row {
        name: "vm.dirty_ratio",
        default: always("20"),
        purpose: "dirty memory at which a process that writes has to write back itself",
        notes: &["sets dirty_bytes to 0"],
        ..SHARE
    },
    Row {
        name: "vm.dirty_writeback_centisecs",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "1/100 s, 0 never",
        default: always("500"),
        purpose: "how often the kernel looks for old dirty data to write back",
        ..VM
    },
    Row {
        name: "vm.drop_caches",
        values: number(1, 4),
        unit: "1 pages, 2 dentries and inodes, 3 both, 4 quietly",
        default: always("none"),
        purpose: "drops clean caches",
        notes: &["an order, not a setting: it costs the reads that fill the caches again"],
        access: Access::WriteOnly,
        ..VM
    },
    Row {
        name: "vm.extfrag_threshold",
        values: number(0, 1000),
        unit: "0 to 1000",
        default: always("500"),
        purpose: "how fragmented memory must be for compaction to be tried before reclaim",
        ..VM
    },
    Row {
        name: "vm.hugetlb_shm_group",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "group id",
        default: always("0"),
        purpose: "the group that may make System V shared memory of huge pages",
        ..HUGE
    },
    Row {
        name: "vm.laptop_mode",
        values: number(0, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds, 0 off",
        default: always("0"),
        purpose: "how long after a read other disk activity is done too, so that the disk can rest",
        ..VM
    },
    Row {
        name: "vm.max_map_count",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "mappings per process",
        default: always("65530; 1048576 in Fedora 39, Ubuntu 24.04 and Arch"),
        purpose: "memory mappings that a process may have; beyond it mmap(2) gives ENOMEM",
        notes: &["Elasticsearch and OpenSearch do not start below 262144, Elasticsearch advises 1048576"],
        ..VM
    },
    Row {
        name: "vm.memfd_noexec",
        values: number(0, 2),
        unit: "0 executable, 1 not unless asked for, 2 never",
        scope: never_changed(Scope::PidNs),
        default: always("0"),
        purpose: "whether files of memfd_create(2) can be executed",
        notes: &["a child PID namespace can't go below its parent"],
        rare: &Rare { capability: Some("CAP_SYS_ADMIN"), since: Some(KernelVersion(6, 3)), ..Rare::NONE },
        sources: &["memfd_create(2)", "Documentation/userspace-api/mfd_noexec.rst"],
        ..VM
    },
    Row {
        name: "vm.min_free_kbytes",
        values: number(1, INT_MAX),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "KiB",
        default: always("by memory"),
        purpose: "memory that is kept free for what can't wait",
        notes: &["a large part of memory here makes the machine run out of it at once"],
        ..VM
    },
    Row {
        name: "vm.min_slab_ratio",
        values: number(0, 100),
        unit: "percent of a node",
        default: always("5"),
        purpose: "reclaimable slab above which a node reclaims its own; needs zone_reclaim_mode",
        ..VM
    },
    Row {
        name: "vm.min_unmapped_ratio",
        values: number(0, 100),
        unit: "percent of a node",
        default: always("1"),
        purpose: "unmapped page cache above which a node reclaims its own; needs zone_reclaim_mode",
        ..VM
    },
    Row {
        name: "vm.mmap_min_addr",
        values: number(0, ULONG_MAX),
        unit: "bytes",
        default: always("4096 or 65536"),
        purpose: "the lowest address that a process may map",
        rare: &Rare { capability: Some("CAP_SYS_RAWIO"), ..Rare::NONE },
        ..VM
    },
    Row {
        name: "vm.nr_hugepages",
        values: number(0, ULONG_MAX),
        unit: "huge pages",
        default: always("0"),
        purpose: "huge pages that are set aside",
        notes: &[
            "they are gone for everything else",
            "5.10 takes a negative number without an error and changes nothing",
        ],
        rare: &Rare {
            read_back: Some(ReadBack::Clamped("fewer, where memory is short or in pieces")),
            after: &["vm.compact_memory", "vm.drop_caches"],
            ..Rare::NONE
        },
        ..HUGE
    },
    Row {
        name: "vm.nr_overcommit_hugepages",
        values: number(0, ULONG_MAX),
        unit: "huge pages",
        default: always("0"),
        purpose: "huge pages that may be made on demand beyond nr_hugepages",
        ..HUGE
    },
    Row {
        name: "vm.numa_stat",
        values: FLAG,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether NUMA hits and misses are counted",
        ..VM
    },
    Row {
        name: "vm.oom_dump_tasks",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("1"),
        purpose: "whether the kernel lists all tasks in the log when memory runs out",
        ..VM
    },
    Row {
        name: "vm.oom_kill_allocating_task",
        values: FLAG,
        kernel_range: ANY_INT,
        unit: OFF_ON,
        default: always("0"),
        purpose: "whether the task that asked is killed when memory runs out, rather than the worst one",
        ..VM
    },
    Row {
        name: "vm.overcommit_kbytes",
        values: number(0, ULONG_MAX),
        unit: "KiB",
        default: always("0, which means that the ratio counts"),
        purpose: "memory besides swap that may be promised where overcommit_memory is 2",
        notes: &["sets overcommit_ratio to 0"],
        ..OVERCOMMIT
    },
    Row {
        name: "vm.overcommit_memory",
        values: number(0, 2),
        unit: "0 guess, 1 always promise, 2 never more than there is",
        default: always("0"),
        purpose: "whether more memory is promised than there is",
        notes: &["Redis wants 1, PostgreSQL 2, and MongoDB warns of 2"],
        rare: &Rare { after: &["vm.overcommit_kbytes", "vm.overcommit_ratio"], ..Rare::NONE },
        ..OVERCOMMIT
    },
    Row {
        name: "vm.overcommit_ratio",
        values: number(0, INT_MAX),
        kernel_range: ANY_INT,
        unit: "percent of memory",
        default: always("50"),
        purpose: "memory besides swap that may be promised where overcommit_memory is 2",
        notes: &["sets overcommit_kbytes to 0"],
        ..OVERCOMMIT
    },
    Row {
        name: "vm.page-cluster",
        values: number(0, 31),
        kernel_range: Some(
            const { &since(Bounds { min: 0, max: INT_MAX }, &[(KernelVersion(6, 12), Bounds { min: 0, max: 31 })]) },
        ),
        unit: "power of two of pages, 0 one page",
        default: always("3"),
        purpose: "how much is read from swap at once",
        ..VM
    },
    Row {
        name: "vm.panic_on_oom",
        values: number(0, 2),
        unit: "0 never, 1 except for a cpuset or policy, 2 always",
        default: always("0"),
        purpose: "whether the machine panics when memory runs out",
        ..VM
    },
    Row {
        name: "vm.percpu_pagelist_fraction",
        values: number(0, INT_MAX),
        unit: "1/n of each zone, 0 the kernel's choice",
        default: always("0"),
        purpose: "the most pages that each processor keeps on its own list",
        rare: &Rare { removed_in: Some(KernelVersion(5, 14)), ..Rare::NONE },
        notes: &["became percpu_pagelist_high_fraction in 5.14; 1 to 7 are refused"],
        ..VM
    },
    Row {
        name: "vm.percpu_pagelist_high_fraction",
        values: number(0, INT_MAX),
        unit: "1/n of each zone, 0 the kernel's choice",
        default: always("0"),
        purpose: "the most pages that all processors together keep on their own lists",
        notes: &["1 to 7 are refused"],
        rare: &Rare { since: Some(KernelVersion(5, 14)), ..Rare::NONE },
        ..VM
    },
    Row {
        name: "vm.stat_interval",
        values: number(1, TICKS_SECONDS_MAX),
        kernel_range: TICKS,
        rare: &Rare { range_varies: BY_TICK, ..Rare::NONE },
        unit: "seconds",
        default: always("1"),
        purpose: "how often memory statistics are brought up to date",
        ..VM
    },
    Row {
        name: "vm.swappiness",
        values: number(0, 200),
        unit: "0 to 200",
        default: always("60"),
        purpose: "how readily anonymous memory is swapped out rather than page cache dropped",
        notes: &["0 does not switch swap off", "a cgroup of version 1 has one of its own"],
        ..VM
    },
    Row {
        name: "vm.unprivileged_userfaultfd",
        values: FLAG,
        unit: OFF_ON,
        default: since("1", &[(KernelVersion(5, 11), "0")]),
        purpose: "whether userfaultfd(2) is open to processes without CAP_SYS_PTRACE",
        sources: &["userfaultfd(2)", ADMIN_VM],
        ..VM
    },
    Row {
        name: "vm.user_reserve_kbytes",
        values: number(0, ULONG_MAX),
        unit: "KiB",
        default: always("131072, or 3% of memory if that is less"),
        purpose: "memory kept from a single process where overcommit_memory is 2",
        ..VM
    },
    Row {
        name: "vm.vfs_cache_pressure",
        values: number(0, INT_MAX),
        unit: "percent",
        default: always("100"),
        purpose: "how readily dentries and inodes are dropped, against page cache and swap",
        notes: &["0 never drops them and runs out of memory"],
        ..VM
    },
    Row {
        name: "vm.watermark_boost_factor",
        values: number(0, INT_MAX),
        unit: "1/10000, 0 off",
        default: always("15000"),
        purpose: "how far reclaim goes beyond the mark when memory has got into pieces",
        ..VM
    },
    Row {
        name: "vm.watermark_scale_factor",
        values: number(1, 3000),
        unit: "1/10000 of memory",
        default: always("10"),
        purpose: "how far apart the marks are at which background reclaim wakes and sleeps",
        ..VM
    },
    Row {
        name: "vm.zone_reclaim_mode",
        values: number(0, 7),
        kernel_range: Some(const { &takes(0, INT_MAX) }),
        unit: "bits: 1 on, 2 write dirty pages, 4 swap",
        default: always("0"),
        purpose: "whether a NUMA node frees its own memory before it takes from another",
        notes: &["MongoDB and Cassandra want 0"],
        ..VM
    },
];
