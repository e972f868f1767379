//! One file: its top level. Each table has a parser of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;
use std::rc::Rc;

use toml::de::{DeTable, DeValue};

use super::document::{self, FileContext, Node, NodeName, describe, entries, unknown};
use super::problem::{Problem, Problems, ProfileError};
use super::{
    Lookup, PreflightRequirement, RawRequirement, Source, key_tables, preflight_table, rlimit_table, small_tables,
};
use crate::model::ranges::Ranges;
use crate::model::setting::{Setting, System};
use crate::snippet::Location;

/// What one file says, before those that it extends are merged.
#[derive(Clone, Debug, Default)]
pub(super) struct ParsedFile {
    pub(super) description: Option<String>,
    /// The names that it extends, with their spans.
    pub(super) extends: Vec<(String, Range<usize>)>,
    pub(super) requirements: Vec<RawRequirement>,
    pub(super) ports: Option<(Ranges, Range<usize>)>,
    pub(super) run: Vec<small_tables::RunSetting>,
    pub(super) preflight: Vec<PreflightRequirement>,
    /// The codes of the warnings that it silences.
    pub(super) allowed: Vec<&'static str>,
}

/// The names at the top level.
const TOP_LEVEL: [&str; 9] =
    ["description", "extends", "lint", "linux", "macos", "preflight", "rlimit", "run", "service"];

/// Reads one file.
///
/// # Errors
/// All errors in it; where it is not TOML, the first.
pub(super) fn parse(source: &Rc<Source>, lookup: Lookup<'_>) -> Result<ParsedFile, Problems> {
    let mut context = FileContext { source, lookup, problems: Vec::new() };
    let document = document::parse(&source.text);
    if let Some(error) = document.as_ref().err().filter(|error| !is_profile_before(&source.text, error.span.start)) {
        return Err(not_a_profile(source, error).into());
    }
    let file = context.keep(document).map(|document| top_level(&mut context, &document)).unwrap_or_default();
    refuse_twice(&mut context, &file.requirements);
    if context.problems.is_empty() {
        return Ok(file);
    }
    if let Some(user) = source.hidden_from {
        return Err(hidden(source, user).into());
    }
    let position = |problem: &Problem| problem.places.first().map_or(0, |(origin, _)| origin.span.start + 1);
    context.problems.sort_by_key(position);
    Err(Problems(context.problems))
}

/// Whether what comes before `at` is the beginning of a profile: the statements before that line are TOML, and one of
/// them, or the line itself, has a name of the top level. Only of such a file are lines shown that are no TOML: with
/// privileges, or for a service, it may be somebody's file of passwords.
fn is_profile_before(text: &str, at: usize) -> bool {
    let at = at.min(text.len());
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let (before, line) = (text.get(..start).unwrap_or_default(), text.get(start..).unwrap_or_default());
    let is_top_level = |name: &str| TOP_LEVEL.contains(&name);
    let named = line.trim_start().trim_start_matches('[').trim_start();
    let end = named.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(named.len());
    is_top_level(named.get(..end).unwrap_or_default())
        || document::parse(before)
            .is_ok_and(|table| entries(&table).iter().any(|(name, _)| is_top_level(name.get_ref())))
}

/// The error of a file that holds no profile: with its place, and without its text.
fn not_a_profile(source: &Source, error: &ProfileError) -> Problem {
    let place = Location { file: &source.label, text: &source.text, span: error.span.clone(), note: "" }.label();
    Problem::error(error.message.clone(), None).help(format!(
        "{place}: no line is shown of a file that does not begin as a profile does, as with `[linux.sysctl]`"
    ))
}

/// The error in a file that the user behind sudo(8) may not read.
fn hidden(source: &Source, user: u32) -> Problem {
    Problem::error(format!("`{}` is not a valid profile", source.label), None)
        .help(format!("no line of it is shown, since uid {user}, who has called sudo, may not read it"))
}

fn top_level(context: &mut FileContext<'_>, document: &DeTable<'_>) -> ParsedFile {
    let mut file = ParsedFile::default();
    for (name, node) in entries(document) {
        match name.get_ref().as_ref() {
            "description" => file.description = context.keep(one_line(node)),
            "extends" => file.extends = context.keep(names(node)).unwrap_or_default(),
            "lint" => {
                let table = context.keep(expect_table(node));
                file.allowed = table.map(|table| small_tables::lint_allow(context, table)).unwrap_or_default();
            }
            "linux" => file.requirements.extend(system(context, System::Linux, node)),
            "macos" => file.requirements.extend(system(context, System::MacOs, node)),
            "preflight" => {
                let table = context.keep(expect_table(node));
                file.preflight = table.map(|table| preflight_table::read(context, table)).unwrap_or_default();
            }
            "rlimit" => {
                let table = context.keep(expect_table(node));
                file.requirements.extend(table.map(|table| rlimit_table::read(context, table)).unwrap_or_default());
            }
            "run" => {
                let table = context.keep(expect_table(node));
                file.run = table.map(|table| small_tables::run(context, table)).unwrap_or_default();
            }
            "service" => {
                let table = context.keep(expect_table(node));
                file.ports = table.and_then(|table| small_tables::service(context, table));
            }
            other => {
                let error =
                    misplaced(name).unwrap_or_else(|| unknown("table or field", other, &TOP_LEVEL, name.span()));
                context.add(error);
            }
        }
    }
    file
}

/// `[linux]` and `[macos]`.
fn system(context: &mut FileContext<'_>, system: System, node: &Node<'_>) -> Vec<RawRequirement> {
    let known: &[&str] = match system {
        System::Linux => &["sysctl", "sysfs"],
        System::MacOs => &["sysctl"],
    };
    let Some(table) = context.keep(expect_table(node)) else { return Vec::new() };
    let mut requirements = Vec::new();
    for (name, node) in entries(table) {
        let tree = match name.get_ref().as_ref() {
            "sysctl" => key_tables::KeyTree::Sysctl,
            "sysfs" if system == System::Linux => key_tables::KeyTree::Sysfs,
            "rlimit" => {
                let error = ProfileError::new(name.span(), "limits are for every system");
                context.add(error.help("put them into the table `[rlimit]`"));
                continue;
            }
            other => {
                context.add(unknown("table", other, known, name.span()));
                continue;
            }
        };
        let Some(table) = context.keep(expect_table(node)) else { continue };
        requirements.extend(key_tables::read(context, system, tree, table));
    }
    requirements
}

/// The error for a table that is expected at the top level and is elsewhere.
fn misplaced(name: &NodeName<'_>) -> Option<ProfileError> {
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

/// Adds an error for the same setting in two spellings, which are two keys to TOML.
fn refuse_twice(context: &mut FileContext<'_>, requirements: &[RawRequirement]) {
    let mut seen: HashMap<(Option<System>, &Setting), &RawRequirement> = HashMap::with_capacity(requirements.len());
    for requirement in requirements {
        match seen.entry((requirement.system, &requirement.setting)) {
            Entry::Vacant(place) => {
                place.insert(requirement);
            }
            Entry::Occupied(first) => {
                let problem = Problem::error(
                    format!("`{}` is set twice in this file", requirement.setting),
                    Some(requirement.origin.clone()),
                );
                context.problems.push(problem.see(&first.get().origin, "first here"));
            }
        }
    }
}
