//! tunectl brings kernel settings and resource limits to a profile, reads everything back, and starts the service.
//!
//! This is the library of the program `tunectl`: its parts, for the program, its tests and its benchmarks. Data flows one
//! way through them, as types: a profile becomes requirements, a plan, a report, and a diagnosis, and text is made of
//! that at the end. A room imports only from floors below its own. `docs/ARCHITECTURE.md` walks through it.
//!
//! | floor | room | what it does |
//! | --- | --- | --- |
//! | 8 | [`commands`] | the subcommands, one file each, which list their steps |
//! | 7 | [`watch`], [`init`], `bench`, [`persist`] | watching for drift; supervising the service; load-test runs; files that outlive the boot |
//! | 6 | [`output`], [`cli`] | reports, causes and remedies as text, JSON and metrics; the command line |
//! | 5 | [`diagnose`] | why a setting falls short, and what to do: causes and container runtimes, one file each |
//! | 5 | [`verdict`] | what limited a load test, from counters: one rule a file |
//! | 5 | [`apply`], [`formats`] | carrying a plan out, and undoing it; configuration files of other programs |
//! | 4 | [`journal`], [`exec`] | what was changed, for `revert`; executing the service with its user and rights |
//! | 4 | [`report`], [`preflight`] | outcomes of settings; what a load test asks of the machine |
//! | 3 | [`plan`], [`counters`], [`profile_store`] | requirements and current values to steps; what the kernel counts; where profiles come from |
//! | 2 | [`environment`], [`builtin`] | where we run: namespaces, container, rights; the profiles compiled in |
//! | 1 | [`profile`], [`catalog`] | TOML to types, and its lints; what is known of each setting, as data |
//! | 1 | [`kernel`], [`linux`] | the trait of a kernel's settings, with Linux, macOS and one in memory; /proc, namespaces, netlink |
//! | 0 | [`model`], [`snippet`], [`sys`] | vocabulary; source lines with a caret; system calls and all `unsafe` |

pub mod apply;
#[cfg(feature = "bench")]
pub mod bench;
pub mod builtin;
pub mod catalog;
pub mod cli;
pub mod commands;
pub mod counters;
pub mod diagnose;
pub mod environment;
pub mod exec;
pub mod formats;
pub mod init;
pub mod journal;
pub mod kernel;
pub mod linux;
pub mod model;
pub mod output;
pub mod persist;
pub mod plan;
pub mod preflight;
pub mod profile;
pub mod profile_store;
pub mod report;
pub mod snippet;
pub mod sys;
pub mod verdict;
pub mod watch;
