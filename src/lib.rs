//! tunectl brings kernel settings and resource limits to a profile, reads everything back, and starts the service.

pub mod apply;
pub mod builtin;
pub mod catalog;
pub mod cite;
pub mod cli;
pub mod commands;
pub mod context;
pub mod diagnose;
pub mod exec;
pub mod formats;
pub mod init;
pub mod journal;
pub mod kernel;
pub mod library;
pub mod listeners;
pub mod model;
pub mod output;
pub mod persist;
pub mod plan;
pub mod profile;
pub mod report;
pub mod sys;
pub mod visit;
pub mod watch;
