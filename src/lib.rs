//! tunectl brings kernel settings and resource limits to a profile, reads everything back, and starts the service.

pub mod apply;
pub mod builtin;
pub mod catalog;
pub mod cli;
pub mod commands;
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
pub mod profile;
pub mod profile_store;
pub mod report;
pub mod snippet;
pub mod sys;
pub mod watch;
