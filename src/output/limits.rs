//! What `ulimit -a` prints, both sides of it.

use std::fmt::Write;

use serde::Serialize;

use crate::catalog;
use crate::linux::process::NamedProcess;
use crate::model::limit::{Limits, Resource};

use super::Format;
use super::json::{SCHEMA_VERSION, ValueJson, written};

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    tunectl: &'static str,
    command: &'static str,
    pid: i32,
    name: Option<&'a str>,
    limits: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    limit: &'static str,
    soft: ValueJson<'static>,
    hard: ValueJson<'static>,
    unit: &'static str,
    title: &'static str,
    ulimit_flag: String,
    ulimit_factor: u64,
}

/// The limits of a process in one of the forms.
#[must_use]
pub fn limits(process: &NamedProcess, limits: &[(Resource, Limits)], format: Format) -> String {
    match format {
        Format::Json => document(process, limits),
        Format::Text | Format::Prometheus => table(limits),
    }
}

/// A table of the limits, in the kernel's units, which are those of profiles and of `docker run --ulimit`.
fn table(limits: &[(Resource, Limits)]) -> String {
    let mut text = String::new();
    let unit = limits.iter().map(|(resource, _)| catalog::limit(*resource).unit.len()).max().unwrap_or(0);
    let _ =
        writeln!(text, "{:<10}  {:>20}  {:>20}  {:<unit$}  {:<9}  MEANING", "LIMIT", "SOFT", "HARD", "UNIT", "ULIMIT");
    for (resource, limits) in limits {
        let row = catalog::limit(*resource);
        let flag = match row.shell_factor {
            1 => format!("-{}", row.flag),
            1024 => format!("-{} KiB", row.flag),
            factor => format!("-{} x{factor}", row.flag),
        };
        let _ = writeln!(
            text,
            "{:<10}  {:>20}  {:>20}  {:<unit$}  {flag:<9}  {}",
            resource, limits.soft, limits.hard, row.unit, row.title
        );
    }
    text
}

fn document(process: &NamedProcess, limits: &[(Resource, Limits)]) -> String {
    let entries = limits.iter().map(|(resource, limits)| {
        let row = catalog::limit(*resource);
        Entry {
            limit: resource.name(),
            soft: limits.soft.into(),
            hard: limits.hard.into(),
            unit: row.unit,
            title: row.title,
            ulimit_flag: format!("-{}", row.flag),
            ulimit_factor: row.shell_factor,
        }
    });
    written(&Document {
        schema_version: SCHEMA_VERSION,
        tunectl: env!("CARGO_PKG_VERSION"),
        command: "limits",
        pid: process.pid,
        name: Some(process.name.as_str()).filter(|name| !name.is_empty()),
        limits: entries.collect(),
    })
}
