//! One file: its top level, each table handed to the one that knows it.

use std::collections::hash_map::Entry;
use std::hash::BuildHasherDefault;
use std::ops::Range;
use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems, ProfileError};
use super::reader::{Reader, unknown};
use super::tree::{Name, Node, describe, entries};
use super::{Lookup, RawRequirement, Source, keys, lint_allow, rlimit, run, service, tree};
use crate::model::hashed::Hashed;
use crate::model::order::by_place;
use crate::model::ranges::Ranges;
use crate::model::setting::{Setting, System};

/// What one file says.
#[derive(Clone, Debug, Default)]
pub(super) struct File {
    pub(super) description: Option<String>,
    /// The names that it extends, with their places.
    pub(super) extends: Vec<(String, Range<usize>)>,
    pub(super) requirements: Vec<RawRequirement>,
    pub(super) ports: Option<(Ranges, Range<usize>)>,
    pub(super) run: Vec<run::Setting>,
    /// The codes of the warnings that it silences.
    pub(super) allowed: Vec<&'static str>,
}

const TOP: [&str; 8] = ["description", "extends", "lint", "linux", "macos", "rlimit", "run", "service"];

/// Reads one file.
///
/// # Errors
/// All that is wrong with it; where it is no TOML, the first place at which it is none.
pub(super) fn parse(source: &Rc<Source>, lookup: Lookup<'_>) -> Result<File, Problems> {
    let mut reader = Reader { source, lookup, problems: Vec::new() };
    let document = tree::parse(&source.text);
    let file = reader.keep(document).map(|document| top(&mut reader, &document)).unwrap_or_default();
    refuse_twice(&mut reader, &file.requirements);
    if reader.problems.is_empty() {
        return Ok(file);
    }
    let place = |problem: &Problem| problem.places.first().map_or(0, |(origin, _)| origin.span.start + 1);
    Err(Problems(by_place(reader.problems, place)))
}

fn top(reader: &mut Reader<'_>, document: &DeTable<'_>) -> File {
    let mut file = File::default();
    for (name, node) in entries(document) {
        match name.get_ref().as_ref() {
            "description" => file.description = reader.keep(one_line(node)),
            "extends" => file.extends = reader.keep(names(node)).unwrap_or_default(),
            "lint" => {
                let table = reader.keep(expect_table(node));
                file.allowed = table.map(|table| lint_allow::read(reader, table)).unwrap_or_default();
            }
            "linux" => file.requirements.extend(system(reader, System::Linux, node)),
            "macos" => file.requirements.extend(system(reader, System::MacOs, node)),
            "rlimit" => {
                let table = reader.keep(expect_table(node));
                file.requirements.extend(table.map(|table| rlimit::read(reader, table)).unwrap_or_default());
            }
            "run" => {
                let table = reader.keep(expect_table(node));
                file.run = table.map(|table| run::read(reader, table)).unwrap_or_default();
            }
            "service" => {
                let table = reader.keep(expect_table(node));
                file.ports = table.and_then(|table| service::read(reader, table));
            }
            other => {
                let fault = misplaced(name).unwrap_or_else(|| unknown("table or field", other, &TOP, name.span()));
                reader.note(fault);
            }
        }
    }
    file
}

/// `[linux]` and `[macos]`.
fn system(reader: &mut Reader<'_>, system: System, node: &Node<'_>) -> Vec<RawRequirement> {
    let known: &[&str] = match system {
        System::Linux => &["sysctl", "sysfs"],
        System::MacOs => &["sysctl"],
    };
    let Some(table) = reader.keep(expect_table(node)) else { return Vec::new() };
    let mut wishes = Vec::new();
    for (name, node) in entries(table) {
        let tree = match name.get_ref().as_ref() {
            "sysctl" => keys::Tree::Sysctl,
            "sysfs" if system == System::Linux => keys::Tree::Sysfs,
            "rlimit" => {
                let fault = ProfileError::new(name.span(), "limits are for every system");
                reader.note(fault.help("put them into the table `[rlimit]`"));
                continue;
            }
            other => {
                reader.note(unknown("table", other, known, name.span()));
                continue;
            }
        };
        let Some(table) = reader.keep(expect_table(node)) else { continue };
        wishes.extend(keys::read(reader, system, tree, table));
    }
    wishes
}

/// A table that people look for at the top, and where it is.
fn misplaced(name: &Name<'_>) -> Option<ProfileError> {
    let (message, help) = match name.get_ref().as_ref() {
        "sysctl" => ("the table `sysctl` belongs to one system", "write `[linux.sysctl]` or `[macos.sysctl]`"),
        "sysfs" => ("the table `sysfs` belongs to one system", "write `[linux.sysfs]`"),
        "limits" | "ulimit" | "ulimits" | "rlimits" => ("limits are in the table `rlimit`", "write `[rlimit]`"),
        _ => return None,
    };
    Some(ProfileError::new(name.span(), message).help(help))
}

fn expect_table<'t, 'i>(node: &'t Node<'i>) -> Result<&'t DeTable<'i>, ProfileError> {
    node.get_ref()
        .as_table()
        .ok_or_else(|| ProfileError::new(node.span(), format!("expected a table, found {}", describe(node))))
}

fn one_line(node: &Node<'_>) -> Result<String, ProfileError> {
    match node.get_ref() {
        DeValue::String(text) if !text.chars().any(char::is_control) => Ok(text.to_string()),
        DeValue::String(_) => {
            Err(ProfileError::new(node.span(), "a description is one line, without control characters"))
        }
        _ => Err(ProfileError::new(node.span(), format!("expected a line of text, found {}", describe(node)))),
    }
}

fn names(node: &Node<'_>) -> Result<Vec<(String, Range<usize>)>, ProfileError> {
    let name = |node: &Node<'_>| match node.get_ref() {
        DeValue::String(text) if !text.is_empty() => Ok((text.to_string(), node.span())),
        _ => Err(ProfileError::new(
            node.span(),
            format!("expected the name or the path of a profile, found {}", describe(node)),
        )),
    };
    match node.get_ref() {
        DeValue::Array(items) => items.iter().map(name).collect(),
        _ => name(node).map(|name| vec![name]),
    }
}

/// The same setting by two spellings, which TOML itself takes for two keys.
fn refuse_twice(reader: &mut Reader<'_>, wishes: &[RawRequirement]) {
    let mut seen: Hashed<(Option<System>, &Setting), &RawRequirement> =
        Hashed::with_capacity_and_hasher(wishes.len(), BuildHasherDefault::default());
    for wish in wishes {
        match seen.entry((wish.system, &wish.setting)) {
            Entry::Vacant(place) => {
                place.insert(wish);
            }
            Entry::Occupied(first) => {
                let problem = Problem::error(
                    format!("`{}` is asked for twice in this file", wish.setting),
                    Some(wish.origin.clone()),
                );
                reader.problems.push(problem.see(&first.get().origin, "first here"));
            }
        }
    }
}
